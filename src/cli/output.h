// What a command says to a person or a program: results on stdout, errors and hints on stderr,
// everything from outside escaped; and the exit codes.
#pragma once

#include <string_view>

#include "base/error.h"

namespace skein::cli {

enum Exit : int {
  kDone = 0,
  kFailed = 1,
  kBadUsage = 2,
  kNotComplete = 3,  // run the same command again
  kNotAllowed = 4,
  kNobodyThere = 5,
};

[[nodiscard]] Exit exit_for(ErrorKind kind);

struct OutputFlags {
  bool json = false;
  bool quiet = false;
};

// "skein: error: …" and, if there is one, "skein: hint: …"; returns the exit code.
Exit report(const Error& error);
void report_error(std::string_view text);
void report_hint(std::string_view text);

// A line on stdout. A reader that has gone away (a closed pipe) ends the program quietly.
void print_line(std::string_view line);
void flush_output();

// How many columns of a terminal the text takes: 2 for wide characters, 0 for combining ones.
[[nodiscard]] std::size_t columns_of(std::string_view text);
// The text cut to at most `columns`, ending in "…" if it was.
[[nodiscard]] std::string cut_to_columns(std::string_view text, std::size_t columns);

}  // namespace skein::cli
