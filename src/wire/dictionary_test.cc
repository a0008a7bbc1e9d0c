#include "wire/dictionary.h"

#include <gmock/gmock.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/limits.h"
#include "base/text.h"

namespace skein::wire {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Optional;
using namespace std::string_view_literals;

constexpr std::int64_t kMostInteger = spec::kMaxInteger;

// What a member "a" with this JSON value reads as.
Result<std::optional<std::int64_t>> integer_of(std::string_view value) {
  return Dictionary::parse(concat(R"({"a":)", value, "}"))
      ->integer_if("a", -kMostInteger, kMostInteger);
}
Result<std::optional<std::string>> text_of(std::string_view value) {
  return Dictionary::parse(concat(R"({"a":)", value, "}"))->text_if("a");
}
Result<std::optional<bool>> flag_of(std::string_view value) {
  return Dictionary::parse(concat(R"({"a":)", value, "}"))->flag_if("a");
}

// parsing

TEST(DictionaryTest, WhatIsNoObjectOfJsonIsABadFrame) {
  for (const std::string_view json : {
           ""sv,
           " "sv,
           "[]"sv,
           "null"sv,
           "1"sv,
           R"("a")"sv,
           "{"sv,
           R"({"a")"sv,
           R"({"a":)"sv,
           R"({"a":1)"sv,
           R"({"a":1,})"sv,
           R"({"a":1 "b":2})"sv,
           R"({a:1})"sv,
           R"({'a':1})"sv,
           R"({1:1})"sv,
           R"({"a":01})"sv,
           R"({"a":+1})"sv,
           R"({"a":.5})"sv,
           R"({"a":1.})"sv,
           R"({"a":0x10})"sv,
           R"({"a":NaN})"sv,
           R"({"a":Infinity})"sv,
           R"({"a":True})"sv,
           R"({"a":nul})"sv,
           R"({} // comment)"sv,
           "{}\0"sv,
           "{}x"sv,
           "{}{}"sv,
           "{} {}"sv,
           "{},"sv,
           "\xEF\xBB\xBF{}"sv,            // a byte order mark
           "{\"a\":\"\n\"}"sv,            // a control character bare
           "{\"a\":\"\0\"}"sv,            //
           "{\"a\":\"\xFF\"}"sv,          // not UTF-8
           "{\"a\":\"\xC0\xAF\"}"sv,      // overlong
           "{\"a\":\"\xED\xA0\x80\"}"sv,  // a surrogate as bytes
           "{\"a\":\"\xE5\xAE\"}"sv,      // a cut character
           "{\"\xFF\":1}"sv,              // in a key
           R"({"a":"\ud800"})"sv,         // half a pair: first,
           R"({"a":"\udc00"})"sv,         // second,
           R"({"a":"\ud800\ud800"})"sv,   // twice the first,
           R"({"a":"\ud800x"})"sv,        // with something else behind
           R"({"a":"\x41"})"sv,
           R"({"a":"\u12"})"sv,
       }) {
    const auto dictionary = Dictionary::parse(json);
    ASSERT_FALSE(dictionary) << quoted(json);
    EXPECT_EQ(dictionary.error().kind(), kBadFrame) << quoted(json);
  }
}

TEST(DictionaryTest, WhiteSpaceAroundIsFine) {
  EXPECT_EQ(*Dictionary::parse(" \r\n\t{ \"a\" : 1 }\n")->integer("a", 0, 9), 1);
}

std::string nested(int depth, std::string_view open, std::string_view close) {
  std::string out;
  for (int i = 0; i < depth; ++i) out += open;
  for (int i = 0; i < depth; ++i) out += close;
  return out;
}

TEST(DictionaryTest, NestedToTheLimitAndNoDeeper) {
  const int below = spec::kMaxJsonDepth - 1;  // the dictionary itself is one
  EXPECT_TRUE(Dictionary::parse(concat(R"({"a":)", nested(below, "[", "]"), "}")));
  const auto deeper = Dictionary::parse(concat(R"({"a":)", nested(below + 1, "[", "]"), "}"));
  ASSERT_FALSE(deeper);
  EXPECT_EQ(deeper.error().kind(), kBadFrame);
  EXPECT_THAT(deeper.error().message(), HasSubstr("deep"));
  EXPECT_TRUE(Dictionary::parse(
      nested(spec::kMaxJsonDepth - 1, R"({"a":)", "}")
          .insert(static_cast<std::size_t>(5 * (spec::kMaxJsonDepth - 1)), "{}")));
  EXPECT_FALSE(
      Dictionary::parse(nested(spec::kMaxJsonDepth, R"({"a":)", "}")
                            .insert(static_cast<std::size_t>(5 * spec::kMaxJsonDepth), "{}")));
  EXPECT_FALSE(Dictionary::parse(concat(R"({"a":)", std::string(60'000, '[')))) << "unclosed";
}

TEST(DictionaryTest, OfAKeyGivenTwiceTheLastCounts) {
  const auto twice = [](std::string_view json) { return *Dictionary::parse(json); };
  EXPECT_EQ(*twice(R"({"a":1,"a":2})").integer("a", 0, 9), 2);
  EXPECT_EQ(*twice(R"({"a":2,"b":5,"a":"x"})").text("a"), "x");
  EXPECT_EQ(*twice(R"({"size":1,"\u0073ize":2})").integer("size", 0, 9), 2);
  EXPECT_EQ(*twice(R"({"\u0073ize":1,"size":2})").integer("size", 0, 9), 2);
  EXPECT_FALSE(twice(R"({"a":1,"a":null})").has("a"));
  EXPECT_EQ(*twice(R"({"a":null,"a":3})").integer("a", 0, 9), 3);
  EXPECT_FALSE(twice(R"({"a":1,"a":[]})").integer("a", 0, 9));
}

TEST(DictionaryTest, OfAKeyGivenTwiceAmongManyTheLastCounts) {  // the parser then uses a table
  std::string json = R"({"a":1,"b":2)";
  for (int i = 0; i < 500; ++i) json += concat(R"(,"k)", std::to_string(i), R"(":0)");
  const auto dictionary = *Dictionary::parse(json + R"(,"\u0061":3,"b":4})");
  EXPECT_EQ(*dictionary.integer("a", 0, 9), 3);
  EXPECT_EQ(*dictionary.integer("b", 0, 9), 4);
  EXPECT_TRUE(dictionary.has("k499"));
}

TEST(DictionaryTest, KeysAreExact) {
  const auto dictionary = *Dictionary::parse(R"({"Op":1,"op ":2,"op\u0000":3,"":4})");
  EXPECT_FALSE(dictionary.has("op"));
  EXPECT_EQ(*dictionary.integer("op\0"sv, 0, 9), 3);
  EXPECT_EQ(*dictionary.integer("", 0, 9), 4);
}

// whole numbers

TEST(DictionaryTest, WholeNumbers) {
  EXPECT_THAT(*integer_of("0"), Optional(0));
  EXPECT_THAT(*integer_of("-0"), Optional(0));
  EXPECT_THAT(*integer_of("-7"), Optional(-7));
  EXPECT_THAT(*integer_of("9007199254740992"), Optional(kMostInteger));
  EXPECT_THAT(*integer_of("-9007199254740992"), Optional(-kMostInteger));
  EXPECT_EQ(*integer_of("null"), std::nullopt);
}

TEST(DictionaryTest, NoOtherNumberIsAWholeOne) {
  for (const std::string_view value :
       {"1e3", "1E0", "1.0", "0.5", "-0.0", "1e-1", "9007199254740993", "-9007199254740993",
        "9223372036854775807", "-9223372036854775808", "9223372036854775808",
        "18446744073709551615", "18446744073709551616", "123456789012345678901234567890", "1e300",
        R"("1")", "true", "[1]", R"({"b":1})"}) {
    const auto number = integer_of(value);
    ASSERT_FALSE(number) << value;
    EXPECT_EQ(number.error().kind(), kBadRequest) << value;
    EXPECT_THAT(number.error().message(), AllOf(HasSubstr("'a'"), HasSubstr("whole number")));
  }
}

TEST(DictionaryTest, RangesIncludeBothEnds) {
  const auto dictionary = *Dictionary::parse(R"({"a":5})");
  EXPECT_EQ(*dictionary.integer("a", 5, 5), 5);
  EXPECT_EQ(dictionary.integer("a", 6, 9).error().kind(), kBadRequest);
  EXPECT_EQ(dictionary.integer("a", 0, 4).error().kind(), kBadRequest);
  EXPECT_THAT(dictionary.integer_if("a", 0, 4).error().message(), HasSubstr("from 0 to 4"));
}

// text and flags

TEST(DictionaryTest, Text) {
  EXPECT_THAT(*text_of(R"("")"), Optional(std::string()));
  EXPECT_THAT(*text_of(R"("\u5ba2\ud83d\ude00客😀\/\"\\")"),
              Optional(std::string("客😀客😀/\"\\")));
  EXPECT_THAT(*text_of(R"("a\u0000b")"), Optional(std::string("a\0b", 3)));
  EXPECT_EQ(*text_of("null"), std::nullopt);
  for (const std::string_view value : {"1", "true", "[]", "{}", R"(["a"])"}) {
    const auto text = text_of(value);
    ASSERT_FALSE(text) << value;
    EXPECT_EQ(text.error().kind(), kBadRequest);
  }
}

TEST(DictionaryTest, Flags) {
  EXPECT_THAT(*flag_of("true"), Optional(true));
  EXPECT_THAT(*flag_of("false"), Optional(false));
  EXPECT_EQ(*flag_of("null"), std::nullopt);
  for (const std::string_view value : {R"("true")", "1", "0", "[]", "{}"}) {
    const auto flag = flag_of(value);
    ASSERT_FALSE(flag) << value;
    EXPECT_EQ(flag.error().kind(), kBadRequest);
  }
}

TEST(DictionaryTest, Absent) {
  const Dictionary dictionary;
  EXPECT_FALSE(dictionary.has("a"));
  EXPECT_EQ(*dictionary.text_if("a"), std::nullopt);
  EXPECT_EQ(*dictionary.integer_if("a", 0, 9), std::nullopt);
  EXPECT_EQ(*dictionary.flag_if("a"), std::nullopt);
  EXPECT_EQ(*dictionary.flag("a"), false);
  EXPECT_EQ(dictionary.text("a").error().kind(), kBadRequest);
  EXPECT_THAT(dictionary.integer("a", 0, 9).error().message(), HasSubstr("'a' is missing"));
}

TEST(DictionaryTest, AnErrorShowsAKeyWithoutHarm) {
  const auto dictionary = *Dictionary::parse("{}");
  EXPECT_EQ(dictionary.text("\x1b[2J").error().message(), "field '\\x1b[2J' is missing");
}

// writing

TEST(DictionaryTest, ReadsBackWhatItWrote) {
  std::string text;
  for (int c = 0; c < 0x80; ++c) text += static_cast<char>(c);
  text += "é客😀\u2028\u202e\U0010FFFF";
  Dictionary dictionary;
  dictionary.set("text", text).set("yes", true).set("no", false);
  dictionary.set("most", kMostInteger)
      .set("least", -kMostInteger)
      .set("zero", 0)
      .set("literal", "x");

  const std::string json = dictionary.to_json();
  const auto back = *Dictionary::parse(json);
  EXPECT_EQ(*back.text("text"), text);
  EXPECT_EQ(*back.text("literal"), "x");
  EXPECT_EQ(*back.flag_if("yes"), true);
  EXPECT_EQ(*back.flag_if("no"), false);
  EXPECT_EQ(*back.integer("most", 0, kMostInteger), kMostInteger);
  EXPECT_EQ(*back.integer("least", -kMostInteger, 0), -kMostInteger);
  EXPECT_EQ(*back.integer("zero", 0, 0), 0);
  EXPECT_EQ(back.to_json(), json);
}

TEST(DictionaryTest, WritesOneLineWithoutControlCharacters) {
  Dictionary dictionary;
  dictionary.set("a", "\r\n\t\x1b[0m\x01");
  for (const char c : dictionary.to_json()) EXPECT_GE(static_cast<unsigned char>(c), 0x20);
}

TEST(DictionaryTest, TextThatIsNotUtf8GoesOutEscaped) {
  Dictionary dictionary;
  dictionary.set("a", "b\xFF\xED\xA0\x80客");
  EXPECT_EQ(*Dictionary::parse(dictionary.to_json())->text("a"), "b\\xff\\xed\\xa0\\x80客");
}

TEST(DictionaryTest, SettingAgainReplaces) {
  Dictionary dictionary;
  dictionary.set("a", 1).set("a", "x").set("a", true);
  EXPECT_EQ(dictionary.to_json(), R"({"a":true})");
}

TEST(DictionaryTest, MembersOfNoUseDoNotGoOut) {
  EXPECT_EQ(Dictionary::parse(R"({"a":[1],"b":1.5,"c":{},"d":null,"e":1})")->to_json(),
            R"({"e":1})");
}

}  // namespace
}  // namespace skein::wire
