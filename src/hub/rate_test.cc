#include "hub/rate.h"

#include <gtest/gtest.h>

#include <limits>

namespace skein::hub {
namespace {

TEST(RateTest, SoManyAtOnceThenSoManyASecond) {
  Rate rate(5, 3);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(rate.take(1'000), 0) << i;
  EXPECT_EQ(rate.take(1'000), 200);
  EXPECT_EQ(rate.take(1'199), 1);
  EXPECT_EQ(rate.take(1'200), 0);
  EXPECT_EQ(rate.take(1'200), 200);
  for (int i = 1; i <= 10; ++i) EXPECT_EQ(rate.take(1'200 + i * 200), 0) << i;
}

TEST(RateTest, ToAskHowLongToWaitTakesNothing) {
  Rate rate(5, 1);
  EXPECT_EQ(rate.wait_ms(1'000), 0);
  EXPECT_EQ(rate.wait_ms(1'000), 0);
  EXPECT_EQ(rate.take(1'000), 0);
  EXPECT_EQ(rate.wait_ms(1'000), 200);
  EXPECT_EQ(rate.wait_ms(1'150), 50);
  EXPECT_EQ(rate.last_ms(), 1'150);
}

TEST(RateTest, WhoWaitsAnHourHasNoMoreThanWhatMayBeAtOnce) {
  Rate rate(5, 3);
  EXPECT_EQ(rate.take(1), 0);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(rate.take(3'600'000), 0) << i;
  EXPECT_EQ(rate.take(3'600'000), 200);
}

TEST(RateTest, AClockThatGoesBackOrVeryFarDoesNoHarm) {
  Rate rate(5, 1);
  EXPECT_EQ(rate.take(1'000'000), 0);
  EXPECT_GT(rate.take(0), 0);
  EXPECT_EQ(rate.take(std::numeric_limits<std::int64_t>::max()), 0);
}

TEST(RateTest, NoneASecondMeansNoLimit) {
  Rate rate(0, 0);
  for (int i = 0; i < 1'000; ++i) EXPECT_EQ(rate.take(1), 0) << i;
}

}  // namespace
}  // namespace skein::hub
