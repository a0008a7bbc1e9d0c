#include "store/blocks.h"

#include <gtest/gtest.h>

#include <limits>

namespace skein::store {
namespace {

BlockPlan plan(std::uint64_t total_bytes, std::uint32_t block_bytes) {
  return {.total_bytes = total_bytes, .block_bytes = block_bytes, .seed = 0};
}

TEST(BlocksTest, AnEmptyFileHasNone) {
  EXPECT_EQ(plan(0, 1024).count(), 0U);
}

TEST(BlocksTest, OneByteIsOneShortBlock) {
  EXPECT_EQ(plan(1, 1024).count(), 1U);
  EXPECT_EQ(plan(1, 1024).size(0), 1U);
  EXPECT_EQ(plan(1, 1024).offset(0), 0U);
}

TEST(BlocksTest, OneByteLessThanABlock) {
  EXPECT_EQ(plan(1023, 1024).count(), 1U);
  EXPECT_EQ(plan(1023, 1024).size(0), 1023U);
}

TEST(BlocksTest, AnExactMultipleHasNoEmptyLastBlock) {
  EXPECT_EQ(plan(1024, 1024).count(), 1U);
  EXPECT_EQ(plan(1024, 1024).size(0), 1024U);
  EXPECT_EQ(plan(3072, 1024).count(), 3U);
  EXPECT_EQ(plan(3072, 1024).size(2), 1024U);
  EXPECT_EQ(plan(3072, 1024).offset(2), 2048U);
}

TEST(BlocksTest, OneByteMoreIsOneBlockMore) {
  EXPECT_EQ(plan(3073, 1024).count(), 4U);
  EXPECT_EQ(plan(3073, 1024).size(2), 1024U);
  EXPECT_EQ(plan(3073, 1024).size(3), 1U);
  EXPECT_EQ(plan(3073, 1024).offset(3), 3072U);
}

TEST(BlocksTest, TheBlocksAreTheFile) {
  for (const std::uint64_t total : {0U, 1U, 99U, 100U, 101U, 12'345U}) {
    const BlockPlan blocks = plan(total, 100);
    std::uint64_t end = 0;
    for (std::uint64_t block = 0; block < blocks.count(); ++block) {
      EXPECT_EQ(blocks.offset(block), end);
      EXPECT_GT(blocks.size(block), 0U);
      end += blocks.size(block);
    }
    EXPECT_EQ(end, total);
  }
}

TEST(BlocksTest, VeryLargeFilesDoNotOverflow) {
  constexpr std::uint64_t kHuge = std::numeric_limits<std::int64_t>::max();
  const BlockPlan blocks = plan(kHuge, 4 * 1024 * 1024);
  const std::uint64_t last = blocks.count() - 1;
  EXPECT_EQ(blocks.offset(last) + blocks.size(last), kHuge);
}

TEST(BlocksTest, PlansDifferBySeedToo) {
  BlockPlan other = plan(10, 5);
  other.seed = 1;
  EXPECT_EQ(plan(10, 5), plan(10, 5));
  EXPECT_NE(plan(10, 5), other);
}

}  // namespace
}  // namespace skein::store
