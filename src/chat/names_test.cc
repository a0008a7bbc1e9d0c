#include "chat/names.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/text.h"
#include "chat/test_support.h"

namespace skein::chat {
namespace {

using namespace std::string_literals;

Name name(std::string_view text) {
  const auto parsed = parse_name(text, "member");
  EXPECT_TRUE(parsed) << said(parsed);
  return parsed ? *parsed : Name{};
}

// What two names are to each other.
std::string compared(std::string_view one, std::string_view other) {
  const Name a = name(one);
  const Name b = name(other);
  if (a.folded == b.folded) return "the same";
  EXPECT_EQ(a.looks_like(b), b.looks_like(a));
  return a.looks_like(b) ? "alike" : "different";
}

TEST(NamesTest, NamesOfMostKindsAreTakenAsTheyAre) {
  const char* const names[] = {
      "lin",
      "Lin W",
      "ada.lovelace@example.org",
      "O'Brien-Smith, 2nd",
      "客户端1",
      "王小明",
      "ノート",
      "김민준",
      "Müller",
      "Ǆordan",
      "Владимир",
      "يوسف",
      "अमित",
      "🙂",
      "🚀 team",
      "👍🏽",
      "❤️",
      "1️⃣",
      "🇨🇳",
      "<b>",
      "' OR 1=1 --",
      "a%2fb",
      "..",
      "lin#2",
      "½",
      "a@b",
  };
  for (const char* const text : names) EXPECT_EQ(name(text).shown, text);
}

TEST(NamesTest, ANameIsShownInNormalFormC) {
  EXPECT_EQ(name("Mu\u0308ller").shown, "Müller");
  EXPECT_EQ(name("\u1112\u1161\u11ab").shown, "한");
  EXPECT_EQ(compared("Mu\u0308ller", "Müller"), "the same");
}

TEST(NamesTest, TheSameNameInOtherWords) {
  const std::pair<const char*, const char*> same[] = {
      {"lin", "Lin"},      {"lin", "LIN"},         {"straße", "STRASSE"},
      {"Ω", "ω"},          {"ΣΊΣΥΦΟΣ", "σίσυφος"}, {"ｌｉｎ", "lin"},  // full width
      {"ﬁne", "fine"},                                                 // a ligature
      {"ﾉｰﾄ", "ノート"},                                               // half width
      {"K", "\u212a"},                                                 // the Kelvin sign
      {"x\u00a0y", "x y"},  // a space that does not break
      {"x\u3000y", "x y"},  // the space between Chinese characters
      {"❤", "❤️"},           // plain and in colour
      {"Ⅷ", "viii"},
  };
  for (const auto& [one, other] : same) EXPECT_EQ(compared(one, other), "the same") << one;
}

TEST(NamesTest, LookAlikes) {
  const std::pair<const char*, const char*> alike[] = {
      {"lin", "lіn"},                         // Cyrillic
      {"lin", "1in"},        {"lin", "Iin"},  // a capital I
      {"LIN", "1in"},        {"LIN", "Iin"},     {"lin", "|in"},
      {"bob", "Вob"},    // a capital of Cyrillic, which is no b when it is small
      {"Bob", "ВОВ"},    // all of it
      {"mark", "ΜARK"},  // Greek
      {"modern", "rnodern"}, {"O2", "02"},       {"ada", "аdа"},  // Cyrillic
      {"ｌin", "1in"},                                            // full width
      {"工口", "エロ"},                                           // Han and Katakana
      {"一", "ー"},          {"admin", "ɑdmin"},
  };
  for (const auto& [one, other] : alike) EXPECT_EQ(compared(one, other), "alike") << one;
}

TEST(NamesTest, OtherNamesAreNotTakenForAlike) {
  const std::pair<const char*, const char*> different[] = {
      {"lin", "lan"},        {"lia", "Ila"}, {"ali", "all"},   {"小明", "小月"},
      {"消息", "信息"},      {"🙂", "🙃"},   {"lin", "lin w"}, {"lin", "lin-w"},
      {"Müller", "Mueller"}, {"o", "ö"},     {"a", "b"},       {"1", "2"},
  };
  for (const auto& [one, other] : different) EXPECT_EQ(compared(one, other), "different") << one;
}

TEST(NamesTest, WhatIsRefusedAndWhy) {
  const std::string_view control = "a control character";
  const std::string_view format = "a format character";
  const std::string_view hidden = "a hidden character";
  const std::string_view slash = "a '/', or what looks like one";
  const std::string_view begin = "a '@' or '#' at its beginning";
  const std::string_view mark = "a combining mark at its beginning";
  const std::string_view before = "white space at its beginning";
  const std::string_view after = "white space at its end";
  const std::string_view twice = "white space twice in a row";
  const std::string_view bytes = "bytes that are not UTF-8";
  const std::pair<std::string, std::string_view> refused[] = {
      {"", "no characters"},
      {std::string(65, 'a'), "more than 64 bytes"},
      {std::string(1 << 20, 'a'), "more than 64 bytes"},
      // 64 bytes in normal form are 72 more when a composition is excluded from it.
      {"\U0001d160\U0001d160\U0001d160\U0001d160\U0001d160\U0001d160", "more than 64 bytes"},
      {"li\0n"s, control},
      {"\0"s, control},
      {"a\nb", control},
      {"a\tb", control},
      {"\033[2J", control},
      {"a\x7f", control},
      {"a\u0085", control},
      {"a\u2028z", control},
      {"a\u2029z", control},
      {"li\u200bn", format},        // zero width space
      {"li\u200dn", format},        // joiner
      {"li\u200cn", format},        // non-joiner
      {"lin\u00ad", format},        // soft hyphen
      {"\ufefflin", format},        // byte order mark
      {"\u202enil", format},        // right to left
      {"\u2066lin\u2069", format},  // isolates
      {"a\u061cb", format},         // Arabic letter mark
      {"a\U000e0061b", format},     // a tag
      {"lin\ufe0f", hidden},        // a selector where nothing is to be selected
      {"\ufe0f", hidden},           // alone
      {"lin\u034f", hidden},        // grapheme joiner
      {"\u3164", hidden},           // Hangul filler
      {"\uffa0", hidden},           // the same, half as wide
      {"葛\U000e0100", hidden},     // a variation of a Han character
      {"a\ue000", "a character for private use"},
      {"a\U00100000", "a character for private use"},
      {"a\u0378", "a character without a meaning"},
      {"a\uffff", "a character without a meaning"},
      {"\xff", bytes},
      {"lin\xc3", bytes},
      {"\xc0\xaf", bytes},      // a '/' in two bytes
      {"\xed\xa0\x80", bytes},  // half of a pair
      {"\xf4\x90\x80\x80", bytes},
      {" lin", before},
      {"\u00a0lin", before},
      {"\u3000lin", before},
      {" ", before},
      {"\u2800", before},  // the blank of Braille
      {"lin ", after},
      {"lin\u2003", after},
      {"lin\u2800", after},
      {"li  n", twice},
      {"li \u00a0n", twice},
      {"\u0301lin", mark},
      {"\u0301", mark},
      {"\u20dd", mark},
      {"@lin", begin},
      {"@", begin},
      {"#lobby", begin},
      {"＠lin", begin},  // full width
      {"﹫lin", begin},  // small
      {"＃lobby", begin},
      {"/lin", slash},
      {"/", slash},
      {"local/lin", slash},
      {"lin/", slash},
      {"local／lin", slash},      // full width
      {"local\u2215lin", slash},  // division
      {"local\u2044lin", slash},  // fraction
      {"local\u29f8lin", slash},  // big solidus
      {"local\u2571lin", slash},  // of boxes
      {"℀", slash},               // is a/c
  };
  for (const auto& [text, why] : refused) {
    for (const char* const what : {"room", "member"}) {
      const auto parsed = parse_name(text, what);
      ASSERT_FALSE(parsed) << quoted(text);
      EXPECT_EQ(outcome(parsed), "bad_name");
      EXPECT_EQ(parsed.error().message(),
                concat("name ", quoted(text), " of a ", what, " is refused: it has ", why));
      EXPECT_EQ(parsed.error().text(), parsed.error().message());  // nothing left to be escaped
    }
  }
}

TEST(NamesTest, AsLongAsANameMayBe) {
  const std::string longest(spec::kMaxNameBytes, 'x');
  EXPECT_EQ(name(longest).shown, longest);
  std::string han;
  for (int i = 0; i < 21; ++i) han += "名";
  EXPECT_EQ(name(han).shown, han);  // 63 bytes
  EXPECT_EQ(outcome(parse_name(han + "名", "room")), "bad_name");
}

// One character folds into eighteen, and still it can be compared.
TEST(NamesTest, ANameThatGrowsWhenItIsFolded) {
  std::string text;
  for (int i = 0; i < 21; ++i) text += "\ufdfa";
  const Name parsed = name(text);
  EXPECT_EQ(parsed.shown, text);
  EXPECT_GT(parsed.folded.size(), 21U * 18);
  EXPECT_TRUE(parsed.looks_like(parsed));
}

// Whatever is taken stands the test again: as shown it is the same name, and shows nothing hidden.
TEST(NamesTest, EveryCharacterIsTakenOrRefusedForGood) {
  std::size_t taken = 0;
  for (char32_t c = 1; c <= 0x2FFFF; ++c) {
    if (c >= 0xD800 && c <= 0xDFFF) continue;
    std::string text = "a";
    if (c < 0x80) {
      text += static_cast<char>(c);
    } else {
      if (c >= 0x10000) {
        text += static_cast<char>(0xF0U | (c >> 18U));
        text += static_cast<char>(0x80U | ((c >> 12U) & 0x3FU));
      } else if (c >= 0x800) {
        text += static_cast<char>(0xE0U | (c >> 12U));
      }
      if (c >= 0x800) {
        text += static_cast<char>(0x80U | ((c >> 6U) & 0x3FU));
      } else {
        text += static_cast<char>(0xC0U | (c >> 6U));
      }
      text += static_cast<char>(0x80U | (c & 0x3FU));
    }
    const auto parsed = parse_name(text, "room");
    if (!parsed) continue;
    ++taken;
    const auto again = parse_name(parsed->shown, "room");
    ASSERT_TRUE(again) << std::hex << static_cast<unsigned>(c) << said(again);
    EXPECT_EQ(again->shown, parsed->shown);
    EXPECT_EQ(again->folded, parsed->folded);
    EXPECT_EQ(again->looks, parsed->looks);
    EXPECT_EQ(escaped(parsed->shown), parsed->shown) << std::hex << static_cast<unsigned>(c);
  }
  EXPECT_GT(taken, 100'000U);
}

TEST(NamesTest, NoMemberPassesForAGuest) {
  for (const std::string_view name :
       {"127.0.0.1:5000", "127.0.0.1", "192.168.23.45:67890", "[::1]:8080", "::1", "fe80::1",
        "l27.O.0.1:5000", "１２７.0.0.1:5000", "127.0.0.1∶5000", "10.0.0.9:x"}) {
    const auto refused = parse_name(name, "member");
    ASSERT_FALSE(refused) << name;
    EXPECT_TRUE(refused.error().is(kBadName)) << name;
    EXPECT_TRUE(parse_name(name, "room")) << name;
  }
  for (const std::string_view name : {"1", "1.2", "10:30", "lol", "a:b", "12.5", "1.2.3.4.5"}) {
    EXPECT_TRUE(parse_name(name, "member")) << name;
  }
}

}  // namespace
}  // namespace skein::chat
