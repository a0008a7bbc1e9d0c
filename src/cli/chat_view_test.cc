#include "cli/chat_view.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <ctime>

namespace skein::cli {
namespace {

using ::testing::ElementsAre;

TEST(ChatInput, TextAndCommands) {
  EXPECT_EQ(parse_chat_input("hello /you"), (ChatInput{"", "hello /you"}));
  EXPECT_EQ(parse_chat_input("  hello "), (ChatInput{"", "  hello "}));
  EXPECT_EQ(parse_chat_input("//etc/hosts"), (ChatInput{"", "/etc/hosts"}));
  EXPECT_EQ(parse_chat_input("/join  holiday \t"), (ChatInput{"join", "holiday"}));
  EXPECT_EQ(parse_chat_input("/msg lin two  words"), (ChatInput{"msg", "lin two  words"}));
  EXPECT_EQ(parse_chat_input("/quit"), (ChatInput{"quit", ""}));
  EXPECT_EQ(parse_chat_input(""), (ChatInput{"", ""}));
}

TEST(ChatInput, ASlashAloneIsNoText) {
  EXPECT_NE(parse_chat_input("/").word, "");
  EXPECT_NE(parse_chat_input("/ ").word, "");
}

class View : public ::testing::Test {
 protected:
  void SetUp() override {
    setenv("TZ", "UTC", 1);
    tzset();
  }
  static chat::Message message(std::string from, std::string text, std::string file = "") {
    chat::Message out;
    out.ts_ms = 1'700'000'000'000;  // Tue 14 Nov 2023 22:13 UTC
    out.from = std::move(from);
    out.text = std::move(text);
    out.file = std::move(file);
    return out;
  }
  ChatView plain{false};
};

TEST_F(View, TheDayOnceAndTheMessages) {
  EXPECT_THAT(plain.lines(message("lin", "photos are up"), ""),
              ElementsAre("-- Tue 14 Nov 2023 --", "22:13 lin: photos are up"));
  EXPECT_THAT(plain.lines(message("ada", "nice"), "@ada"), ElementsAre("22:13 @ada ada: nice"));
  chat::Message later = message("lin", "x");
  later.ts_ms += 2LL * 3600 * 1000;
  EXPECT_THAT(plain.lines(later, ""), ElementsAre("-- Wed 15 Nov 2023 --", "00:13 lin: x"));
  plain.forget_day();
  EXPECT_THAT(plain.lines(later, ""), ElementsAre("-- Wed 15 Nov 2023 --", "00:13 lin: x"));
}

TEST_F(View, WhatIsFromOutsideIsEscaped) {
  static_cast<void>(plain.lines(message("a", "b"), ""));
  const auto lines =
      plain.lines(message("e\x1b[2Jve", "a\x1b]0;x\x07 \u202e b", "c\x1b[0md"), "r\x1b");
  EXPECT_THAT(lines, ElementsAre("22:13 r\\x1b e\\x1b[2Jve: a\\x1b]0;x\\x07 \\u{202e} b "
                                 "[1 file 'c\\x1b[0md']"));
}

TEST_F(View, NoLineOfAMessagePassesForAnother) {
  static_cast<void>(plain.lines(message("a", "b"), ""));
  EXPECT_THAT(plain.lines(message("eve", "one\n22:13 lin: two\r"), ""),
              ElementsAre("22:13 eve: one", "      | 22:13 lin: two\\x0d"));
}

TEST_F(View, OffersHaveNumbers) {
  static_cast<void>(plain.lines(message("a", "b"), ""));
  EXPECT_THAT(plain.lines(message("lin", "", "photos.zip"), ""),
              ElementsAre("22:13 lin: [1 file 'photos.zip']"));
  EXPECT_THAT(plain.lines(message("lin", "and", "b/c"), ""),
              ElementsAre("22:13 lin: and [2 file 'b/c']"));
  EXPECT_EQ(plain.offered("1"), "photos.zip");
  EXPECT_EQ(plain.offered("2"), "b/c");
  for (const char* none : {"", "0", "3", "-1", "1x", " 1", "99999999999999999999"}) {
    EXPECT_EQ(plain.offered(none), std::nullopt) << none;
  }
}

TEST_F(View, OnlyTheNewestOffersAreKept) {
  for (int i = 1; i <= 1500; ++i) {
    static_cast<void>(plain.lines(message("lin", "", std::to_string(i)), ""));
  }
  EXPECT_EQ(plain.offered("1500"), "1500");
  EXPECT_EQ(plain.offered("501"), "501");
  EXPECT_EQ(plain.offered("500"), std::nullopt);
}

TEST_F(View, AColourIsTheNamesOwn) {
  const ChatView colourful(true);
  EXPECT_EQ(colourful.name("lin"), colourful.name("lin"));
  EXPECT_THAT(colourful.name("lin"), ::testing::MatchesRegex("\x1b\\[[0-9]+mlin\x1b\\[0m"));
  EXPECT_EQ(plain.name("lin"), "lin");
  EXPECT_EQ(plain.dim("x"), "x");
}

using Lines = std::vector<std::string>;

TEST(PresenceLines, ALineForThoseWhoCameAndOneForThoseWhoWent) {
  EXPECT_EQ(presence_lines({}), Lines());
  EXPECT_EQ(presence_lines({{"lin", true}}), Lines{"lin is here"});
  EXPECT_EQ(presence_lines({{"lin", false}, {"ada", true}, {"eve", false}}),
            (Lines{"ada is here", "lin, eve have left"}));
}

TEST(PresenceLines, OfManyAFewAreNamed) {
  std::vector<client::Presence> many;
  for (const char* const name : {"a", "b", "c", "d", "e"}) many.push_back({name, true});
  EXPECT_EQ(presence_lines(many), Lines{"a, b, c and 2 more are here"});
}

TEST(PresenceLines, ANameFromOutsideIsShownEscaped) {
  EXPECT_EQ(presence_lines({{"a\x1b[2J\u202e", true}}), Lines{"a\\x1b[2J\\u{202e} is here"});
}

}  // namespace
}  // namespace skein::cli
