#include "socketserver/async.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <atomic>
#include <csignal>
#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "socketserver/test_async.h"
#include "socketserver/test_support.h"

namespace socketserver {
namespace {

using namespace std::chrono_literals;
using testing::AsyncRecording;
using testing::Client;
using testing::eventually;
using testing::kAnyPort;
using testing::Serving;
using testing::threads;

using TCP = AsyncRecording<AsyncTCPServer>;
using Unix = AsyncRecording<AsyncUnixStreamServer>;

void raise_case(std::span<char> text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
}

struct Upper : AsyncStreamRequestHandler {
  Task<void> handle() override {
    while (auto chunk = co_await request.read_some()) {
      raise_case(chunk);
      co_await request.write_all(chunk);
    }
  }
};

std::string fresh_path() {
  static std::atomic<int> next = 0;
  return "/tmp/async_server_test." + std::to_string(getpid()) + "." + std::to_string(++next);
}

// ---- what every kind does

struct Kind {
  bool unix = false;
  std::size_t threads = 1;
};

class AsyncKinds : public ::testing::TestWithParam<Kind> {
 protected:
  std::unique_ptr<AsyncBaseServer> make(AsyncTCPServer::Factory factory) const {
    const AsyncOptions options = threads(GetParam().threads);
    if (GetParam().unix) return std::make_unique<Unix>(fresh_path(), std::move(factory), options);
    return std::make_unique<TCP>(kAnyPort, std::move(factory), options);
  }
};

INSTANTIATE_TEST_SUITE_P(All, AsyncKinds,
                         ::testing::Values(Kind{false, 1}, Kind{false, 3}, Kind{true, 1},
                                           Kind{true, 3}));

TEST_P(AsyncKinds, AnswerThreeClientsEach) {
  const auto server = make(handler<Upper>);
  const Serving serving(*server);
  for (const char* const text : {"hello", "second", "the third one"}) {
    const Client client = Client::connected(server->server_address());
    std::string answer = text;
    raise_case(answer);
    EXPECT_EQ(client.ask(text), answer);
    client.end();
    EXPECT_EQ(client.read_all(), "");
  }
  EXPECT_TRUE(eventually([&] { return server->counters().open == 0; }));
  EXPECT_EQ(server->counters().accepted, 3);
}

TEST_P(AsyncKinds, StartAndShutDownAtOnceTwentyTimes) {
  for (int i = 0; i < 20; ++i) {
    const auto server = make(handler<Upper>);
    Serving serving(*server);
    serving.stop();
  }
}

TEST_P(AsyncKinds, ServeAgainAfterShutdown) {
  const auto server = make(handler<Upper>);
  for (int i = 0; i < 3; ++i) {
    const Serving serving(*server);
    EXPECT_EQ(Client::connected(server->server_address()).ask("again"), "AGAIN");
  }
}

TEST(AsyncServer, ShutdownBeforeServingMakesItReturnAtOnce) {
  TCP server(kAnyPort, handler<Upper>, threads(2));
  server.shutdown();
  server.serve_forever();
  EXPECT_EQ(server.counters().accepted, 0);
}

TEST(AsyncServer, PortZeroBecomesANumber) {
  const TCP server(kAnyPort, handler<Upper>, threads(1));
  EXPECT_GT(server.server_address().port(), 0);
  EXPECT_GE(server.fileno(), 0);
}

TEST(AsyncServer, AClosedServerDoesNotServe) {
  TCP server(kAnyPort, handler<Upper>, threads(1));
  server.server_close();
  EXPECT_EQ(server.fileno(), -1);
  EXPECT_THROW(server.serve_forever(), ServerClosed);
}

TEST(AsyncServer, ATakenPortIsAnErrorThatNamesIt) {
  const TCP first(kAnyPort, handler<Upper>, threads(1));
  try {
    const TCP second(first.server_address(), handler<Upper>, threads(1));
    FAIL() << "both have the port";
  } catch (const AddressInUse& error) {
    EXPECT_NE(error.message().find(first.server_address().text()), std::string::npos)
        << error.message();
  }
}

TEST(AsyncServer, AThousandFailedBindsLeakNoDescriptor) {
  const std::size_t before = testing::open_descriptors();
  for (int i = 0; i < 1000; ++i) {
    EXPECT_THROW(TCP(Address("192.0.2.1", 0), handler<Upper>, threads(1)), AddressNotOurs);
  }
  EXPECT_EQ(testing::open_descriptors(), before);
}

TEST(AsyncServer, TheSocketsFileGoesWithTheServer) {
  const std::string path = fresh_path();
  {
    const Unix server(path, handler<Upper>, threads(1));
    EXPECT_TRUE(std::filesystem::exists(path));
  }
  EXPECT_FALSE(std::filesystem::exists(path));
}

// ---- shutdown

struct Ender : AsyncStreamRequestHandler {
  Task<void> handle() override {
    server->shutdown();
    co_await request.write_all("ended");
  }
};

TEST(AsyncServer, AHandlerMayShutItDown) {
  TCP server(kAnyPort, handler<Ender>, threads(2));
  Serving serving(server);
  EXPECT_EQ(Client::connected(server.server_address()).read_all(), "ended");
  serving.join();
}

AsyncBaseServer* signalled = nullptr;

TEST(AsyncServer, ASignalsHandlerMayShutItDown) {
  TCP server(kAnyPort, handler<Upper>, threads(2));
  signalled = &server;
  const auto before = std::signal(SIGUSR1, [](int) { signalled->shutdown(); });
  Serving serving(server);
  EXPECT_EQ(Client::connected(server.server_address()).ask("x"), "X");
  ASSERT_EQ(std::raise(SIGUSR1), 0);
  serving.join();
  std::signal(SIGUSR1, before);
}

TEST(AsyncServer, ADrainEndsWhoeverIsIdleAtOnceAndTellsNobody) {
  AsyncOptions options = threads(2);
  options.drain_timeout = -1ms;  // for ever: only idle ones can end
  TCP server(kAnyPort, handler<Upper>, options);
  Serving serving(server);
  const Client client = Client::connected(server.server_address());
  EXPECT_EQ(client.ask("x"), "X");
  serving.stop();
  EXPECT_EQ(client.read_all(), "");
  EXPECT_TRUE(server.failures().empty());
}

struct Busy : AsyncStreamRequestHandler {
  Task<void> handle() override {
    request.set_idle(false);
    co_await request.write_all("begun");
    std::array<char, 4> more{};
    const std::size_t got = co_await request.read_some(more);
    co_await request.write_all(std::string_view(more.data(), got));
  }
};

TEST(AsyncServer, ADrainWaitsForWhoeverIsBusy) {
  AsyncOptions options = threads(1);
  options.drain_timeout = -1ms;
  TCP server(kAnyPort, handler<Busy>, options);
  Serving serving(server);
  const Client client = Client::connected(server.server_address());
  EXPECT_EQ(client.read(5), "begun");
  server.shutdown();
  client.send("rest");
  EXPECT_EQ(client.read_all(), "rest");
  serving.join();
}

struct Sleeper : AsyncStreamRequestHandler {
  Task<void> handle() override {
    co_await request.write_all("begun");
    co_await request.sleep(1h);
  }
};

TEST(AsyncServer, ADrainEndsAtItsDeadlineWhoeverIsStillBusy) {
  AsyncOptions options = threads(1);
  options.drain_timeout = 20ms;
  TCP server(kAnyPort, handler<Sleeper>, options);
  Serving serving(server);
  const Client client = Client::connected(server.server_address());
  EXPECT_EQ(client.read(5), "begun");
  serving.stop();
  EXPECT_EQ(client.read_all(), "");
  EXPECT_TRUE(server.failures().empty());
}

// ---- handlers that throw

struct OutOfPaper : Error {
  using Error::Error;
};

struct Thrower : AsyncStreamRequestHandler {
  Task<void> setup() override {
    const auto chunk = co_await request.read_some();
    what = chunk.front();
    if (what == 's') throw OutOfPaper("in setup");
  }
  Task<void> handle() override {
    if (what == 'h') throw OutOfPaper("in handle");
    if (what == 'i') throw 42;
    co_await request.write_all("fine ");
  }
  Task<void> finish() override {
    co_await request.write_all("finished");
    if (what == 'f') throw std::out_of_range("in finish");
  }
  char what = 0;
};

class AsyncThrowing : public ::testing::Test {
 protected:
  std::string ask(std::string_view text) const {
    const Client client = Client::connected(server.server_address());
    client.send(text);
    return client.read_all();
  }
  TCP server{kAnyPort, handler<Thrower>, threads(1)};
  Serving serving{server};
};

TEST_F(AsyncThrowing, HandlersReachHandleErrorAndTheServerServesOn) {
  EXPECT_EQ(ask("h"), "finished");
  EXPECT_EQ(ask("-"), "fine finished");
  const auto failures = server.failures();
  ASSERT_EQ(failures.size(), 1);
  EXPECT_NE(failures[0].type.find("OutOfPaper"), std::string::npos) << failures[0].type;
  EXPECT_EQ(failures[0].message, "in handle");
  EXPECT_NE(std::string_view(failures[0].place.file_name()).find("async_server_test.cc"),
            std::string_view::npos);
  EXPECT_EQ(failures[0].peer.host(), "127.0.0.1");
  EXPECT_NE(failures[0].doing.find("Thrower::handle"), std::string::npos) << failures[0].doing;
  EXPECT_EQ(server.counters().failed, 1);
}

TEST_F(AsyncThrowing, FinishIsCalledAfterAThrowInHandleAndNotInSetup) {
  EXPECT_EQ(ask("s"), "");
  EXPECT_EQ(ask("h"), "finished");
  ASSERT_EQ(server.failures().size(), 2);
  EXPECT_NE(server.failures()[0].doing.find("setup"), std::string::npos);
}

TEST_F(AsyncThrowing, FinishMayThrowToo) {
  EXPECT_EQ(ask("f"), "fine finished");
  ASSERT_EQ(server.failures().size(), 1);
  EXPECT_EQ(server.failures()[0].type, "std::out_of_range");
  EXPECT_NE(server.failures()[0].doing.find("finish"), std::string::npos);
}

TEST_F(AsyncThrowing, WhatIsThrownNeedNotBeAnException) {
  EXPECT_EQ(ask("i"), "finished");
  ASSERT_EQ(server.failures().size(), 1);
  EXPECT_EQ(server.failures()[0].type, "");
}

TEST(AsyncServer, AFactoryThatThrowsFailsOneRequest) {
  std::atomic<int> made = 0;
  TCP server(
      kAnyPort,
      [&]() -> std::unique_ptr<AsyncStreamRequestHandler> {
        if (++made == 1) throw std::runtime_error("no handler");
        return std::make_unique<Upper>();
      },
      threads(1));
  const Serving serving(server);
  EXPECT_EQ(Client::connected(server.server_address()).read_all(), "");
  EXPECT_EQ(Client::connected(server.server_address()).ask("x"), "X");
  ASSERT_EQ(server.failures().size(), 1);
  EXPECT_EQ(server.failures()[0].message, "no handler");
}

struct Refusing : TCP {
  using TCP::TCP;
  bool verify_request(const Address& client) override {
    if (throwing) throw std::runtime_error("cannot tell");
    return client.port() % 2 == 2;
  }
  std::atomic<bool> throwing = false;
};

TEST(AsyncServer, VerifyRequestFalseClosesTheConnection) {
  Refusing server(kAnyPort, handler<Upper>, threads(1));
  const Serving serving(server);
  EXPECT_EQ(Client::connected(server.server_address()).read_all(), "");
  EXPECT_EQ(server.counters().refused, 1);
  server.throwing = true;
  EXPECT_EQ(Client::connected(server.server_address()).read_all(), "");
  ASSERT_EQ(server.failures().size(), 1);
  EXPECT_EQ(server.failures()[0].doing, "verify_request");
}

// ---- peers of all sorts

TEST(AsyncServer, APeerThatResetsReachesTheHandler) {
  TCP server(kAnyPort, handler<Upper>, threads(1));
  const Serving serving(server);
  Client client = Client::connected(server.server_address());
  EXPECT_EQ(client.ask("x"), "X");
  client.reset();
  ASSERT_TRUE(eventually([&] { return server.failures().size() == 1; }));
  EXPECT_NE(server.failures()[0].type.find("ConnectionReset"), std::string::npos);
}

TEST(AsyncServer, PeersThatOpenAndLeaveCostNothing) {
  TCP server(kAnyPort, handler<Upper>, threads(2));
  const Serving serving(server);
  EXPECT_EQ(Client::connected(server.server_address()).ask("x"), "X");
  ASSERT_TRUE(eventually([&] { return server.counters().open == 0; }));
  const std::size_t before = testing::open_descriptors();
  for (int i = 0; i < 50; ++i) Client::connected(server.server_address()).close();
  ASSERT_TRUE(
      eventually([&] { return server.counters().accepted == 51 && server.counters().open == 0; }));
  EXPECT_TRUE(eventually([&] { return testing::open_descriptors() == before; }));
}

TEST(AsyncServer, APeerThatHalfClosesIsAnsweredInFull) {
  TCP server(kAnyPort, handler<Upper>, threads(1));
  const Serving serving(server);
  const Client client = Client::connected(server.server_address());
  client.send("the last words");
  client.end();
  EXPECT_EQ(client.read_all(), "THE LAST WORDS");
}

TEST(AsyncServer, WhatWaitsToBeWrittenIsNotOverwrittenByOtherConnections) {
  struct Echo : AsyncStreamRequestHandler {
    Task<void> handle() override {
      while (auto chunk = co_await request.read_some()) co_await request.write_all(chunk);
    }
  };
  TCP server(kAnyPort, handler<Echo>, threads(1));
  const Serving serving(server);
  // Sends far more than its buffers take back before it reads, so the server has to wait.
  Client slow(server.server_address(), SOCK_STREAM, 4096);
  slow.connect();
  const std::string much = testing::pattern(8 * 1024 * 1024);
  std::thread sender([&] {
    slow.send(much);
    slow.end();
  });
  const Client other = Client::connected(server.server_address());
  for (int i = 0; i < 200; ++i) {
    const std::string noise(3000, '#');
    EXPECT_EQ(other.ask(noise), noise);
  }
  EXPECT_TRUE(slow.read_all() == much);
  sender.join();
}

// A byte now and then keeps no connection beyond the deadline for the whole.
TEST(AsyncServer, APeerThatTricklesIsEndedByTheDeadlineWhileOthersAreServed) {
  struct OneLine : AsyncStreamRequestHandler {
    Task<void> handle() override { co_await request.read_until("\n", 1 << 30, 50ms); }
  };
  std::atomic<int> made = 0;
  TCP server(
      kAnyPort,
      [&]() -> std::unique_ptr<AsyncStreamRequestHandler> {
        if (++made == 1) return std::make_unique<OneLine>();
        return std::make_unique<Upper>();
      },
      threads(1));
  const Serving serving(server);
  const Client trickling = Client::connected(server.server_address());
  ASSERT_TRUE(eventually([&] { return made == 1; }));
  const Client other = Client::connected(server.server_address());
  EXPECT_TRUE(eventually([&] {
    trickling.send("x");
    EXPECT_EQ(other.ask("meanwhile"), "MEANWHILE");
    return trickling.hung_up();
  }));
  ASSERT_EQ(server.failures().size(), 1);
  EXPECT_NE(server.failures()[0].type.find("TimeoutError"), std::string::npos)
      << server.failures()[0].type;
  EXPECT_NE(server.failures()[0].doing.find("OneLine::handle"), std::string::npos);
  EXPECT_EQ(other.ask("after"), "AFTER");
}

// ---- ends that the handler brings about

struct Resetter : AsyncStreamRequestHandler {
  Task<void> handle() override {
    const auto chunk = co_await request.read_some();
    const bool goes_on = chunk.front() == 'g';
    request.reset();
    if (goes_on) co_await request.read_some();
  }
};

TEST(AsyncServer, AfterResetThePeerSeesNoOrderlyEnd) {
  TCP server(kAnyPort, handler<Resetter>, threads(1));
  const Serving serving(server);
  const Client client = Client::connected(server.server_address());
  client.send("x");
  EXPECT_TRUE(client.is_reset());
  EXPECT_TRUE(eventually([&] { return server.counters().open == 0; }));
  EXPECT_TRUE(server.failures().empty());
}

TEST(AsyncServer, AfterResetTheHandlersNextOperationThrows) {
  TCP server(kAnyPort, handler<Resetter>, threads(1));
  const Serving serving(server);
  const Client client = Client::connected(server.server_address());
  client.send("go on");
  EXPECT_TRUE(client.is_reset());
  ASSERT_TRUE(eventually([&] { return server.failures().size() == 1; }));
  EXPECT_NE(server.failures()[0].type.find("ConnectionClosed"), std::string::npos)
      << server.failures()[0].type;
}

// Says all it has to say, and listens on.
struct HalfCloser : AsyncStreamRequestHandler {
  Task<void> handle() override {
    co_await request.write_all("bye");
    request.shutdown_write();
    std::string heard;
    while (auto chunk = co_await request.read_some()) heard += std::string_view(chunk);
    throw OutOfPaper(heard);
  }
};

TEST(AsyncServer, AfterShutdownWriteThePeerReadsTheEndAndIsStillHeard) {
  TCP server(kAnyPort, handler<HalfCloser>, threads(1));
  const Serving serving(server);
  const Client client = Client::connected(server.server_address());
  EXPECT_EQ(client.read_all(), "bye");
  client.send("one more thing");
  client.end();
  ASSERT_TRUE(eventually([&] { return server.failures().size() == 1; }));
  EXPECT_EQ(server.failures()[0].message, "one more thing");
}

// Waits in one way or another until a neighbour on its loop cancels it.
struct Cancelled : AsyncStreamRequestHandler {
  static inline AsyncStream waiting;  // the loop's thread

