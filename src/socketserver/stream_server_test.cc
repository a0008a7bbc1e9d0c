#include "socketserver/stream_server.h"

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "socketserver/dial.h"
#include "socketserver/test_support.h"

namespace socketserver {
namespace {

using skein::as_bytes;
using testing::eventually;
using testing::kPatienceMs;
using testing::read_to_end;
using testing::settle;

// Upper case, except: "throw" throws, "end" ends.
Task<void> upper(std::unique_ptr<Stream> stream) {
  std::byte buffer[64];
  while (true) {
    stream->set_idle(true);
    auto got = co_await stream->read_some(buffer, -1);
    stream->set_idle(false);
    if (!got || *got == 0) co_return;
    std::string text(skein::as_text(skein::Bytes(buffer).first(*got)));
    if (text == "throw") throw std::runtime_error("as told");
    if (text == "throw error") throw skein::Error(skein::kBadFrame, "no frame");
    if (text == "end") co_return;
    for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    auto put = co_await stream->write_all(as_bytes(text), kPatienceMs);
    if (!put) co_return;
  }
}

// Never says that it is idle.
Task<void> busy(std::unique_ptr<Stream> stream) {
  std::byte buffer[64];
  while (true) {
    auto got = co_await stream->read_some(buffer, -1);
    if (!got || *got == 0) co_return;
  }
}

struct ServerTest : ::testing::Test, testing::WithLoop {
  void listen(Server::Handler handler, std::size_t max_connections = 100) {
    ServerOptions options;
    options.max_connections = max_connections;
    options.on_error = [this](const skein::Error& error, const std::string& peer) {
      errors.push_back(error);
      peers.push_back(peer);
    };
    server =
        Server::listen(*loop, {"127.0.0.1", 0}, std::move(handler), std::move(options)).value();
  }
  [[nodiscard]] Task<std::unique_ptr<Stream>> call() {
    auto stream = co_await dial(*loop, pool, Endpoint::of(server->address()), kPatienceMs);
    co_return std::move(stream).value();
  }
  // What one word is answered with, on a connection of its own.
  [[nodiscard]] Task<std::string> ask(std::string word) {
    const std::unique_ptr<Stream> stream = co_await call();
    auto put = co_await stream->write_all(as_bytes(word), kPatienceMs);
    EXPECT_TRUE(put);
    EXPECT_TRUE(stream->shutdown_write());
    co_return co_await read_to_end(*stream);
  }
  void run(Task<void> body) { run_until_done(*loop, std::move(body)); }
  ~ServerTest() override {
    if (server != nullptr) run_until_done(*loop, server->drain(0));
  }

