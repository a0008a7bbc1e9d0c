#include "base/log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_color_sinks.h>

#include <cstdlib>
#include <utility>

#include "base/text.h"

namespace skein {

namespace {

spdlog::level::level_enum spdlog_level(LogLevel level) {
  switch (level) {
    case LogLevel::kDebug: return spdlog::level::debug;
    case LogLevel::kInfo: return spdlog::level::info;
    case LogLevel::kWarning: return spdlog::level::warn;
    case LogLevel::kError: return spdlog::level::err;
  }
  std::unreachable();
}

// https://no-color.org: set and not empty.
spdlog::color_mode color_mode() {
  const char* const no_color = std::getenv("NO_COLOR");
  const bool never = no_color != nullptr && *no_color != '\0';
  return never ? spdlog::color_mode::never : spdlog::color_mode::automatic;
}

class StderrLog final : public Log {
 public:
  explicit StderrLog(LogLevel least)
      : logger_("skein", std::make_shared<spdlog::sinks::stderr_color_sink_mt>(color_mode())) {
    logger_.set_level(spdlog_level(least));
    logger_.set_pattern("%Y-%m-%d %H:%M:%S.%e %^%l%$ %v");
    logger_.flush_on(spdlog::level::trace);
  }
  void write(LogLevel level, std::string_view line) override {
    logger_.log(spdlog_level(level), escaped(line));
  }

 private:
  spdlog::logger logger_;
};

}  // namespace

std::unique_ptr<Log> make_stderr_log(LogLevel least) {
  return std::make_unique<StderrLog>(least);
}

}  // namespace skein
