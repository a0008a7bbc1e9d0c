#include "auth/principal.h"

#include <utility>

#include "base/text.h"

namespace skein::auth {

Principal local_principal(std::string_view name, std::string device) {
  return {concat("local/", name.empty() ? "anonymous" : name), std::move(device), Role::kLocal};
}

Principal guest_principal() {
  return {"guest", "", Role::kGuest};
}

}  // namespace skein::auth
