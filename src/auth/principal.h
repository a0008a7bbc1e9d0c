// Who is acting: every operation, by whatever way it came in, carries one. Values, any thread.
#pragma once

#include <string>
#include <string_view>

namespace skein::auth {

enum class Role {
  kGuest,  // claims nothing: may leave files, change nothing that is there but by replacing, and
           // take part in the lobby (its way in knows no other room)
  kLocal,  // this machine, open hub: may do everything
};

struct Principal {
  std::string member;  // "local/NAME", claimed by the client; "guest" for who claims nothing
  std::string device;  // 32 hexadecimal digits, or empty
  Role role = Role::kGuest;
};

// Somebody of this machine who said hello; `name` may be empty.
[[nodiscard]] Principal local_principal(std::string_view name, std::string device);
// A client that cannot say who it is: the tutorial's.
[[nodiscard]] Principal guest_principal();

}  // namespace skein::auth
