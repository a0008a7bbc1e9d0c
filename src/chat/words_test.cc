#include "chat/words.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace skein::chat {
namespace {

using namespace std::string_literals;

TEST(WordsTest, CharactersOfScriptsWithoutSpacesAreSetApart) {
  const std::pair<std::string, std::string> cases[] = {
      {"", ""},
      {"photos are up", "photos are up"},
      {"消息", " 消  息 "},
      {"看iPhone的照片", " 看 iPhone 的  照  片 "},
      {"カタカナ", " カ  タ  カ  ナ "},
      {"ひらがな", " ひ  ら  が  な "},
      {"한국어", " 한  국  어 "},
      {"人々", " 人  々 "},
      {"㐀", " 㐀 "},
      {"𠀀", " 𠀀 "},
      {"ｱ", " ｱ "},
      {"，。！", "，。！"},
      {"Größe, Ω, Владимир, 🙂", "Größe, Ω, Владимир, 🙂"},
      {"a\0b"s, "a b"},
      {"\xff", "\xff"},
  };
  for (const auto& [text, expected] : cases) EXPECT_EQ(spaced(text), expected);
}

TEST(WordsTest, WordsStandBetweenWhiteSpace) {
  using Words = std::vector<std::string_view>;
  EXPECT_EQ(split_words(""), Words());
  EXPECT_EQ(split_words(" \t\r\n\u3000\u00a0\u2003"), Words());
  EXPECT_EQ(split_words("one"), Words({"one"}));
  EXPECT_EQ(split_words("  one  two "), Words({"one", "two"}));
  EXPECT_EQ(split_words("消息\u3000你好"), Words({"消息", "你好"}));
  EXPECT_EQ(split_words("a\u200bb"), Words({"a\u200bb"}));
}

TEST(WordsTest, EachWordOfAQueryIsQuoted) {
  EXPECT_EQ(match_query(""), "");
  EXPECT_EQ(match_query("photos up"), R"("photos" "up")");
  EXPECT_EQ(match_query("消息"), R"(" 消  息 ")");
  EXPECT_EQ(match_query("a OR b"), R"("a" "OR" "b")");
  EXPECT_EQ(match_query("\"a\" b\"c"), R"(" a " "b c")");
  EXPECT_EQ(match_query("a\0b"s), R"("a b")");
  EXPECT_EQ(match_query("text:x NEAR(a) a* ^b -c (d)"),
            R"q("text:x" "NEAR(a)" "a*" "^b" "-c" "(d)")q");
}

}  // namespace
}  // namespace skein::chat
