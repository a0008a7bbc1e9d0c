#include "wire/answer.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "base/limits.h"
#include "base/text.h"
#include "wire/frame.h"
#include "wire/protocol.h"

namespace skein::wire {
namespace {

TEST(AnswerTest, Ok) {
  const Dictionary answer = ok_answer(7);
  EXPECT_EQ(answer.to_json(), R"({"id":7,"ok":true})");
  EXPECT_TRUE(check_answer(answer));
}

TEST(AnswerTest, TheHeadOfAPartIsWhatTheDictionaryWouldBe) {
  for (const std::int64_t id : {std::int64_t{1}, std::int64_t{20}, spec::kMaxInteger}) {
    for (const std::size_t size : {std::size_t{1}, std::size_t{97}, spec::kMaxPayloadBytes}) {
      Dictionary answer = ok_answer(id);
      answer.set(field::kMore, true).set(field::kSize, static_cast<std::int64_t>(size));
      EXPECT_EQ(as_text(PartHead(id, size).bytes()), encode_frame(answer));
    }
  }
}

TEST(AnswerTest, EveryCodeComesBackAsItsKind) {
  for (const ErrorKind kind : kErrorCodes) {
    const auto answer =
        Dictionary::parse(error_answer(3, Error(kind, "it broke").with_hint("mend it")).to_json());
    EXPECT_EQ(*answer->integer(field::kId, 1, 9), 3);
    EXPECT_EQ(*answer->text(field::kError), kind.name);
    const auto checked = check_answer(*answer);
    ASSERT_FALSE(checked);
    EXPECT_EQ(checked.error().kind(), kind);
    EXPECT_EQ(checked.error().message(), "it broke");
    EXPECT_EQ(checked.error().hint(), "mend it");
  }
}

TEST(AnswerTest, WithoutRequestOrHintTheyAreLeftOut) {
  const Dictionary answer = error_answer(0, Error(kBadFrame, "no"));
  EXPECT_EQ(answer.to_json(), R"({"error":"bad_frame","message":"no","ok":false})");
}

TEST(AnswerTest, WhenToTryAgainIsANumber) {
  const auto answer = error_answer(3, Error(kTooMany, "slower").with_retry_ms(50));
  EXPECT_EQ(answer.to_json(),
            R"({"error":"too_many","id":3,"message":"slower","ok":false,"retry_ms":50})");
  EXPECT_EQ(check_answer(answer).error().retry_ms(), 50);
  EXPECT_EQ(check_answer(error_answer(3, Error(kTooMany, "no"))).error().retry_ms(), 0);
}

TEST(AnswerTest, SaysWhatWasBeingDone) {
  const auto answer = error_answer(1, Error(kIo, "short write").while_doing("putting 'a'"));
  EXPECT_EQ(*answer.text(field::kMessage), "short write, while putting 'a'");
}

TEST(AnswerTest, KindsThatAreNoCodesGoOutAndComeInAsIo) {
  for (const ErrorKind kind : {kClosed, kNoHub, kUsage, ErrorKind{"out_of_paper"}}) {
    EXPECT_EQ(*error_answer(1, Error(kind, "no")).text(field::kError), "io");
    EXPECT_EQ(kind_of_code(kind.name), kIo);
  }
  EXPECT_EQ(kind_of_code(""), kIo);
}

// A message of control characters takes six times its bytes in JSON.
TEST(AnswerTest, TheLongestStillFitsADictionary) {
  for (const std::string_view filling : {"\x01", "\xFF", "\"", "客", "a"}) {
    std::string text;
    while (text.size() < 3 * spec::kMaxDictionaryBytes) text += filling;
    const auto answer =
        error_answer(spec::kMaxInteger, Error(kDigestMismatch, text).with_hint(text));
    const std::string json = answer.to_json();
    EXPECT_LE(json.size(), spec::kMaxDictionaryBytes) << quoted(filling);
    EXPECT_TRUE(Dictionary::parse(json)) << quoted(filling);
    EXPECT_GT(answer.text(field::kMessage)->size(), 1000U);
  }
}

TEST(AnswerTest, ALongMessageIsNotCutWithinACharacter) {
  for (const std::string_view before : {"", "a", "aa"}) {
    std::string text(before);
    while (text.size() < spec::kMaxDictionaryBytes) text += "客";
    EXPECT_TRUE(is_utf8(*error_answer(1, Error(kIo, text)).text(field::kMessage)));
    EXPECT_TRUE(is_utf8(*error_answer(1, Error(kIo, "").with_hint(text)).text(field::kHint)));
  }
}

TEST(AnswerTest, TextFromOutsideIsShownWithoutHarm) {
  const auto checked = check_answer(*Dictionary::parse(
      R"({"ok":false,"error":"io","message":"a\u001b[2Jb\nc","hint":"\u202e"})"));
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().message(), "a\\x1b[2Jb\\x0ac");
  EXPECT_EQ(checked.error().hint(), "\\u{202e}");
}

TEST(AnswerTest, WithoutAMessageTheCodeStandsForIt) {
  const auto checked = check_answer(*Dictionary::parse(R"({"ok":false,"error":"from_2031"})"));
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().kind(), kIo);
  EXPECT_EQ(checked.error().message(), "from_2031");
}

TEST(AnswerTest, WhatIsNoAnswerIsNeverOk) {
  for (const std::string_view json :
       {"{}", R"({"ok":null})", R"({"ok":1})", R"({"ok":"true"})", R"({"ok":false})",
        R"({"ok":false,"error":5})", R"({"ok":false,"error":"io","message":5})",
        R"({"ok":false,"error":"io","retry_ms":-1})"}) {
    EXPECT_FALSE(check_answer(*Dictionary::parse(json))) << json;
  }
}

}  // namespace
}  // namespace skein::wire
