#include <gtest/gtest.h>

#include <atomic>
#include <set>
#include <stdexcept>
#include <string>

#include "socketserver/async.h"
#include "socketserver/test_async.h"

namespace socketserver {
namespace {

using namespace std::chrono_literals;
using testing::AsyncRecording;
using testing::Client;
using testing::eventually;
using testing::kAnyPort;
using testing::Serving;
using testing::threads;

using UDP = AsyncRecording<AsyncUDPServer>;

struct UpperDatagram : AsyncDatagramRequestHandler {
  Task<void> handle() override {
    for (char& c : packet) {
      if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    reply(packet);
    co_return;
  }
};

Client client_of(const AsyncBaseServer& server) {
  return Client::connected(server.server_address(), SOCK_DGRAM);
}

class AsyncUDPThreads : public ::testing::TestWithParam<std::size_t> {};
INSTANTIATE_TEST_SUITE_P(All, AsyncUDPThreads, ::testing::Values(1, 3));

TEST_P(AsyncUDPThreads, AnswerThreeClientsEach) {
  UDP server(kAnyPort, handler<UpperDatagram>, threads(GetParam()));
  const Serving serving(server);
  for (const char* const text : {"one", "two", "three"}) {
    const Client client = client_of(server);
    client.send(text);
    std::string answer = text;
    for (char& c : answer) c = static_cast<char>(c - 32);
    EXPECT_EQ(client.receive(), answer);
  }
  EXPECT_EQ(server.counters().accepted, 3);
}

TEST_P(AsyncUDPThreads, AnswerManyClientsAtOnce) {
  UDP server(kAnyPort, handler<UpperDatagram>, threads(GetParam()));
  const Serving serving(server);
  std::vector<Client> clients;
  clients.reserve(100);
  for (int i = 0; i < 100; ++i) clients.push_back(client_of(server));
  for (std::size_t i = 0; i < clients.size(); ++i) clients[i].send("c" + std::to_string(i));
  for (std::size_t i = 0; i < clients.size(); ++i) {
    EXPECT_EQ(clients[i].receive(), "C" + std::to_string(i));
  }
}

TEST_P(AsyncUDPThreads, StartAndShutDownAtOnceTwentyTimes) {
  for (int i = 0; i < 20; ++i) {
    UDP server(kAnyPort, handler<UpperDatagram>, threads(GetParam()));
    Serving serving(server);
    serving.stop();
  }
}

TEST(AsyncUDP, ServesAgainAfterShutdown) {
  UDP server(kAnyPort, handler<UpperDatagram>, threads(2));
  const Client client = client_of(server);
  for (int i = 0; i < 3; ++i) {
    const Serving serving(server);
    client.send("x");
    EXPECT_EQ(client.receive(), "X");
  }
}

TEST(AsyncUDP, ThreeDatagramsAreThreeRequests) {
  UDP server(kAnyPort, handler<UpperDatagram>, threads(1));
  const Client client = client_of(server);
  for (const char* const text : {"a", "bb", "ccc"}) client.send(text);
  const Serving serving(server);
  EXPECT_EQ(client.receive(), "A");
  EXPECT_EQ(client.receive(), "BB");
  EXPECT_EQ(client.receive(), "CCC");
  EXPECT_EQ(server.counters().accepted, 3);
}

TEST(AsyncUDP, AnEmptyDatagramArrivesAndMayBeTheAnswer) {
  UDP server(kAnyPort, handler<UpperDatagram>, threads(1));
  const Serving serving(server);
  const Client client = client_of(server);
  client.send("");
  EXPECT_EQ(client.receive(), "");
  EXPECT_EQ(server.counters().accepted, 1);
}

TEST(AsyncUDP, TheLargestDatagramComesBackWhole) {
  UDP server(kAnyPort, handler<UpperDatagram>, threads(1));
  const Serving serving(server);
  const Client client = client_of(server);
  client.send(std::string(65'507, 'x'));
  EXPECT_TRUE(client.receive() == std::string(65'507, 'X'));
  EXPECT_EQ(server.counters().truncated, 0);
}

TEST(AsyncUDP, ManyLargeRepliesAtOnceAreNotMixedUp) {
  UDP server(kAnyPort, handler<UpperDatagram>, threads(1));
  std::vector<Client> clients;
  clients.reserve(6);
  for (int i = 0; i < 6; ++i) clients.push_back(client_of(server));
  for (std::size_t i = 0; i < clients.size(); ++i) {
    clients[i].send(std::string(30'000, static_cast<char>('a' + i)));
  }
  const Serving serving(server);
  for (std::size_t i = 0; i < clients.size(); ++i) {
    EXPECT_TRUE(clients[i].receive() == std::string(30'000, static_cast<char>('A' + i)));
  }
}

TEST(AsyncUDP, ATruncatedDatagramIsSaidToBe) {
  struct Teller : AsyncDatagramRequestHandler {
    Task<void> handle() override {
      reply((truncated ? "cut " : "whole ") + std::string(packet.begin(), packet.end()));
      co_return;
    }
  };
  AsyncOptions options = threads(1);
  options.max_packet_size = 4;
  UDP server(kAnyPort, handler<Teller>, options);
  const Serving serving(server);
  const Client client = client_of(server);
  client.send("abcd");
  EXPECT_EQ(client.receive(), "whole abcd");
  client.send("abcde");
  EXPECT_EQ(client.receive(), "cut abcd");
  EXPECT_EQ(server.counters().truncated, 1);
}

struct ThrowingDatagram : AsyncDatagramRequestHandler {
  Task<void> setup() override {
    if (!packet.empty() && packet[0] == 's') throw std::runtime_error("in setup");
    return {};
  }
  Task<void> handle() override {
    if (!packet.empty() && packet[0] == 'h') throw TimeoutError("in handle");
    if (!packet.empty() && packet[0] == 'l') reply(std::string(65'508, 'x'));
    reply("fine");
    co_return;
  }
  Task<void> finish() override {
    reply("finished");
    return {};
  }
};

TEST(AsyncUDP, AHandlerThatThrowsReachesHandleErrorAndTheServerServesOn) {
  UDP server(kAnyPort, handler<ThrowingDatagram>, threads(1));
  const Serving serving(server);
  const Client client = client_of(server);
  client.send("s");
  client.send("h");
  EXPECT_EQ(client.receive(), "finished");  // of the second
  client.send("-");
  EXPECT_EQ(client.receive(), "fine");
  EXPECT_EQ(client.receive(), "finished");
  const auto failures = server.failures();
  ASSERT_EQ(failures.size(), 2);
  EXPECT_EQ(failures[0].message, "in setup");
  EXPECT_NE(failures[0].doing.find("ThrowingDatagram::setup"), std::string::npos)
      << failures[0].doing;
  EXPECT_EQ(failures[1].message, "in handle");
  EXPECT_NE(std::string_view(failures[1].place.file_name()).find("datagram_server_test.cc"),
            std::string_view::npos);
  EXPECT_EQ(failures[1].peer.host(), "127.0.0.1");
}

TEST(AsyncUDP, AReplyThatIsNoDatagramIsAnError) {
  UDP server(kAnyPort, handler<ThrowingDatagram>, threads(1));
  const Serving serving(server);
  const Client client = client_of(server);
  client.send("l");
  EXPECT_EQ(client.receive(), "finished");
  ASSERT_EQ(server.failures().size(), 1);
  EXPECT_NE(server.failures()[0].type.find("LimitExceeded"), std::string::npos);
}

struct Waiter : AsyncDatagramRequestHandler {
  Task<void> handle() override {
    if (packet.size() > 1) {
      const std::size_t size = packet.size();
      const int value = co_await server->run_blocking([size] { return static_cast<int>(size); });
      co_await sleep(5ms);
      reply(std::to_string(value) + std::string(packet.begin(), packet.end()));
      co_return;
    }
    reply(packet);
  }
};

TEST(AsyncUDP, AHandlerThatWaitsKeepsItsPacketWhileOthersCome) {
  UDP server(kAnyPort, handler<Waiter>, threads(1));
  const Serving serving(server);
  const Client client = client_of(server);
  const Client other = client_of(server);
  client.send("waits");
  for (int i = 0; i < 200; ++i) {
    other.send("#");
    EXPECT_EQ(other.receive(), "#");
  }
  EXPECT_EQ(client.receive(), "5waits");
}

TEST(AsyncUDP, NoMoreThanMaxPendingWaitAndTheOthersAreServedAfterThem) {
  AsyncOptions options = threads(1);
  options.max_pending_datagrams = 2;
  UDP server(kAnyPort, handler<Waiter>, options);
  const Client client = client_of(server);
  for (int i = 0; i < 20; ++i) client.send("w" + std::to_string(10 + i));
  const Serving serving(server);
  std::set<std::string> answers;
  for (int i = 0; i < 20; ++i) answers.insert(client.receive());
  EXPECT_EQ(answers.size(), 20);
  EXPECT_EQ(answers.count("!"), 0);
}

TEST(AsyncUDP, ADrainWaitsForHandlersAndEndsThemAtItsDeadline) {
  struct Sleeper : AsyncDatagramRequestHandler {
    Task<void> handle() override {
      reply("begun");
      co_await sleep(1h);
    }
  };
  AsyncOptions options = threads(1);
  options.drain_timeout = 20ms;
  UDP server(kAnyPort, handler<Sleeper>, options);
  Serving serving(server);
  const Client client = client_of(server);
  client.send("x");
  EXPECT_EQ(client.receive(), "begun");
  EXPECT_TRUE(eventually([&] { return server.counters().open == 1; }));
  serving.stop();
  EXPECT_EQ(server.counters().open, 0);
  EXPECT_TRUE(server.failures().empty());
}

TEST(AsyncUDP, VerifyRequestFalseIsNoRequest) {
  struct Refusing : UDP {
    using UDP::UDP;
    bool verify_request(const Address&) override { return asked++ > 0; }
    std::atomic<int> asked = 0;
  };
  Refusing server(kAnyPort, handler<UpperDatagram>, threads(1));
  const Serving serving(server);
  const Client client = client_of(server);
  client.send("no");
  client.send("yes");
  EXPECT_EQ(client.receive(), "YES");
  EXPECT_EQ(server.counters().refused, 1);
}

TEST(AsyncUDP, ATakenPortIsAnErrorThatNamesIt) {
  const UDP first(kAnyPort, handler<UpperDatagram>, threads(1));
  EXPECT_THROW(UDP(first.server_address(), handler<UpperDatagram>, threads(1)), AddressInUse);
}

}  // namespace
}  // namespace socketserver
