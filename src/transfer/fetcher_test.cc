#include "transfer/fetcher.h"

#include <gtest/gtest.h>

#include <string>

#include "transfer/test_support.h"

namespace skein::transfer {
namespace {

TEST(FetcherTest, WhatIsNotHeldIsFetched) {
  Fetcher fetcher(kPlan, {}, 8, 1);
  for (const std::uint64_t block : {0U, 1U, 2U}) {
    const auto request = fetcher.next();
    ASSERT_TRUE(request);
    EXPECT_EQ(request->block, block);
    EXPECT_EQ(request->held, std::nullopt);
  }
  EXPECT_FALSE(fetcher.next());
  for (const std::uint64_t block : {2U, 0U, 1U}) {
    const auto arrived =
        fetcher.arrived(block, kPlan.size(block), digest_at(block), digest_at(block));
    ASSERT_TRUE(arrived);
    EXPECT_TRUE(arrived->matches);
    EXPECT_FALSE(arrived->renounce);
    EXPECT_FALSE(fetcher.complete());  // not before it is stored
    fetcher.stored(block);
  }
  EXPECT_TRUE(fetcher.complete());
  EXPECT_EQ(fetcher.bytes_done(), 25U);
  EXPECT_EQ(fetcher.bytes_fetched(), 25U);
}

TEST(FetcherTest, AnEmptyFileIsCompleteAtOnce) {
  Fetcher fetcher({.total_bytes = 0, .block_bytes = 10}, {}, 8, 1);
  EXPECT_TRUE(fetcher.complete());
  EXPECT_FALSE(fetcher.next());
}

TEST(FetcherTest, WhatIsHeldIsAskedForAndNotFetchedAgain) {
  Fetcher fetcher(kPlan, claims_in(kContent, kPlan), 1, 1);
  for (const std::uint64_t block : {0U, 1U, 2U}) {
    const auto request = fetcher.next();
    ASSERT_TRUE(request);
    EXPECT_EQ(request->held, digest_at(block));
    EXPECT_TRUE(fetcher.same(block));
  }
  EXPECT_TRUE(fetcher.complete());
  EXPECT_EQ(fetcher.bytes_done(), 25U);
  EXPECT_EQ(fetcher.bytes_fetched(), 0U);
}

TEST(FetcherTest, OfAFileThatChangedTheChangedBlocksAreRenouncedAndFetched) {
  const std::string now = "0123456789abcdefghijABCDX";
  Fetcher fetcher(kPlan, claims_in(kContent, kPlan), 3, 1);
  while (const auto request = fetcher.next()) {
    if (request->block != 2) {
      EXPECT_TRUE(fetcher.same(request->block));
    }
  }
  const auto arrived = fetcher.arrived(2, 5, digest_in(now, kPlan, 2), digest_in(now, kPlan, 2));
  ASSERT_TRUE(arrived);
  EXPECT_TRUE(arrived->matches);
  EXPECT_TRUE(arrived->renounce);
  fetcher.stored(2);
  EXPECT_TRUE(fetcher.complete());
  EXPECT_EQ(fetcher.bytes_done(), 25U);
  EXPECT_EQ(fetcher.bytes_fetched(), 5U);
}

TEST(FetcherTest, ADamagedBlockIsAskedForAgainWithWhatIsHeldOfIt) {
  for (const bool held : {false, true}) {
    const store::Claims claims = held ? store::Claims{{0, digest_at(1)}} : store::Claims{};
    Fetcher fetcher(kPlan, claims, 1, 2);
    ASSERT_TRUE(fetcher.next());
    const auto damaged = fetcher.arrived(0, 10, digest_at(0), digest_at(2));
    ASSERT_TRUE(damaged);
    EXPECT_FALSE(damaged->matches);
    EXPECT_FALSE(damaged->renounce);  // what is held was not touched yet
    const auto again = fetcher.next();
    ASSERT_TRUE(again);
    EXPECT_EQ(again->block, 0U);
    EXPECT_EQ(again->held.has_value(), held);
    const auto whole = fetcher.arrived(0, 10, digest_at(0), digest_at(0));
    ASSERT_TRUE(whole);
    EXPECT_TRUE(whole->matches);
    EXPECT_EQ(whole->renounce, held);
  }
}

TEST(FetcherTest, ABlockIsAskedForOnlySoOften) {
  Fetcher fetcher(kPlan, {}, 1, 2);
  ASSERT_TRUE(fetcher.next());
  EXPECT_TRUE(fetcher.arrived(0, 10, digest_at(0), digest_at(1)));
  ASSERT_TRUE(fetcher.next());
  const auto given_up = fetcher.arrived(0, 10, digest_at(0), digest_at(2));
  ASSERT_FALSE(given_up);
  EXPECT_TRUE(given_up.error().is(kDigestMismatch));
  EXPECT_EQ(given_up.error().message(), "block 0 arrived with the digest " + digest_at(2).hex() +
                                            ", not " + digest_at(0).hex());
}

TEST(FetcherTest, ABlockOfAnotherSizeIsNoBlockAtAll) {
  Fetcher fetcher(kPlan, {}, 3, 5);
  while (fetcher.next()) {
  }
  const struct {
    std::uint64_t block;
    std::uint64_t size;
    const char* message;
  } cases[] = {{0, 0, "the hub sent 0 bytes for block 0, which has 10"},
               {1, 9, "the hub sent 9 bytes for block 1, which has 10"},
               {2, 10, "the hub sent 10 bytes for block 2, which has 5"}};
  for (const auto& [block, size, message] : cases) {
    const auto arrived = fetcher.arrived(block, size, digest_at(block), digest_at(block));
    ASSERT_FALSE(arrived) << message;
    EXPECT_TRUE(arrived.error().is(kBadRequest)) << message;
    EXPECT_EQ(arrived.error().message(), message);
  }
  EXPECT_EQ(fetcher.bytes_done(), 0U);
}

TEST(FetcherTest, TheSameAsNothingIsALie) {
  Fetcher fetcher(kPlan, {{0, digest_at(0)}}, 3, 1);
  while (fetcher.next()) {
  }
  EXPECT_TRUE(fetcher.same(0));
  EXPECT_EQ(outcome(fetcher.same(1)), "bad_request");
  EXPECT_FALSE(fetcher.complete());
  EXPECT_EQ(fetcher.bytes_done(), 10U);
}

}  // namespace
}  // namespace skein::transfer
