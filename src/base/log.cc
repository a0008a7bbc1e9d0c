#include "base/log.h"

#include <spdlog/logger.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_color_sinks.h>

#include <cstdlib>
#include <mutex>
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

constexpr const char* kPattern = "%Y-%m-%d %H:%M:%S.%e %^%l%$ %v";

class SpdlogLog final : public StderrLog {
 public:
  explicit SpdlogLog(LogLevel least)
      : logger_("skein", std::make_shared<spdlog::sinks::stderr_color_sink_mt>(color_mode())),
        formatter_(kPattern, spdlog::pattern_time_type::local, "") {
    logger_.set_level(spdlog_level(least));
    logger_.set_pattern(kPattern);
    logger_.flush_on(spdlog::level::trace);
  }
  void write(LogLevel level, std::string_view line) override {
    if (!logger_.should_log(spdlog_level(level))) return;
    const std::string text = escaped(line);
    {
      const std::lock_guard lock(mutex_);
      if (print_) return print_(level, formatted(level, text));
    }
    logger_.log(spdlog_level(level), text);
  }
  void divert(Print print) override {
    const std::lock_guard lock(mutex_);
    print_ = std::move(print);
  }

 private:
  std::string formatted(LogLevel level, const std::string& text) {
    const spdlog::details::log_msg message(logger_.name(), spdlog_level(level), text);
    spdlog::memory_buf_t line;
    formatter_.format(message, line);
    return {line.data(), line.size()};
  }

  spdlog::logger logger_;
  std::mutex mutex_;  // of what follows
  spdlog::pattern_formatter formatter_;
  Print print_;
};

}  // namespace

std::unique_ptr<StderrLog> make_stderr_log(LogLevel least) {
  return std::make_unique<SpdlogLog>(least);
}

}  // namespace skein
