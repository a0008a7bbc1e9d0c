// Text from outside: is it UTF-8, and how is it shown without harm. Pure functions, any thread.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace skein {

// All parts one after the other; the parts are anything a std::string_view can be made of.
template <std::convertible_to<std::string_view>... Parts>
[[nodiscard]] std::string concat(const Parts&... parts) {
  std::string out;
  out.reserve((std::string_view(parts).size() + ... + std::size_t{0}));
  (out.append(std::string_view(parts)), ...);
  return out;
}

// One code point at the front of `text`, and how many bytes it takes (1 to 4).
// An ill-formed sequence (overlong, surrogate, cut, above U+10FFFF) yields ok == false, size 1.
struct CodePoint {
  char32_t value = 0;
  std::size_t size = 0;
  bool ok = false;
};
[[nodiscard]] CodePoint first_code_point(std::string_view text);  // text is not empty

[[nodiscard]] bool is_utf8(std::string_view text);

// The text as it may be shown in a terminal or a log: control characters (C0, DEL, C1), line and
// paragraph separators, and characters that change the direction or hide themselves become
// \xNN or \u{NNNN}; bytes that are not UTF-8 become \xNN. Applying it twice changes nothing more.
[[nodiscard]] std::string escaped(std::string_view text);

// escaped(), in single quotes, shortened in its middle when longer than a line can bear.
[[nodiscard]] std::string quoted(std::string_view name);
// For each kind of string by itself, or where <iomanip> is known the call would mean std::quoted.
[[nodiscard]] inline std::string quoted(const char* name) {
  return quoted(std::string_view(name));
}
[[nodiscard]] inline std::string quoted(const std::string& name) {
  return quoted(std::string_view(name));
}
[[nodiscard]] inline std::string quoted(std::string& name) {
  return quoted(std::string_view(name));
}

// "512 bytes", "3.1 GB", "250 MB": decimal units, one digit after the point below a hundred.
[[nodiscard]] std::string human_bytes(std::uint64_t bytes);

// "1,204"
[[nodiscard]] std::string human_count(std::uint64_t count);

// "1 file", "1,204 files"
[[nodiscard]] std::string counted(std::uint64_t count, std::string_view noun);

}  // namespace skein
