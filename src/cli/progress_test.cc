#include "cli/progress.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <string>

#include "base/descriptor.h"
#include "cli/test_support.h"
#include "socketserver/test_support.h"

namespace skein::cli {
namespace {

using socketserver::Task;

client::Tally counted_tally(std::uint64_t done, std::uint64_t all) {
  client::Tally tally;
  tally.files = 1'204;
  tally.bytes = all;
  tally.bytes_done = done;
  tally.counted = true;
  tally.current = "IMG_2041.mov";
  return tally;
}

TEST(ProgressLine, ShowsShareSizeRateTimeLeftAndName) {
  const client::Tally tally = counted_tally(1'922'000'000, 3'100'000'000);
  EXPECT_EQ(progress_line(tally, 88'000, 200),
            " 62%  1.9 GB of 3.1 GB   88.0 MB/s   13 s left   IMG_2041.mov");
  EXPECT_EQ(progress_line(tally, 0, 200), " 62%  1.9 GB of 3.1 GB   IMG_2041.mov");
}

TEST(ProgressLine, HundredPercentIsAllOfItAndNothingLess) {
  struct Case {
    std::uint64_t done;
    std::uint64_t all;
    std::string_view share;
  };
  for (const Case& one : {Case{0, 1'000, "  0%"}, Case{9, 1'000, "  0%"}, Case{10, 1'000, "  1%"},
                          Case{999, 1'000, " 99%"}, Case{1'000, 1'000, "100%"}, Case{0, 0, "100%"},
                          Case{(1ULL << 53) - 1, 1ULL << 53, " 99%"}, Case{2'000, 1'000, "100%"}}) {
    const std::string line = progress_line(counted_tally(one.done, one.all), 1, 200);
    EXPECT_EQ(line.substr(0, 4), one.share) << one.done;
  }
}

TEST(ProgressLine, TimeThatNobodyCanTellIsNotTold) {
  const client::Tally tally = counted_tally(0, 1ULL << 50);
  EXPECT_FALSE(progress_line(tally, 0.001, 200).contains("left"));
}

TEST(SpeedTest, IsSmoothed) {
  Speed speed(1'000);
  EXPECT_EQ(speed.bytes_per_ms(), 0);
  speed.look(1'200, 20'000);
  EXPECT_DOUBLE_EQ(speed.bytes_per_ms(), 100);
  speed.look(1'400, 20'000);  // nothing came, once
  EXPECT_DOUBLE_EQ(speed.bytes_per_ms(), 90);
  speed.look(1'600, 60'000);
  EXPECT_DOUBLE_EQ(speed.bytes_per_ms(), 101);
  speed.look(1'600, 90'000);  // no time has passed
  speed.look(1'800, 10'000);  // begun anew
  EXPECT_DOUBLE_EQ(speed.bytes_per_ms(), 101);
}

TEST(ProgressLine, LookingIsSaidUntilAllIsCounted) {
  client::Tally tally = counted_tally(0, 3'100'000'000);
  tally.counted = false;
  EXPECT_EQ(progress_line(tally, 0, 200), "looking: 1,204 files   3.1 GB");
}

TEST(ProgressLine, NamesAreEscapedAndTheLineIsNeverTooWide) {
  client::Tally tally = counted_tally(1, 2);
  tally.current = "a\x1b[2J\n电影\xff";
  EXPECT_TRUE(progress_line(tally, 0, 200).ends_with("   a\\x1b[2J\\x0a电影\\xff"));
  for (std::size_t columns = 0; columns < 60; ++columns) {
    EXPECT_LE(columns_of(progress_line(tally, 5, columns)), columns);
  }
}

TEST(HeaderLine, SaysWhatGoesWhereAndHowMuch) {
  EXPECT_EQ(header_line("holiday/ to ada-laptop", counted_tally(0, 3'100'000'000)),
            "holiday/ to ada-laptop   1,204 files   3.1 GB");
}

TEST(HumanDuration, HasOneUnit) {
  struct Case {
    std::int64_t ms;
    std::string_view text;
  };
  for (const Case& one :
       {Case{0, "less than 1 s"}, Case{999, "less than 1 s"}, Case{1'000, "1 s"},
        Case{1'499, "1 s"}, Case{1'500, "2 s"}, Case{99'499, "99 s"}, Case{99'500, "2 min"},
        Case{240'000, "4 min"}, Case{99 * 60'000, "99 min"}, Case{100 * 60'000, "2 h"},
        Case{7'200'000, "2 h"}, Case{99LL * 3'600'000, "99 h"}}) {
    EXPECT_EQ(human_duration(one.ms), one.text) << one.ms;
  }
}

// stderr as a terminal of so many columns, as long as this lives.
class Terminal {
 public:
  explicit Terminal(unsigned short columns) : main_(posix_openpt(O_RDWR | O_NOCTTY)) {
    socketserver::testing::must(grantpt(main_.get()));
    socketserver::testing::must(unlockpt(main_.get()));
    const Descriptor end(open(ptsname(main_.get()), O_RDWR | O_NOCTTY));
    const winsize size{.ws_row = 24, .ws_col = columns, .ws_xpixel = 0, .ws_ypixel = 0};
    socketserver::testing::must(ioctl(end.get(), TIOCSWINSZ, &size));
    before_ = Descriptor(dup(STDERR_FILENO));
    dup2(end.get(), STDERR_FILENO);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  ~Terminal() { dup2(before_.get(), STDERR_FILENO); }

  // What was written since the last call. The kernel passes it on when it pleases, so a mark is
  // written behind it and waited for.
  std::string shown() {
    constexpr char kMark = '\x01';
    if (write(STDERR_FILENO, &kMark, 1) != 1) std::abort();
    std::string out;
    while (!out.ends_with(kMark)) {
      char buffer[4096];
      const auto got = read(main_.get(), buffer, sizeof(buffer));
      if (got <= 0) std::abort();
      out.append(buffer, static_cast<std::size_t>(got));
    }
    out.pop_back();
    return out;
  }

 private:
  Descriptor main_;
  Descriptor before_;
};

struct ProgressTest : ::testing::Test, socketserver::testing::WithFakeClock {
  [[nodiscard]] Task<void> pass_ms(std::int64_t ms) {
    co_await socketserver::testing::settle(*loop);
    clock.advance_ms(ms);
    co_await socketserver::testing::settle(*loop);
  }
  void run(Task<void> body) { run_until_done(*loop, std::move(body)); }
  client::Tally tally = counted_tally(0, 1'000'000);
};

TEST_F(ProgressTest, OnATerminalTheLineIsDrawnAgainAndLeavesNoTrace) {
  Terminal terminal(40);
  const auto body = [](ProgressTest& test, Terminal& screen) -> Task<void> {
    std::string name;
    Progress progress(*test.loop, test.clock, test.tally, {}, [&name] { return name; });
    progress.start();
    co_await test.pass_ms(200);
    EXPECT_EQ(screen.shown(), "\r  0%  0 bytes of 1.0 MB   IMG_2041.mov\x1b[K");
    // The title comes once, when it is known.
    name = "holiday/ to ada";
    test.tally.bytes_done = 100'000;
    co_await test.pass_ms(200);
    EXPECT_EQ(screen.shown(),
              "\rholiday/ to ada   1,204 files   1.0 MB\x1b[K\r\n"
              "\r 10%  100 kB of 1.0 MB   500 kB/s   2 …\x1b[K");
    test.tally.bytes_done = 200'000;
    co_await test.pass_ms(200);
    EXPECT_EQ(screen.shown(), "\r 20%  200 kB of 1.0 MB   500 kB/s   2 …\x1b[K");
    // Half as fast now: the rate follows slowly.
    test.tally.bytes_done = 250'000;
    co_await test.pass_ms(200);
    EXPECT_EQ(screen.shown(), "\r 25%  250 kB of 1.0 MB   475 kB/s   2 …\x1b[K");
    co_await progress.stop();
    EXPECT_EQ(screen.shown(), "\r\x1b[K");
    EXPECT_EQ(progress.elapsed_ms(), 800);
  };
  run(body(*this, terminal));
}

TEST_F(ProgressTest, WithoutATerminalOrWhenToldNothingIsDrawn) {
  const auto body = [](ProgressTest& test, OutputFlags flags) -> Task<void> {
    Progress progress(*test.loop, test.clock, test.tally, flags, nullptr);
    progress.start();
    co_await test.pass_ms(1'000);
    co_await progress.stop();
  };
  EXPECT_EQ(said_by([&] { run(body(*this, {})); }).err, "");
  for (const OutputFlags flags : {OutputFlags{.json = true}, OutputFlags{.quiet = true}}) {
    Terminal terminal(40);
    run(body(*this, flags));
    EXPECT_EQ(terminal.shown(), "");
  }
}

}  // namespace
}  // namespace skein::cli
