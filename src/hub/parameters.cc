#include "hub/parameters.h"

#include <charconv>
#include <string>
#include <system_error>

#include "base/text.h"

namespace skein::hub {

Result<std::int64_t> parse_integer(std::string_view name, std::string_view text, std::int64_t least,
                                   std::int64_t most) {
  std::int64_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = read.ec == std::errc() && read.ptr == text.data() + text.size();
  if (!whole || value < least || value > most) {
    return fail(kBadRequest,
                concat(quoted(name), " must be a whole number from ", std::to_string(least), " to ",
                       std::to_string(most), ", not ", quoted(text)));
  }
  return value;
}

Result<std::optional<std::int64_t>> integer_parameter(const http::Target& target,
                                                      std::string_view name, std::int64_t least,
                                                      std::int64_t most) {
  const auto text = target.parameter(name);
  if (!text) return std::nullopt;
  TRY_ASSIGN(const std::int64_t value, parse_integer(name, *text, least, most));
  return value;
}

}  // namespace skein::hub
