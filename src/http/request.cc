#include "http/request.h"

#include <algorithm>

#include "http/ascii.h"

namespace skein::http {

std::optional<std::string_view> Request::field(std::string_view name) const {
  const auto found = std::ranges::find_if(
      fields, [&](const Field& field) { return equal_ignoring_case(field.name, name); });
  if (found == fields.end()) return std::nullopt;
  return found->value;
}

}  // namespace skein::http
