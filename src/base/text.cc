#include "base/text.h"

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>

namespace skein {

CodePoint first_code_point(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1, true};

  std::size_t size = 0;
  char32_t value = 0;
  char32_t least = 0;  // smaller values would be an overlong form
  if ((lead & 0xE0U) == 0xC0) {
    size = 2, value = lead & 0x1FU, least = 0x80;
  } else if ((lead & 0xF0U) == 0xE0) {
    size = 3, value = lead & 0x0FU, least = 0x800;
  } else if ((lead & 0xF8U) == 0xF0) {
    size = 4, value = lead & 0x07U, least = 0x10000;
  } else {
    return {lead, 1, false};
  }
  if (text.size() < size) return {lead, 1, false};
  for (std::size_t i = 1; i < size; ++i) {
    if ((byte(i) & 0xC0U) != 0x80) return {lead, 1, false};
    value = (value << 6U) | (byte(i) & 0x3FU);
  }
  const bool surrogate = value >= 0xD800 && value <= 0xDFFF;
  if (value < least || value > 0x10FFFF || surrogate) return {lead, 1, false};
  return {value, size, true};
}

namespace {

// Most text is ASCII, and most of it long enough to be looked at eight bytes at a time.
std::string_view without_ascii(std::string_view text) {
  constexpr std::uint64_t kHighBits = 0x8080'8080'8080'8080;
  while (text.size() >= sizeof(kHighBits)) {
    std::uint64_t eight = 0;
    std::memcpy(&eight, text.data(), sizeof(eight));
    if ((eight & kHighBits) != 0) break;
    text.remove_prefix(sizeof(eight));
  }
  return text;
}

}  // namespace

bool is_utf8(std::string_view text) {
  while (true) {
    text = without_ascii(text);
    if (text.empty()) return true;
    const CodePoint point = first_code_point(text);
    if (!point.ok) return false;
    text.remove_prefix(point.size);
  }
}

namespace {

bool harmful(char32_t c) {
  if (c < 0x20 || (c >= 0x7F && c < 0xA0)) return true;  // C0, DEL, C1
  return c == 0x00AD || c == 0x034F ||                   // soft hyphen, grapheme joiner
         c == 0x061C ||                                  // Arabic letter mark
         c == 0x115F || c == 0x1160 ||                   // Hangul fillers
         c == 0x17B4 || c == 0x17B5 ||                   // Khmer vowels without a shape
         (c >= 0x180B && c <= 0x180F) ||                 // Mongolian selectors
         (c >= 0x200B && c <= 0x200F) ||                 // zero width, left/right marks
         (c >= 0x2028 && c <= 0x202E) ||                 // separators, embeddings, overrides
         (c >= 0x2060 && c <= 0x206F) ||                 // joiners, isolates, deprecated
         c == 0x3164 || c == 0xFFA0 ||                   // Hangul fillers
         c == 0xFEFF ||                                  // byte order mark
         (c >= 0xFFF9 && c <= 0xFFFB) ||                 // interlinear annotation
         (c >= 0xE0000 && c <= 0xE0FFF);                 // tags
}

void append_hex_byte(std::string& out, unsigned char byte) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  out += "\\x";
  out += kDigits[byte >> 4U];
  out += kDigits[byte & 0xFU];
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const CodePoint point = first_code_point(text);
    if (!point.ok || (point.value < 0x80 && harmful(point.value))) {
      append_hex_byte(out, static_cast<unsigned char>(text[0]));
    } else if (harmful(point.value)) {
      std::array<char, 16> code{};
      std::snprintf(code.data(), code.size(), "\\u{%x}", static_cast<unsigned>(point.value));
      out += code.data();
    } else {
      out += text.substr(0, point.size);
    }
    text.remove_prefix(point.size);
  }
  return out;
}

std::string quoted(std::string_view name) {
  constexpr std::size_t kShown = 160;
  if (name.size() <= kShown) return concat("'", escaped(name), "'");
  std::string_view head = name.substr(0, kShown / 2);
  std::string_view tail = name.substr(name.size() - kShown / 2);
  // Do not cut a character in two: step over continuation bytes at both cuts, of which a
  // character has three at most (what has more is no text, and is shown byte by byte).
  const auto continues = [&](std::size_t at) {
    return (static_cast<unsigned char>(name[at]) & 0xC0U) == 0x80;
  };
  for (int i = 0; i < 3 && continues(head.size()); ++i) head.remove_suffix(1);
  for (int i = 0; i < 3 && continues(name.size() - tail.size()); ++i) tail.remove_prefix(1);
  return concat("'", escaped(head), "…", escaped(tail), "'");
}

std::string human_bytes(std::uint64_t bytes) {
  if (bytes == 1) return "1 byte";
  if (bytes < 1000) return std::to_string(bytes) + " bytes";
  constexpr std::array<std::string_view, 6> kUnits = {"kB", "MB", "GB", "TB", "PB", "EB"};
  double value = static_cast<double>(bytes) / 1000;
  std::size_t unit = 0;
  while (value >= 999.5 && unit + 1 < kUnits.size()) {
    value /= 1000;
    ++unit;
  }
  std::array<char, 32> number{};
  std::snprintf(number.data(), number.size(), value < 99.95 ? "%.1f" : "%.0f", value);
  return concat(number.data(), " ", kUnits[unit]);
}

std::string human_count(std::uint64_t count) {
  std::string out = std::to_string(count);
  for (std::size_t at = out.size(); at > 3;) {
    at -= 3;
    out.insert(at, 1, ',');
  }
  return out;
}

std::string counted(std::uint64_t count, std::string_view noun) {
  return concat(human_count(count), " ", noun, count == 1 ? "" : "s");
}

}  // namespace skein
