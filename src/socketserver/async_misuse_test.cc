// What handlers and hooks of event-driven servers do that invites trouble: one client never gets
// another's bytes for it, and the server ends in good order.
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <limits>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include "socketserver/async.h"
#include "socketserver/test_async.h"

namespace socketserver {
namespace {

using namespace std::chrono_literals;
using testing::AsyncRecording;
using testing::Client;
using testing::Serving;
using Server = AsyncRecording<AsyncTCPServer>;

const Address kAnywhere{"127.0.0.1", 0};

// Writes each chunk in halves, so that one half may have to wait while the other is not sent yet.
struct Halves : AsyncStreamRequestHandler {
  Task<void> handle() override {
    while (auto chunk = co_await request.read_some()) {
      co_await request.write_all(chunk.first(chunk.size() / 2));
      co_await request.write_all(chunk.subspan(chunk.size() / 2));
    }
  }
};

TEST(AsyncMisuse, ChunkWrittenInPartsIsNeverAnothersBytes) {
  Server server(kAnywhere, handler<Halves>, {.threads = 1});
  const Serving serving(server);
  constexpr std::size_t kEach = 8'000'000;
  // It takes its answers late, so that the server has to wait for it, and serves the other one.
  const Client slow = Client::connected(server.server_address());
  const std::jthread sender([&slow] { slow.send(std::string(kEach, 'A')); });
  const Client busy = Client::connected(server.server_address());
  for (int i = 0; i < 50; ++i) {
    const std::string text(50'000, 'b');
    busy.send(text);
    ASSERT_TRUE(busy.read(text.size()) == text) << i;
  }
  const std::string got = slow.read(kEach);
  EXPECT_EQ(got.size(), kEach);
  EXPECT_EQ(std::ranges::count(got, 'A'), static_cast<std::ptrdiff_t>(kEach));
}

struct CallsItsBase : AsyncStreamRequestHandler {
  Task<void> setup() override { co_await AsyncStreamRequestHandler::setup(); }
  Task<void> handle() override { co_await request.write_all("served"); }
  Task<void> finish() override { co_await AsyncStreamRequestHandler::finish(); }
};

TEST(AsyncMisuse, BasesSetupAndFinishMayBeCalled) {
  Server server(kAnywhere, handler<CallsItsBase>);
  const Serving serving(server);
  EXPECT_EQ(Client::connected(server.server_address()).read(6), "served");
}

struct Throwing : Server {
  using Server::Server;
  void service_actions() override { throw std::logic_error("enough"); }
};

TEST(AsyncMisuse, WhatServiceActionsThrowsStopsTheServerInGoodOrder) {
  Throwing server(kAnywhere, handler<Halves>, {.threads = 2, .drain_timeout = 0ms});
  const Client client = Client::connected(server.server_address());
  client.send("hello");
  EXPECT_THROW(server.serve_forever(), std::logic_error);
  EXPECT_EQ(server.counters().open, 0U);
}

struct Troubled : AsyncTCPServer {
  using AsyncTCPServer::AsyncTCPServer;
  void handle_trouble(const std::string&) override { throw std::logic_error("not that too"); }
  void handle_error(const RequestFailure& failure) override { told = failure.message; }
  std::string told;  // on the first loop's thread
};

TEST(AsyncMisuse, WhatHandleTroubleThrowsEndsNobodysConnection) {
  Troubled server(kAnywhere, handler<Halves>, {.threads = 1, .max_connections = 1});
  {
    const Serving serving(server);
    const Client client = Client::connected(server.server_address());
    client.send("ab");
    EXPECT_EQ(client.read(2), "ab");
    EXPECT_EQ(Client::connected(server.server_address()).read(1), "!");  // one too many
    client.send("cd");
    EXPECT_EQ(client.read(2), "cd");
  }
  EXPECT_EQ(server.told, "not that too");
}

TEST(AsyncMisuse, ServerThatServesIsNotClosed) {
  Server server(kAnywhere, handler<Halves>);
  Serving serving(server);
  const Client client = Client::connected(server.server_address());
  client.send("ab");
  EXPECT_EQ(client.read(2), "ab");
  EXPECT_THROW(server.server_close(), Error);
  client.send("cd");
  EXPECT_EQ(client.read(2), "cd");
  serving.stop();
  server.server_close();
  EXPECT_THROW(server.serve_forever(), ServerClosed);
}

struct Patient : AsyncStreamRequestHandler {
  Task<void> handle() override {
    const auto line = co_await request.read_until("\n", std::numeric_limits<std::size_t>::max(),
                                                  std::chrono::milliseconds::max());
    co_await request.write_all(line.value_or("nothing"), std::chrono::seconds::max());
  }
};

TEST(AsyncMisuse, LongestTimesAndLargestLimitsAreNone) {
  Server server(kAnywhere, handler<Patient>);
  const Serving serving(server);
  const Client client = Client::connected(server.server_address());
  client.send("line\n");
  EXPECT_EQ(client.read(4), "line");
  EXPECT_TRUE(server.failures().empty());
}

}  // namespace
}  // namespace socketserver
