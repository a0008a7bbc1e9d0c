// Who may do what: the one place where an operation is allowed or refused. Pure, any thread.
#pragma once

#include <string_view>

#include "auth/principal.h"
#include "base/result.h"

namespace skein::auth {

enum class Right {
  kConnect,  // hello, ping: what everyone may
  kRead,     // list and fetch
  kAdd,      // bring a file in; what it replaces can be restored
  kChange,   // remove, move, restore, make folders and links
  kListen,   // read messages, see who is there
  kTalk,     // send messages, make rooms
};

[[nodiscard]] bool may(Role role, Right right);

// kRefused, naming who wanted to do what (`operation` is a word of the protocol).
[[nodiscard]] Result<void> authorize(const Principal& principal, Right right,
                                     std::string_view operation);

}  // namespace skein::auth
