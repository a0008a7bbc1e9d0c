// Words: what a message is found by. The index knows words as runs of letters and digits; Chinese,
// Japanese and Korean, written without spaces, are made such that each character is a word, and a
// run of them is found as a phrase. Pure, any thread.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace skein::chat {

// `text` with each character of Han, Hiragana, Katakana and Hangul set apart by spaces, and without
// NUL, which would end it.
[[nodiscard]] std::string spaced(std::string_view text);

// The words of what a person typed: what stands between white space, of any script's.
[[nodiscard]] std::vector<std::string_view> split_words(std::string_view text);

// The same as a query in the language of SQLite's FTS5: messages that have every word. Each one is
// quoted, so that nothing of what was typed is an operator.
[[nodiscard]] std::string match_query(std::string_view text);

}  // namespace skein::chat
