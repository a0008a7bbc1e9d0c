#include "hub/rates.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/text.h"

namespace skein::hub {
namespace {

using socketserver::Address;

Address at(std::string_view host, std::uint16_t port = 9) {
  return *Address::from_number(host, port);
}

TEST(RatesTest, AllPortsOfAnAddressHaveOneRateAndAnotherAddressItsOwn) {
  Rates rates(10, 2, 100);
  EXPECT_EQ(rates.of(at("192.0.2.1", 1000)).take(1), 0);
  EXPECT_EQ(rates.of(at("192.0.2.1", 2000)).take(1), 0);
  EXPECT_EQ(rates.of(at("192.0.2.1", 3000)).take(1), 100);
  EXPECT_EQ(rates.of(at("::ffff:192.0.2.1")).take(1), 100);  // the same, as IPv6 writes it
  EXPECT_EQ(rates.of(at("192.0.2.2")).take(1), 0);
  EXPECT_EQ(rates.of(Address()).take(1), 0);
}

TEST(RatesTest, AHouseholdsNetworkOfIpv6HasOneRate) {
  Rates rates(10, 1, 100);
  EXPECT_EQ(rates.of(at("2001:db8:1:2::3")).take(1), 0);
  EXPECT_EQ(rates.of(at("2001:db8:1:2:4:5:6:7")).take(1), 100);
  EXPECT_EQ(rates.of(at("2001:db8:1:3::3")).take(1), 0);
  EXPECT_EQ(rates.of(at("::1")).take(1), 0);
}

TEST(RatesTest, AFloodOfAddressesIsBoundedAndForgetsTheSilentFirst) {
  constexpr std::size_t kMost = 100;
  Rates rates(1, 2, kMost);
  std::int64_t now_ms = 1;
  EXPECT_EQ(rates.of(at("192.0.2.1")).take(now_ms), 0);
  EXPECT_EQ(rates.of(at("192.0.2.1")).take(now_ms), 0);
  for (int i = 0; i < 1000; ++i) {
    const std::string one = concat("10.0.", std::to_string(i / 200), ".", std::to_string(i % 200));
    EXPECT_EQ(rates.of(at(one)).take(now_ms), 0) << one;   // nobody is locked out
    EXPECT_GT(rates.of(at("192.0.2.1")).take(now_ms), 0);  // nor anybody let through
    EXPECT_LE(rates.size(), kMost);
    if (i % 100 == 0) ++now_ms;
  }
}

}  // namespace
}  // namespace skein::hub
