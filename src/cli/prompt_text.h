// The arithmetic of an edited line: characters out of typed bytes, and where text ends in a
// terminal. Pure, any thread.
#pragma once

#include <string>
#include <string_view>

namespace skein::cli {

// Takes the first character off `bytes`; 0 when the rest of it is still to come. Bytes that are no
// UTF-8 are dropped.
[[nodiscard]] wchar_t take_character(std::string& bytes);

[[nodiscard]] std::wstring wide(std::string_view utf8);
[[nodiscard]] std::string narrow(std::wstring_view text);  // UTF-8

// A cell of the terminal, counted from where the text begins.
struct Cell {
  int row = 0;
  int column = 0;
  friend bool operator==(const Cell&, const Cell&) = default;
};
// Where the cursor is after `text`, which begins at `from`: as libedit lays a line out. A row that
// is full ends on the next one; what is wide is not cut in two; a control character takes two
// columns. The widths are those of the locale.
[[nodiscard]] Cell cell_after(std::wstring_view text, Cell from, int columns);

}  // namespace skein::cli
