#include "cli/prompt_text.h"

#include <algorithm>
#include <cwchar>
#include <cwctype>

#include "base/text.h"

namespace skein::cli {

namespace {

// How many bytes a character that begins with this one has; 0: none begins so.
std::size_t promised_size(unsigned char lead) {
  if (lead < 0x80) return 1;
  if (lead >= 0xC2 && lead < 0xE0) return 2;
  if (lead >= 0xE0 && lead < 0xF0) return 3;
  return lead >= 0xF0 && lead < 0xF5 ? 4 : 0;
}

bool all_continue(std::string_view bytes) {
  return std::ranges::all_of(
      bytes, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80; });
}

int width_of(wchar_t c) {
  if (c < 0x100 && std::iswcntrl(static_cast<std::wint_t>(c)) != 0) return 2;      // ^A
  if (std::iswprint(static_cast<std::wint_t>(c)) == 0) return c > 0xFFFF ? 8 : 7;  // \U+20AC
  return std::max(wcwidth(c), 0);
}

}  // namespace

wchar_t take_character(std::string& bytes) {
  while (!bytes.empty()) {
    const CodePoint point = first_code_point(bytes);
    if (!point.ok) {
      const std::size_t promised = promised_size(static_cast<unsigned char>(bytes.front()));
      if (bytes.size() < promised && all_continue(std::string_view(bytes).substr(1))) return 0;
    }
    bytes.erase(0, point.size);
    if (point.ok && point.value != 0) return static_cast<wchar_t>(point.value);
  }
  return 0;
}

std::wstring wide(std::string_view utf8) {
  std::wstring out;
  std::string rest(utf8);
  while (const wchar_t c = take_character(rest)) out += c;
  return out;
}

std::string narrow(std::wstring_view text) {
  std::string out;
  const auto put = [&out](std::uint32_t byte) { out += static_cast<char>(byte); };
  for (const wchar_t character : text) {
    const auto c = static_cast<std::uint32_t>(character);
    if (c < 0x80) {
      put(c);
    } else if (c < 0x800) {
      put(0xC0U | (c >> 6U));
      put(0x80U | (c & 0x3FU));
    } else if (c < 0x10000) {
      put(0xE0U | (c >> 12U));
      put(0x80U | ((c >> 6U) & 0x3FU));
      put(0x80U | (c & 0x3FU));
    } else {
      put(0xF0U | (c >> 18U));
      put(0x80U | ((c >> 12U) & 0x3FU));
      put(0x80U | ((c >> 6U) & 0x3FU));
      put(0x80U | (c & 0x3FU));
    }
  }
  return out;
}

Cell cell_after(std::wstring_view text, Cell from, int columns) {
  Cell at = from;
  const auto step = [&at, columns](int width) {
    at.column += width;
    if (at.column >= columns) at = {at.row + 1, 0};
  };
  for (const wchar_t c : text) {
    if (c == L'\n') {
      at = {at.row + 1, 0};
    } else if (c == L'\t') {
      do {
        step(1);
      } while (at.column % 8 != 0);
    } else if (const int width = width_of(c); width > 2 || c < 0x20) {
      for (int i = 0; i < width; ++i) step(1);
    } else {
      if (width == 2 && at.column + width > columns) at = {at.row + 1, 0};
      step(width);
    }
  }
  return at;
}

}  // namespace skein::cli
