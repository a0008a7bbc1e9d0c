#include "cli/message_line.h"

#include <ctime>

#include "base/text.h"

namespace skein::cli {

std::string message_line(const chat::Message& message) {
  const std::time_t seconds = message.ts_ms / 1000;
  std::tm local{};
  localtime_r(&seconds, &local);
  char when[32];
  const std::size_t size = std::strftime(when, sizeof when, "%Y-%m-%d %H:%M", &local);
  std::string line = concat(std::string_view(when, size), "  ", escaped(message.from), ": ",
                            escaped(message.text));
  if (!message.file.empty()) line += concat("  [file ", quoted(message.file), "]");
  return line;
}

}  // namespace skein::cli
