// The characters of HTTP, which are ASCII whatever the locale (RFC 9110 section 5.6). Pure.
#pragma once

#include <string_view>

namespace skein::http {

[[nodiscard]] constexpr bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
[[nodiscard]] constexpr bool is_alphanumeric(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
// Those that no line holds: all but HTAB, which stands for a space in values.
[[nodiscard]] constexpr bool is_control(char c) {
  return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == '\x7f';
}

[[nodiscard]] bool is_token(std::string_view text);  // not empty: a method, the name of a field
[[nodiscard]] bool equal_ignoring_case(std::string_view a, std::string_view b);
[[nodiscard]] std::string_view trimmed(std::string_view text);  // of spaces and HTABs around it

}  // namespace skein::http
