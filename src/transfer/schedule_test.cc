#include "transfer/schedule.h"

#include <gtest/gtest.h>

#include <vector>

#include "transfer/test_support.h"

namespace skein::transfer {
namespace {

using Blocks = std::vector<std::uint64_t>;

Blocks all_that_may_begin(Schedule& schedule) {
  Blocks out;
  while (const auto block = schedule.next()) out.push_back(*block);
  return out;
}

TEST(ScheduleTest, NoMoreThanTheWindowAreUnderWay) {
  Schedule schedule(5, 2, 1);
  EXPECT_EQ(all_that_may_begin(schedule), (Blocks{0, 1}));
  EXPECT_EQ(schedule.under_way(), 2U);
  schedule.done(1);
  EXPECT_EQ(all_that_may_begin(schedule), Blocks{2});
  schedule.done(0);
  schedule.done(2);
  EXPECT_EQ(all_that_may_begin(schedule), (Blocks{3, 4}));
  EXPECT_EQ(schedule.blocks_done(), 3U);
  schedule.done(3);
  EXPECT_FALSE(schedule.complete());
  schedule.done(4);
  EXPECT_TRUE(schedule.complete());
  EXPECT_EQ(all_that_may_begin(schedule), Blocks{});
  EXPECT_EQ(schedule.under_way(), 0U);
}

TEST(ScheduleTest, NothingIsCompleteAtOnce) {
  Schedule schedule(0, 1, 1);
  EXPECT_TRUE(schedule.complete());
  EXPECT_EQ(schedule.next(), std::nullopt);
}

TEST(ScheduleTest, WhatFailedComesFirst) {
  Schedule schedule(5, 3, 2);
  EXPECT_EQ(all_that_may_begin(schedule), (Blocks{0, 1, 2}));
  EXPECT_TRUE(schedule.again(2, Error(kIo, "")));
  EXPECT_TRUE(schedule.again(1, Error(kIo, "")));
  EXPECT_EQ(schedule.under_way(), 1U);
  EXPECT_EQ(all_that_may_begin(schedule), (Blocks{1, 2}));
  EXPECT_EQ(schedule.blocks_done(), 0U);
  schedule.done(1);
  EXPECT_EQ(all_that_may_begin(schedule), Blocks{3});
}

TEST(ScheduleTest, AfterItsAttemptsABlockIsGivenUpWithTheLastReason) {
  Schedule schedule(2, 2, 3);
  EXPECT_EQ(all_that_may_begin(schedule), (Blocks{0, 1}));
  for (const char* reason : {"one", "two"}) {
    EXPECT_TRUE(schedule.again(0, Error(kDigestMismatch, reason)));
    EXPECT_TRUE(schedule.again(1, Error(kDigestMismatch, reason)));
    EXPECT_EQ(all_that_may_begin(schedule), (Blocks{0, 1}));
  }
  schedule.done(1);  // each has attempts of its own
  const auto given_up = schedule.again(0, Error(kDigestMismatch, "three"));
  ASSERT_FALSE(given_up);
  EXPECT_TRUE(given_up.error().is(kDigestMismatch));
  EXPECT_EQ(given_up.error().message(), "three");
  EXPECT_FALSE(schedule.complete());
}

TEST(ScheduleTest, WithOneAttemptTheFirstFailureEndsIt) {
  Schedule schedule(1, 1, 1);
  EXPECT_EQ(all_that_may_begin(schedule), Blocks{0});
  EXPECT_EQ(outcome(schedule.again(0, Error(kIo, ""))), "io");
}

}  // namespace
}  // namespace skein::transfer
