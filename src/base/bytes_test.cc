#include "base/bytes.h"

#include <gmock/gmock.h>

#include <array>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

namespace skein {
namespace {

using namespace std::string_view_literals;

TEST(BytesTest, TextAndBytesAreViewsOfTheSame) {
  const std::string text = std::string("a\0\xFFz"sv);
  const Bytes bytes = as_bytes(text);
  EXPECT_EQ(bytes.size(), text.size());
  EXPECT_EQ(static_cast<const void*>(bytes.data()), static_cast<const void*>(text.data()));
  EXPECT_EQ(as_text(bytes), text);
  EXPECT_EQ(as_text(Bytes{}), "");
  EXPECT_TRUE(as_bytes("").empty());
}

TEST(BytesTest, IntegersAreLittleEndian) {
  std::array<std::byte, 4> raw{};
  store_le<std::uint32_t>(raw.data(), 0x01020304U);
  EXPECT_EQ(as_text(raw), "\x04\x03\x02\x01");
  EXPECT_EQ(load_le<std::uint32_t>(raw.data()), 0x01020304U);
  EXPECT_EQ(load_le<std::uint16_t>(raw.data()), 0x0304U);
  EXPECT_EQ(load_le<std::uint8_t>(raw.data()), 0x04U);
}

template <typename Int>
class Integers : public testing::Test {};
using Widths = testing::Types<std::uint8_t, std::uint16_t, std::uint32_t, std::uint64_t>;
TYPED_TEST_SUITE(Integers, Widths);

TYPED_TEST(Integers, ComeBackAsTheyWent) {
  std::array<std::byte, sizeof(TypeParam)> raw{};
  for (unsigned bit = 0; bit < 8 * sizeof(TypeParam); ++bit) {
    const auto value = static_cast<TypeParam>(TypeParam{1} << bit);
    store_le(raw.data(), value);
    EXPECT_EQ(load_le<TypeParam>(raw.data()), value);
  }
  const TypeParam most = std::numeric_limits<TypeParam>::max();
  store_le(raw.data(), most);
  EXPECT_EQ(load_le<TypeParam>(raw.data()), most);
}

TEST(BytesTest, AppendsAfterWhatIsThere) {
  std::string out = "x";
  append_le<std::uint16_t>(out, 0x4142);
  append_le<std::uint64_t>(out, 0);
  EXPECT_EQ(out, "xBA\0\0\0\0\0\0\0\0"sv);
}

TEST(BytesTest, IntegersAreReadAtCompileTime) {
  constexpr std::array raw = {std::byte{1}, std::byte{2}};
  static_assert(load_le<std::uint16_t>(raw.data()) == 0x0201);
}

TEST(HexTest, ThereAndBack) {
  std::string all(256, '\0');
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = static_cast<char>(i);
  const std::string hex = to_hex(as_bytes(all));
  EXPECT_EQ(hex.substr(0, 8), "00010203");
  EXPECT_EQ(hex.substr(hex.size() - 4), "feff");
  std::array<std::byte, 256> back{};
  ASSERT_TRUE(from_hex(hex, back));
  EXPECT_EQ(as_text(back), all);
  EXPECT_EQ(to_hex({}), "");
}

TEST(HexTest, OnlyLowerCaseOfExactlyThatSize) {
  std::array<std::byte, 2> out{};
  EXPECT_TRUE(from_hex("00ff", out));
  EXPECT_TRUE(from_hex("", MutableBytes{}));
  for (const char* bad : {"", "0", "00f", "00ff0", "00ff00", "00FF", "00fg", "0 ff", "0x0f", "-100",
                          "00f\xEF", "/000", ":000", "`000"}) {
    EXPECT_FALSE(from_hex(bad, out)) << bad;
  }
  EXPECT_FALSE(from_hex("00\0f"sv, out));
}

}  // namespace
}  // namespace skein
