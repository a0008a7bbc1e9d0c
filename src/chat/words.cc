#include "chat/words.h"

#include "base/text.h"

namespace skein::chat {

namespace {

struct Range {
  char32_t first;
  char32_t last;
};

// Blocks of Unicode, with what is not assigned in them yet.
constexpr Range kApart[] = {
    {0x1100, 0x11FF},    // Hangul, its parts
    {0x2E80, 0x2FDF},    // radicals
    {0x3005, 0x3007},    // repetition, closing, zero
    {0x3021, 0x3029},    // Hangzhou numerals
    {0x3031, 0x3035},    // repetition in kana
    {0x3038, 0x303C},    //
    {0x3041, 0x30FF},    // Hiragana, Katakana
    {0x3105, 0x31FF},    // Bopomofo, Hangul, strokes, Katakana
    {0x3400, 0x4DBF},    // Han
    {0x4E00, 0x9FFF},    //
    {0xA960, 0xA97F},    // Hangul
    {0xAC00, 0xD7FF},    //
    {0xF900, 0xFAFF},    // Han
    {0xFF66, 0xFFDC},    // Katakana and Hangul of half width
    {0x1AFF0, 0x1B16F},  // Katakana and Hiragana
    {0x20000, 0x3FFFF},  // Han
};

bool stands_apart(char32_t c) {
  for (const Range& range : kApart) {
    if (c <= range.last) return c >= range.first;
  }
  return false;
}

bool is_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

}  // namespace

std::string spaced(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 2);
  while (!text.empty()) {
    if (const char c = text.front(); c > 0) {  // ASCII
      out += c;
      text.remove_prefix(1);
      continue;
    }
    const CodePoint point = first_code_point(text);
    const bool apart = stands_apart(point.value);
    if (apart) out += ' ';
    if (point.value == 0) {
      out += ' ';
    } else {
      out += text.substr(0, point.size);
    }
    if (apart) out += ' ';
    text.remove_prefix(point.size);
  }
  return out;
}

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  std::size_t begin = 0;
  for (std::size_t at = 0; at < text.size();) {
    const CodePoint point = first_code_point(text.substr(at));
    if (is_space(point.value)) {
      if (at > begin) words.push_back(text.substr(begin, at - begin));
      begin = at + point.size;
    }
    at += point.size;
  }
  if (begin < text.size()) words.push_back(text.substr(begin));
  return words;
}

std::string match_query(std::string_view text) {
  std::string query;
  for (const std::string_view word : split_words(text)) {
    query += query.empty() ? "\"" : " \"";
    for (const char c : spaced(word)) query += c == '"' ? ' ' : c;
    query += '"';
  }
  return query;
}

}  // namespace skein::chat
