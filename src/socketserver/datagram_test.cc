#include "socketserver/datagram.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "socketserver/test_support.h"

namespace socketserver {
namespace {

using skein::as_bytes;
using skein::as_text;
using testing::kPatienceMs;
using testing::pattern;

Address loopback(std::uint16_t port = 0) {
  return *Address::from_number("127.0.0.1", port);
}

struct DatagramTest : ::testing::Test, testing::WithLoop {
  std::unique_ptr<DatagramSocket> bound() {
    return DatagramSocket::bind(*loop, loopback()).value();
  }
  std::unique_ptr<DatagramSocket> calling(const DatagramSocket& to) {
    return DatagramSocket::connect(*loop, to.local_address()).value();
  }
  // A port where nobody listens: one that was free a moment ago.
  Address nobody() { return bound()->local_address(); }
  void run(Task<void> body) { run_until_done(*loop, std::move(body)); }
};

// Everything that comes until `count` are there, or patience ends; "!kind" for what went wrong.
Task<std::vector<std::string>> receive(DatagramSocket& socket, std::size_t count) {
  std::vector<std::string> all;
  DatagramBatch batch(8);
  while (all.size() < count) {
    auto waited = co_await socket.wait_readable(kPatienceMs);
    if (!waited) {
      all.emplace_back("!").append(waited.error().kind().name);
      break;
    }
    auto got = socket.receive_now(batch);
    if (!got) all.emplace_back("!").append(got.error().kind().name);
    for (std::size_t i = 0; i < batch.size(); ++i) all.emplace_back(as_text(batch.bytes(i)));
  }
  co_return all;
}

TEST_F(DatagramTest, ThreeDatagramsAreThreeAndAnEmptyOneIsOneOfThem) {
  const auto body = [](DatagramTest& t) -> Task<void> {
    const auto server = t.bound();
    const auto client = t.calling(*server);
    for (const char* const text : {"hello", "", "hello"}) {
      EXPECT_TRUE(client->send_now(as_bytes(text)).value());
    }
    const std::vector<std::string> got = co_await receive(*server, 3);
    EXPECT_EQ(got, (std::vector<std::string>{"hello", "", "hello"}));
  };
  run(body(*this));
}

TEST_F(DatagramTest, BatchesGoOutInOrderAndAnswersGoToWhoAsked) {
  const auto body = [](DatagramTest& t) -> Task<void> {
    const auto server = t.bound();
    std::vector<std::unique_ptr<DatagramSocket>> clients;
    for (int i = 0; i < 10; ++i) {
      clients.push_back(t.calling(*server));
      const std::string text = "from " + std::to_string(i);
      const DatagramOut out{as_bytes(text)};
      const std::vector<DatagramOut> three(3, out);
      EXPECT_EQ(clients.back()->send_now(three).value(), 3U);
    }
    DatagramBatch batch(16, 100);
    std::size_t answered = 0;
    while (answered < 30) {
      auto waited = co_await server->wait_readable(kPatienceMs);
      EXPECT_TRUE(waited);
      if (!waited) co_return;
      EXPECT_TRUE(server->receive_now(batch));
      std::vector<DatagramOut> out;
      for (std::size_t i = 0; i < batch.size(); ++i) {
        out.push_back({batch.bytes(i), batch.peer_name(i), batch.peer_name_bytes(i)});
      }
      if (!out.empty()) {
        EXPECT_EQ(server->send_now(out).value(), out.size());
      }
      answered += out.size();
    }
    for (std::size_t i = 0; i < clients.size(); ++i) {
      const std::vector<std::string> got = co_await receive(*clients[i], 3);
      EXPECT_EQ(got, std::vector<std::string>(3, "from " + std::to_string(i)));
    }
  };
  run(body(*this));
}

TEST_F(DatagramTest, MoreThanABatchIsToldAgain) {
  const auto body = [](DatagramTest& t) -> Task<void> {
    const auto server = t.bound();
    const auto client = t.calling(*server);
    const std::vector<DatagramOut> out(DatagramBatch::kMaxDatagrams + 6, {as_bytes("x")});
    EXPECT_EQ(client->send_now(out).value(), DatagramBatch::kMaxDatagrams);
    EXPECT_EQ(client->send_now(std::span(out).first(6)).value(), 6U);
    const std::vector<std::string> got = co_await receive(*server, out.size());
    EXPECT_EQ(got.size(), out.size());
  };
  run(body(*this));
}

TEST_F(DatagramTest, LongestDatagramArrivesWholeAndOneByteMoreIsRefused) {
  const auto body = [](DatagramTest& t) -> Task<void> {
    const auto server = t.bound();
    const auto client = t.calling(*server);
    const std::string longest = pattern(DatagramBatch::kMaxBytes);
    EXPECT_TRUE(client->send_now(as_bytes(longest)).value());
    const std::vector<std::string> got = co_await receive(*server, 1);
    EXPECT_EQ(got.front(), longest);
    EXPECT_EQ(client->send_now(as_bytes(longest + "x")).error().kind(), skein::kTooLarge);
    EXPECT_TRUE(client->send_now(as_bytes("still there")).value());
  };
  run(body(*this));
}

TEST_F(DatagramTest, DatagramThatDoesNotFitIsCutAndSaidToBe) {
  const auto body = [](DatagramTest& t) -> Task<void> {
    const auto server = t.bound();
    const auto client = t.calling(*server);
    for (const char* const text : {"12345678", "123456789", "1"}) {
      EXPECT_TRUE(client->send_now(as_bytes(text)).value());
    }
    DatagramBatch batch(4, 8);
    auto waited = co_await server->wait_readable(kPatienceMs);
    EXPECT_TRUE(waited);
    EXPECT_EQ(server->receive_now(batch).value(), 3U);
    EXPECT_FALSE(batch.truncated(0));
    EXPECT_TRUE(batch.truncated(1));
    EXPECT_FALSE(batch.truncated(2));
    EXPECT_EQ(as_text(batch.bytes(1)), "12345678");
    EXPECT_EQ(batch.sent_bytes(1), 9U);
    EXPECT_EQ(batch.sent_bytes(2), 1U);
    EXPECT_EQ(batch.peer(1).text(), client->local_address().text());
  };
  run(body(*this));
}

TEST_F(DatagramTest, SendingToNobodyIsNoErrorButAConnectedSocketLearnsOfItOnce) {
  const auto body = [](DatagramTest& t) -> Task<void> {
    const Address gone = t.nobody();
    const auto free = t.bound();
    const DatagramOut out = DatagramOut::to_address(as_bytes("anybody?"), gone);
    for (int i = 0; i < 3; ++i) EXPECT_EQ(free->send_now(std::span(&out, 1)).value(), 1U);
    auto waited = co_await free->wait_readable(1);
    EXPECT_EQ(waited.error().kind(), skein::kTimeout);

    const auto client = DatagramSocket::connect(*t.loop, gone).value();
    EXPECT_TRUE(client->send_now(as_bytes("anybody?")).value());
    DatagramBatch batch(4, 8);
    waited = co_await client->wait_readable(kPatienceMs);
    EXPECT_TRUE(waited);
    EXPECT_EQ(client->receive_now(batch).error().system_code(), ECONNREFUSED);
    EXPECT_EQ(client->receive_now(batch).value(), 0U);
    EXPECT_TRUE(client->send_now(as_bytes("anybody now?")).value());
  };
  run(body(*this));
}

TEST_F(DatagramTest, ConnectedSocketHearsItsPeerAlone) {
  const auto body = [](DatagramTest& t) -> Task<void> {
    const auto server = t.bound();
    const auto stranger = t.bound();
    const auto client = t.calling(*server);
    for (const auto& [from, text] :
         {std::pair(stranger.get(), "stranger"), {server.get(), "peer"}}) {
      const Address to = client->local_address();
      const DatagramOut out = DatagramOut::to_address(as_bytes(text), to);
      EXPECT_EQ(from->send_now(std::span(&out, 1)).value(), 1U);
    }
    const std::vector<std::string> got = co_await receive(*client, 1);
    EXPECT_EQ(got, std::vector<std::string>{"peer"});
  };
  run(body(*this));
}

TEST_F(DatagramTest, UnixSocketsCarryDatagramsToo) {
  const auto body = [](DatagramTest& t) -> Task<void> {
    int fds[2] = {-1, -1};
    testing::must(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds));
    const auto a = DatagramSocket::adopt(*t.loop, skein::Descriptor(fds[0])).value();
    const auto b = DatagramSocket::adopt(*t.loop, skein::Descriptor(fds[1])).value();
    EXPECT_TRUE(a->send_now(as_bytes("one")).value());
    EXPECT_TRUE(a->send_now(as_bytes("")).value());
    const std::vector<std::string> got = co_await receive(*b, 2);
    EXPECT_EQ(got, (std::vector<std::string>{"one", ""}));
  };
  run(body(*this));
}

TEST_F(DatagramTest, FullQueueSaysSoAndIsWrittenToAgainOnceItIsRead) {
  const auto body = [](DatagramTest& t) -> Task<void> {
    int fds[2] = {-1, -1};
    testing::must(socketpair(AF_UNIX, SOCK_DGRAM, 0, fds));
    const auto a = DatagramSocket::adopt(*t.loop, skein::Descriptor(fds[0])).value();
    const auto b = DatagramSocket::adopt(*t.loop, skein::Descriptor(fds[1])).value();
    std::size_t sent = 0;
    while (a->send_now(as_bytes("x")).value() && sent < 1'000'000) ++sent;
    auto waited = co_await a->wait_writable(1);
    EXPECT_EQ(waited.error().kind(), skein::kTimeout);
    const std::vector<std::string> got = co_await receive(*b, sent);
    EXPECT_EQ(got.size(), sent);
    waited = co_await a->wait_writable(kPatienceMs);
    EXPECT_TRUE(waited);
    EXPECT_TRUE(a->send_now(as_bytes("x")).value());
  };
  run(body(*this));
}

TEST_F(DatagramTest, AddressThatIsTakenIsNamed) {
  const auto holder = bound();
  const auto second = DatagramSocket::bind(*loop, holder->local_address());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind(), skein::kBusy);
  EXPECT_NE(second.error().message().find(holder->local_address().text()), std::string::npos);
}

