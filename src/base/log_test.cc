#include "base/log.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "base/text.h"

namespace skein {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::MatchesRegex;
using testing::Not;
using testing::Pair;

class CapturingLog final : public Log {
 public:
  void write(LogLevel level, std::string_view line) override { lines.emplace_back(level, line); }
  std::vector<std::pair<LogLevel, std::string>> lines;
};

TEST(LogTest, EachVerbHasItsLevel) {
  CapturingLog log;
  log.debug("d");
  log.info("i");
  log.warning("w");
  log.error("e");
  EXPECT_THAT(log.lines, ElementsAre(Pair(LogLevel::kDebug, "d"), Pair(LogLevel::kInfo, "i"),
                                     Pair(LogLevel::kWarning, "w"), Pair(LogLevel::kError, "e")));
}

TEST(LogTest, AnErrorIsWrittenAsItsReport) {
  CapturingLog log;
  const Error error = Error(kNoSpace, "disk full").while_doing("writing 'x'");
  log.error(error);
  EXPECT_THAT(log.lines, ElementsAre(Pair(LogLevel::kError, error.report())));
}

template <typename Write>
std::string on_stderr(LogLevel least, const Write& write) {
  testing::internal::CaptureStderr();
  write(*make_stderr_log(least));
  return testing::internal::GetCapturedStderr();
}

TEST(StderrLogTest, ALineHasTimeLevelAndText) {
  const std::string out = on_stderr(LogLevel::kInfo, [](Log& log) { log.info("hub is up"); });
  EXPECT_THAT(out, MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3} "
                                "info hub is up\n"));
}

TEST(StderrLogTest, WhatComesFromOutsideCannotForgeALine) {
  const std::string out = on_stderr(LogLevel::kInfo, [](Log& log) {
    log.warning(
        "bad name 'a\n2026-01-01 00:00:00.000 info all is well\r\x1b[2K\x1b[1A'\xE2\x80\xAE");
  });
  EXPECT_EQ(std::ranges::count(out, '\n'), 1);
  EXPECT_THAT(out, EndsWith("\n"));
  EXPECT_THAT(out, Not(HasSubstr("\x1b")));
  EXPECT_THAT(out, Not(HasSubstr("\r")));
  EXPECT_THAT(out, HasSubstr("'a\\x0a2026-01-01"));
  EXPECT_THAT(out, HasSubstr("\\x1b[2K"));
  EXPECT_THAT(out, HasSubstr("\\u{202e}"));
}

TEST(StderrLogTest, BracesArePlainText) {
  const std::string out =
      on_stderr(LogLevel::kInfo, [](Log& log) { log.info("{} {0} {:x} %s %n %v"); });
  EXPECT_THAT(out, EndsWith("info {} {0} {:x} %s %n %v\n"));
}

TEST(StderrLogTest, LessThanTheLeastIsNotWritten) {
  const auto write_all = [](Log& log) {
    log.debug("debug-line");
    log.info("info-line");
    log.warning("warning-line");
    log.error("error-line");
  };
  EXPECT_THAT(on_stderr(LogLevel::kDebug, write_all), HasSubstr("debug-line"));
  const std::string out = on_stderr(LogLevel::kWarning, write_all);
  EXPECT_THAT(out, Not(HasSubstr("debug-line")));
  EXPECT_THAT(out, Not(HasSubstr("info-line")));
  EXPECT_THAT(out, HasSubstr("warning warning-line"));
  EXPECT_THAT(out, HasSubstr("error error-line"));
}

TEST(StderrLogTest, EveryLineIsThereAtOnce) {
  testing::internal::CaptureStderr();
  const auto log = make_stderr_log(LogLevel::kInfo);
  log->info("first");
  const std::string out = testing::internal::GetCapturedStderr();  // while the log still stands
  EXPECT_THAT(out, EndsWith("first\n"));
}

TEST(StderrLogTest, ALineGoesWhereTheLogIsDivertedTo) {
  std::vector<std::pair<LogLevel, std::string>> lines;
  const std::string out = on_stderr(LogLevel::kInfo, [&lines](StderrLog& log) {
    log.divert(
        [&lines](LogLevel level, std::string line) { lines.emplace_back(level, std::move(line)); });
    log.debug("debug-line");
    log.warning("{} a\nb");
    log.divert(nullptr);
    log.info("on stderr again");
  });
  EXPECT_THAT(lines,
              ElementsAre(Pair(LogLevel::kWarning,
                               MatchesRegex("[0-9-]{10} [0-9:.]{12} warning \\{\\} a\\\\x0ab"))));
  EXPECT_THAT(out, EndsWith("info on stderr again\n"));
  EXPECT_THAT(out, Not(HasSubstr("warning")));
}

TEST(StderrLogTest, ThreadsDoNotMixTheirLines) {
  constexpr int kThreads = 4;
  constexpr int kLines = 200;
  const std::string out = on_stderr(LogLevel::kInfo, [](Log& log) {
    std::vector<std::jthread> threads;
    threads.reserve(kThreads);
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&log, t] {
        for (int i = 0; i < kLines; ++i) log.info(std::string(100, static_cast<char>('a' + t)));
      });
    }
  });
  EXPECT_EQ(std::ranges::count(out, '\n'), kThreads * kLines);
  for (int t = 0; t < kThreads; ++t) {
    const std::string whole = concat(" info ", std::string(100, static_cast<char>('a' + t)), "\n");
    int found = 0;
    for (std::size_t at = 0; (at = out.find(whole, at)) != std::string::npos; ++at) ++found;
    EXPECT_EQ(found, kLines);
  }
}

}  // namespace
}  // namespace skein
