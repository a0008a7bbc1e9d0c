#include "hub/session.h"

#include <gmock/gmock.h>

#include <set>
#include <string>
#include <string_view>

#include "base/limits.h"
#include "hub/test_support.h"

namespace skein::hub {
namespace {

using socketserver::testing::read_to_end;
using ::testing::HasSubstr;

constexpr std::string_view kHello = R"({"op":"hello","id":1,"min":1,"max":1})";
constexpr std::string_view kGreeting =
    R"({"features":"put get pack ls rm restore mv mkdir link probe rooms","hub":"ada","id":1,)"
    R"("member":"local/anonymous","ok":true,"version":1})";

// --- what the peer speaks

TEST_F(SessionTest, WhoeverSpeaksNoFramesIsHungUpOnAndTheLogSaysWhy) {
  struct Case {
    std::string_view first;
    std::string_view logged;
  };
  constexpr Case kCases[] = {
      {std::string_view("\x16\x03\x01\x02\x00\x01", 6), "TLS"},
      {"SSH-2.0-OpenSSH", "nothing that a hub knows"},
      {std::string_view("\0\0\0\0{}", 6), "nothing that a hub knows"},
      {std::string_view("\x01\0\x01\0{", 5), "nothing that a hub knows"},
      {std::string_view("\x09\0\0\0 {\"a\":1}", 12), "nothing that a hub knows"},
  };
  for (const Case& one : kCases) {
    const auto body = [](SessionTest& test, Case of) -> Task<void> {
      Peer peer = test.connect();
      peer.send_raw(of.first);
      const std::string answer = co_await read_to_end(peer.stream());
      EXPECT_EQ(answer, "");
      peer.leave();
    };
    run(body(*this, one));
    EXPECT_EQ(log.count(one.logged), 1U) << one.logged;
    log.clear();
  }
}

TEST_F(SessionTest, PeerThatLeavesWithoutAWordIsNoNews) {
  const auto body = [](SessionTest& test) -> Task<void> {
    for (const std::string_view sent : {"", "\x10\0", "\x16"}) {
      Peer peer = test.connect();
      peer.send_raw(sent);
      peer.leave();
      const bool gone = co_await test.left(0);
      EXPECT_TRUE(gone);
    }
  };
  run(body(*this));
  EXPECT_EQ(log.count(LogLevel::kError), 0U);
}

// --- hello

TEST_F(SessionTest, HelloSettlesTheVersionAndNamesBothSides) {
  const auto body = [](SessionTest& test) -> Task<void> {
    struct Case {
      std::string_view request;
      std::string_view outcome;
      std::string_view member;
    };
    constexpr Case kCases[] = {
        {R"({"op":"hello","min":1,"max":1})", "ok", "local/anonymous"},
        {R"({"op":"hello","min":0,"max":9,"name":"lin"})", "ok", "local/lin"},
        {R"({"op":"hello","min":1,"max":1,"name":null,"unknown":[1]})", "ok", "local/anonymous"},
        {R"({"op":"hello","max":1})", "bad_request", ""},
        {R"({"op":"hello","min":1})", "bad_request", ""},
        {R"({"op":"hello","min":"1","max":1})", "bad_request", ""},
        {R"({"op":"hello","min":2,"max":1})", "bad_request", ""},
        {R"({"op":"hello","min":1,"max":0})", "bad_request", ""},
        {R"({"op":"hello","min":1,"max":1,"name":5})", "bad_request", ""},
        {R"({"op":"hello","min":1,"max":1,"name":"a\u001bb"})", "bad_request", ""},
        {R"({"op":"hello","min":1,"max":1,"device":"5d1c"})", "bad_request", ""},
        {R"({"op":"hello","min":1,"max":1,"device":"5D1C04B0A7F2439E8B6604C81DE23A97"})",
         "bad_request", ""},
    };
    for (const Case& one : kCases) {
      Peer peer = test.connect();
      Told told = co_await peer.ask(one.request);
      EXPECT_EQ(told.outcome, one.outcome) << one.request;
      if (one.outcome == "ok") {
        EXPECT_EQ(told.text("member"), one.member);
      }
      // Whoever was not greeted may try again.
      told = co_await peer.hello();
      EXPECT_EQ(told.outcome, one.outcome == "ok" ? "bad_request" : "ok") << one.request;
      peer.leave();
    }
  };
  run(body(*this));
}

TEST_F(SessionTest, NoVersionInCommonIsToldAndEndsTheConnection) {
  const auto body = [](SessionTest& test) -> Task<void> {
    for (const std::string_view request :
         {R"({"op":"hello","min":2,"max":7})", R"({"op":"hello","min":0,"max":0})"}) {
      Peer peer = test.connect();
      const Told told = co_await peer.ask(request);
      EXPECT_EQ(told.outcome, "version");
      EXPECT_THAT(told.text("hint"), HasSubstr("same version"));
      const Told end = co_await peer.receive();
      EXPECT_EQ(end.outcome, "end");
      peer.leave();
    }
  };
  run(body(*this));
}

TEST_F(SessionTest, BeforeHelloNothingElseIsCarriedOut) {
  const auto body = [](SessionTest& test) -> Task<void> {
    Peer peer = test.connect();
    for (const std::string_view op : {"ping", "ls", "put", "block", "rm", "cancel"}) {
      const std::string request = concat(R"({"op":")", op, R"(","path":"a","total":1})");
      const Told told = co_await peer.ask(request, "payload");
      EXPECT_EQ(told.outcome, "bad_request") << op;
    }
    const Told unknown = co_await peer.ask(R"({"op":"chat"})");
    EXPECT_EQ(unknown.outcome, "unknown_operation");
    const Told hello = co_await peer.hello();
    EXPECT_EQ(hello.outcome, "ok");
  };
  run(body(*this));
  EXPECT_EQ(shared(), store::FakeDisk::Tree());
}

TEST_F(SessionTest, WhoIsRefusedAllTheTimeDoesNotFillTheLog) {
  const auto body = [](SessionTest& test) -> Task<void> {
    Peer peer = co_await test.greeted();
    for (std::size_t i = 0; i < limits::kLoggedRefusals + 10; ++i) {
      const Told told = co_await peer.ask(R"({"op":"chat"})");
      EXPECT_EQ(told.outcome, "unknown_operation");
    }
  };
  run(body(*this));
  EXPECT_EQ(log.count(LogLevel::kWarning), limits::kLoggedRefusals);
  EXPECT_EQ(log.count("is not logged"), 1U);
}

TEST_F(SessionTest, RequestWithoutAnIdBeforeHelloEndsTheConnectionWithoutAWord) {
  const auto body = [](SessionTest& test) -> Task<void> {
    for (const std::string_view json :
         {R"({"op":"hello","min":1,"max":1})", R"({"op":"hello","id":0,"min":1,"max":1})",
          R"({"op":"hello","id":"1","min":1,"max":1})", R"({})"}) {
      Peer peer = test.connect();
      peer.send_raw(frame(json));
      const std::string answer = co_await read_to_end(peer.stream());
      EXPECT_EQ(answer, "") << json;
      peer.leave();
    }
  };
  run(body(*this));
}

// --- frames

TEST_F(SessionTest, OddRequestsAreRefusedTheirPayloadSkippedAndTheConnectionKept) {
  const auto body = [](SessionTest& test) -> Task<void> {
    Peer peer = co_await test.greeted();
    struct Case {
      std::string_view json;
      std::string_view outcome;
      std::int64_t id;
    };
    constexpr Case kCases[] = {
        {R"({"op":"ping","size":4})", "bad_request", 0},
        {R"({"op":"ping","id":0,"size":4})", "bad_request", 0},
        {R"({"op":"ping","id":-1,"size":4})", "bad_request", 0},
        {R"({"op":"ping","id":9007199254740993,"size":4})", "bad_request", 0},
        {R"({"op":"ping","id":1.5,"size":4})", "bad_request", 0},
        {R"({"op":"ping","id":"7","size":4})", "bad_request", 0},
        {R"({"file_name":"a","file_size":4})", "bad_request", 0},
        {R"({"id":7,"size":4})", "bad_request", 7},
        {R"({"op":7,"id":7,"size":4})", "bad_request", 7},
        {R"({"op":null,"id":7,"size":4})", "bad_request", 7},
        {R"({"op":"Ping","id":7,"size":4})", "unknown_operation", 7},
        {R"({"op":"shout","id":7,"size":4})", "unknown_operation", 7},
        {R"({"op":"hello","id":7,"min":1,"max":1,"size":4})", "bad_request", 7},
        {R"({"op":"cancel","id":7,"size":4})", "bad_request", 7},
        {R"({"op":"ping","id":7,"size":4})", "ok", 7},
        {R"({"op":"ping","id":9007199254740992,"size":4,"unknown":{"a":[1.5]}})", "ok",
         9'007'199'254'740'992},
        {R"({"op":"say","op":"ping","id":6,"id":7,"size":4})", "ok", 7},
        {R"(  {"\u006fp":"ping","id":7,"size":4}
)",
         "ok", 7},
    };
    for (const Case& one : kCases) {
      peer.send_raw(frame(one.json, "oops"));
      const Told told = co_await peer.receive();
      EXPECT_EQ(told.outcome, one.outcome) << one.json;
      EXPECT_EQ(told.id, one.id) << one.json;
    }
  };
  run(body(*this));
  EXPECT_EQ(shared(), store::FakeDisk::Tree());
}

TEST_F(SessionTest, BytesThatAreNoFrameAreToldToWhoSaidHelloAndEndTheConnection) {
  const std::string deep =
      R"({"op":"ping","id":1,"a":)" + std::string(32, '[') + std::string(32, ']') + "}";
  const std::string bad[] = {
      std::string("\0\0\0\0", 4),
      std::string("\x01\0\x01\0", 4),
      "\xff\xff\xff\xff",
      frame("[1]"),
      frame(R"({"op":"ping","id":1)"),
      frame(R"({"op":"ping","id":1}})"),
      frame("{\"op\":\"\xff\"}"),
      frame(deep),
      frame(R"({"op":"ping","id":1,"size":-1})"),
      frame(R"({"op":"ping","id":1,"size":4194305})"),
      frame(R"({"op":"ping","id":1,"size":1.0})"),
      frame(R"({"op":"ping","id":1,"size":"1"})"),
      frame(R"({"op":"ping","id":1,"size":1,"file_size":1})"),
      frame(R"({"op":"ping","id":1,"file_size":1})"),
      frame(R"({"file_name":"a"})"),
  };
  for (const std::string& bytes : bad) {
    const auto after = [](SessionTest& test, std::string_view sent) -> Task<void> {
      Peer peer = co_await test.greeted();
      peer.send_raw(sent);
      peer.send_raw(frame(R"({"op":"mkdir","id":9,"path":"later"})"));
      const Told told = co_await peer.receive();
      EXPECT_EQ(told.outcome, "bad_frame") << escaped(sent);
      EXPECT_EQ(told.id, 0);
      const Told end = co_await peer.receive();
      EXPECT_EQ(end.outcome, "end") << escaped(sent);
      peer.leave();
    };
    run(after(*this, bytes));
    if (!bytes.contains('{')) continue;
    const auto before = [](SessionTest& test, std::string_view sent) -> Task<void> {
      Peer peer = test.connect();
      peer.send_raw(sent);
      const std::string answer = co_await read_to_end(peer.stream());
      EXPECT_EQ(answer, "") << escaped(sent);
      peer.leave();
    };
    run(before(*this, bytes));
  }
  EXPECT_EQ(shared(), store::FakeDisk::Tree()) << "nothing is read after a bad frame";
}

TEST_F(SessionTest, ConversationMayBeSplitAtEveryByte) {
  const std::string said = frame(kHello) + frame(R"({"op":"ping","id":2,"size":3})", "abc") +
                           frame(R"({"op":"block","id":3,"handle":1,"block":0,"size":2})", "de") +
                           frame(R"({"id":4})");
  for (std::size_t at = 0; at <= said.size(); ++at) {
    const auto body = [](SessionTest& test, std::string_view first,
                         std::string_view second) -> Task<void> {
      Peer peer = test.connect();
      peer.send_raw(first);
      co_await test.settle();
      peer.send_raw(second);
      Told told = co_await peer.receive();
      EXPECT_EQ(told.fields.to_json(), kGreeting);
      for (const std::string_view outcome : {"ok", "bad_request", "bad_request"}) {
        told = co_await peer.receive();
        EXPECT_EQ(told.outcome, outcome);
      }
      EXPECT_EQ(told.id, 4);
      EXPECT_TRUE(peer.stream().shutdown_write());
      told = co_await peer.receive();
      EXPECT_EQ(told.outcome, "end");
    };
    const std::string_view whole(said);
    run(body(*this, whole.substr(0, at), whole.substr(at)));
  }
}

TEST_F(SessionTest, ConversationMayComeAndGoOneByteAtATime) {
  const auto body = [](SessionTest& test) -> Task<void> {
    socketserver::FakeLink slow;
    slow.max_read_bytes = 1;
    socketserver::FakeLink narrow;
    narrow.max_write_bytes = 1;
    narrow.capacity_bytes = 3;
    Peer peer = test.connect(slow, narrow);
    Told told = co_await peer.hello();
    EXPECT_EQ(told.outcome, "ok");
    told = co_await peer.put_whole("a", "text");
    EXPECT_EQ(told.outcome, "ok");
    EXPECT_EQ(test.disk.durable_contents("a"), "text");
  };
  run(body(*this));
}

// --- requests that are open together

TEST_F(SessionTest, SixtyFourRequestsMayBeOpenAndOneMoreIsTooMany) {
  const auto body = [](SessionTest& test) -> Task<void> {
    Peer peer = co_await test.greeted();
    co_await test.held.hold();
    for (std::size_t i = 0; i < spec::kMaxOpenIds; ++i) peer.send(R"({"op":"ls"})");
    const Told over = co_await peer.ask(R"({"op":"ls"})");
    EXPECT_EQ(over.outcome, "too_many");
    EXPECT_EQ(over.id, 66);
    peer.send_raw(frame(R"({"op":"ls","id":9})"));
    const Told twice = co_await peer.receive();
    EXPECT_EQ(twice.outcome, "bad_request");
    EXPECT_EQ(twice.id, 9);
    test.held.let_go();
    std::set<std::int64_t> answered;
    for (std::size_t i = 0; i < spec::kMaxOpenIds; ++i) {
      const Told told = co_await peer.receive();
      EXPECT_EQ(told.outcome, "ok");
      answered.insert(told.id);
    }
    EXPECT_EQ(answered.size(), spec::kMaxOpenIds);
    // Every id is free again.
    peer.send_raw(frame(R"({"op":"ls","id":9})"));
    const Told again = co_await peer.receive();
    EXPECT_EQ(again.outcome, "ok");
  };
  run(body(*this));
}

TEST_F(SessionTest, CancelEndsTheRequestThatItNames) {
  // Two parts at least, so that the end of the first can be told from that of the answer.
  for (int i = 0; i < 1500; ++i) disk.put_file(concat("f", std::to_string(i)), "");
  const auto body = [](SessionTest& test) -> Task<void> {
    Peer peer = co_await test.greeted();
    co_await test.held.hold();
    const std::int64_t target = peer.send(R"({"op":"ls"})");
    const std::int64_t other = peer.send(R"({"op":"ls"})");
    const Told told = co_await peer.ask(R"({"op":"cancel","target":2})");
    EXPECT_EQ(told.outcome, "ok");
    EXPECT_EQ(told.id, 4);
    test.held.let_go();
    for (int i = 0; i < 2; ++i) {
      const Told ended = co_await peer.receive();
      EXPECT_EQ(ended.outcome, ended.id == target ? "cancelled" : "ok");
      EXPECT_EQ(ended.payload.empty(), ended.id == target);
      EXPECT_TRUE(ended.id == target || ended.id == other);
    }
    const Told none = co_await peer.ask(R"({"op":"cancel","target":77})");
    EXPECT_EQ(none.outcome, "ok");
  };
  run(body(*this));
}

TEST_F(SessionTest, WhoOnlyEndsItsOwnSideStillGetsItsAnswers) {
  disk.put_file("a", "text");
  const auto body = [](SessionTest& test) -> Task<void> {
    Peer peer = co_await test.greeted();
    co_await test.held.hold();
    peer.send(R"({"op":"get","path":"a"})");
    peer.send(R"({"op":"rm","path":"a"})");
    EXPECT_TRUE(peer.stream().shutdown_write());
    co_await test.settle();
    test.held.let_go();
    for (int i = 0; i < 2; ++i) {
      const Told told = co_await peer.receive();
      EXPECT_EQ(told.outcome, "ok") << told.id;
    }
    const Told end = co_await peer.receive();
    EXPECT_EQ(end.outcome, "end");
    const bool gone = co_await test.left(0);
    EXPECT_TRUE(gone);
  };
  run(body(*this));
}

TEST_F(SessionTest, CutWhileRequestsAreOpenEndsThemAndLeavesNothingOpen) {
  const auto body = [](SessionTest& test) -> Task<void> {
    Peer peer = co_await test.greeted();
    co_await test.held.hold();
    peer.send(R"({"op":"put","path":"a","total":5})");
    peer.send(R"({"op":"mkdir","path":"folder"})");
    peer.send(R"({"op":"ls"})");
    co_await test.settle();
    test.links.back()->cut();
    co_await test.settle();
    EXPECT_EQ(test.sessions.inside(), 1U) << "it waits for what is in the pool";
    test.held.let_go();
    const bool gone = co_await test.left(0);
    EXPECT_TRUE(gone);
  };
  run(body(*this));
  EXPECT_EQ(count_in(".skein/partial/"), 0U);
}

// --- time

TEST_F(SessionTest, SilenceOfSixtySecondsAfterHelloEndsTheConnection) {
  const auto body = [](SessionTest& test) -> Task<void> {
    Peer peer = co_await test.greeted();
    for (int i = 0; i < 4; ++i) {
      co_await test.pass_ms(spec::kDeadAfterMs - 1'000);
      const Told told = co_await peer.ask(R"({"op":"ping"})");
      EXPECT_EQ(told.outcome, "ok");
    }
    co_await test.pass_ms(spec::kDeadAfterMs - 1'000);
    EXPECT_EQ(test.sessions.inside(), 1U);
    co_await test.pass_ms(2'000);
    const Told end = co_await peer.receive();
    EXPECT_EQ(end.outcome, "end");
    const bool gone = co_await test.left(0);
    EXPECT_TRUE(gone);
  };
  run(body(*this));
}

TEST_F(SessionTest, WhoWaitsForAnAnswerMayBeSilent) {
  const auto body = [](SessionTest& test) -> Task<void> {
    Peer peer = co_await test.greeted();
    co_await test.held.hold();
    peer.send(R"({"op":"ls"})");
    for (int i = 0; i < 5; ++i) co_await test.pass_ms(spec::kDeadAfterMs + 1'000);
    test.held.let_go();
    const Told told = co_await peer.receive();
    EXPECT_EQ(told.outcome, "ok");
    co_await test.pass_ms(spec::kDeadAfterMs + 1'000);
    const Told end = co_await peer.receive();
    EXPECT_EQ(end.outcome, "end");
  };
  run(body(*this));
}

TEST_F(SessionTest, ConnectionMayRestForDaysBeforeItsFirstByteAndItsHello) {
  const auto body = [](SessionTest& test) -> Task<void> {
    Peer peer = test.connect();
    co_await test.pass_ms(3LL * 24 * 3600 * 1000);
    Told told = co_await peer.ask(R"({"op":"ping"})");
    EXPECT_EQ(told.outcome, "bad_request");
    co_await test.pass_ms(3LL * 24 * 3600 * 1000);
    told = co_await peer.hello();
    EXPECT_EQ(told.outcome, "ok");
  };
  run(body(*this));
}

// The first dictionary's limit once began anew with each of its first bytes.
TEST_F(SessionTest, DictionaryMustBeThereThirtySecondsAfterItsFirstByte) {
  for (const bool greeted : {false, true}) {
    const auto body = [](SessionTest& test, bool after_hello) -> Task<void> {
      Peer peer = test.connect();
      if (after_hello) {
        const Told told = co_await peer.hello();
        EXPECT_EQ(told.outcome, "ok");
      }
      const std::string request = frame(R"({"op":"ping","id":2})");
      for (std::size_t i = 0; i < 6; ++i) {
        EXPECT_EQ(test.sessions.inside(), 1U) << i;
        peer.send_raw(std::string_view(request).substr(i, 1));
        co_await test.pass_ms(5'500);
      }
      const bool gone = co_await test.left(0);
      EXPECT_TRUE(gone) << after_hello;
      peer.leave();
    };
    run(body(*this, greeted));
  }
}

TEST_F(SessionTest, PayloadMayBeSlowButMustNotStandStill) {
  const auto body = [](SessionTest& test) -> Task<void> {
    Peer peer = co_await test.greeted();
    const Told put = co_await peer.ask(R"({"op":"put","path":"a","total":4})");
    EXPECT_EQ(put.outcome, "ok");
    const std::string block =
        frame(R"({"op":"block","id":9,"handle":1,"block":0,"size":4})", "text");
    const std::string_view bytes(block);
    peer.send_raw(bytes.substr(0, bytes.size() - 4));
    for (std::size_t left = 4; left > 0; --left) {
      co_await test.pass_ms(limits::kStallTimeoutMs - 1'000);
      peer.send_raw(bytes.substr(bytes.size() - left, 1));
    }
    const Told told = co_await peer.receive();
    EXPECT_EQ(told.outcome, "ok");
    peer.send_raw(bytes.substr(0, bytes.size() - 1));
    co_await test.pass_ms(limits::kStallTimeoutMs + 1'000);
    const Told end = co_await peer.receive();
    EXPECT_EQ(end.outcome, "end");
    const bool gone = co_await test.left(0);
    EXPECT_TRUE(gone);
  };
  run(body(*this));
  EXPECT_EQ(count_in(".skein/partial/"), 0U);
}

TEST_F(SessionTest, PeerThatTakesNoAnswerIsHungUpOn) {
  disk.put_file("a", store::text_of(1'000'000, 1));
  const auto body = [](SessionTest& test) -> Task<void> {
    Peer peer = co_await test.greeted();
    const Told got = co_await peer.ask(R"({"op":"get","path":"a"})");
    EXPECT_EQ(got.outcome, "ok");
    for (int i = 0; i < 10; ++i) peer.send(R"({"op":"read","handle":1,"block":0})");
    const bool stuck = co_await socketserver::testing::eventually(
        *test.loop, [&test] { return test.links.back()->sent_b_to_a() > 60'000; });
    EXPECT_TRUE(stuck);
    co_await test.pass_ms(limits::kStallTimeoutMs - 1'000);
    EXPECT_EQ(test.sessions.inside(), 1U);
    co_await test.pass_ms(2'000);
    const bool gone = co_await test.left(0);
    EXPECT_TRUE(gone);
  };
  run(body(*this));
}

TEST_F(SessionTest, ConnectionIsIdleOnlyBetweenFramesWithNoAnswerDue) {
  const auto body = [](SessionTest& test) -> Task<void> {
    Peer peer = test.connect();
    socketserver::Stream& hubs_end = *test.served;
    co_await test.settle();
    EXPECT_TRUE(hubs_end.idle());
    const std::string unread = frame(R"({"op":"hello","id":1,"min":1,"max":1,"size":2})", "ab");
    peer.send_raw(std::string_view(unread).substr(0, unread.size() - 1));
    co_await test.settle();
    EXPECT_FALSE(hubs_end.idle()) << "in a payload";
    peer.send_raw("b");
    Told told = co_await peer.receive();
    co_await test.settle();
    EXPECT_TRUE(hubs_end.idle());
    co_await test.held.hold();
    peer.send_raw(frame(R"({"op":"ls","id":2})"));
    co_await test.settle();
    EXPECT_FALSE(hubs_end.idle()) << "an answer is due";
    test.held.let_go();
    told = co_await peer.receive();
    EXPECT_EQ(told.outcome, "ok");
    co_await test.settle();
    EXPECT_TRUE(hubs_end.idle());
  };
  run(body(*this));
}

}  // namespace
}  // namespace skein::hub
