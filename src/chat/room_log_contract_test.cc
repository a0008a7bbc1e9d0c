// What RoomLog promises, asked of both that keep it. What only a file can show is in
// database_test.cc.
#include "chat/room_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/text.h"
#include "chat/test_contract.h"
#include "chat/words.h"

namespace skein::chat {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;
using testing::IsEmpty;

class RoomLogContractTest : public ContractTest {};
INSTANTIATE_TEST_SUITE_P(Each, RoomLogContractTest, testing::ValuesIn(kKinds),
                         [](const auto& kind) { return kind.param.name; });

// --- appending

TEST_P(RoomLogContractTest, ANewLogHasTheLobbyAndNothingSaid) {
  EXPECT_THAT(names_of_rooms(), ElementsAre("lobby"));
  EXPECT_EQ(log_.last_number().value(), 0);
  EXPECT_EQ(log_.last_seq(lobby_).value(), 0);
  EXPECT_THAT(texts(log_.read(lobby_, {})), IsEmpty());
  EXPECT_THAT(texts(log_.follow(0, 100)), IsEmpty());
  EXPECT_THAT(found("hello"), IsEmpty());
}

TEST_P(RoomLogContractTest, WhatIsSaidIsReadAsItWas) {
  const MemberId lin = member("lin");
  Draft said;
  said.room = lobby_;
  said.member = lin;
  said.from = "lin as she was called";
  said.cid = cid_of(1);
  said.ts_ms = -1;  // a clock that was set wrong
  said.text = "two\nlines, a NUL \0 and \u202e, 消息"s;
  said.file = "photos/a b.zip";
  EXPECT_THAT(append({said}), ElementsAre("1/1"));
  const Message expected{.number = 1,
                         .room = lobby_,
                         .seq = 1,
                         .member = lin,
                         .from = said.from,
                         .ts_ms = -1,
                         .text = said.text,
                         .file = said.file};
  EXPECT_THAT(log_.read(lobby_, {}).value(), ElementsAre(expected));
  EXPECT_THAT(log_.follow(0, 100).value(), ElementsAre(expected));
  EXPECT_THAT(log_.search(std::vector{lobby_}, "lines", {}, 100).value(), ElementsAre(expected));
}

TEST_P(RoomLogContractTest, TextMayBeEmptyOrAsLongAsItMayBe) {
  for (const std::string& text : {""s, "\0"s, std::string(spec::kMaxMessageBytes, 'x'),
                                  std::string(spec::kMaxMessageBytes, '\0')}) {
    say(lobby_, text);
    EXPECT_EQ(texts(log_.read(lobby_, {.limit = 1})), std::vector{text});
  }
}

TEST_P(RoomLogContractTest, NumbersRunOverAllRoomsAndSeqsInEach) {
  const RoomId other = room("holiday");
  EXPECT_THAT(append({draft(lobby_, 0, 1, "a"), draft(other, 0, 2, "b"), draft(lobby_, 0, 3, "c")}),
              ElementsAre("1/1", "2/1", "3/2"));
  EXPECT_THAT(append({}), IsEmpty());
  EXPECT_THAT(append({draft(other, 0, 4, "d")}), ElementsAre("4/2"));
  EXPECT_EQ(log_.last_number().value(), 4);
  EXPECT_EQ(log_.last_seq(lobby_).value(), 2);
  EXPECT_EQ(log_.last_seq(other).value(), 2);
  EXPECT_EQ(log_.last_seq(99).value(), 0);
  EXPECT_EQ(directory_.find_room("holiday").value()->last_seq, 2);
}

TEST_P(RoomLogContractTest, SaidAgainItHasTheNumbersThatItGotThen) {
  const MemberId lin = member("lin");
  EXPECT_THAT(append({draft(lobby_, lin, 1, "a"), draft(lobby_, lin, 2, "b")}),
              ElementsAre("1/1", "2/2"));
  EXPECT_THAT(append({draft(lobby_, lin, 1, "a")}), ElementsAre("again 1/1"));
  // What is said now, and where, is not looked at.
  const RoomId other = room("other");
  EXPECT_THAT(append({draft(other, lin, 2, "otherwise")}), ElementsAre("again 2/2"));
  EXPECT_THAT(append({draft(99, lin, 2, "nowhere")}), ElementsAre("again 2/2"));
  EXPECT_EQ(texts(log_.follow(0, 100)), (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(log_.last_seq(other).value(), 0);
}

TEST_P(RoomLogContractTest, SaidTwiceInOneGroupItIsThereOnce) {
  const MemberId lin = member("lin");
  EXPECT_THAT(append({draft(lobby_, lin, 1, "a"), draft(lobby_, lin, 1, "a"),
                      draft(lobby_, lin, 2, "b"), draft(lobby_, lin, 1, "a")}),
              ElementsAre("1/1", "again 1/1", "2/2", "again 1/1"));
  EXPECT_EQ(texts(log_.read(lobby_, {})), (std::vector<std::string>{"a", "b"}));
}

TEST_P(RoomLogContractTest, ACidIsItsSendersOwn) {
  const MemberId lin = member("lin");
  const MemberId ada = member("ada");
  EXPECT_THAT(
      append({draft(lobby_, lin, 1, "a"), draft(lobby_, ada, 1, "b"), draft(lobby_, 0, 1, "c"),
              draft(lobby_, 0, 1, "c"), draft(lobby_, 0, 2, "d")}),
      ElementsAre("1/1", "2/2", "3/3", "again 3/3", "4/4"));
}

TEST_P(RoomLogContractTest, OneWhoseRoomIsMissingFailsAlone) {
  EXPECT_THAT(append({draft(lobby_, 0, 1, "a"), draft(99, 0, 2, "b"), draft(99, 0, 2, "b"),
                      draft(0, 0, 3, "c"), draft(-1, 0, 4, "d"), draft(lobby_, 0, 5, "e")}),
              ElementsAre("1/1", "not_found", "not_found", "not_found", "not_found", "2/2"));
  // It was not said, so it may be said elsewhere.
  EXPECT_THAT(append({draft(lobby_, 0, 2, "b")}), ElementsAre("3/3"));
}

// --- reading

TEST_P(RoomLogContractTest, EveryRange) {
  const RoomId other = room("other");
  for (int i = 1; i <= 7; ++i) {
    say(lobby_, std::to_string(i));
    say(other, "elsewhere");
  }
  const auto read = [&](RoomLog::Range range) {
    std::string all;
    const auto messages = log_.read(lobby_, range);
    for (const Message& message : *messages) {
      EXPECT_EQ(std::to_string(message.seq), message.text);
      all += message.text;
    }
    return all;
  };
  constexpr std::int64_t kMin = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t kMax = std::numeric_limits<std::int64_t>::max();
  constexpr std::size_t kAll = std::numeric_limits<std::size_t>::max();
  EXPECT_EQ(read({}), "1234567");
  EXPECT_EQ(read({.limit = 3}), "567");
  EXPECT_EQ(read({.limit = 0}), "");
  EXPECT_EQ(read({.limit = kAll}), "1234567");
  EXPECT_EQ(read({.before = 5}), "1234");
  EXPECT_EQ(read({.before = 5, .limit = 2}), "34");
  EXPECT_EQ(read({.before = 1}), "");
  EXPECT_EQ(read({.before = kMin}), "");
  EXPECT_EQ(read({.before = kMax, .limit = 2}), "67");
  EXPECT_EQ(read({.after = 0, .limit = 2}), "12");
  EXPECT_EQ(read({.after = 5}), "67");
  EXPECT_EQ(read({.after = 2, .limit = 2}), "34");
  EXPECT_EQ(read({.after = 7}), "");
  EXPECT_EQ(read({.after = 99}), "");
  EXPECT_EQ(read({.after = kMax}), "");
  EXPECT_EQ(read({.after = kMin, .limit = 1}), "1");
  EXPECT_EQ(read({.after = 2, .before = 7}), "3456");
  EXPECT_EQ(read({.after = 2, .before = 7, .limit = 2}), "56");
  EXPECT_EQ(read({.after = 6, .before = 3}), "");
  EXPECT_THAT(texts(log_.read(99, {})), IsEmpty());
}

TEST_P(RoomLogContractTest, WhoFollowsGoesOnAfterANumber) {
  const RoomId other = room("other");
  for (const char* const text : {"a", "b", "c", "d"}) say(text[0] % 2 == 0 ? other : lobby_, text);
  const auto follow = [&](std::int64_t after, std::size_t limit) {
    std::string all;
    const auto messages = log_.follow(after, limit);
    for (const Message& message : *messages) all += message.text;
    return all;
  };
  EXPECT_EQ(follow(0, 100), "abcd");
  EXPECT_EQ(follow(0, 3), "abc");
  EXPECT_EQ(follow(3, 3), "d");
  EXPECT_EQ(follow(4, 3), "");
  EXPECT_EQ(follow(1000, 3), "");
  EXPECT_EQ(follow(-5, 1), "a");
  EXPECT_EQ(follow(0, 0), "");
}

// --- searching

TEST_P(RoomLogContractTest, EveryWordMustBeThereInAnyCase) {
  say(lobby_, "The photos are up");
  say(lobby_, "Photos? Which photos?");
  say(lobby_, "I stood up, at last");
  EXPECT_THAT(found("photos"), ElementsAre("The photos are up", "Photos? Which photos?"));
  EXPECT_THAT(found("PHOTOS Up"), ElementsAre("The photos are up"));
  EXPECT_THAT(found("up  photos\tthe"), ElementsAre("The photos are up"));
  EXPECT_THAT(found("up"), ElementsAre("The photos are up", "I stood up, at last"));
  EXPECT_THAT(found("photo"), IsEmpty());
  EXPECT_THAT(found("photos-are"), ElementsAre("The photos are up"));
  EXPECT_THAT(found("are-photos"), IsEmpty());
}

TEST_P(RoomLogContractTest, ChineseJapaneseAndKoreanNeedNoSpaces) {
  say(lobby_, "你有新消息吗？");
  say(lobby_, "我的iPhone在桌子上");
  say(lobby_, "息消");
  say(lobby_, "写真はどこですか");
  say(lobby_, "안녕하세요");
  EXPECT_THAT(found("消息"), ElementsAre("你有新消息吗？"));
  EXPECT_THAT(found("新消息"), ElementsAre("你有新消息吗？"));
  EXPECT_THAT(found("息"), ElementsAre("你有新消息吗？", "息消"));
  EXPECT_THAT(found("消息 你"), ElementsAre("你有新消息吗？"));
  EXPECT_THAT(found("你消息"), IsEmpty());
  EXPECT_THAT(found("iphone"), ElementsAre("我的iPhone在桌子上"));
  EXPECT_THAT(found("的iPhone在"), ElementsAre("我的iPhone在桌子上"));
  EXPECT_THAT(found("どこ"), ElementsAre("写真はどこですか"));
  EXPECT_THAT(found("안녕"), ElementsAre("안녕하세요"));
}

TEST_P(RoomLogContractTest, NothingInASearchIsAnOperator) {
  const std::string all = "a AND b OR c NOT d NEAR(e f, 2) text:g h* ^i -j {text}:k \"l\" m+n (o";
  say(lobby_, all);
  say(lobby_, "a only");
  EXPECT_THAT(found(all), ElementsAre(all));
  for (const char* const words : {"\"",         "\"\"",
                                  "\"\"\"",     "(",
                                  ")",          "*",
                                  "^",          "-",
                                  "+",          ":",
                                  "{}",         "''",
                                  ";",          "--",
                                  "\\",         "' OR 1=1 --",
                                  "a OR b",     "NEAR(a b)",
                                  "a NOT b",    "text:a",
                                  "only*",      "onl*",
                                  "^a",         "\"a b\"",
                                  "a\" OR \"b", "x'; DROP TABLE message; --",
                                  "%",          "_",
                                  "?1",         "\0"}) {
    const auto result = log_.search(std::vector{lobby_}, words, {}, 100);
    EXPECT_TRUE(result) << words << ": " << said(result);
  }
  EXPECT_THAT(found("a OR b"), ElementsAre(all));
  EXPECT_THAT(found("a NOT b"), ElementsAre(all));
  EXPECT_THAT(found("a"), ElementsAre(all, "a only"));
  EXPECT_THAT(found("onl*"), IsEmpty());
  EXPECT_THAT(found("\"a\""), ElementsAre(all, "a only"));
  EXPECT_THAT(found("only\0b"s), IsEmpty());
}

TEST_P(RoomLogContractTest, SignsArePassedOver) {
  say(lobby_, "C++ or C, what is it?");
  EXPECT_THAT(found("c ++"), ElementsAre("C++ or C, what is it?"));
  EXPECT_THAT(found("++"), IsEmpty());
  EXPECT_THAT(found(""), IsEmpty());
  EXPECT_THAT(found("  "), IsEmpty());
}

TEST_P(RoomLogContractTest, ASearchIsOfSomeRoomsAndNewestFirstWithinALimit) {
  const RoomId other = room("other");
  const RoomId third = room("third");
  for (int i = 1; i <= 6; ++i) say(i % 2 == 0 ? other : lobby_, concat("x ", std::to_string(i)));
  EXPECT_THAT(found("x", {lobby_}), ElementsAre("x 1", "x 3", "x 5"));
  EXPECT_THAT(found("x", {lobby_, other}), ElementsAre("x 1", "x 2", "x 3", "x 4", "x 5", "x 6"));
  EXPECT_THAT(found("x", {third, 99}), IsEmpty());
  EXPECT_THAT(found("x", {other, lobby_}, {}, 2), ElementsAre("x 5", "x 6"));
  EXPECT_THAT(found("x", {other, lobby_}, 5, 2), ElementsAre("x 3", "x 4"));
  EXPECT_THAT(found("x", {lobby_}, 5, 2), ElementsAre("x 1", "x 3"));
  EXPECT_THAT(found("x", {lobby_}, 1), IsEmpty());
  EXPECT_THAT(found("x", {lobby_}, {}, 0), IsEmpty());
  EXPECT_THAT(texts(log_.search({}, "x", {}, 100)), IsEmpty());
}

TEST_P(RoomLogContractTest, WordsAreNotWithoutLimit) {
  std::string words;
  while (words.size() + 2 <= spec::kMaxSearchBytes) words += "x ";
  say(lobby_, "x");
  EXPECT_THAT(found(words), ElementsAre("x"));
  EXPECT_THAT(found(words + "x"), ElementsAre("too_large"));
}

}  // namespace
}  // namespace skein::chat
