// The table of operations: what each needs, and who carries it out.
#pragma once

#include <cstddef>
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
  std::size_t max_payload = 0;  // bytes that it takes; 0: none, whatever comes is skipped
  bool endless = false;         // its answer goes on until the client, or the connection, ends it
};

// Nothing when the protocol has no such word.
[[nodiscard]] const Operation* find_operation(std::string_view name);

}  // namespace skein::hub
