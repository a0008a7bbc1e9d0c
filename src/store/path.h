// The path of a thing in a shared folder: relative, '/' between components, exact bytes.
// What may be a path is decided here, once, for every way in. Pure values, any thread.
#pragma once

#include <compare>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.h"

namespace skein::store {

// Every component that begins with this, in any case, is ours: partial files, trash, locks.
inline constexpr std::string_view kReservedPrefix = ".skein";

[[nodiscard]] bool is_reserved(std::string_view component);

class Path {
 public:
  // The shared folder itself.
  Path() = default;

  // A path from outside. Refused with kBadName, naming it and the rule: empty, absolute, empty
  // component, '.', '..', backslash, drive letter, a device name of Windows, trailing dot or
  // space, control characters, not UTF-8, reserved, too long. Percent signs mean themselves.
  static Result<Path> parse(std::string_view text);

  // One component from outside, by the same rules.
  static Result<Path> parse_name(std::string_view name);

  // A path of ours below the reserved folder, `text` a literal or made by us.
  static Path internal(std::string text) { return Path(std::move(text)); }

  [[nodiscard]] bool is_root() const { return text_.empty(); }
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] std::string_view name() const;  // last component; empty for the root
  [[nodiscard]] Path parent() const;            // of the root: the root
  [[nodiscard]] Path operator/(const Path& below) const;
  // True when `other` is this path or lies below it.
  [[nodiscard]] bool contains(const Path& other) const;

  friend auto operator<=>(const Path&, const Path&) = default;

 private:
  explicit Path(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

// For messages: quoted, or "the shared folder".
[[nodiscard]] std::string shown(const Path& path);

}  // namespace skein::store
