#include "wire/probe.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace skein::wire {
namespace {

Probe sample() {
  Probe probe;
  probe.kind = ProbeKind::kPull;
  probe.sequence = 0x0102030405060708ULL;
  probe.cookie.fill(std::byte{0xc0});
  probe.count = 32;
  probe.bytes = 1200;
  return probe;
}

TEST(ProbeTest, HeadIsLaidOutAsSpecified) {
  EXPECT_EQ(to_hex(encode_probe(sample())),
            "00736b31"
            "05000000"
            "0807060504030201"
            "c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0"
            "20000000"
            "b0040000");
}

TEST(ProbeTest, ComesBackAsItWent) {
  const auto bytes = encode_probe(sample());
  const auto probe = decode_probe(bytes);
  ASSERT_TRUE(probe);
  EXPECT_EQ(probe->kind, ProbeKind::kPull);
  EXPECT_EQ(probe->sequence, sample().sequence);
  EXPECT_EQ(probe->cookie, sample().cookie);
  EXPECT_EQ(probe->count, 32U);
  EXPECT_EQ(probe->bytes, 1200U);
}

TEST(ProbeTest, FillerBehindTheHeadIsIgnored) {
  std::vector<std::byte> bytes(1000, std::byte{7});
  encode_probe(sample(), bytes);
  ASSERT_TRUE(decode_probe(bytes));
  EXPECT_EQ(decode_probe(bytes)->count, 32U);
}

TEST(ProbeTest, ShorterThanTheHeadIsNone) {
  const auto bytes = encode_probe(sample());
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_FALSE(decode_probe(Bytes(bytes).first(size))) << size;
  }
}

TEST(ProbeTest, OtherMarksVersionsAndKindsAreNone) {
  for (const std::size_t at : {0U, 1U, 2U, 3U}) {
    auto bytes = encode_probe(sample());
    bytes[at] = std::byte{'x'};
    EXPECT_FALSE(decode_probe(bytes)) << at;
  }
  for (const unsigned kind : {0U, 7U, 255U}) {
    auto bytes = encode_probe(sample());
    bytes[4] = static_cast<std::byte>(kind);
    EXPECT_FALSE(decode_probe(bytes)) << kind;
  }
}

TEST(ProbeTest, WhatBeginsWithANulIsNoText) {
  EXPECT_TRUE(looks_like_probe(encode_probe(sample())));
  EXPECT_TRUE(looks_like_probe(as_bytes(std::string_view("\0", 1))));
  EXPECT_FALSE(looks_like_probe(as_bytes("hello")));
  EXPECT_FALSE(looks_like_probe({}));
}

}  // namespace
}  // namespace skein::wire
