#include "client/path_stats.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <numeric>

namespace skein::client {
namespace {

TEST(PercentileTest, IsTheNearestRank) {
  std::vector<std::int64_t> values(100);
  std::iota(values.begin(), values.end(), 1);
  std::ranges::reverse(values);
  EXPECT_EQ(percentile(values, 50), 50);
  EXPECT_EQ(percentile(values, 99), 99);
  EXPECT_EQ(percentile(values, 100), 100);
  EXPECT_EQ(percentile(values, 1), 1);
  EXPECT_EQ(percentile({7}, 50), 7);
  EXPECT_EQ(percentile({1, 2}, 50), 1);
  EXPECT_EQ(percentile({1, 2}, 51), 2);
  EXPECT_EQ(percentile({}, 50), std::nullopt);
}

TEST(JitterTest, IsTheMeanDifferenceOfNeighbours) {
  EXPECT_EQ(jitter({}), std::nullopt);
  EXPECT_EQ(jitter({5}), std::nullopt);
  EXPECT_EQ(jitter({5, 5, 5}), 0);
  EXPECT_EQ(jitter({10, 20, 10, 30}), (10 + 10 + 20) / 3);
}

TEST(ArrivalsTest, CountsLossDuplicatesAndOrderApart) {
  Arrivals arrivals(6);
  EXPECT_EQ(arrivals.lost(), 6U);
  for (const std::size_t number : {0U, 2U, 1U, 2U, 5U, 3U}) arrivals.arrived(number);
  EXPECT_EQ(arrivals.sent(), 6U);
  EXPECT_EQ(arrivals.lost(), 1U);        // 4
  EXPECT_EQ(arrivals.duplicates(), 1U);  // 2
  EXPECT_EQ(arrivals.reordered(), 2U);   // 1 and 3
  EXPECT_FALSE(arrivals.arrived(6)) << "was never sent";
  EXPECT_FALSE(arrivals.arrived(5));
  EXPECT_TRUE(arrivals.arrived(4));
  EXPECT_EQ(arrivals.lost(), 0U);
}

TEST(ArrivalsTest, FirstToComeIsNotReorderedEvenIfItIsTheLastSent) {
  Arrivals arrivals(2);
  arrivals.arrived(1);
  EXPECT_EQ(arrivals.reordered(), 0U);
  arrivals.arrived(0);
  EXPECT_EQ(arrivals.reordered(), 1U);
}

TEST(SendWindowTest, GrowsWithEachThatArrives) {
  SendWindow window(1000);
  EXPECT_EQ(window.room(), SendWindow::kFirst);
  EXPECT_EQ(window.send(SendWindow::kFirst), 0U);
  EXPECT_EQ(window.room(), 0U);
  for (std::size_t i = 0; i < SendWindow::kFirst; ++i) EXPECT_TRUE(window.arrived(i));
  EXPECT_EQ(window.room(), 2 * SendWindow::kFirst);
  EXPECT_EQ(window.lost(), 0U);
}

TEST(SendWindowTest, HalvesOnceForEachFlightThatLostSome) {
  SendWindow window(10'000);
  std::size_t next = 0;
  for (int i = 0; i < 3; ++i) {
    const std::size_t count = window.room();
    window.send(count);
    for (std::size_t end = next + count; next < end; ++next) window.arrived(next);
  }
  const std::size_t before = window.room();
  EXPECT_EQ(before, 8 * SendWindow::kFirst);
  window.send(before);
  // The first three are lost; what comes later shows it.
  for (std::size_t i = 3; i <= 2 + SendWindow::kOvertaken; ++i) window.arrived(next + i);
  EXPECT_EQ(window.lost(), 2U);
  window.arrived(next + 3 + SendWindow::kOvertaken);
  EXPECT_EQ(window.lost(), 3U);
  window.stalled();
  EXPECT_EQ(window.under_way(), 0U);
  EXPECT_GE(window.room(), before / 2);
  EXPECT_LT(window.room(), before);
}

TEST(SendWindowTest, LateIsNotLost) {
  SendWindow window(100);
  window.send(10);
  window.stalled();
  EXPECT_EQ(window.lost(), 10U);
  EXPECT_TRUE(window.arrived(4));
  EXPECT_EQ(window.lost(), 9U);
  EXPECT_EQ(window.came(), 1U);
  EXPECT_FALSE(window.arrived(4));
  EXPECT_FALSE(window.arrived(10)) << "was never sent";
  EXPECT_EQ(window.under_way(), 0U);
}

TEST(SendWindowTest, NeverShrinksBelowTheLeastNorGrowsAboveTheMost) {
  SendWindow shrinking(100'000);
  for (int i = 0; i < 50; ++i) {
    shrinking.send(shrinking.room());
    shrinking.stalled();
  }
  EXPECT_EQ(shrinking.room(), SendWindow::kLeast);
  SendWindow growing(100'000);
  while (!growing.exhausted()) {
    const std::size_t count = growing.room();
    const std::size_t first = growing.send(count);
    for (std::size_t i = 0; i < count; ++i) growing.arrived(first + i);
    ASSERT_LE(growing.room(), SendWindow::kMost);
  }
  EXPECT_EQ(growing.came(), 100'000U);
}

// What a path that lets through `limit` makes of the search; how many rounds it took.
std::pair<std::size_t, int> find(std::size_t least, std::size_t most, std::size_t limit) {
  SizeSearch search(least, most);
  int rounds = 0;
  while (!search.round().empty()) {
    EXPECT_TRUE(std::ranges::is_sorted(search.round()));
    for (const std::size_t size : std::vector(search.round())) {
      if (size <= limit) search.passed(size);
    }
    search.end_round();
    ++rounds;
  }
  return {search.largest(), rounds};
}

TEST(SizeSearchTest, FindsEveryLimitInAFewRounds) {
  for (const std::size_t limit : {40U, 41U, 508U, 1231U, 1232U, 1400U, 1472U, 1473U, 5000U, 8972U,
                                  20'000U, 40'000U, 65'506U, 65'507U}) {
    const auto [found, rounds] = find(40, 65'507, limit);
    EXPECT_EQ(found, limit);
    EXPECT_LE(rounds, SizeSearch::kRounds);
  }
}

TEST(SizeSearchTest, WhatPassesWholeIsFoundAtOnce) {
  EXPECT_EQ(find(40, 65'507, 100'000).second, 1);
}

TEST(SizeSearchTest, NothingPassesIsNothing) {
  EXPECT_EQ(find(40, 65'507, 0).first, 0U);
  EXPECT_EQ(find(40, 65'507, 0).second, 1);
}

TEST(SizeSearchTest, OneThatWasLostByChanceDoesNotHideALargerOne) {
  SizeSearch search(40, 65'507);
  for (const std::size_t size : std::vector(search.round())) {
    if (size <= 1472 && size != 1252) search.passed(size);
  }
  search.end_round();
  EXPECT_EQ(search.largest(), 1472U);
  EXPECT_GT(search.round().front(), 1472U);
}

}  // namespace
}  // namespace skein::client
