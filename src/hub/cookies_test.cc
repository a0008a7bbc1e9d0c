#include "hub/cookies.h"

#include <gtest/gtest.h>

#include <array>

#include "base/limits.h"

namespace skein::hub {
namespace {

using socketserver::Address;

TEST(KeyedHashTest, IsSipHash24) {
  // The test vectors of its authors: key and input are the bytes 0, 1, 2, …
  std::array<std::byte, 16> key{};
  std::array<std::byte, 15> input{};
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::byte>(i);
  for (std::size_t i = 0; i < input.size(); ++i) input[i] = static_cast<std::byte>(i);
  EXPECT_EQ(keyed_hash(key, {}), 0x726fdb47dd0e0e31ULL);
  EXPECT_EQ(keyed_hash(key, Bytes(input).first(1)), 0x74f839c593dc67fdULL);
  EXPECT_EQ(keyed_hash(key, Bytes(input).first(8)), 0x93f5f5799a932462ULL);
  EXPECT_EQ(keyed_hash(key, input), 0xa129ca6149be45e5ULL);
}

struct CookiesTest : ::testing::Test {
  FakeClock clock;
  SeededRandom random{1};
  Cookies cookies{clock, random};
  Address ada = *Address::from_number("192.0.2.1", 5000);
};

TEST_F(CookiesTest, IsGoodForTheAddressAndPortThatItWasMadeForAlone) {
  const auto cookie = cookies.make(ada);
  EXPECT_TRUE(cookies.is_good(cookie, ada));
  EXPECT_FALSE(cookies.is_good(cookie, *Address::from_number("192.0.2.2", 5000)));
  EXPECT_FALSE(cookies.is_good(cookie, *Address::from_number("192.0.2.1", 5001)));
}

TEST_F(CookiesTest, IsGoodForAMinuteAtLeastAndTwoAtMost) {
  for (int start = 0; start < 3; ++start) {
    const auto cookie = cookies.make(ada);
    clock.advance_ms(spec::kCookieMs);
    EXPECT_TRUE(cookies.is_good(cookie, ada));
    clock.advance_ms(spec::kCookieMs + 1);
    EXPECT_FALSE(cookies.is_good(cookie, ada));
    clock.advance_ms(spec::kCookieMs / 3);
  }
}

TEST_F(CookiesTest, NoBitOfItMayDiffer) {
  for (std::size_t byte = 0; byte < sizeof(wire::ProbeCookie); ++byte) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      auto cookie = cookies.make(ada);
      cookie[byte] ^= static_cast<std::byte>(1U << bit);
      EXPECT_FALSE(cookies.is_good(cookie, ada)) << byte << " " << bit;
    }
  }
  EXPECT_FALSE(cookies.is_good({}, ada));
}

TEST_F(CookiesTest, OfAnotherHubIsNotGoodHere) {
  const Cookies other(clock, random);
  EXPECT_FALSE(cookies.is_good(other.make(ada), ada));
}

}  // namespace
}  // namespace skein::hub
