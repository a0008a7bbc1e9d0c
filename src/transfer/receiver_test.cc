#include "transfer/receiver.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <string>

#include "transfer/test_support.h"

namespace skein::transfer {
namespace {

using store::Claims;
using store::Digest;

// Takes the whole block in pieces of `piece` bytes into `disk`.
Result<Digest> take(Receiver& receiver, std::uint64_t block, std::string_view bytes,
                    std::optional<Digest> declared, std::string* disk = nullptr,
                    std::size_t piece = 3) {
  TRY(receiver.begin(block, bytes.size(), declared));
  EXPECT_EQ(receiver.current_block(), block);
  EXPECT_EQ(receiver.current_declared(), declared.has_value());
  for (; !bytes.empty(); bytes.remove_prefix(std::min(piece, bytes.size()))) {
    const Receiver::Write write = receiver.piece(as_bytes(bytes.substr(0, piece)));
    if (disk != nullptr) disk->replace(write.offset, write.bytes.size(), as_text(write.bytes));
  }
  return receiver.end();
}

Result<Digest> take(Receiver& receiver, std::uint64_t block) {
  return take(receiver, block, part_of(kContent, kPlan, block), digest_at(block));
}

TEST(ReceiverTest, BlocksInAnyOrderAndPiecesOfAnySizeMakeTheFile) {
  for (std::size_t piece = 1; piece <= 10; ++piece) {
    Receiver receiver(kPlan, {});
    std::string disk(kContent.size(), '.');
    for (const std::uint64_t block : {2U, 0U, 1U}) {
      EXPECT_FALSE(receiver.complete());
      const auto taken =
          take(receiver, block, part_of(kContent, kPlan, block), digest_at(block), &disk, piece);
      ASSERT_TRUE(taken) << piece;
      EXPECT_EQ(*taken, digest_at(block));
    }
    EXPECT_TRUE(receiver.complete());
    EXPECT_TRUE(receiver.verified_by_digest());
    EXPECT_EQ(receiver.held(), claims_in(kContent, kPlan));
    EXPECT_EQ(disk, kContent) << piece;
  }
}

TEST(ReceiverTest, AnEmptyFileIsCompleteAtOnce) {
  Receiver receiver({.total_bytes = 0, .block_bytes = 10}, {});
  EXPECT_TRUE(receiver.complete());
  EXPECT_TRUE(receiver.verified_by_digest());
  EXPECT_EQ(outcome(receiver.begin(0, 0, std::nullopt)), "bad_request");
}

TEST(ReceiverTest, WhatIsNoBlockOfTheFileIsRefusedAndChangesNothing) {
  constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  const struct {
    std::uint64_t block;
    std::uint64_t size;
    const char* message;
  } cases[] = {{3, 10, "block 3 is outside the file: it has 3 blocks"},
               {3, 0, "block 3 is outside the file: it has 3 blocks"},
               {kMost, 10, "block 18446744073709551615 is outside the file: it has 3 blocks"},
               {0, 9, "block 0 has 10 bytes, not 9"},
               {0, 11, "block 0 has 10 bytes, not 11"},
               {0, 0, "block 0 has 10 bytes, not 0"},
               {2, 10, "block 2 has 5 bytes, not 10"},
               {0, kMost, "block 0 has 10 bytes, not 18446744073709551615"}};
  Receiver receiver(kPlan, claims_in(kContent, kPlan));
  for (const auto& [block, size, message] : cases) {
    const auto begun = receiver.begin(block, size, std::nullopt);
    ASSERT_FALSE(begun) << message;
    EXPECT_TRUE(begun.error().is(kBadRequest)) << message;
    EXPECT_EQ(begun.error().message(), message);
  }
  EXPECT_EQ(receiver.held(), claims_in(kContent, kPlan));
  EXPECT_TRUE(receiver.complete());
  EXPECT_TRUE(take(receiver, 0));  // and it goes on
}

TEST(ReceiverTest, ABlockWithAnotherDigestDoesNotCount) {
  Receiver receiver(kPlan, {});
  const auto damaged = take(receiver, 0, "012345678X", digest_at(0));
  ASSERT_FALSE(damaged);
  EXPECT_TRUE(damaged.error().is(kDigestMismatch));
  EXPECT_NE(damaged.error().message().find(digest_at(0).hex()), std::string::npos);
  EXPECT_EQ(receiver.held(), Claims{});
  EXPECT_TRUE(take(receiver, 0));
  EXPECT_EQ(receiver.held(), (Claims{{0, digest_at(0)}}));
  EXPECT_TRUE(receiver.verified_by_digest());
}

// The right bytes in the wrong place: a bit flipped in the block's number.
TEST(ReceiverTest, ABlockForAnotherPlaceDoesNotCount) {
  Receiver receiver(kPlan, {});
  EXPECT_EQ(outcome(take(receiver, 1, part_of(kContent, kPlan, 0), digest_at(0))),
            "digest_mismatch");
  EXPECT_EQ(receiver.held(), Claims{});
}

TEST(ReceiverTest, WhatAnEarlierSessionVerifiedIsThere) {
  Claims claimed = claims_in(kContent, kPlan);
  claimed.erase(1);
  Receiver receiver(kPlan, claimed);
  EXPECT_EQ(receiver.held(), claimed);
  EXPECT_FALSE(receiver.complete());
  EXPECT_FALSE(*receiver.begin(1, 10, digest_at(1))) << "nothing is to be renounced";
  receiver.piece(as_bytes(part_of(kContent, kPlan, 1)));
  EXPECT_TRUE(receiver.end());
  EXPECT_TRUE(receiver.complete());
  EXPECT_TRUE(receiver.verified_by_digest());
}

TEST(ReceiverTest, ABlockSentAgainIsRenouncedAndReplaced) {
  Receiver receiver(kPlan, claims_in(kContent, kPlan));
  EXPECT_TRUE(*receiver.begin(0, 10, std::nullopt));
  EXPECT_FALSE(receiver.complete());
  receiver.piece(as_bytes("XXXXXXXXXX"));
  const auto ended = receiver.end();
  ASSERT_TRUE(ended);
  EXPECT_EQ(*ended, store::digest_of("XXXXXXXXXX", kPlan.seed_of(0)));
  EXPECT_EQ(receiver.held().at(0), *ended);
  EXPECT_TRUE(receiver.complete());
}

TEST(ReceiverTest, WhatCameOverAClaimAndWasDamagedLeavesTheBlockMissing) {
  Receiver receiver(kPlan, claims_in(kContent, kPlan));
  EXPECT_EQ(outcome(take(receiver, 2, "XXXXX", digest_at(2))), "digest_mismatch");
  EXPECT_FALSE(receiver.complete());
  EXPECT_EQ(receiver.held().count(2), 0U);
}

TEST(ReceiverTest, AnAbandonedBlockIsMissingAndAnotherMayBegin) {
  Receiver receiver(kPlan, claims_in(kContent, kPlan));
  EXPECT_TRUE(*receiver.begin(0, 10, digest_at(0)));
  receiver.piece(as_bytes("0123"));
  receiver.abandon();
  EXPECT_FALSE(receiver.complete());
  EXPECT_EQ(receiver.held().count(0), 0U);
  EXPECT_TRUE(take(receiver, 1));
  EXPECT_TRUE(take(receiver, 0));  // nothing of the first attempt is in its digest
  EXPECT_TRUE(receiver.complete());
}

TEST(ReceiverTest, AForgottenBlockIsMissing) {
  Receiver receiver(kPlan, claims_in(kContent, kPlan));
  receiver.forget(1);
  EXPECT_FALSE(receiver.complete());
  EXPECT_FALSE(*receiver.begin(1, 10, digest_at(1)));
  receiver.abandon();
  receiver.forget(1);  // once more does no harm
  EXPECT_TRUE(take(receiver, 1));
  EXPECT_TRUE(receiver.complete());
}

TEST(ReceiverTest, OneBlockWithoutDigestMakesItVerifiedByLengthForGood) {
  Receiver receiver(kPlan, claims_in(kContent, kPlan));
  const auto taken = take(receiver, 0, part_of(kContent, kPlan, 0), std::nullopt);
  ASSERT_TRUE(taken);
  EXPECT_EQ(*taken, digest_at(0));
  EXPECT_TRUE(receiver.complete());
  EXPECT_FALSE(receiver.verified_by_digest());
  EXPECT_TRUE(take(receiver, 0));
  EXPECT_FALSE(receiver.verified_by_digest());
}

}  // namespace
}  // namespace skein::transfer