TEST_F(DatagramTest, AddressOfAnotherMachineCannotBeTaken) {
  const auto made = DatagramSocket::bind(*loop, *Address::from_number("192.0.2.1", 0));
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().system_code(), EADDRNOTAVAIL);
}

TEST_F(DatagramTest, CancelAndCloseEndAWait) {
  const auto wait = [](DatagramSocket& socket, std::string& ended) -> Task<void> {
    auto waited = co_await socket.wait_readable(-1);
    ended = waited ? "ready" : waited.error().kind().name;
  };
  for (const bool by_cancel : {true, false}) {
    const auto socket = bound();
    std::string ended;
    loop->spawn(wait(*socket, ended));
    run_until_done(*loop, testing::settle(*loop));
    EXPECT_EQ(ended, "");
    if (by_cancel) {
      socket->cancel();
    } else {
      socket->close();
    }
    run_until_done(*loop, testing::settle(*loop));
    EXPECT_EQ(ended, by_cancel ? "cancelled" : "closed");
    run_until_done(*loop, wait(*socket, ended));  // later waits end so too
    EXPECT_EQ(ended, by_cancel ? "cancelled" : "closed");
  }
}

TEST_F(DatagramTest, ForbiddenFragmentsLetThroughWhatLoopbackTakesWhole) {
  const auto server = bound();
  const auto client = calling(*server);
  ASSERT_TRUE(client->forbid_fragments());
  EXPECT_TRUE(client->send_now(as_bytes("small")).value());
  // 65,507 bytes and their headers are 65,535, less than what loopback takes at once.
  EXPECT_TRUE(client->send_now(as_bytes(pattern(DatagramBatch::kMaxBytes))).value());
}

TEST_F(DatagramTest, NoDescriptorIsLeftBehind) {
  const std::size_t before = testing::open_descriptors();
  const auto holder = bound();
  for (int i = 0; i < 100; ++i) {
    EXPECT_FALSE(DatagramSocket::bind(*loop, holder->local_address()));
    static_cast<void>(bound());
  }
  EXPECT_EQ(testing::open_descriptors(), before + 1);
}

}  // namespace
}  // namespace socketserver
