#include "base/text.h"

#include <gmock/gmock.h>

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace skein {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using namespace std::string_view_literals;

TEST(ConcatTest, JoinsWhateverIsText) {
  EXPECT_EQ(concat(), "");
  EXPECT_EQ(concat("a", std::string("b"), "c"sv), "abc");
  EXPECT_EQ(concat("a\0b"sv, ""), "a\0b"sv);
}

// UTF-8

std::string utf8(char32_t c) {  // written apart from the code under test
  const auto byte = [](char32_t bits) {
    return static_cast<char>(static_cast<unsigned char>(bits));
  };
  if (c < 0x80) return {byte(c)};
  if (c < 0x800) return {byte(0xC0 | (c >> 6)), byte(0x80 | (c & 0x3F))};
  if (c < 0x10000) {
    return {byte(0xE0 | (c >> 12)), byte(0x80 | ((c >> 6) & 0x3F)), byte(0x80 | (c & 0x3F))};
  }
  return {byte(0xF0 | (c >> 18)), byte(0x80 | ((c >> 12) & 0x3F)), byte(0x80 | ((c >> 6) & 0x3F)),
          byte(0x80 | (c & 0x3F))};
}

TEST(Utf8Test, EveryCodePointReadsBackAndEverySurrogateIsRefused) {
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    const std::string bytes = utf8(c);
    const CodePoint point = first_code_point(bytes);
    if (c >= 0xD800 && c <= 0xDFFF) {
      ASSERT_FALSE(point.ok) << std::hex << static_cast<unsigned>(c);
      ASSERT_EQ(point.size, 1U);
    } else {
      ASSERT_TRUE(point.ok) << std::hex << static_cast<unsigned>(c);
      ASSERT_EQ(point.value, c);
      ASSERT_EQ(point.size, bytes.size());
    }
  }
}

TEST(Utf8Test, EveryCutIsRefused) {
  for (const char32_t c : {U'é', U'客', U'😀'}) {
    const std::string whole = utf8(c);
    for (std::size_t size = 1; size < whole.size(); ++size) {
      const std::string cut = whole.substr(0, size);
      EXPECT_FALSE(first_code_point(cut).ok);
      EXPECT_EQ(first_code_point(cut).size, 1U);
      EXPECT_FALSE(is_utf8(cut));
      EXPECT_FALSE(is_utf8(cut + "abc"));
    }
  }
}

class IllFormed : public testing::TestWithParam<std::string_view> {};
TEST_P(IllFormed, IsRefused) {
  const std::string_view bytes = GetParam();
  EXPECT_FALSE(is_utf8(bytes));
  EXPECT_FALSE(first_code_point(bytes).ok);
  EXPECT_EQ(first_code_point(bytes).size, 1U);
  EXPECT_FALSE(is_utf8(concat("before", bytes, "after")));
  EXPECT_TRUE(is_utf8(escaped(bytes)));
}
INSTANTIATE_TEST_SUITE_P(Bytes, IllFormed,
                         testing::Values("\xC0\x80"sv,          // overlong NUL
                                         "\xC0\xAF"sv,          // overlong slash
                                         "\xC1\xBF"sv,          // overlong DEL
                                         "\xE0\x80\xAF"sv,      // overlong slash in three
                                         "\xE0\x9F\xBF"sv,      // overlong U+07FF
                                         "\xF0\x80\x80\xAF"sv,  // overlong slash in four
                                         "\xF0\x8F\xBF\xBF"sv,  // overlong U+FFFF
                                         "\xED\xA0\x80"sv,      // first surrogate
                                         "\xED\xBF\xBF"sv,      // last surrogate
                                         "\xF4\x90\x80\x80"sv,  // U+110000
                                         "\xF7\xBF\xBF\xBF"sv, "\xF8\x88\x80\x80\x80"sv, "\xFE"sv,
                                         "\xFF"sv,
                                         "\x80"sv,      // a continuation alone
                                         "\xC3("sv,     // a lead without its continuation
                                         "\xE5\xAE("sv  // two of three
                                         ));

