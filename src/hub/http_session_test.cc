#include "hub/http_session.h"

#include <string>
#include <string_view>

#include "base/limits.h"
#include "hub/test_http.h"

namespace skein::hub {
namespace {

struct HttpSessionTest : HttpTest {
  void body_of(Task<void> (*body)(HttpSessionTest&)) { run(body(*this)); }
};

TEST_F(HttpSessionTest, RequestsOfOneConnectionAreAnsweredInTheirOrder) {
  body_of([](HttpSessionTest& test) -> Task<void> {
    HttpPeer peer = test.browser();
    std::string all = HttpPeer::request("GET /");
    all += HttpPeer::request("POST /rooms/lobby", "", "one");
    all += HttpPeer::request("GET /nowhere");
    all += HttpPeer::request("GET /rooms/lobby");
    peer.send_raw(all);
    for (const int status : {200, 201, 404}) {
      const HttpAnswer answer = co_await peer.receive();
      EXPECT_EQ(answer.status, status);
      EXPECT_TRUE(answer.whole && !answer.closes()) << status;
    }
    const HttpAnswer lines = co_await peer.receive();
    EXPECT_TRUE(lines.body.contains(R"("text":"one")")) << lines.body;
    co_await test.settle();
    EXPECT_TRUE(test.served->idle());
    peer.leave();
  });
  EXPECT_EQ(log.count("connection ended"), 0U);
}

TEST_F(HttpSessionTest, ConversationMayComeAndGoOneByteAtATime) {
  body_of([](HttpSessionTest& test) -> Task<void> {
    socketserver::FakeLink slow;
    slow.max_read_bytes = 1;
    socketserver::FakeLink narrow;
    narrow.max_write_bytes = 1;
    narrow.capacity_bytes = 3;
    HttpPeer peer = test.browser(slow, narrow);
    HttpAnswer answer = co_await peer.ask("POST /rooms/lobby?name=lin", "", "photos");
    EXPECT_EQ(answer.status, 201);
    peer.send("POST /rooms/lobby?name=lin", "Transfer-Encoding: chunked\r\n");
    peer.send_raw("3\r\nare\r\n3\r\n up\r\n0\r\n\r\n");
    answer = co_await peer.receive();
    EXPECT_EQ(answer.status, 201);
    answer = co_await peer.ask("GET /rooms/lobby?after=1");
    EXPECT_TRUE(answer.body.contains(R"("text":"are up")")) << answer.body;
  });
}

TEST_F(HttpSessionTest, WhatIsNoHttpIsToldSoAndTheConnectionEnds) {
  struct Case {
    std::string_view said;
    int status;
  };
  constexpr Case kCases[] = {
      {"GET / HTTP/1.1\nHost: localhost\n\n", 400},
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/9.9\r\nHost: localhost\r\n\r\n", 505},
      {"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n"
       "\r\n",
       400},
      {"POST / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: gzip\r\n\r\n", 501},
  };
  for (const Case& one : kCases) {
    const auto body = [](HttpSessionTest& test, Case of) -> Task<void> {
      HttpPeer peer = test.browser();
      peer.send_raw(concat(of.said, HttpPeer::request("POST /rooms/lobby", "", "smuggled")));
      const HttpAnswer answer = co_await peer.receive();
      EXPECT_EQ(answer.status, of.status) << of.said;
      EXPECT_TRUE(answer.closes() && answer.body.starts_with("skein: error: ")) << answer.body;
      const std::string rest = co_await peer.hear("HTTP/");
      EXPECT_EQ(rest, "!end");
    };
    run(body(*this, one));
  }
  EXPECT_EQ(log.count("connection ended"), std::size(kCases));
  EXPECT_EQ(rooms.last_number().value(), 0);
}

TEST_F(HttpSessionTest, WhoMayNotAskIsRefusedWhateverIsAskedFor) {
  body_of([](HttpSessionTest& test) -> Task<void> {
    HttpPeer peer = test.browser();
    for (const std::string_view field :
         {"Origin: http://evil.example\r\n", "X-Forwarded-For: 192.0.2.1\r\n",
          "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\n"}) {
      for (const std::string_view line :
           {"GET /rooms/lobby", "GET /nowhere", "OPTIONS /rooms/lobby"}) {
        const HttpAnswer answer = co_await peer.ask(line, field);
        EXPECT_EQ(answer.status, 403) << line << field;
      }
      const HttpAnswer posted = co_await peer.ask("POST /rooms/lobby", field, "hello");
      EXPECT_EQ(posted.status, 403) << field;
    }
    const HttpAnswer own = co_await peer.ask("GET /", "Origin: http://localhost\r\n");
    EXPECT_EQ(own.status, 200);
  });
  EXPECT_EQ(rooms.last_number().value(), 0);
}

TEST_F(HttpSessionTest, MethodsThatAPathDoesNotTakeAreNamed) {
  body_of([](HttpSessionTest& test) -> Task<void> {
    HttpPeer peer = test.browser();
    const HttpAnswer refused = co_await peer.ask("DELETE /rooms/lobby");
    EXPECT_EQ(refused.status, 405);
    EXPECT_EQ(refused.field("allow"), "GET, HEAD, OPTIONS, POST");
    const HttpAnswer options = co_await peer.ask("OPTIONS /rooms");
    EXPECT_EQ(options.status, 204);
    EXPECT_EQ(options.field("allow"), "GET, HEAD, OPTIONS");
    const HttpAnswer nowhere = co_await peer.ask("DELETE /nowhere");
    EXPECT_EQ(nowhere.status, 404);
    EXPECT_TRUE(nowhere.body.contains("skein: hint: ")) << nowhere.body;
  });
}

TEST_F(HttpSessionTest, HeadIsAnsweredAsGetWithoutItsBody) {
  body_of([](HttpSessionTest& test) -> Task<void> {
    HttpPeer peer = test.browser();
    const HttpAnswer whole = co_await peer.ask("GET /");
    for (const std::string_view path : {"/", "/rooms/lobby", "/nowhere"}) {
      peer.send(concat("HEAD ", path));
      const HttpAnswer head = co_await peer.receive(/*bare=*/true);
      EXPECT_EQ(head.status, path == "/nowhere" ? 404 : 200) << path;
      if (path == "/") {
        EXPECT_EQ(head.field("content-length"), whole.field("content-length"));
      }
    }
    peer.send("HEAD /events");
    const HttpAnswer events = co_await peer.receive(/*bare=*/true);
    EXPECT_EQ(events.field("content-type"), "text/event-stream");
    const std::string rest = co_await peer.hear("retry");
    EXPECT_EQ(rest, "!end");
  });
}

TEST_F(HttpSessionTest, AClientThatWaitsToBeAskedForItsBodyIsAsked) {
  body_of([](HttpSessionTest& test) -> Task<void> {
    constexpr std::string_view kFields = "Expect: 100-continue\r\nContent-Length: 5\r\n";
    HttpPeer peer = test.browser();
    peer.send("POST /rooms/lobby", kFields);
    const HttpAnswer interim = co_await peer.receive();
    EXPECT_EQ(interim.status, 100);
    peer.send_raw("hello");
    HttpAnswer answer = co_await peer.receive();
    EXPECT_EQ(answer.status, 201);
    EXPECT_FALSE(answer.closes());
    // Who sends it unasked is not asked.
    peer.send_raw(concat(HttpPeer::request("POST /rooms/lobby", kFields), "hello"));
    answer = co_await peer.receive();
    EXPECT_EQ(answer.status, 201);
    // Refused, it may keep it to itself: so what comes next could be either.
    peer.send("POST /nowhere", kFields);
    answer = co_await peer.receive();
    EXPECT_EQ(answer.status, 404);
    EXPECT_TRUE(answer.closes());
  });
}

TEST_F(HttpSessionTest, ABodyThatNobodyWantsIsSkippedIfItIsShort) {
  body_of([](HttpSessionTest& test) -> Task<void> {
    HttpPeer peer = test.browser();
    const std::string shorter(limits::kSkippedBodyBytes, 'x');
    const std::string said = HttpPeer::request("POST /nowhere", "", shorter);
    co_await peer.send_all(said);
    HttpAnswer answer = co_await peer.receive();
    EXPECT_EQ(answer.status, 404);
    EXPECT_FALSE(answer.closes());
    const std::string length =
        concat("Content-Length: ", std::to_string(limits::kSkippedBodyBytes + 1), "\r\n");
    answer = co_await peer.ask("POST /nowhere", length);
    EXPECT_EQ(answer.status, 404) << "told before the body came";
    EXPECT_TRUE(answer.closes());
    HttpPeer other = test.browser();
    answer = co_await other.ask("POST /nowhere", "Transfer-Encoding: chunked\r\n");
    EXPECT_EQ(answer.status, 404);
    EXPECT_TRUE(answer.closes());
  });
}

TEST_F(HttpSessionTest, AnOldClientIsHungUpOnUnlessItAsksForMore) {
  body_of([](HttpSessionTest& test) -> Task<void> {
    HttpPeer peer = test.browser();
    peer.send_raw("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    HttpAnswer answer = co_await peer.receive();
    EXPECT_EQ(answer.status, 200);
    EXPECT_EQ(answer.field("connection"), "keep-alive");
    peer.send_raw("GET /rooms HTTP/1.0\r\n\r\n");
    answer = co_await peer.receive();
    EXPECT_EQ(answer.status, 200);
    const std::string rest = co_await peer.hear("HTTP/");
    EXPECT_EQ(rest, "!end");
  });
}

TEST_F(HttpSessionTest, WhoOnlyEndsItsOwnSideStillGetsItsAnswer) {
  body_of([](HttpSessionTest& test) -> Task<void> {
    HttpPeer peer = test.browser();
    co_await test.held.hold();
    peer.send("GET /rooms/lobby");
    EXPECT_TRUE(peer.stream().shutdown_write());
    co_await test.settle();
    test.held.let_go();
    const HttpAnswer answer = co_await peer.receive();
    EXPECT_EQ(answer.status, 200);
    const bool gone = co_await test.left(0);
    EXPECT_TRUE(gone);
  });
  EXPECT_EQ(log.count(LogLevel::kWarning), 0U);
}

TEST_F(HttpSessionTest, ConnectionIsIdleOnlyBetweenRequests) {
  body_of([](HttpSessionTest& test) -> Task<void> {
    HttpPeer peer = test.browser();
    HttpAnswer answer = co_await peer.ask("GET /");
    co_await test.settle();
    EXPECT_TRUE(test.served->idle());
    co_await test.held.hold();
    peer.send("GET /rooms");
    co_await test.settle();
    EXPECT_FALSE(test.served->idle()) << "an answer is due";
    test.held.let_go();
    answer = co_await peer.receive();
    co_await test.settle();
    EXPECT_TRUE(test.served->idle());
    peer.send("POST /rooms/lobby", "Content-Length: 5\r\n");
    co_await test.settle();
    EXPECT_FALSE(test.served->idle()) << "in a body";
    peer.send_raw("hello");
    answer = co_await peer.receive();
    EXPECT_EQ(answer.status, 201);
  });
}

// --- time

TEST_F(HttpSessionTest, AHeadMustBeThereThirtySecondsAfterItsFirstByte) {
  for (const bool first : {true, false}) {
    const auto body = [](HttpSessionTest& test, bool is_first) -> Task<void> {
      HttpPeer peer = test.browser();
      if (!is_first) {
        const HttpAnswer answer = co_await peer.ask("GET /");
        EXPECT_EQ(answer.status, 200);
        co_await test.pass_ms(limits::kHttpIdleMs - 1'000);
      }
      const std::string request = HttpPeer::request("GET /rooms");
      for (std::size_t i = 0; i < 6; ++i) {
        EXPECT_EQ(test.sessions.inside(), 1U) << i;
        peer.send_raw(std::string_view(request).substr(i, 1));
        co_await test.pass_ms(5'500);
      }
      const HttpAnswer late = co_await peer.receive();
      EXPECT_EQ(late.status, 408);
      EXPECT_TRUE(late.closes());
      peer.leave();
      const bool gone = co_await test.left(0);
      EXPECT_TRUE(gone) << is_first;
    };
    run(body(*this, first));
  }
}

TEST_F(HttpSessionTest, ABodyMayBeSlowButMustNotStandStill) {
  body_of([](HttpSessionTest& test) -> Task<void> {
    HttpPeer peer = test.browser();
    peer.send("POST /rooms/lobby", "Content-Length: 3\r\n");
    for (int i = 0; i < 3; ++i) {
      co_await test.pass_ms(limits::kStallTimeoutMs - 1'000);
      peer.send_raw("x");
    }
    HttpAnswer answer = co_await peer.receive();
    EXPECT_EQ(answer.status, 201);
    peer.send("POST /rooms/lobby", "Content-Length: 3\r\n");
    co_await test.pass_ms(limits::kStallTimeoutMs + 1'000);
    answer = co_await peer.receive();
    EXPECT_EQ(answer.status, 408);
    EXPECT_TRUE(answer.closes());
  });
}

TEST_F(HttpSessionTest, AConnectionThatIsNotUsedIsEndedWithoutAWord) {
  body_of([](HttpSessionTest& test) -> Task<void> {
    HttpPeer peer = test.browser();
    const HttpAnswer answer = co_await peer.ask("GET /");
    EXPECT_EQ(answer.status, 200);
    co_await test.pass_ms(limits::kHttpIdleMs - 1'000);
    EXPECT_EQ(test.sessions.inside(), 1U);
    co_await test.pass_ms(2'000);
    const std::string rest = co_await peer.hear("HTTP/");
    EXPECT_EQ(rest, "!end");
  });
  EXPECT_EQ(log.count(LogLevel::kWarning), 0U);
}

TEST_F(HttpSessionTest, WhoIsRefusedAllTheTimeDoesNotFillTheLog) {
  body_of([](HttpSessionTest& test) -> Task<void> {
    HttpPeer peer = test.browser();
    for (std::size_t i = 0; i < limits::kLoggedRefusals + 10; ++i) {
      const HttpAnswer answer = co_await peer.ask("GET /nowhere");
      EXPECT_EQ(answer.status, 404);
    }
  });
  EXPECT_EQ(log.count(LogLevel::kWarning), limits::kLoggedRefusals);
  EXPECT_EQ(log.count("not logged"), 1U);
}

TEST_F(HttpSessionTest, AnAnswerThatCannotGoOnIsCutSoThatNobodyTakesItForWhole) {
  const std::string filler(10'000, 'x');
  for (int i = 0; i < 300; ++i) {
    chat::Draft draft;
    draft.room = chat.lobby();
    draft.from = "lin";
    draft.text = filler;
    draft.cid[0] = static_cast<std::byte>(i);
    draft.cid[1] = static_cast<std::byte>(i >> 8);
    ASSERT_TRUE(rooms.append(std::span(&draft, 1)));
  }
  body_of([](HttpSessionTest& test) -> Task<void> {
    HttpPeer peer = test.browser();
    peer.send("GET /rooms/lobby?after=0&limit=300");
    const std::string begun = co_await peer.hear("\"seq\":1,");
    EXPECT_TRUE(begun.contains("Transfer-Encoding: chunked"));
    test.rooms.fail_next_reads(1, kIo);
    const HttpAnswer answer = co_await peer.receive();
    EXPECT_EQ(answer.status, 200);
    EXPECT_FALSE(answer.whole);
  });
  EXPECT_EQ(log.count(LogLevel::kWarning), 1U);
}

}  // namespace
}  // namespace skein::hub
