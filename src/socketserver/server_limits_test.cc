// What peers do wrong to blocking servers, and what the servers' limits make of it.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "socketserver/server.h"
#include "socketserver/test_servers.h"
#include "socketserver/test_support.h"

namespace socketserver {
namespace {

using testing::comes_true;
using testing::Kind;
using testing::kPatience;
using testing::Served;
using namespace std::chrono_literals;

struct UpperLines : StreamRequestHandler {
  void handle() override {
    while (const auto line = rfile.read_line()) wfile.write(testing::upper(*line));
  }
};

struct Limits : ::testing::Test, Kind<ThreadingTCPServer> {
  // The one failure that a handler had, once it had it.
  static RequestFailure failure_of(const Recorder& server) {
    EXPECT_TRUE(comes_true([&] { return !server.failures().empty(); }));
    EXPECT_EQ(server.failures().size(), 1U);
    return server.failures().empty() ? RequestFailure{} : server.failures()[0];
  }
  void expect_alive(const Recorder& server) { EXPECT_EQ(ask(server, "alive\n"), "ALIVE\n"); }
};

TEST_F(Limits, PeerThatHalfClosesGetsItsAnswer) {
  const auto server = make(handler<UpperLines>);
  const Served served(*server);
  Socket client = call(*server);
  client.sendall("one\ntwo");
  client.shutdown_write();
  std::string all;
  for (std::string some = client.recv(100); !some.empty(); some = client.recv(100)) all += some;
  EXPECT_EQ(all, "ONE\nTWO");
}

TEST_F(Limits, HandlerMayKeepItsConnectionForLongerThanTheServerLives) {
  std::mutex mutex;
  std::optional<Socket> kept;
  struct Keeper : StreamRequestHandler {
    Keeper(std::mutex& guard, std::optional<Socket>& to) : guard_(guard), to_(to) {}
    void handle() override {
      const std::lock_guard lock(guard_);
      to_ = std::move(request.socket);
    }
    std::mutex& guard_;
    std::optional<Socket>& to_;
  };
  const auto server = make([&] { return std::make_unique<Keeper>(mutex, kept); });
  {
    const Served served(*server);
    Socket client = call(*server);
    ASSERT_TRUE(comes_true([&] {
      const std::lock_guard lock(mutex);
      return kept.has_value();
    }));
    server->drain_timeout.reset();  // for ever
    server->server_close();
    EXPECT_EQ(server->counters().open, 0U);
    kept->sendall("still here");
    EXPECT_EQ(client.recv(100), "still here");
  }
  EXPECT_TRUE(server->failures().empty());
}

TEST_F(Limits, PeerThatOpensAndLeavesIsNoFailure) {
  const auto server = make(handler<UpperLines>);
  const Served served(*server);
  for (int i = 0; i < 10; ++i) call(*server).close();
  ASSERT_TRUE(comes_true(
      [&] { return server->counters().accepted == 10 && server->counters().open == 0; }));
  EXPECT_TRUE(server->failures().empty());
  expect_alive(*server);
}

TEST_F(Limits, PeerThatResetsIsAFailureOfItsOwn) {
  const auto server = make(handler<UpperLines>);
  const Served served(*server);
  Socket client = call(*server);
  EXPECT_TRUE(comes_true([&] { return server->counters().open == 1; }));
  const linger at_once = {.l_onoff = 1, .l_linger = 0};
  setsockopt(client.fileno(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  client.close();
  EXPECT_EQ(failure_of(*server).type, "socketserver::ConnectionReset");
  expect_alive(*server);
}

TEST_F(Limits, PeerThatSaysNothingIsEndedByTheServersTimeout) {
  const auto server = make(handler<UpperLines>, {.request_timeout = 20ms});
  const Served served(*server);
  Socket client = call(*server);
  EXPECT_EQ(client.recv(10), "");  // ended
  const RequestFailure failure = failure_of(*server);
  EXPECT_EQ(failure.type, "socketserver::TimeoutError");
  EXPECT_EQ(failure.peer, client.local_address());
}

struct WriteForEver : StreamRequestHandler {
  void handle() override {
    const std::string much(1024 * 1024, 'x');
    // Bounded, so that a test that fails ends.
    for (int i = 0; i < 4096; ++i) wfile.write(much);
  }
};

TEST_F(Limits, PeerThatNeverReadsIsEndedByTheServersTimeout) {
  const auto server = make(handler<WriteForEver>, {.request_timeout = 20ms});
  const Served served(*server);
  const Socket client = call(*server);
  EXPECT_EQ(failure_of(*server).type, "socketserver::TimeoutError");
  EXPECT_TRUE(comes_true([&] { return server->counters().open == 0; }));
}

TEST_F(Limits, OneAddressMayHaveOnlySoManyConnections) {
  const auto server = make(handler<UpperLines>, {.max_connections_per_address = 2});
  const Served served(*server);
  Socket first = call(*server);
  const Socket second = call(*server);
  ASSERT_TRUE(comes_true([&] { return server->counters().open == 2; }));
  Socket third = call(*server);
  EXPECT_EQ(hear(third), "");
  EXPECT_EQ(server->counters().refused, 1U);
  first.close();
  ASSERT_TRUE(comes_true([&] { return server->counters().open == 1; }));
  expect_alive(*server);
}

TEST_F(Limits, IdleConnectionsAreEndedWhenTheDrainsTimeIsOver) {
  const auto server = make(handler<UpperLines>, {.drain_timeout = 10ms});
  Socket idle = call(*server);
  std::thread serving([&] { server->serve_forever(); });
  ASSERT_TRUE(comes_true([&] { return server->counters().open == 1; }));
  server->server_close();
  serving.join();
  EXPECT_EQ(idle.recv(10), "");
  EXPECT_EQ(server->counters().open, 0U);
  EXPECT_EQ(server->threads(), 0U);
}

TEST_F(Limits, DaemonThreadsAreEndedAtOnce) {
  // The drain alone would wait for ever.
  const auto server =
      make(handler<UpperLines>, {.drain_timeout = std::nullopt, .daemon_threads = true});
  Socket idle = call(*server);
  std::thread serving([&] { server->serve_forever(); });
  ASSERT_TRUE(comes_true([&] { return server->counters().open == 1; }));
  server->server_close();
  serving.join();
  EXPECT_EQ(idle.recv(10), "");
  EXPECT_EQ(server->threads(), 0U);
}

TEST_F(Limits, HandlerOfAServerWithoutThreadsIsEndedToo) {
  Kind<TCPServer> kind;
  const auto server = kind.make(handler<UpperLines>, {.drain_timeout = 10ms});
  Socket idle = kind.call(*server);
  std::thread serving([&] { server->serve_forever(); });
  ASSERT_TRUE(comes_true([&] { return server->counters().open == 1; }));
  server->server_close();
  serving.join();
  EXPECT_EQ(idle.recv(10), "");
}

TEST_F(Limits, CallersAreRefusedOnceTheServerIsClosing) {
  const auto server = make(handler<UpperLines>);
  {
    const Served served(*server);
    expect_alive(*server);
  }
  server->server_close();
  EXPECT_THROW((void)call(*server), ConnectionRefused);
}

// Takes every descriptor that the process may still have.
class NoDescriptors {
 public:
  NoDescriptors() {
    getrlimit(RLIMIT_NOFILE, &before_);
    rlimit few = before_;
    few.rlim_cur = testing::open_descriptors() + 16;
    setrlimit(RLIMIT_NOFILE, &few);
    while (true) {
      skein::Descriptor one(open("/dev/null", O_RDONLY | O_CLOEXEC));
      if (!one) return;
      held_.push_back(std::move(one));
    }
  }
  NoDescriptors(const NoDescriptors&) = delete;
  NoDescriptors& operator=(const NoDescriptors&) = delete;
  ~NoDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }
  void give_one_back() { held_.pop_back(); }

 private:
  rlimit before_{};
  std::vector<skein::Descriptor> held_;
};

TEST_F(Limits, OutOfDescriptorsNeitherSpinsNorLosesTheListener) {
  const auto server = make(handler<UpperLines>);
  const Served served(*server);
  expect_alive(*server);
  ASSERT_TRUE(comes_true([&] { return server->counters().open == 0; }));
  Socket client(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), kPatience);
  {
    NoDescriptors none;
    const Address address = server->server_address();
    ASSERT_EQ(::connect(client.fileno(), address.get(), address.size()), 0);
    client.sendall("waited\n");
    ASSERT_TRUE(comes_true([&] { return server->counters().troubles >= 3; }));
    // Each of the three came a pause after the one before; one was told of.
    EXPECT_EQ(server->troubles().size(), 1U);
    EXPECT_LT(server->counters().troubles, 1000U);
    none.give_one_back();
    EXPECT_EQ(hear(client), "WAITED\n");
  }
  EXPECT_TRUE(server->failures().empty());
}

TEST_F(Limits, ManyClientsAtOnceAreAllServedAndNothingIsLeft) {
  const std::size_t before = testing::open_descriptors();
  {
    const auto server = make(handler<UpperLines>);
    const Served served(*server);
    std::vector<std::thread> clients;
    clients.reserve(16);
    std::atomic<int> right = 0;
    for (int c = 0; c < 16; ++c) {
      clients.emplace_back([&, c] {
        const std::string word = "client " + std::to_string(c) + "\n";
        for (int i = 0; i < 20; ++i) {
          if (ask(*server, word) == testing::upper(word)) ++right;
        }
      });
    }
    for (std::thread& client : clients) client.join();
    EXPECT_EQ(right, 16 * 20);
    EXPECT_EQ(server->counters().accepted, 16U * 20U);
    EXPECT_LE(server->counters().open, 16U);
  }
  EXPECT_EQ(testing::open_descriptors(), before);
}

// --- datagrams

struct Packets : DatagramRequestHandler {
  void handle() override {
    if (packet == "silence") return;
    if (packet == "too much") wfile.write(std::string(70'000, 'x'));
    wfile.write(testing::upper(packet));
    if (request.truncated) wfile.write(" and more");
  }
};

template <class Server>
struct DatagramServer : ::testing::Test, Kind<Server> {};
using DatagramServers = ::testing::Types<UDPServer, UnixDatagramServer, ThreadingUDPServer,
                                         ThreadingUnixDatagramServer>;
TYPED_TEST_SUITE(DatagramServer, DatagramServers);

TYPED_TEST(DatagramServer, EmptyDatagramIsARequestAndAnAnswer) {
  const auto server = this->make(handler<Packets>);
  const Served served(*server);
  EXPECT_EQ(this->ask(*server, ""), "");
  EXPECT_EQ(server->counters().accepted, 1U);
}

TYPED_TEST(DatagramServer, ThreeDatagramsAreThreeRequests) {
  const auto server = this->make(handler<Packets>);
  const Served served(*server);
  Socket client = this->call(*server);
  for (const char* const text : {"a", "b", "c"}) client.send(text);
  std::multiset<std::string> got;
  for (int i = 0; i < 3; ++i) got.insert(client.recvfrom().data);
  EXPECT_EQ(got, (std::multiset<std::string>{"A", "B", "C"}));
  EXPECT_EQ(server->counters().accepted, 3U);
}

TYPED_TEST(DatagramServer, LongerThanTheBufferIsCutAndTold) {
  const auto server = this->make(handler<Packets>, {.max_packet_size = 4});
  const Served served(*server);
  EXPECT_EQ(this->ask(*server, "abcd"), "ABCD");
  EXPECT_EQ(server->counters().truncated, 0U);
  EXPECT_EQ(this->ask(*server, "abcde"), "ABCD and more");
  EXPECT_EQ(server->counters().truncated, 1U);
}

TYPED_TEST(DatagramServer, LargestDatagramGoesBothWays) {
  const auto server = this->make(handler<Packets>);
  const Served served(*server);
  const std::string most(65'507, 'x');
  EXPECT_EQ(this->ask(*server, most), std::string(65'507, 'X'));
}

TYPED_TEST(DatagramServer, NothingWrittenIsNothingSent) {
  const auto server = this->make(handler<Packets>);
  const Served served(*server);
  Socket client = this->call(*server);
  client.send("silence");
  ASSERT_TRUE(
      comes_true([&] { return server->counters().accepted == 1 && server->counters().open == 0; }));
  client.send("word");
  EXPECT_EQ(client.recvfrom().data, "WORD");
}

TYPED_TEST(DatagramServer, AnswerThatFitsNoDatagramIsAFailure) {
  const auto server = this->make(handler<Packets>);
  const Served served(*server);
  Socket client = this->call(*server);
  client.send("too much");
  ASSERT_TRUE(comes_true([&] { return server->failures().size() == 1; }));
  EXPECT_EQ(server->failures()[0].type, "socketserver::LimitExceeded");
  EXPECT_EQ(this->ask(*server, "alive"), "ALIVE");
}

TYPED_TEST(DatagramServer, ManyClientsAreEachAnsweredTheirOwn) {
  const auto server = this->make(handler<Packets>);
  const Served served(*server);
  std::vector<Socket> clients;
  clients.reserve(30);
  for (int i = 0; i < 30; ++i) clients.push_back(this->call(*server));
  for (std::size_t i = 0; i < clients.size(); ++i) clients[i].send("no " + std::to_string(i));
  for (std::size_t i = 0; i < clients.size(); ++i) {
    EXPECT_EQ(clients[i].recvfrom().data, "NO " + std::to_string(i));
  }
}

TEST(UnixDatagramServers, ClientWithoutANameCannotBeAnswered) {
  Kind<UnixDatagramServer> kind;
  const auto server = kind.make(handler<Packets>);
  const Served served(*server);
  Socket client = Socket::connected_datagram(server->server_address(), kPatience);
  client.send("word");
  ASSERT_TRUE(comes_true([&] { return server->failures().size() == 1; }));
  EXPECT_EQ(server->failures()[0].type, "socketserver::AddressError");
  EXPECT_EQ(kind.ask(*server, "alive"), "ALIVE");
}

}  // namespace
}  // namespace socketserver
