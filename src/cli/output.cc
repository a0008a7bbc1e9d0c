#include "cli/output.h"

#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/text.h"

namespace skein::cli {

Exit exit_for(ErrorKind kind) {
  if (kind == kUsage) return kBadUsage;
  if (kind == kNoHub) return kNobodyThere;
  if (kind == kRefused || kind == kBadName || kind == kVersion) return kNotAllowed;
  if (kind == kIncomplete || kind == kChanged || kind == kNoSpace || kind == kCancelled ||
      kind == kClosed || kind == kTimeout || kind == kSuperseded) {
    return kNotComplete;
  }
  return kFailed;
}

Exit report(const Error& error) {
  report_error(error.text());
  if (!error.hint().empty()) report_hint(error.hint());
  return exit_for(error.kind());
}

void report_error(std::string_view text) {
  std::fputs(concat("skein: error: ", escaped(text), "\n").c_str(), stderr);
}

void report_hint(std::string_view text) {
  std::fputs(concat("skein: hint: ", escaped(text), "\n").c_str(), stderr);
}

void print_line(std::string_view line) {
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fputc('\n', stdout);
}

void flush_output() {
  // Without this a full disk behind "skein ls > list" would go unnoticed.
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    report_error("writing the output failed");
    std::_Exit(kFailed);
  }
}

namespace {

std::size_t columns_of_code_point(char32_t c) {
  if ((c >= 0x300 && c <= 0x36F) || (c >= 0xFE00 && c <= 0xFE0F) || (c >= 0x20D0 && c <= 0x20FF)) {
    return 0;  // combining marks, variation selectors
  }
  const bool wide = (c >= 0x1100 && c <= 0x115F) || (c >= 0x2E80 && c <= 0xA4CF) ||
                    (c >= 0xAC00 && c <= 0xD7A3) || (c >= 0xF900 && c <= 0xFAFF) ||
                    (c >= 0xFE30 && c <= 0xFE6F) || (c >= 0xFF00 && c <= 0xFF60) ||
                    (c >= 0xFFE0 && c <= 0xFFE6) || (c >= 0x1F300 && c <= 0x1FAFF) ||
                    (c >= 0x20000 && c <= 0x3FFFD);
  return wide ? 2 : 1;
}

}  // namespace

std::size_t columns_of(std::string_view text) {
  std::size_t columns = 0;
  while (!text.empty()) {
    const CodePoint point = first_code_point(text);
    columns += columns_of_code_point(point.value);
    text.remove_prefix(point.size);
  }
  return columns;
}

std::string cut_to_columns(std::string_view text, std::size_t columns) {
  if (columns_of(text) <= columns) return std::string(text);
  if (columns == 0) return "";
  std::string out;
  std::size_t used = 1;  // the ellipsis
  while (!text.empty()) {
    const CodePoint point = first_code_point(text);
    used += columns_of_code_point(point.value);
    if (used > columns) break;
    out += text.substr(0, point.size);
    text.remove_prefix(point.size);
  }
  return out + "…";
}

}  // namespace skein::cli
