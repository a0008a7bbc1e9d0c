#include "base/clock.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

namespace skein {
namespace {

TEST(SystemClockTest, MonotonicMovesOnWithTime) {
  const SystemClock clock;
  const std::int64_t before = clock.monotonic_ms();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  const std::int64_t passed = clock.monotonic_ms() - before;
  EXPECT_GE(passed, 19);  // each reading is cut to a whole millisecond
  EXPECT_LT(passed, 20'000);
}

TEST(SystemClockTest, MonotonicNeverGoesBack) {
  const SystemClock clock;
  std::int64_t last = clock.monotonic_ms();
  for (int i = 0; i < 10'000; ++i) {
    const std::int64_t now = clock.monotonic_ms();
    ASSERT_GE(now, last);
    last = now;
  }
}

TEST(SystemClockTest, WallIsNanosecondsSince1970) {
  const auto now = std::chrono::duration_cast<std::chrono::nanoseconds>(
                       std::chrono::system_clock::now().time_since_epoch())
                       .count();
  const std::int64_t wall = SystemClock().wall_ns();
  EXPECT_LT(std::abs(wall - now), 60'000'000'000);
}

TEST(FakeClockTest, StandsStillUntilTurned) {
  FakeClock clock;
  const std::int64_t ms = clock.monotonic_ms();
  const std::int64_t wall = clock.wall_ns();
  EXPECT_GT(ms, 0);
  EXPECT_EQ(clock.monotonic_ms(), ms);
  clock.advance_ms(1'500);
  EXPECT_EQ(clock.monotonic_ms(), ms + 1'500);
  EXPECT_EQ(clock.wall_ns(), wall + 1'500'000'000);
}

TEST(FakeClockTest, TheWallJumpsAloneAndThenGoesOn) {
  FakeClock clock;
  clock.advance_ms(77);
  const std::int64_t ms = clock.monotonic_ms();
  clock.set_wall_ns(5);
  EXPECT_EQ(clock.wall_ns(), 5);
  EXPECT_EQ(clock.monotonic_ms(), ms);
  clock.advance_ms(1);
  EXPECT_EQ(clock.wall_ns(), 1'000'005);
}

}  // namespace
}  // namespace skein
