// What the upper-case servers are told on the command line: ADDR:PORT [--threads N].
#pragma once

#include <socketserver/async.h>

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string_view>

struct CommandLine {
  std::string_view host;  // an IPv6 address without its brackets
  std::uint16_t port = 0;
  socketserver::AsyncOptions options;
};

template <class Number>
bool parse_number(std::string_view text, Number& into) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
  return error == std::errc() && end == text.data() + text.size();
}

// Nothing: it is another, and the usage is printed.
inline std::optional<CommandLine> parse_command_line(const char* program, int count,
                                                     char** arguments) {
  CommandLine line;
  const std::string_view where = count > 1 ? arguments[1] : "";
  const std::size_t colon = where.rfind(':');
  const bool has_threads = count == 4 && std::string_view(arguments[2]) == "--threads";
  if (colon == std::string_view::npos || !parse_number(where.substr(colon + 1), line.port) ||
      (count != 2 && !(has_threads && parse_number(arguments[3], line.options.threads)))) {
    std::fprintf(stderr, "usage: %s ADDR:PORT [--threads N]\n", program);
    return std::nullopt;
  }
  line.host = where.substr(0, colon);
  if (line.host.starts_with('[') && line.host.ends_with(']')) {
    line.host = line.host.substr(1, line.host.size() - 2);
  }
  return line;
}
