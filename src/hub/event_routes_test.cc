#include "hub/event_routes.h"

#include <string>
#include <string_view>

#include "base/limits.h"
#include "hub/test_http.h"

namespace skein::hub {
namespace {

struct EventsTest : HttpTest {
  Task<void> say(std::string_view room, std::string_view text) {
    return post(concat("POST /rooms/", room, "?name=lin"), std::string(text));
  }
  void body_of(Task<void> (*body)(EventsTest&)) { run(body(*this)); }

 private:
  Task<void> post(std::string line, std::string text) {
    HttpPeer peer = browser();
    const HttpAnswer answer = co_await peer.ask(line, "", text);
    EXPECT_EQ(answer.status, 201) << answer.body;
    peer.leave();
  }
};

TEST_F(EventsTest, BeginWithThePlaceAndGoOnWithWhatIsSaid) {
  body_of([](EventsTest& test) -> Task<void> {
    co_await test.say("lobby", "before");
    HttpPeer peer = test.browser();
    peer.send("GET /events");
    std::string heard = co_await peer.hear("\n\n");
    EXPECT_TRUE(heard.contains("\r\nContent-Type: text/event-stream\r\n")) << heard;
    EXPECT_TRUE(heard.contains("\r\nretry: 1000\nid: 1\n\n")) << heard;
    co_await test.say("lobby", "a\r\nb\rdata: c");
    heard = co_await peer.hear("data: c");
    EXPECT_FALSE(heard.contains("before")) << heard;
    const std::size_t at = heard.find("id: 2\nevent: message\ndata: {");
    EXPECT_NE(at, std::string::npos) << heard;
    const std::string data = heard.substr(at + 27, heard.find('\n', at + 27) - at - 27);
    const auto fields = wire::Dictionary::parse(data);
    EXPECT_TRUE(fields) << data;
    EXPECT_EQ(*fields->text("room"), "lobby");
    EXPECT_EQ(*fields->text("from"), "lin");
    EXPECT_EQ(*fields->text("text"), "a\r\nb\rdata: c");
    EXPECT_EQ(*fields->integer("seq", 1, 9), 2);
  });
}

TEST_F(EventsTest, ResumeWhereTheLastOneWasOverAllRooms) {
  body_of([](EventsTest& test) -> Task<void> {
    const auto holiday = co_await test.chat.room(nullptr, "holiday", /*make=*/true);
    EXPECT_TRUE(holiday);
    for (const std::string_view room : {"lobby", "holiday", "lobby", "holiday"}) {
      co_await test.say(room, room);
    }
    struct Case {
      std::string_view line;
      std::string_view fields;
      std::string_view ids;
    };
    constexpr Case kCases[] = {
        {"GET /events?name=lin", "Last-Event-ID: 1\r\n", "1 2 3 4"},
        {"GET /events?name=lin&last-event-id=2", "", "2 3 4"},
        {"GET /events?name=lin&last-event-id=0", "Last-Event-ID: 3\r\n", "3 4"},
        {"GET /events?room=holiday&last-event-id=0", "", "0 2 4"},
        {"GET /events?room=holiday&room=lobby&last-event-id=0", "", "0 1 2 3 4"},
        {"GET /events?last-event-id=0", "", "0 1 3"},  // a guest's is the lobby
        {"GET /events?name=ada&last-event-id=0", "", "0 1 3"},
        {"GET /events", "Last-Event-ID: 9007199254740992\r\n", "4"},
    };
    for (const Case& one : kCases) {
      HttpPeer peer = test.browser();
      peer.send(one.line, one.fields);
      const std::string last = concat("id: ", one.ids.substr(one.ids.rfind(' ') + 1), "\n");
      co_await test.settle();
      const std::string heard = co_await peer.hear(last);
      std::string ids;
      for (std::size_t at = heard.find("\nid: "); at != std::string::npos;
           at = heard.find("\nid: ", at + 1)) {
        ids +=
            concat(ids.empty() ? "" : " ", heard.substr(at + 5, heard.find('\n', at + 1) - at - 5));
      }
      EXPECT_EQ(ids, one.ids) << one.line;
      peer.leave();
    }
  });
}

TEST_F(EventsTest, APlaceThatIsNoneIsRefused) {
  body_of([](EventsTest& test) -> Task<void> {
    HttpPeer peer = test.browser();
    for (const std::string_view id : {"-1", "x", "1 2", "", "1.0", "9007199254740993"}) {
      const std::string field = concat("Last-Event-ID: ", id, "\r\n");
      const HttpAnswer by_field = co_await peer.ask("GET /events", field);
      EXPECT_EQ(by_field.status, 400) << id;
    }
    for (const auto& [line, status] :
         {std::pair("GET /events?last-event-id=now", 400),
          std::pair("GET /events?room=nowhere", 404), std::pair("GET /events?room=@lin", 403),
          std::pair("GET /events?name=%20", 400)}) {
      const HttpAnswer answer = co_await peer.ask(line);
      EXPECT_EQ(answer.status, status) << line;
    }
  });
}

TEST_F(EventsTest, AHeartbeatShowsThatTheHubIsThereAndHowFarOneCame) {
  body_of([](EventsTest& test) -> Task<void> {
    const auto holiday = co_await test.chat.room(nullptr, "holiday", /*make=*/true);
    EXPECT_TRUE(holiday);
    HttpPeer peer = test.browser();
    peer.send("GET /events");
    std::string heard = co_await peer.hear("id: 0\n\n");
    co_await test.say("holiday", "not for a guest of the lobby");
    co_await test.pass_ms(spec::kHeartbeatMs + 100);
    heard = co_await peer.hear("id: 1\n\n");
    EXPECT_TRUE(heard.contains(": nothing new\nid: 1\n\n")) << heard;
    EXPECT_FALSE(heard.contains("event:")) << heard;
    // For as long as the client likes.
    for (int i = 0; i < 20; ++i) co_await test.pass_ms(spec::kHeartbeatMs + 100);
    EXPECT_EQ(test.sessions.inside(), 1U);
  });
}

TEST_F(EventsTest, AClientThatLeavesLeavesNothingBehind) {
  body_of([](EventsTest& test) -> Task<void> {
    for (const bool whole : {true, false}) {
      HttpPeer peer = test.browser();
      peer.send("GET /events?name=lin");
      const std::string begun = co_await peer.hear("\n\n");
      EXPECT_TRUE(begun.ends_with("id: 0\n\n\r\n") || begun.ends_with("id: 0\n\n")) << begun;
      co_await test.settle();
      EXPECT_TRUE(test.served->idle());
      EXPECT_EQ(test.chat.online(), std::vector<std::string>{"lin"});
      // What it still says is not looked at.
      peer.send("GET /rooms");
      co_await test.settle();
      EXPECT_EQ(test.sessions.inside(), 1U);
      if (whole) {
        peer.leave();
      } else {
        EXPECT_TRUE(peer.stream().shutdown_write());
      }
      const bool gone = co_await test.left(0);
      EXPECT_TRUE(gone) << whole;
      EXPECT_TRUE(test.chat.online().empty());
    }
  });
  EXPECT_EQ(log.count(LogLevel::kWarning), 0U);
}

TEST_F(EventsTest, AHubThatStopsEndsThem) {
  body_of([](EventsTest& test) -> Task<void> {
    HttpPeer peer = test.browser();
    peer.send("GET /events");
    std::string heard = co_await peer.hear("\n\n");
    co_await test.settle();
    EXPECT_TRUE(test.served->idle());
    test.served->cancel();  // as Server::drain does with whatever is idle
    heard = co_await peer.hear("event:");
    EXPECT_TRUE(heard.ends_with("!end")) << heard;
    const bool gone = co_await test.left(0);
    EXPECT_TRUE(gone);
  });
  EXPECT_EQ(log.count(LogLevel::kWarning), 0U);
}

TEST_F(EventsTest, ASlowReaderBlocksItselfAloneAndIsHungUpOn) {
  body_of([](EventsTest& test) -> Task<void> {
    HttpPeer slow = test.browser();
    slow.send("GET /events");
    HttpPeer quick = test.browser();
    quick.send("GET /events");
    const std::string filler(16'000, 'x');
    for (int i = 0; i < 10; ++i) {
      const std::string text = concat(std::to_string(i), " ", filler);
      co_await test.say("lobby", text);
    }
    co_await test.say("lobby", "the last");
    const std::string heard = co_await quick.hear("the last");
    EXPECT_TRUE(heard.contains("\nid: 11\n"));
    EXPECT_EQ(test.sessions.inside(), 2U);
    co_await test.pass_ms(limits::kStallTimeoutMs + 1'000);
    const bool gone = co_await test.left(1);
    EXPECT_TRUE(gone);
  });
}

}  // namespace
}  // namespace skein::hub
