#include "cli/flags.h"

#include <getopt.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <utility>

#include "base/text.h"

namespace skein::cli {

namespace {
constexpr int kFirstFlag = 256;  // above every character: the one short option is -h
}

Result<std::vector<std::string>> parse_flags(const std::vector<std::string>& arguments,
                                             const std::vector<Flag>& flags) {
  std::vector<std::string> names;
  names.reserve(flags.size());
  for (const Flag& flag : flags) names.emplace_back(flag.name);
  std::vector<option> options;
  options.reserve(flags.size() + 1);
  for (std::size_t i = 0; i < flags.size(); ++i) {
    options.push_back({names[i].c_str(),
                       flags[i].argument.empty() ? no_argument : required_argument, nullptr,
                       kFirstFlag + static_cast<int>(i)});
  }
  options.push_back({nullptr, 0, nullptr, 0});

  std::vector<std::string> owned = {"skein"};
  owned.insert(owned.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  argv.reserve(owned.size() + 1);
  for (std::string& argument : owned) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const int argc = static_cast<int>(owned.size());

  optind = 0;  // glibc: begin anew
  opterr = 0;
  while (true) {
    const int before = std::max(optind, 1);
    const int found = getopt_long(argc, argv.data(), ":h", options.data(), nullptr);
    if (found == -1) break;
    const std::string_view word = argv[static_cast<std::size_t>(std::max(optind - 1, before))];
    if (found == 'h') {
      const auto help = std::ranges::find(flags, "help", &Flag::name);
      if (help != flags.end()) {
        TRY(help->set(""));
        continue;
      }
    }
    if (found == ':') return fail(kUsage, concat("flag ", quoted(word), " needs a value"));
    if (found < kFirstFlag) return fail(kUsage, concat("no flag ", quoted(word), " here"));
    const Flag& flag = flags[static_cast<std::size_t>(found - kFirstFlag)];
    TRY(flag.set(optarg == nullptr ? "" : optarg));
  }
  return std::vector<std::string>(argv.begin() + optind, argv.end() - 1);
}

std::string flags_help(const std::vector<Flag>& flags) {
  std::size_t width = 0;
  for (const Flag& flag : flags) {
    width = std::max(width, flag.name.size() + flag.argument.size() + 3);
  }
  std::string out;
  for (const Flag& flag : flags) {
    std::string left = concat("--", flag.name, flag.argument.empty() ? "" : " ", flag.argument);
    left.resize(width + 2, ' ');
    out += concat("  ", left, flag.help, "\n");
  }
  return out;
}

std::function<Result<void>(const std::string&)> set_true(bool& target) {
  return [&target](const std::string&) -> Result<void> {
    target = true;
    return {};
  };
}

std::function<Result<void>(const std::string&)> set_text(std::string& target) {
  return [&target](const std::string& value) -> Result<void> {
    target = value;
    return {};
  };
}

namespace {

// A whole number from 0 to `most`; kUsage otherwise, saying "no number of THINGS".
Result<std::int64_t> number_of(std::string_view things, const std::string& value,
                               std::int64_t most) {
  std::int64_t number = 0;
  const auto [end, code] = std::from_chars(value.data(), value.data() + value.size(), number);
  if (code != std::errc() || end != value.data() + value.size() || number < 0 || number > most) {
    return fail(kUsage, concat(quoted(value), " is no number of ", things, " from 0 to ",
                               std::to_string(most)));
  }
  return number;
}

}  // namespace

std::function<Result<void>(const std::string&)> set_seconds(std::int64_t& target_ms) {
  return [&target_ms](const std::string& value) -> Result<void> {
    constexpr std::int64_t kMost = 24 * 3600;
    TRY_ASSIGN(const std::int64_t seconds, number_of("seconds", value, kMost));
    target_ms = seconds * 1000;
    return {};
  };
}

std::function<Result<void>(const std::string&)> set_count(std::int64_t& target,
                                                          std::string_view things) {
  return [&target, things](const std::string& value) -> Result<void> {
    constexpr std::int64_t kMost = 1'000'000;
    TRY_ASSIGN(target, number_of(things, value, kMost));
    return {};
  };
}

}  // namespace skein::cli