TEST(Utf8Test, BordersAreAccepted) {
  EXPECT_TRUE(is_utf8(""));
  EXPECT_TRUE(is_utf8("a\0b"sv));
  EXPECT_TRUE(is_utf8("\x7F\xC2\x80\xDF\xBF\xE0\xA0\x80\xED\x9F\xBF\xEE\x80\x80\xEF\xBF\xBF"));
  EXPECT_TRUE(is_utf8("\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"));
}

// escaped

TEST(EscapedTest, OrdinaryTextStaysAsItIs) {
  for (const char* text : {"", "a.txt", "客户端1", "été", "😀", "it's \"so\" \\ /", "a b"}) {
    EXPECT_EQ(escaped(text), text);
  }
}

TEST(EscapedTest, ControlCharactersAreShown) {
  EXPECT_EQ(escaped("a\nb\r\tc"), "a\\x0ab\\x0d\\x09c");
  EXPECT_EQ(escaped("\x1b[2J\x1b]0;title\x07"), "\\x1b[2J\\x1b]0;title\\x07");
  EXPECT_EQ(escaped("a\0b"sv), "a\\x00b");
  EXPECT_EQ(escaped("\x7F"), "\\x7f");
  EXPECT_EQ(escaped("\xC2\x9B"
                    "31m"),
            "\\u{9b}31m");  // CSI in one character
}

TEST(EscapedTest, BytesThatAreNoTextAreShown) {
  EXPECT_EQ(escaped("\xFF"), "\\xff");
  EXPECT_EQ(escaped("\x9B"
                    "31m"),
            "\\x9b31m");  // CSI in one byte
  EXPECT_EQ(escaped("\xC0\xAF"), "\\xc0\\xaf");
  EXPECT_EQ(escaped("\xE5\xAE"), "\\xe5\\xae");
  EXPECT_EQ(escaped("\xE5\xAE\x1b"), "\\xe5\\xae\\x1b");
}

TEST(EscapedTest, DirectionAndHidingAreShown) {
  EXPECT_EQ(escaped("invoice\u202Efdp.exe"), "invoice\\u{202e}fdp.exe");
  for (const char32_t c :
       {U'\u00AD', U'\u061C', U'\u115F', U'\u180E',     U'\u200B',    U'\u200D', U'\u200E',
        U'\u200F', U'\u2028', U'\u2029', U'\u202A',     U'\u202B',    U'\u202C', U'\u202D',
        U'\u202E', U'\u2060', U'\u2066', U'\u2067',     U'\u2068',    U'\u2069', U'\u3164',
        U'\uFEFF', U'\uFFF9', U'\uFFA0', U'\U000E0001', U'\U000E007F'}) {
    EXPECT_THAT(escaped(utf8(c)), StartsWith("\\u{")) << std::hex << static_cast<unsigned>(c);
  }
}

TEST(EscapedTest, NothingHarmfulIsLeftAndTwiceIsOnce) {
  // Every pair of bytes in the middle of a text, and every code point.
  for (unsigned first = 0; first < 256; ++first) {
    for (unsigned second = 0; second < 256; ++second) {
      std::string text = "x??y";
      text[1] = static_cast<char>(first);
      text[2] = static_cast<char>(second);
      const std::string once = escaped(text);
      ASSERT_EQ(escaped(once), once);
      ASSERT_TRUE(is_utf8(once));
      for (const char c : once) ASSERT_FALSE(static_cast<unsigned char>(c) < 0x20 || c == 0x7F);
    }
  }
  for (char32_t c = 0; c <= 0x10FFFF; ++c) {
    const std::string once = escaped(utf8(c));
    ASSERT_EQ(escaped(once), once);
  }
}

// quoted

TEST(QuotedTest, QuotesAndEscapes) {
  EXPECT_EQ(quoted("a.txt"), "'a.txt'");
  EXPECT_EQ(quoted(""), "''");
  EXPECT_EQ(quoted("a\nb"), "'a\\x0ab'");
}

TEST(QuotedTest, OneByteDecidesWhetherItIsShortened) {
  EXPECT_EQ(quoted(std::string(160, 'a')), concat("'", std::string(160, 'a'), "'"));
  EXPECT_EQ(quoted(std::string(161, 'a')),
            concat("'", std::string(80, 'a'), "…", std::string(80, 'a'), "'"));
}

