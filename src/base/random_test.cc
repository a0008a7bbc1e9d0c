#include "base/random.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <vector>

namespace skein {
namespace {

TEST(SystemRandomTest, NeverTheSameTwice) {
  SystemRandom random;
  std::set<std::string> seen;
  for (int i = 0; i < 1000; ++i) seen.insert(random.hex(16));
  EXPECT_EQ(seen.size(), 1000U);
}

TEST(SystemRandomTest, FillsAllOfIt) {
  // More than getrandom gives at once when a signal comes; every part must have been touched.
  std::vector<std::byte> bytes(1'000'000);
  SystemRandom().fill(bytes);
  for (std::size_t at = 0; at < bytes.size(); at += 64) {
    const auto part = Bytes(bytes).subspan(at, 64);
    EXPECT_FALSE(std::ranges::all_of(part, [](std::byte b) { return b == std::byte{0}; }));
  }
  SystemRandom().fill({});
}

TEST(RandomTest, HexIsTwiceAsLongAndLowerCase) {
  SeededRandom random(1);
  EXPECT_EQ(random.hex(0), "");
  const std::string hex = random.hex(500);
  EXPECT_EQ(hex.size(), 1000U);
  EXPECT_EQ(hex.find_first_not_of("0123456789abcdef"), std::string::npos);
}

TEST(SeededRandomTest, IsSplitmix64) {
  SeededRandom random(0);  // the reference's first values for seed 0
  EXPECT_EQ(random.u64(), 0xE220A8397B1DCDAFU);
  EXPECT_EQ(random.u64(), 0x6E789E6AA1B965F4U);
  EXPECT_EQ(random.u64(), 0x06C45D188009454FU);
}

TEST(SeededRandomTest, RepeatsForItsSeedOnly) {
  SeededRandom a(7);
  SeededRandom b(7);
  SeededRandom c(8);
  const std::string first = a.hex(33);
  EXPECT_EQ(first, b.hex(33));
  EXPECT_NE(first, c.hex(33));
  EXPECT_NE(first, a.hex(33));
}

TEST(SeededRandomTest, FillsSizesThatAreNoMultipleOfEight) {
  for (std::size_t size = 0; size < 40; ++size) {
    std::array<std::byte, 42> bytes{};
    SeededRandom(size).fill(MutableBytes(bytes).subspan(1, size));
    EXPECT_EQ(bytes[0], std::byte{0});
    EXPECT_EQ(bytes[size + 1], std::byte{0});
    if (size >= 8) {
      EXPECT_FALSE(std::all_of(bytes.begin() + 1, bytes.begin() + 1 + static_cast<long>(size),
                               [](std::byte b) { return b == std::byte{0}; }));
    }
  }
}

}  // namespace
}  // namespace skein