  Task<void> handle() override {
    const auto chunk = co_await request.read_some();
    const char how = chunk.front();
    if (how == 'c') {
      waiting.cancel();
      co_await request.write_all("done");
      co_return;
    }
    waiting = request;
    co_await request.write_all("waiting");
    bool ended = false;
    try {
      if (how == 's') co_await request.sleep(1h);
      if (how == 'r') co_await request.read_some();
      if (how == 'w') {
        const std::string much(std::size_t{64} * 1024 * 1024, 'w');
        co_await request.write_all(much);
      }
    } catch (const ServerClosed&) {
      ended = true;
    }
    if (!ended) throw OutOfPaper("was not cancelled");
    co_await request.write_all("too late");  // throws it again
    throw OutOfPaper("could go on");
  }
};

class AsyncCancelling : public ::testing::TestWithParam<char> {};

INSTANTIATE_TEST_SUITE_P(Waiting, AsyncCancelling, ::testing::Values('s', 'r', 'w'));

TEST_P(AsyncCancelling, FromANeighbourOnTheLoopEndsWhatIsUnderWayAndTellsNobody) {
  TCP server(kAnyPort, handler<Cancelled>, threads(1));
  const Serving serving(server);
  const Client waiting = Client::connected(server.server_address());
  waiting.send(std::string(1, GetParam()));
  EXPECT_EQ(waiting.read(7), "waiting");
  const Client neighbour = Client::connected(server.server_address());
  neighbour.send("c");
  EXPECT_EQ(neighbour.read_all(), "done");
  const std::string rest = waiting.read_all();
  EXPECT_EQ(rest.find_first_not_of('w'), std::string::npos);
  EXPECT_TRUE(rest.empty() || GetParam() == 'w') << rest;
  EXPECT_TRUE(eventually([&] { return server.counters().open == 0; }));
  EXPECT_EQ(server.counters().failed, 0);
}

// ---- deadlines

// "past", "soon", "far": until when it reads, as a point in time; then what that came to.
struct Punctual : AsyncStreamRequestHandler {
  Task<void> handle() override {
    while (auto until = co_await request.read_until("\n")) {
      const auto now = std::chrono::steady_clock::now();
      auto at = now + 1h;
      if (*until == "past") at = now - 1h;
      if (*until == "soon") at = now + 30ms;
      co_await request.write_all("reading ");
      std::string got = "late";
      try {
        const auto chunk = co_await request.read_some(at);
        got = std::string_view(chunk);
      } catch (const TimeoutError&) {
      }
      co_await request.write_all(got);
    }
  }
};

class AsyncDeadlines : public ::testing::Test {
 protected:
  TCP server{kAnyPort, handler<Punctual>, threads(1)};
  Serving serving{server};
  Client client = Client::connected(server.server_address());
};

TEST_F(AsyncDeadlines, APointInTimeThatIsPastEndsAReadThatWouldWait) {
  client.send("past\n");
  EXPECT_EQ(client.read(12), "reading late");
}

TEST_F(AsyncDeadlines, APointInTimeThatIsPastStillGivesWhatIsThere) {
  client.send("past\nhere");
  EXPECT_EQ(client.read(12), "reading here");
}

TEST_F(AsyncDeadlines, APointInTimeThatComesEndsTheReadAndTheNextOneReadsOn) {
  client.send("soon\n");
  EXPECT_EQ(client.read(12), "reading late");
  client.send("far\n");
  EXPECT_EQ(client.read(8), "reading ");
  client.send("this");
  EXPECT_EQ(client.read(4), "this");
}

TEST_F(AsyncDeadlines, APointInTimeFarAheadLetsAReadWait) {
  client.send("far\n");
  EXPECT_EQ(client.read(8), "reading ");
  client.send("that");
  EXPECT_EQ(client.read(4), "that");
}

// ---- reading

struct Lines : AsyncStreamRequestHandler {
  Task<void> handle() override {
    while (auto line = co_await request.read_until("\r\n", 10)) {
      co_await request.write_all("<" + *line + ">");
    }
    co_await request.write_all("end");
  }
};

class AsyncLines : public ::testing::Test {
 protected:
  TCP server{kAnyPort, handler<Lines>, threads(1)};
  Serving serving{server};
  Client client = Client::connected(server.server_address());
};

TEST_F(AsyncLines, ReadUntilGivesOneAtATimeHoweverTheyCome) {
  client.send("one\r\ntwo\r\n\r\nthr");
  EXPECT_EQ(client.read(12), "<one><two><>");
  client.send("ee\r");
  client.send("\nfour\r\n");
  EXPECT_EQ(client.read(13), "<three><four>");
  client.end();
  EXPECT_EQ(client.read_all(), "end");
}

TEST_F(AsyncLines, ReadUntilTakesOneByteAtATime) {
  for (const char c : std::string("0123456789\r\n")) client.send(std::string(1, c));
  EXPECT_EQ(client.read(12), "<0123456789>");
}

TEST_F(AsyncLines, ReadUntilHoldsItsLimit) {
  client.send("0123456789a\r\n");
  EXPECT_EQ(client.read_all(), "");
  ASSERT_EQ(server.failures().size(), 1);
  EXPECT_NE(server.failures()[0].type.find("LimitExceeded"), std::string::npos);
}

TEST_F(AsyncLines, ReadUntilHoldsItsLimitWithoutADelimiterToo) {
  client.send("0123456789abcdefgh");
  EXPECT_EQ(client.read_all(), "");
  ASSERT_EQ(server.failures().size(), 1);
  EXPECT_NE(server.failures()[0].type.find("LimitExceeded"), std::string::npos);
}

TEST_F(AsyncLines, AnEndWithinALineIsNoLine) {
  client.send("one\r\nhalf");
  client.end();
  EXPECT_EQ(client.read_all(), "<one>");
  ASSERT_EQ(server.failures().size(), 1);
  EXPECT_NE(server.failures()[0].type.find("ConnectionClosed"), std::string::npos);
}

struct Blocks : AsyncStreamRequestHandler {
  Task<void> handle() override {
    std::array<char, 4> block{};
    while (true) {
      bool whole = false;
      bool late = false;
      try {
        whole = co_await request.read_exactly(block, 30ms);
      } catch (const TimeoutError&) {
        late = true;
      }
      if (late) {
        co_await request.write_all("late ");
        continue;
      }
      if (!whole) break;
      co_await request.write_all(block);
      co_await request.write_all(" ");
    }
    co_await request.write_all("end");
  }
};

TEST(AsyncServer, ReadExactlyFillsTheBufferAndATimeoutTakesNothing) {
  TCP server(kAnyPort, handler<Blocks>, threads(1));
  const Serving serving(server);
  const Client client = Client::connected(server.server_address());
  client.send("ab");
  EXPECT_EQ(client.read(5), "late ");
  client.send("cdefgh");
  std::string rest;
  while (rest.find("efgh ") == std::string::npos && rest.find('!') == std::string::npos) {
    rest += client.read(5);
  }
  EXPECT_NE(rest.find("abcd efgh "), std::string::npos) << rest;
  client.end();
  rest = client.read_all();
  EXPECT_TRUE(rest.ends_with("end")) << rest;
}

TEST(AsyncServer, AnEndWithinABlockIsAnError) {
  TCP server(kAnyPort, handler<Blocks>, threads(1));
  const Serving serving(server);
  const Client client = Client::connected(server.server_address());
  client.send("abcdxy");
  client.end();
  EXPECT_TRUE(client.read_all().starts_with("abcd "));
  ASSERT_EQ(server.failures().size(), 1);
  EXPECT_NE(server.failures()[0].type.find("ConnectionClosed"), std::string::npos);
}

struct Large : AsyncStreamRequestHandler {
  Task<void> handle() override {
    std::vector<char> all(4 * 1024 * 1024);
    const bool whole = co_await request.read_exactly(all);
    if (whole) co_await request.write_all(all);
  }
};

TEST(AsyncServer, ReadExactlyTakesMoreThanAnyBufferHolds) {
  TCP server(kAnyPort, handler<Large>, threads(1));
  const Serving serving(server);
  const Client client = Client::connected(server.server_address());
  const std::string all = testing::pattern(4 * 1024 * 1024);
  client.send(all);
  EXPECT_TRUE(client.read_all() == all);
}

// ---- push

struct Pusher : AsyncStreamRequestHandler {
  Task<void> handle() override {
    const std::string piece(10'000, 'p');
    std::size_t taken = 0;
    while (taken < 100'000 && request.push(piece)) ++taken;
    const bool over = !request.push(piece);
    co_await request.read_some();  // only now the peer reads
    co_await request.write_all(" after ");
    static_cast<void>(request.push(over ? "over " : "under "));
    static_cast<void>(request.push(std::to_string(taken)));
  }
};

TEST(AsyncServer, PushKeepsSoMuchAndSendsItInOrderBeforeTheEnd) {
  AsyncOptions options = threads(1);
  options.max_queued_bytes = 100'000;
  TCP server(kAnyPort, handler<Pusher>, options);
  const Serving serving(server);
  const Client client = Client::connected(server.server_address());
  client.send("x");
  const std::string all = client.read_all();
  const std::size_t end = all.find(" after over ");
  ASSERT_NE(end, std::string::npos)
      << all.substr(all.size() - std::min<std::size_t>(all.size(), 99));
  EXPECT_EQ(all.find_first_not_of('p'), end);
  EXPECT_EQ(std::to_string(end / 10'000), all.substr(end + 12));
}

// Against a peer that never reads: the queue is full, and then a write waits behind it in vain.
struct Stuck : AsyncStreamRequestHandler {
  Task<void> handle() override {
    const std::string piece(10'000, 'p');
    const std::string all(server->options().max_queued_bytes, 'a');
    bool late = false;
    while (!late) {
      // Again, if the system has taken something after all.
      while (request.push(piece)) continue;
      try {
        co_await request.write_all(piece, 30ms);
      } catch (const TimeoutError&) {
        late = true;
      }
    }
    const bool kept = request.queued_bytes() > 0;
    const bool full = !request.push(all);
    request.reset();
    throw OutOfPaper(std::string(kept ? "kept" : "gone") + (full ? " full" : " room"));
  }
};

TEST(AsyncServer, AWriteBehindAFullQueueTimesOutAndPushStillSaysNo) {
  AsyncOptions options = threads(1);
  options.max_queued_bytes = 100'000;
  TCP server(kAnyPort, handler<Stuck>, options);
  const Serving serving(server);
  Client client(server.server_address(), SOCK_STREAM, 4096);
  client.connect();
  ASSERT_TRUE(eventually([&] { return server.failures().size() == 1; }));
  EXPECT_EQ(server.failures()[0].message, "kept full");
  EXPECT_TRUE(eventually([&] { return server.counters().open == 0; }));
}

struct LastPusher : AsyncStreamRequestHandler {
  Task<void> handle() override {
    const std::string piece(10'000, 'p');
    while (request.push(piece)) ++pushed;
    request.shutdown_write();
    co_await request.read_some();
    throw OutOfPaper(std::to_string(pushed * piece.size()));
  }
  std::size_t pushed = 0;
};

TEST(AsyncServer, ShutdownWriteComesAfterWhatPushHasKept) {
  AsyncOptions options = threads(1);
  options.max_queued_bytes = 100'000;
  TCP server(kAnyPort, handler<LastPusher>, options);
  const Serving serving(server);
  const Client client = Client::connected(server.server_address());
  const std::string all = client.read_all();
  client.end();
  ASSERT_TRUE(eventually([&] { return server.failures().size() == 1; }));
  EXPECT_EQ(server.failures()[0].message, std::to_string(all.size()));
}

// ---- blocking work

struct Offloader : AsyncStreamRequestHandler {
  Task<void> handle() override {
    const auto own = std::this_thread::get_id();
    const int value =
        co_await server->run_blocking([own] { return std::this_thread::get_id() == own ? 0 : 7; });
    std::string text = std::to_string(value);
    text += std::this_thread::get_id() == own ? " back " : " elsewhere ";
    try {
      co_await server->run_blocking([] { throw std::runtime_error("thrown"); });
    } catch (const std::runtime_error& error) {
      text += error.what();
    }
    co_await request.write_all(text);
  }
};

TEST(AsyncServer, BlockingWorkRunsElsewhereAndComesBack) {
  TCP server(kAnyPort, handler<Offloader>, threads(2));
  const Serving serving(server);
  EXPECT_EQ(Client::connected(server.server_address()).read_all(), "7 back thrown");
}

// ---- limits

TEST(AsyncServer, ConnectionsAreSpreadEvenlyThoughTheyAreFewAndLong) {
  TCP server(kAnyPort, handler<Upper>, threads(3));
  const Serving serving(server);
  std::vector<Client> clients;
  for (int i = 0; i < 9; ++i) {
    clients.push_back(Client::connected(server.server_address()));
    EXPECT_EQ(clients.back().ask("x"), "X");
  }
  EXPECT_EQ(server.open_per_thread(), (std::vector<std::size_t>{3, 3, 3}));
}

TEST(AsyncServer, MoreThanMaxConnectionsAreTurnedAwayAndSaidToBe) {
  AsyncOptions options = threads(2);
  options.max_connections = 2;
  TCP server(kAnyPort, handler<Upper>, options);
  const Serving serving(server);
  Client first = Client::connected(server.server_address());
  const Client second = Client::connected(server.server_address());
  EXPECT_EQ(first.ask("x"), "X");
  EXPECT_EQ(second.ask("x"), "X");
  EXPECT_EQ(Client::connected(server.server_address()).read_all(), "");
  EXPECT_EQ(server.counters().refused, 1);
  EXPECT_EQ(server.troubles().size(), 1);
  first.close();
  ASSERT_TRUE(eventually([&] { return server.counters().open == 1; }));
  EXPECT_EQ(Client::connected(server.server_address()).ask("x"), "X");
}

TEST(AsyncServer, MoreThanMaxConnectionsOfOneAddressAreTurnedAway) {
  AsyncOptions options = threads(1);
  options.max_connections_per_address = 1;
  TCP server(kAnyPort, handler<Upper>, options);
  const Serving serving(server);
  Client first = Client::connected(server.server_address());
  EXPECT_EQ(first.ask("x"), "X");
  EXPECT_EQ(Client::connected(server.server_address()).read_all(), "");
  first.close();
  ASSERT_TRUE(eventually([&] { return server.counters().open == 0; }));
  EXPECT_EQ(Client::connected(server.server_address()).ask("x"), "X");
}

TEST(AsyncServer, AnIdleConnectionIsEndedAndCountedAndNoFailure) {
  AsyncOptions options = threads(1);
  options.idle_timeout = 30ms;
  TCP server(kAnyPort, handler<Upper>, options);
  const Serving serving(server);
  const Client client = Client::connected(server.server_address());
  EXPECT_EQ(client.ask("x"), "X");
  EXPECT_EQ(client.read_all(), "");
  EXPECT_EQ(server.counters().timed_out, 1);
  EXPECT_TRUE(server.failures().empty());
}

TEST(AsyncServer, AHandlerThatTakesItsTimeIsNotIdle) {
  struct Slow : AsyncStreamRequestHandler {
    Task<void> handle() override {
      for (int i = 0; i < 6; ++i) co_await request.sleep(20ms);
      co_await request.write_all("done");
    }
  };
  AsyncOptions options = threads(1);
  options.idle_timeout = 30ms;
  TCP server(kAnyPort, handler<Slow>, options);
  const Serving serving(server);
  EXPECT_EQ(Client::connected(server.server_address()).read_all(), "done");
  EXPECT_EQ(server.counters().timed_out, 0);
}

TEST(AsyncServer, APeerThatNeverSaysAnythingIsEnded) {
  AsyncOptions options = threads(1);
  options.first_byte_timeout = 30ms;
  TCP server(kAnyPort, handler<Upper>, options);
  const Serving serving(server);
  const Client speaker = Client::connected(server.server_address());
  EXPECT_EQ(speaker.ask("x"), "X");
  EXPECT_EQ(Client::connected(server.server_address()).read_all(), "");
  EXPECT_EQ(server.counters().timed_out, 1);
  EXPECT_EQ(speaker.ask("y"), "Y");  // who has spoken may be silent
}

TEST(AsyncServer, APeerThatNeverReadsIsEndedByTheIdleTimeout) {
  struct Talker : AsyncStreamRequestHandler {
    Task<void> handle() override {
      const std::string text(1024 * 1024, 't');
      for (int i = 0; i < 100; ++i) co_await request.write_all(text);
    }
  };
  AsyncOptions options = threads(1);
  options.idle_timeout = 50ms;
  TCP server(kAnyPort, handler<Talker>, options);
  const Serving serving(server);
  const Client client = Client::connected(server.server_address());
  EXPECT_TRUE(eventually([&] { return server.counters().timed_out == 1; }));
}

TEST(AsyncServer, OutOfDescriptorsItWaitsAndServesOn) {
  TCP server(kAnyPort, handler<Upper>, threads(1));
  const Serving serving(server);
  EXPECT_EQ(Client::connected(server.server_address()).ask("x"), "X");
  ASSERT_TRUE(eventually([&] { return server.counters().open == 0; }));
  Client client(server.server_address());
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  // No number is free below what the client's own is.
  std::vector<skein::Descriptor> fill;
  skein::Descriptor next(dup(0));
  const int highest = next.get();
  fill.push_back(std::move(next));
  rlimit none = before;
  none.rlim_cur = static_cast<rlim_t>(highest) + 1;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
  while (true) {
    skein::Descriptor more(dup(0));
    if (!more) break;
    fill.push_back(std::move(more));
  }
  client.connect();
  const bool told = eventually([&] { return !server.troubles().empty(); });
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(told);
  EXPECT_EQ(client.ask("still here"), "STILL HERE");
}

TEST(AsyncServer, CountersCountBytesBothWays) {
  TCP server(kAnyPort, handler<Upper>, threads(2));
  const Serving serving(server);
  EXPECT_EQ(Client::connected(server.server_address()).ask("12345"), "12345");
  EXPECT_TRUE(eventually([&] { return server.counters().sent_bytes == 5; }));
  EXPECT_EQ(server.counters().received_bytes, 5);
}

TEST(AsyncServer, ServiceActionsAreCalledWhileItServes) {
  struct Ticking : TCP {
    using TCP::TCP;
    void service_actions() override { shutdown(); }
  };
  Ticking server(kAnyPort, handler<Upper>, threads(1));
  server.serve_forever();  // ends by it
}

}  // namespace
}  // namespace socketserver
