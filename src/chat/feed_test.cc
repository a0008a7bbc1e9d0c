#include "chat/feed.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "chat/line.h"
#include "socketserver/test_support.h"

namespace skein::chat {
namespace {

using socketserver::Task;

// Says things in rooms, numbered as a log does.
struct FeedTest : ::testing::Test, socketserver::testing::WithFakeClock {
  Message say(RoomId room, std::string text) {
    Message message;
    message.number = ++last_number;
    message.room = room;
    message.seq = ++last_seq[room];
    message.from = "lin";
    message.text = std::move(text);
    feed.publish(std::vector{message});
    return message;
  }
  // What the feed has of a room after `seq`, as texts; "log": it says to ask the log.
  std::string after(RoomId room, std::int64_t seq) {
    const auto lines = feed.after(room, seq);
    if (!lines) return "log";
    std::string texts;
    if (!lines->text) return texts;
    std::string_view rest = *lines->text;
    while (!rest.empty()) {
      const std::size_t end = rest.find('\n');
      texts += decode_line(rest.substr(0, end))->text + " ";
      rest.remove_prefix(end + 1);
    }
    return texts;
  }
  void settle() { run_until_done(*loop, socketserver::testing::settle(*loop)); }

  std::map<RoomId, std::int64_t> last_seq;
  std::int64_t last_number = 0;
  Feed feed{*loop};
};

TEST_F(FeedTest, HasWhatWasSaidAfterAPlace) {
  EXPECT_EQ(after(1, 0), "log");
  for (const char* text : {"a", "b", "c"}) say(1, text);
  say(2, "elsewhere");
  EXPECT_EQ(after(1, 0), "a b c ");
  EXPECT_EQ(after(1, 2), "c ");
  EXPECT_EQ(after(1, 3), "");
  EXPECT_EQ(after(2, 0), "elsewhere ");
  EXPECT_EQ(after(3, 0), "log");
}

TEST_F(FeedTest, WhoIsAtTheSamePlaceSharesTheSameLines) {
  say(1, "a");
  say(1, "b");
  const auto one = feed.after(1, 0);
  const auto other = feed.after(1, 0);
  EXPECT_EQ(one->text, other->text);
  EXPECT_EQ(one->last_seq, 2);
  EXPECT_EQ(one->last_number, 2);
  say(1, "c");
  EXPECT_EQ(feed.after(1, 0)->last_seq, 3);
}

TEST_F(FeedTest, WhatIsTooMuchAtOnceComesInPartsThatFollowEachOther) {
  const std::string large(limits::kListBatchBytes / 3, 'x');
  for (int i = 0; i < 7; ++i) say(1, large);
  std::int64_t place = 0;
  int parts = 0;
  while (place < 7) {
    const auto lines = feed.after(1, place);
    ASSERT_TRUE(lines && lines->text);
    EXPECT_LE(lines->text->size(), limits::kListBatchBytes);
    ASSERT_GT(lines->last_seq, place);
    place = lines->last_seq;
    ++parts;
  }
  EXPECT_EQ(parts, 4);
}

TEST_F(FeedTest, WhatIsTooLongAgoIsForTheLogAndMemoryIsBounded) {
  const std::string text(1'000, 'x');
  const std::size_t count = 3 * limits::kFeedBytes / text.size();
  for (std::size_t i = 0; i < count; ++i) say(static_cast<RoomId>(1 + i % 2), text);
  EXPECT_EQ(after(1, 0), "log");
  EXPECT_EQ(after(1, last_seq[1] - 1), text + " ");
  EXPECT_EQ(feed.after_number(0), std::nullopt);
  // From the oldest that is there on, all is there.
  std::int64_t first = 0;
  while (!feed.after_number(first)) ++first;
  EXPECT_GT(first, 0);
  std::size_t bytes = 0;
  for (std::int64_t at = first; at < last_number;) {
    const auto said = feed.after_number(at);
    ASSERT_TRUE(said && !said->empty());
    EXPECT_EQ(said->front().number, at + 1);
    for (const auto& one : *said) bytes += one.line->size();
    at = said->back().number;
  }
  EXPECT_LE(bytes, limits::kFeedBytes);
  EXPECT_GT(bytes, limits::kFeedBytes / 2);
}

TEST_F(FeedTest, AfterANumberComesWhatAllRoomsSaidInItsOrder) {
  feed.set_last_number(10);
  last_number = 10;
  EXPECT_EQ(feed.after_number(9), std::nullopt);
  EXPECT_TRUE(feed.after_number(10)->empty());
  say(1, "a");
  say(2, "b");
  say(1, "c");
  const auto said = feed.after_number(11);
  ASSERT_EQ(said->size(), 2U);
  EXPECT_EQ((*said)[0].room, 2);
  EXPECT_EQ((*said)[1].number, 13);
  EXPECT_EQ(feed.last_number(), 13);
}

TEST_F(FeedTest, OnlyWhoFollowsTheRoomOrAllIsWoken) {
  Feed::Follower one(feed, 1);
  Feed::Follower all(feed, 0);
  {
    Feed::Follower gone(feed, 1);
    Feed::Follower gone_too(feed, 0);
  }
  Feed::Follower another(feed, 1);
  say(2, "a");
  settle();
  EXPECT_FALSE(one.wake.is_set());
  EXPECT_TRUE(all.wake.is_set());
  say(1, "b");
  settle();
  EXPECT_TRUE(one.wake.is_set());
  EXPECT_TRUE(another.wake.is_set());
}

TEST_F(FeedTest, ALargeRoomIsWokenSomeAtATimeAndEachOnceForAllThatWasSaidMeanwhile) {
  const auto body = [](FeedTest& test) -> Task<void> {
    constexpr std::size_t kSome = limits::kWokenAtOnce;
    std::list<Feed::Follower> followers;
    for (std::size_t i = 0; i < 2 * kSome + 2; ++i) followers.emplace_back(test.feed, 1);
    const auto awake = [&] {
      return std::ranges::count_if(followers, [](const auto& one) { return one.wake.is_set(); });
    };
    test.say(1, "a");
    EXPECT_EQ(awake(), 0);
    co_await test.loop->yield();
    EXPECT_EQ(awake(), kSome);
    test.say(1, "b");
    followers.pop_back();  // while in line
    co_await test.loop->yield();
    EXPECT_EQ(awake(), 2 * kSome);
    // Who was awake already is in line again, behind who has not had a turn yet.
    for (Feed::Follower& one : followers) one.wake.reset();
    co_await test.loop->yield();
    EXPECT_TRUE(followers.back().wake.is_set());
    EXPECT_TRUE(followers.front().wake.is_set());
    co_await socketserver::testing::settle(*test.loop);
    EXPECT_EQ(awake(), kSome + 1);
  };
  run_until_done(*loop, body(*this));
}

TEST_F(FeedTest, WhoIsStillInLineWhenTheFeedGoesIsNoTrouble) {
  Feed gone(*loop);
  Feed::Follower follower(gone, 0);
  gone.publish(std::vector{say(1, "a")});
}

}  // namespace
}  // namespace skein::chat