  Pool pool{1, 8};
  std::unique_ptr<Server> server;
  std::vector<skein::Error> errors;
  std::vector<std::string> peers;
};

TEST_F(ServerTest, ServesManyAtOnceAndCounts) {
  listen(&upper);
  EXPECT_GT(server->address().port(), 0);
  const auto body = [](ServerTest& test) -> Task<void> {
    std::vector<std::unique_ptr<Stream>> streams;
    for (int i = 0; i < 50; ++i) {
      auto stream = co_await test.call();
      streams.push_back(std::move(stream));
    }
    std::byte buffer[64];
    for (auto& stream : streams) {
      EXPECT_EQ(stream->write_now(as_bytes("hello")).value(), 5U);
      auto got = co_await stream->read_some(buffer, kPatienceMs);
      EXPECT_EQ(skein::as_text(skein::Bytes(buffer).first(got.value())), "HELLO");
    }
    EXPECT_EQ(test.server->counters().open, 50U);
    streams.clear();
    const bool ended =
        co_await eventually(*test.loop, [&test] { return test.server->counters().open == 0; });
    EXPECT_TRUE(ended);
    EXPECT_EQ(test.server->counters().accepted, 50U);
    EXPECT_EQ(test.server->counters().failed, 0U);
  };
  run(body(*this));
}

TEST_F(ServerTest, HandlerThatThrowsIsToldWithItsPeerAndTheServerLives) {
  listen(&upper);
  const auto body = [](ServerTest& test) -> Task<void> {
    std::string answer = co_await test.ask("throw");
    EXPECT_EQ(answer, "");
    answer = co_await test.ask("throw error");
    EXPECT_EQ(answer, "");
    answer = co_await test.ask("still here");
    EXPECT_EQ(answer, "STILL HERE");
  };
  run(body(*this));
  ASSERT_EQ(errors.size(), 2U);
  EXPECT_EQ(errors[0].kind(), skein::kInternal);
  EXPECT_EQ(errors[0].message(), "uncaught std::runtime_error: as told");
  EXPECT_TRUE(peers[0].starts_with("127.0.0.1:")) << peers[0];
  EXPECT_EQ(errors[1].kind(), skein::kBadFrame);
  EXPECT_EQ(server->counters().failed, 2U);
}

TEST_F(ServerTest, HandlerThatThrowsBeforeItIsACoroutineIsToldToo) {
  listen([](std::unique_ptr<Stream>) -> Task<void> {
    throw std::system_error(EACCES, std::generic_category());
  });
  const auto body = [](ServerTest& test) -> Task<void> {
    const std::unique_ptr<Stream> stream = co_await test.call();
    const std::string got = co_await read_to_end(*stream);
    EXPECT_EQ(got, "");
  };
  run(body(*this));
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_EQ(errors[0].kind(), skein::kRefused);
}

TEST_F(ServerTest, ConnectionsOverTheLimitAreClosedCountedAndToldOnce) {
  listen(&upper, 2);
  const auto body = [](ServerTest& test) -> Task<void> {
    const std::unique_ptr<Stream> first = co_await test.call();
    const std::unique_ptr<Stream> second = co_await test.call();
    for (int i = 0; i < 20; ++i) {
      const std::unique_ptr<Stream> over = co_await test.call();
      const std::string got = co_await read_to_end(*over);
      EXPECT_EQ(got, "");
    }
    EXPECT_EQ(test.server->counters().refused, 20U);
    EXPECT_EQ(test.server->counters().open, 2U);
    first->close();
    const bool room =
        co_await eventually(*test.loop, [&test] { return test.server->counters().open == 1; });
    EXPECT_TRUE(room);
    const std::string answer = co_await test.ask("again");
    EXPECT_EQ(answer, "AGAIN");
  };
  run(body(*this));
  ASSERT_FALSE(errors.empty());
  EXPECT_EQ(errors[0].kind(), skein::kTooMany);
  EXPECT_LT(errors.size(), 10U);
}

TEST_F(ServerTest, OutOfDescriptorsItWaitsAndThenServesThoseWhoWaited) {
  listen(&upper);
  const auto body = [](ServerTest& test) -> Task<void> {
    const std::unique_ptr<Stream> caller = co_await test.call();
    EXPECT_EQ(caller->write_now(as_bytes("one")).value(), 3U);
    std::byte buffer[8];
    auto got = co_await caller->read_some(buffer, kPatienceMs);
    EXPECT_EQ(got.value(), 3U);

    // A socket that is not yet connected, so that only the server lacks a descriptor.
    skein::Descriptor late(socket(AF_INET, SOCK_STREAM, 0));
    rlimit before{};
    getrlimit(RLIMIT_NOFILE, &before);
    rlimit none = before;
    none.rlim_cur = static_cast<rlim_t>(late.get()) + 1;
    std::vector<skein::Descriptor> gaps;  // below the limit everything is taken
    for (int fd = dup(0); fd >= 0 && fd < late.get(); fd = dup(0)) gaps.emplace_back(fd);
    setrlimit(RLIMIT_NOFILE, &none);
    for (int fd = dup(0); fd >= 0; fd = dup(0)) gaps.emplace_back(fd);
    const Address address = test.server->address();
    EXPECT_EQ(connect(late.get(), address.get(), address.size()), 0);
    const bool told = co_await eventually(*test.loop, [&test] { return !test.errors.empty(); });
    EXPECT_TRUE(told);
    // Those who are in are served all the while.
    EXPECT_EQ(caller->write_now(as_bytes("two")).value(), 3U);
    got = co_await caller->read_some(buffer, kPatienceMs);
    EXPECT_EQ(got.value(), 3U);
    EXPECT_EQ(test.server->counters().accepted, 1U);

    gaps.clear();
    setrlimit(RLIMIT_NOFILE, &before);
    auto stream = TcpStream::adopt(*test.loop, std::move(late)).value();
    EXPECT_EQ(stream->write_now(as_bytes("late")).value(), 4U);
    got = co_await stream->read_some(buffer, kPatienceMs);
    EXPECT_EQ(got.value(), 4U);
    EXPECT_EQ(skein::as_text(skein::Bytes(buffer).first(4)), "LATE");
  };
  run(body(*this));
  EXPECT_EQ(errors.at(0).system_code(), EMFILE);
}

TEST_F(ServerTest, DrainEndsIdleConnectionsAtOnceAndLetsBusyOnesFinish) {
  listen(&busy);
  auto idle_server = Server::listen(*loop, {"127.0.0.1", 0}, &upper).value();
  const auto body = [](ServerTest& test, Server& idle) -> Task<void> {
    auto idle_end = co_await dial(*test.loop, test.pool, Endpoint::of(idle.address()), kPatienceMs);
    const std::unique_ptr<Stream> busy_end = co_await test.call();
    co_await eventually(
        *test.loop, [&] { return test.server->counters().open == 1 && idle.counters().open == 1; });
    co_await idle.drain(-1);  // would wait for ever if the idle one were not cancelled
    EXPECT_TRUE(idle.draining());
    const std::string end = co_await read_to_end(**idle_end);
    EXPECT_EQ(end, "");

    bool drained = false;
    const auto drain = [](Server& of, bool& done) -> Task<void> {
      co_await of.drain(-1);
      done = true;
    };
    test.loop->spawn(drain(*test.server, drained));
    co_await settle(*test.loop);
    EXPECT_FALSE(drained);
    auto refused =
        co_await dial(*test.loop, test.pool, Endpoint::of(test.server->address()), kPatienceMs);
    EXPECT_FALSE(refused);
    busy_end->close();
    const bool done = co_await eventually(*test.loop, [&drained] { return drained; });
    EXPECT_TRUE(done);
  };
  run(body(*this, *idle_server));
}

TEST_F(ServerTest, DrainCancelsBusyOnesWhenItsTimeIsOver) {
  listen(&busy);
  const auto body = [](ServerTest& test) -> Task<void> {
    const std::unique_ptr<Stream> stream = co_await test.call();
    co_await eventually(*test.loop, [&test] { return test.server->counters().open == 1; });
    co_await test.server->drain(5);
    EXPECT_EQ(test.server->counters().open, 0U);
    EXPECT_TRUE(test.server->stopping().is_set());
  };
  run(body(*this));
}

TEST_F(ServerTest, TwentyTimesStartAndImmediateEndOnOnePort) {
  listen(&upper);
  const Endpoint endpoint = Endpoint::of(server->address());
  for (int i = 0; i < 20; ++i) {
    run_until_done(*loop, server->drain(0));
    server.reset();
    server = Server::listen(*loop, endpoint, &upper).value();
  }
  EXPECT_EQ(run_until_done(*loop, ask("last")), "LAST");
}

TEST_F(ServerTest, CountersMayBeReadFromAnotherThreadWhileItServes) {
  listen(&upper);
  std::atomic<bool> over = false;
  std::uint64_t seen = 0;
  std::thread reader([&] {
    while (!over) seen = std::max(seen, server->counters().accepted);
    seen = server->counters().accepted;
  });
  const auto body = [](ServerTest& test) -> Task<void> {
    for (int i = 0; i < 50; ++i) {
      const std::string answer = co_await test.ask("x");
      EXPECT_EQ(answer, "X");
    }
  };
  run(body(*this));
  over = true;
  reader.join();
  EXPECT_EQ(seen, 50U);
}

TEST_F(ServerTest, TakenAddressIsBusy) {
  listen(&upper);
  const auto second = Server::listen(*loop, Endpoint::of(server->address()), &upper);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind(), skein::kBusy);
}

TEST(ErrorFrom, KeepsWhatCanBeKept) {
  const auto of = [](auto what) { return error_from(std::make_exception_ptr(what)); };
  EXPECT_EQ(of(skein::Error(skein::kNoSpace, "full")).kind(), skein::kNoSpace);
  EXPECT_EQ(of(std::system_error(ENOSPC, std::generic_category())).kind(), skein::kNoSpace);
  EXPECT_EQ(of(std::logic_error("a\x1b[31m")).message(), "uncaught std::logic_error: a\\x1b[31m");
  EXPECT_EQ(of(42).kind(), skein::kInternal);
}

}  // namespace
}  // namespace socketserver
