// The table of operations: what each needs, and who carries it out.
#pragma once

#include <string_view>

#include "auth/policy.h"
#include "hub/context.h"
#include "hub/request.h"
#include "hub/transfers.h"

namespace skein::hub {

struct Operation {
  std::string_view name;
  auth::Right right;
  // Empty for those that the session sees to itself: hello, ping, cancel, block.
  Answering (*carry_out)(Context&, Transfers&, Request&);
};

// Nothing when the protocol has no such word.
[[nodiscard]] const Operation* find_operation(std::string_view name);

}  // namespace skein::hub
