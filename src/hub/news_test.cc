#include "hub/news.h"

#include <string>
#include <vector>

#include "base/limits.h"
#include "chat/line.h"
#include "hub/test_support.h"

namespace skein::hub {
namespace {

struct NewsTest : SessionTest {
  Task<void> say(chat::RoomId room, std::string text) {
    Chat::Saying saying;
    saying.room = room;
    random.fill(saying.cid);
    saying.text = std::move(text);
    auto said = co_await chat.say_as_guest("eve", {}, std::move(saying));
    EXPECT_TRUE(said) << said.error().message();
    co_await pass_ms(10);
  }
  Task<chat::RoomId> room(std::string name) {
    auto made = co_await chat.room(nullptr, std::move(name), /*make=*/true);
    co_return made->id;
  }
  static std::string texts(const Result<std::vector<chat::Feed::Said>>& said) {
    if (!said) return std::string(said.error().kind().name);
    std::string out;
    for (const auto& one : *said) {
      const std::string line = one.line->substr(0, one.line->size() - 1);
      out += concat(out.empty() ? "" : " ", chat::decode_line(line)->text.substr(0, 8));
    }
    return out;
  }
  void body_of(Task<void> (*body)(NewsTest&)) { run(body(*this)); }
};

TEST_F(NewsTest, AreOfTheRoomsThatOneHearsAndMoveThePlaceByAll) {
  body_of([](NewsTest& test) -> Task<void> {
    const chat::RoomId holiday = co_await test.room("holiday");
    const chat::RoomId work = co_await test.room("work");
    News news(test.chat, {test.chat.lobby(), holiday}, 0);
    auto said = co_await news.next();
    EXPECT_EQ(texts(said), "");
    EXPECT_FALSE(news.wake().is_set());
    co_await test.say(test.chat.lobby(), "one");
    co_await test.say(work, "two");
    co_await test.say(holiday, "three");
    co_await test.say(work, "four");
    EXPECT_TRUE(news.wake().is_set());
    said = co_await news.next();
    EXPECT_EQ(texts(said), "one three");
    EXPECT_EQ(news.place(), 4);
    co_await test.say(work, "five");
    said = co_await news.next();
    EXPECT_EQ(texts(said), "");
    EXPECT_EQ(news.place(), 5) << "what was not for it is passed over";
  });
}

TEST_F(NewsTest, OfAMemberAreOfWhatItHasJoinedByThen) {
  body_of([](NewsTest& test) -> Task<void> {
    const chat::RoomId holiday = co_await test.room("holiday");
    const auth::Principal lin = auth::local_principal("lin", "");
    const auto person = co_await test.chat.person(lin);
    News news(test.chat, *person, std::nullopt);
    co_await test.say(test.chat.lobby(), "one");
    co_await test.say(holiday, "before");
    auto said = co_await news.next();
    EXPECT_EQ(texts(said), "one");
    const auto joined = co_await test.chat.join(*person, holiday);
    EXPECT_TRUE(joined);
    co_await test.say(holiday, "after");
    said = co_await news.next();
    EXPECT_EQ(texts(said), "after");
  });
}

TEST_F(NewsTest, ComeFromTheLogWhenTheyAreTooLongAgo) {
  body_of([](NewsTest& test) -> Task<void> {
    const std::string filler(16'000, 'x');
    const std::size_t count = limits::kFeedBytes / filler.size() + 50;
    for (std::size_t i = 1; i <= count; ++i) {
      const std::string text = concat(std::to_string(i), " ", filler);
      co_await test.say(test.chat.lobby(), text);
    }
    News news(test.chat, {test.chat.lobby()}, 0);
    std::int64_t last = 0;
    while (true) {
      const auto said = co_await news.next();
      if (!said || said->empty()) break;
      for (const auto& one : *said) EXPECT_EQ(one.number, ++last);
      EXPECT_EQ(news.place(), last);
    }
    EXPECT_EQ(last, static_cast<std::int64_t>(count));
    News failing(test.chat, {test.chat.lobby()}, 0);
    test.rooms.fail_next_reads(1, kIo);
    auto said = co_await failing.next();
    EXPECT_EQ(texts(said), "io");
    said = co_await failing.next();
    EXPECT_EQ(said->front().number, 1) << "nothing is passed over by a failure";
  });
}

TEST_F(NewsTest, OfWhoIsAheadOfWhatThereIsBeginWhereItEnds) {
  body_of([](NewsTest& test) -> Task<void> {
    co_await test.say(test.chat.lobby(), "one");
    News ahead(test.chat, {test.chat.lobby()}, 1000);
    News fresh(test.chat, {test.chat.lobby()}, std::nullopt);
    EXPECT_EQ(ahead.place(), 1);
    EXPECT_EQ(fresh.place(), 1);
    co_await test.say(test.chat.lobby(), "two");
    for (News* const news : {&ahead, &fresh}) {
      const auto said = co_await news->next();
      EXPECT_EQ(texts(said), "two");
    }
  });
}

}  // namespace
}  // namespace skein::hub
