#include "store/path.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "base/limits.h"
#include "base/text.h"

namespace skein::store {

namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool equals_folded(std::string_view text, std::string_view lower_case) {
  return std::ranges::equal(text, lower_case, {}, lower);
}

// What a disk that folds case (ext4 with casefold, the Mac's) takes for nothing in a name. Only as
// far as our own names go: with one of these in it, such a name would still be ours there.
bool is_ignorable(char32_t c) {
  return c == 0xAD || c == 0x34F || c == 0x61C || c == 0x115F || c == 0x1160 || c == 0x17B4 ||
         c == 0x17B5 || (c >= 0x180B && c <= 0x180F) || (c >= 0x200B && c <= 0x200F) ||
         (c >= 0x202A && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0x3164 ||
         (c >= 0xFE00 && c <= 0xFE0F) || c == 0xFEFF || c == 0xFFA0 ||
         (c >= 0xFFF0 && c <= 0xFFF8) || (c >= 0x1BCA0 && c <= 0x1BCA3) ||
         (c >= 0x1D173 && c <= 0x1D17A) || (c >= 0xE0000 && c <= 0xE0FFF);
}

// And what it takes for one of our letters.
char32_t folded(char32_t c) {
  if (c == 0x17F) return U's';   // long s
  if (c == 0x212A) return U'k';  // Kelvin sign
  return c < 0x80 ? static_cast<char32_t>(lower(static_cast<char>(c))) : c;
}

// CON, NUL, COM1 …: with or without an extension, another machine of the user cannot hold them.
bool is_windows_device(std::string_view name) {
  name = name.substr(0, name.find('.'));
  while (name.ends_with(' ')) name.remove_suffix(1);
  constexpr std::array<std::string_view, 6> kDevices = {"con", "prn",    "aux",
                                                        "nul", "conin$", "conout$"};
  if (std::ranges::any_of(kDevices, [&](auto device) { return equals_folded(name, device); })) {
    return true;
  }
  if (!equals_folded(name.substr(0, 3), "com") && !equals_folded(name.substr(0, 3), "lpt")) {
    return false;
  }
  const std::string_view port = name.substr(3);  // superscript digits are ports to it, too
  return (port.size() == 1 && port[0] >= '1' && port[0] <= '9') || port == "\u00b9" ||
         port == "\u00b2" || port == "\u00b3";
}

// Why a component is refused; empty when it is not.
std::string_view fault_of_component(std::string_view name) {
  if (name.empty()) return "an empty component";
  if (name == "." || name == "..") return "'.' or '..'";
  if (name.size() > spec::kMaxComponentBytes) return "a component over 255 bytes";
  if (!is_utf8(name)) return "bytes that are not UTF-8";
  for (std::string_view rest = name; !rest.empty();) {
    const CodePoint point = first_code_point(rest);
    if (point.value < 0x20 || (point.value >= 0x7F && point.value < 0xA0)) {
      return "a control character";
    }
    if (point.value == U'\\') return "a backslash";
    rest.remove_prefix(point.size);
  }
  const auto letter = [](char c) { return lower(c) >= 'a' && lower(c) <= 'z'; };
  if (name.size() >= 2 && name[1] == ':' && letter(name[0])) return "a drive letter";
  if (name.ends_with('.') || name.ends_with(' ')) return "a trailing dot or space";
  if (is_windows_device(name)) return "a device name of Windows";
  if (is_reserved(name)) return "a component that begins with '.skein'";
  return {};
}

std::unexpected<Error> refuse(std::string_view path, std::string_view fault) {
  return std::unexpected(
      Error(kBadName, concat("name ", quoted(path), " is refused: it has ", fault))
          .with_hint("rename it; docs/protocol.md lists what a name may be"));
}

}  // namespace

bool is_reserved(std::string_view component) {
  std::string_view expected = kReservedPrefix;
  while (!component.empty() && !expected.empty()) {
    const CodePoint point = first_code_point(component);
    component.remove_prefix(point.size);
    if (is_ignorable(point.value)) continue;
    if (folded(point.value) != static_cast<unsigned char>(expected.front())) return false;
    expected.remove_prefix(1);
  }
  return expected.empty();
}

Result<Path> Path::parse(std::string_view text) {
  if (text.empty()) return fail(kBadName, "a name is empty");
  if (text.size() > spec::kMaxPathBytes) return refuse(text, "more than 4095 bytes");
  if (text.starts_with('/')) return refuse(text, "a '/' at its beginning");
  for (std::string_view rest = text;;) {
    const std::size_t slash = rest.find('/');
    if (const auto fault = fault_of_component(rest.substr(0, slash)); !fault.empty()) {
      return refuse(text, fault);
    }
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
  return Path(std::string(text));
}

Result<Path> Path::parse_name(std::string_view name) {
  if (name.contains('/')) return refuse(name, "a '/'");
  return parse(name);
}

std::string_view Path::name() const {
  const std::string_view text = text_;
  const std::size_t slash = text.rfind('/');
  return slash == std::string_view::npos ? text : text.substr(slash + 1);
}

Path Path::parent() const {
  const std::size_t slash = text_.rfind('/');
  return slash == std::string::npos ? Path() : Path(text_.substr(0, slash));
}

Path Path::operator/(const Path& below) const {
  if (is_root()) return below;
  if (below.is_root()) return *this;
  return Path(concat(text_, "/", below.text_));
}

bool Path::contains(const Path& other) const {
  return is_root() || other == *this ||
         (other.text_.size() > text_.size() && other.text_.starts_with(text_) &&
          other.text_[text_.size()] == '/');
}

std::string shown(const Path& path) {
  return path.is_root() ? std::string("the shared folder") : quoted(path.text());
}

}  // namespace skein::store
