#include "auth/policy.h"

#include <utility>

#include "base/text.h"

namespace skein::auth {

bool may(Role role, Right right) {
  switch (role) {
    case Role::kGuest: return right != Right::kRead && right != Right::kChange;
    case Role::kLocal: return true;
  }
  std::unreachable();
}

Result<void> authorize(const Principal& principal, Right right, std::string_view operation) {
  if (may(principal.role, right)) return {};
  return fail(kRefused, concat(quoted(principal.member), " may not ", operation));
}

}  // namespace skein::auth
