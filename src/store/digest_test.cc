#include "store/digest.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace skein::store {
namespace {

// Longer than every internal boundary of the hash: 16, 128, 240, one stripe, one block.
std::string long_text() {
  std::string text;
  for (int i = 0; i < 5'000; ++i) text += static_cast<char>(i * 7 % 251);
  return text;
}

TEST(DigestTest, KnownVectors) {
  // What `xxh128sum` prints for an empty file and for "abc".
  EXPECT_EQ(digest_of(Bytes(), 0).hex(), "99aa06d3014798d86001c324468d497f");
  EXPECT_EQ(digest_of(as_bytes("abc"), 0).hex(), "06b05ab6733a618578af5f94892f3950");
}

TEST(DigestTest, TheSeedMatters) {
  const std::string text = long_text();
  for (const std::size_t size : {0UL, 1UL, 16UL, 200UL, 5'000UL}) {
    const Bytes bytes = as_bytes(text).first(size);
    EXPECT_NE(digest_of(bytes, 1), digest_of(bytes, 2)) << size;
    EXPECT_EQ(digest_of(bytes, 1), digest_of(bytes, 1)) << size;
  }
}

TEST(DigestTest, EveryByteMatters) {
  std::string text = long_text();
  std::set<Digest> seen = {digest_of(as_bytes(text), 0)};
  for (std::size_t at = 0; at < text.size(); at += 37) {
    text[at] ^= 1;
    EXPECT_TRUE(seen.insert(digest_of(as_bytes(text), 0)).second) << at;
    text[at] ^= 1;
  }
  EXPECT_TRUE(seen.insert(digest_of(as_bytes(text + '\0'), 0)).second);
}

TEST(DigestTest, PiecesEqualTheWhole) {
  const std::string text = long_text();
  Hasher hasher;
  for (const std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{0xDEADBEEFCAFEF00D}}) {
    for (const std::size_t size : {0UL, 1UL, 16UL, 17UL, 128UL, 129UL, 240UL, 241UL, 5'000UL}) {
      const Bytes whole = as_bytes(text).first(size);
      const Digest expected = digest_of(whole, seed);
      for (const std::size_t piece : {1UL, 7UL, 64UL, 1'024UL, 5'000UL}) {
        hasher.restart(seed);
        for (std::size_t at = 0; at < size; at += piece) {
          hasher.update(whole.subspan(at, std::min(piece, size - at)));
        }
        hasher.update({});
        EXPECT_EQ(hasher.digest(), expected) << size << " by " << piece;
        EXPECT_EQ(hasher.digest(), expected) << "asked twice";
      }
    }
  }
}

TEST(DigestTest, AMovedHasherGoesOn) {
  Hasher first;
  first.restart(3);
  first.update(as_bytes("ab"));
  Hasher second = std::move(first);
  second.update(as_bytes("c"));
  EXPECT_EQ(second.digest(), digest_of(as_bytes("abc"), 3));
}

TEST(DigestTest, HexThereAndBack) {
  const Digest digest = digest_of(as_bytes("abc"), 0);
  EXPECT_EQ(Digest::from_hex(digest.hex()), digest);
  EXPECT_EQ(Digest::from_hex(""), std::nullopt);
  EXPECT_EQ(Digest::from_hex("06b05ab6733a618578af5f94892f395"), std::nullopt);
  EXPECT_EQ(Digest::from_hex("06b05ab6733a618578af5f94892f39500"), std::nullopt);
  EXPECT_EQ(Digest::from_hex("06B05AB6733A618578AF5F94892F3950"), std::nullopt);
  EXPECT_EQ(Digest::from_hex("g6b05ab6733a618578af5f94892f3950"), std::nullopt);
}

TEST(DigestTest, ChecksumsTellRecordsApart) {
  std::string record = "a record of 23 bytes...";
  const std::uint32_t whole = checksum_of(as_bytes(record));
  EXPECT_EQ(checksum_of(as_bytes(record)), whole);
  for (std::size_t cut = 0; cut < record.size(); ++cut) {
    EXPECT_NE(checksum_of(as_bytes(record).first(cut)), whole) << cut;
  }
  record[5] ^= 1;
  EXPECT_NE(checksum_of(as_bytes(record)), whole);
}

}  // namespace
}  // namespace skein::store
