// Flags of a command: each with its help and what it sets in one place. Flags may stand before or
// after the arguments; "--" ends them. getopt_long does the parsing.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace skein::cli {

struct Flag {
  std::string_view name;      // "hub", without dashes
  std::string_view argument;  // "HOST:PORT"; empty: takes none
  std::string_view help;
  std::function<Result<void>(const std::string& value)> set;
};

// The arguments that are no flags. kUsage for an unknown flag, a missing value, a refused one.
[[nodiscard]] Result<std::vector<std::string>> parse_flags(
    const std::vector<std::string>& arguments, const std::vector<Flag>& flags);

// One line per flag, aligned.
[[nodiscard]] std::string flags_help(const std::vector<Flag>& flags);

// Setters for common shapes.
[[nodiscard]] std::function<Result<void>(const std::string&)> set_true(bool& target);
[[nodiscard]] std::function<Result<void>(const std::string&)> set_text(std::string& target);
// Seconds, 0 to a day, into milliseconds.
[[nodiscard]] std::function<Result<void>(const std::string&)> set_seconds(std::int64_t& target_ms);
// A number of such things (of static lifetime), 0 to a million.
[[nodiscard]] std::function<Result<void>(const std::string&)> set_count(std::int64_t& target,
                                                                        std::string_view things);

}  // namespace skein::cli
