// The log: one line per event, escaped. An interface, handed to whoever has something to say;
// spdlog stands behind the one that writes to stderr.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

namespace skein {

enum class LogLevel { kDebug, kInfo, kWarning, kError };

class Log {
 public:
  virtual ~Log() = default;
  // Any thread. `line` is escaped by the log itself, so a name from outside cannot forge a line.
  virtual void write(LogLevel level, std::string_view line) = 0;

  void debug(std::string_view line) { write(LogLevel::kDebug, line); }
  void info(std::string_view line) { write(LogLevel::kInfo, line); }
  void warning(std::string_view line) { write(LogLevel::kWarning, line); }
  void error(std::string_view line) { write(LogLevel::kError, line); }
  void error(const Error& error) { write(LogLevel::kError, error.report()); }
};

// To stderr, with time and level, flushed at every line.
class StderrLog : public Log {
 public:
  // Any thread. From now on each line goes to `print` instead, without its line feed; an empty
  // function: to stderr again. Nobody is in the one before any more when this returns.
  using Print = std::function<void(LogLevel level, std::string line)>;
  virtual void divert(Print print) = 0;
};
// Writes from `least` on.
[[nodiscard]] std::unique_ptr<StderrLog> make_stderr_log(LogLevel least);

}  // namespace skein
