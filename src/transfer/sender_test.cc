#include "transfer/sender.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "transfer/receiver.h"
#include "transfer/test_support.h"

namespace skein::transfer {
namespace {

using store::Claims;

TEST(SenderTest, WhatTheReceiverLacksIsSent) {
  Sender sender(kPlan, {}, 8, 1);
  for (const std::uint64_t block : {0U, 1U, 2U}) {
    EXPECT_EQ(sender.next(), block);
    EXPECT_TRUE(sender.read(block, digest_at(block)));
  }
  EXPECT_EQ(sender.next(), std::nullopt);
  EXPECT_EQ(sender.bytes_done(), 0U);  // only what was acknowledged counts
  sender.acknowledged(2);
  EXPECT_EQ(sender.bytes_done(), 5U);
  EXPECT_EQ(sender.bytes_sent(), 5U);
  sender.acknowledged(0);
  EXPECT_FALSE(sender.complete());
  sender.acknowledged(1);
  EXPECT_TRUE(sender.complete());
  EXPECT_EQ(sender.bytes_done(), 25U);
  EXPECT_EQ(sender.bytes_sent(), 25U);
}

TEST(SenderTest, AnEmptyFileIsCompleteAtOnce) {
  Sender sender({.total_bytes = 0, .block_bytes = 10}, {}, 8, 1);
  EXPECT_TRUE(sender.complete());
  EXPECT_EQ(sender.next(), std::nullopt);
}

TEST(SenderTest, WhatTheReceiverHasIsNotSentAgain) {
  Sender sender(kPlan, claims_in(kContent, kPlan), 1, 1);
  for (const std::uint64_t block : {0U, 1U, 2U}) {
    EXPECT_EQ(sender.next(), block);
    EXPECT_FALSE(sender.read(block, digest_at(block)));
  }
  EXPECT_TRUE(sender.complete());
  EXPECT_EQ(sender.bytes_done(), 25U);
  EXPECT_EQ(sender.bytes_sent(), 0U);
}

TEST(SenderTest, OfASourceThatChangedTheChangedBlocksAreSent) {
  const std::string now = "0123456789abcdefghijABCDX";
  Sender sender(kPlan, claims_in(kContent, kPlan), 3, 1);
  std::vector<std::uint64_t> sent;
  while (const auto block = sender.next()) {
    if (sender.read(*block, digest_in(now, kPlan, *block))) sent.push_back(*block);
  }
  EXPECT_EQ(sent, std::vector<std::uint64_t>{2});
  sender.acknowledged(2);
  EXPECT_TRUE(sender.complete());
  EXPECT_EQ(sender.bytes_done(), 25U);
  EXPECT_EQ(sender.bytes_sent(), 5U);
}

TEST(SenderTest, ARefusedBlockIsSentAgainAlthoughItWasClaimedBefore) {
  const std::string now = "X123456789abcdefghijABCDE";
  Sender sender(kPlan, claims_in(kContent, kPlan), 1, 3);
  EXPECT_EQ(sender.next(), 0U);
  EXPECT_TRUE(sender.read(0, digest_in(now, kPlan, 0)));
  EXPECT_TRUE(sender.refused(0, Error(kDigestMismatch, "")));
  // It changed back meanwhile; but what the receiver held it gave up when the new one came.
  EXPECT_EQ(sender.next(), 0U);
  EXPECT_TRUE(sender.read(0, digest_at(0)));
  sender.acknowledged(0);
  EXPECT_EQ(sender.bytes_sent(), 10U);
}

TEST(SenderTest, ABlockIsRefusedOnlySoOften) {
  Sender sender(kPlan, {}, 1, 2);
  EXPECT_EQ(sender.next(), 0U);
  EXPECT_TRUE(sender.refused(0, Error(kDigestMismatch, "first")));
  EXPECT_EQ(sender.next(), 0U);
  const auto given_up = sender.refused(0, Error(kDigestMismatch, "second"));
  ASSERT_FALSE(given_up);
  EXPECT_EQ(given_up.error().message(), "second");
  EXPECT_FALSE(sender.complete());
  EXPECT_EQ(sender.bytes_done(), 0U);
}

// --- Sender and receiver together, over a line that damages and is cut

// A partial file: its bytes, and what its journal claims of them.
struct Disk {
  std::string bytes;
  Claims claims;
};

// One connection; false when it was cut. Blocks in flight are taken in any order.
bool connection(const std::string& source, const store::BlockPlan& plan, Disk& disk,
                SeededRandom& random) {
  const auto chance = [&](std::uint64_t of) { return random.u64() % of == 0; };
  Sender sender(plan, disk.claims, 4, 100);
  Receiver receiver(plan, disk.claims);
  std::vector<std::uint64_t> in_flight;
  while (true) {
    while (const auto block = sender.next()) {
      if (sender.read(*block, digest_in(source, plan, *block))) in_flight.push_back(*block);
    }
    if (in_flight.empty()) break;
    std::swap(in_flight[random.u64() % in_flight.size()], in_flight.back());
    const std::uint64_t block = in_flight.back();
    in_flight.pop_back();

    std::string bytes(part_of(source, plan, block));
    const store::Digest declared = digest_in(source, plan, block);
    if (chance(5)) bytes[random.u64() % bytes.size()] ^= 1;
    const auto renounce = receiver.begin(block, bytes.size(), declared);
    if (!renounce) return false;
    if (*renounce) disk.claims.erase(block);
    const std::size_t half = random.u64() % (bytes.size() + 1);
    for (const std::string& piece : {bytes.substr(0, half), bytes.substr(half)}) {
      if (chance(40)) return false;
      const Receiver::Write write = receiver.piece(as_bytes(piece));
      disk.bytes.replace(write.offset, write.bytes.size(), as_text(write.bytes));
    }
    const auto ended = receiver.end();
    if (!ended) {
      EXPECT_TRUE(sender.refused(block, ended.error()));
      continue;
    }
    disk.claims.insert_or_assign(block, *ended);
    if (chance(40)) return false;  // taken, and the answer lost
    sender.acknowledged(block);
  }
  EXPECT_TRUE(sender.complete());
  EXPECT_TRUE(receiver.complete());
  EXPECT_EQ(sender.bytes_done(), plan.total_bytes);
  return true;
}

TEST(SenderTest, OverABadLineWithASourceThatChangesItEndsWholeAndAsItIsNow) {
  for (std::uint64_t seed = 1; seed <= 200; ++seed) {
    SeededRandom random(seed);
    const store::BlockPlan plan{random.u64() % 500, 16, seed};
    std::string source = text_of(plan.total_bytes, seed);
    Disk disk{std::string(plan.total_bytes, '.'), {}};
    int connections = 1;
    for (; !connection(source, plan, disk, random); ++connections) {
      ASSERT_LT(connections, 1000) << seed;
      // What is claimed is there, at every moment.
      for (const auto& [block, digest] : disk.claims) {
        ASSERT_EQ(digest_in(disk.bytes, plan, block), digest) << seed;
      }
      if (random.u64() % 3 == 0) source[random.u64() % source.size()] ^= 1;
    }
    EXPECT_EQ(disk.bytes, source) << seed;
    EXPECT_EQ(disk.claims, claims_in(source, plan)) << seed;
  }
}

}  // namespace
}  // namespace skein::transfer