TEST(QuotedTest, BeginningAndEndStayVisible) {
  const std::string name = concat("begin", std::string(5000, '-'), "end.txt");
  const std::string shown = quoted(name);
  EXPECT_LT(shown.size(), 200U);
  EXPECT_THAT(shown, StartsWith("'begin---"));
  EXPECT_THAT(shown, EndsWith("---end.txt'"));
  EXPECT_THAT(shown, HasSubstr("…"));
}

TEST(QuotedTest, NoCharacterIsCutInTwo) {
  for (const std::string_view unit : {"é"sv, "客"sv, "😀"sv}) {
    for (std::size_t before = 0; before < 4; ++before) {
      for (std::size_t after = 0; after < 4; ++after) {
        std::string name(before, 'b');
        for (int i = 0; i < 100; ++i) name += unit;
        name.append(after, 'a');
        const std::string shown = quoted(name);
        EXPECT_THAT(shown, Not(HasSubstr("\\x"))) << shown;
        EXPECT_TRUE(is_utf8(shown));
      }
    }
  }
}

TEST(QuotedTest, BytesThatAreNoTextAreNotSwallowed) {
  const std::string shown = quoted(std::string(500, '\x80'));
  EXPECT_THAT(shown, StartsWith("'\\x80"));
  EXPECT_THAT(shown, EndsWith("\\x80'"));
}

// numbers

TEST(HumanTest, BytesRoundAcrossTheUnits) {
  EXPECT_EQ(human_bytes(0), "0 bytes");
  EXPECT_EQ(human_bytes(1), "1 byte");
  EXPECT_EQ(human_bytes(2), "2 bytes");
  EXPECT_EQ(human_bytes(999), "999 bytes");
  EXPECT_EQ(human_bytes(1000), "1.0 kB");
  EXPECT_EQ(human_bytes(1001), "1.0 kB");
  EXPECT_EQ(human_bytes(3'149), "3.1 kB");
  EXPECT_EQ(human_bytes(99'949), "99.9 kB");
  EXPECT_EQ(human_bytes(99'950), "100 kB");
  EXPECT_EQ(human_bytes(999'499), "999 kB");
  EXPECT_EQ(human_bytes(999'500), "1.0 MB");
  EXPECT_EQ(human_bytes(999'949), "1.0 MB");
  EXPECT_EQ(human_bytes(999'950), "1.0 MB");
  EXPECT_EQ(human_bytes(1'000'000), "1.0 MB");
  EXPECT_EQ(human_bytes(3'100'000'000), "3.1 GB");
  EXPECT_EQ(human_bytes(999'949'999'999), "1.0 TB");
  EXPECT_EQ(human_bytes(std::numeric_limits<std::uint64_t>::max()), "18.4 EB");
}

TEST(HumanTest, NeverFourDigitsBeforeTheUnit) {
  for (std::uint64_t unit = 1000; unit <= 1'000'000'000'000'000'000U / 1000; unit *= 1000) {
    for (const std::uint64_t bytes : {unit - 1, unit, unit * 999, unit * 1000 - 1}) {
      const std::string shown = human_bytes(bytes);
      EXPECT_LE(shown.find_first_of(". "), 3U) << bytes << " is " << shown;
    }
  }
}

TEST(HumanTest, CountsHaveTheirThousandsApart) {
  EXPECT_EQ(human_count(0), "0");
  EXPECT_EQ(human_count(999), "999");
  EXPECT_EQ(human_count(1000), "1,000");
  EXPECT_EQ(human_count(1'234'567), "1,234,567");
  EXPECT_EQ(human_count(std::numeric_limits<std::uint64_t>::max()), "18,446,744,073,709,551,615");
}

TEST(HumanTest, OneOrMany) {
  EXPECT_EQ(counted(0, "file"), "0 files");
  EXPECT_EQ(counted(1, "file"), "1 file");
  EXPECT_EQ(counted(1204, "file"), "1,204 files");
}

}  // namespace
}  // namespace skein
