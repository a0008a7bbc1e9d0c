// Probes against a hub behind a real port; what is in them is in wire/probe_test.cc.
#include "hub/probes.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "hub/datagrams.h"
#include "hub/test_support.h"
#include "socketserver/datagram.h"

namespace skein::hub {
namespace {

using socketserver::DatagramBatch;
using socketserver::DatagramSocket;
using wire::Probe;
using wire::ProbeKind;

struct ProbesTest : SessionTest {
  ProbesTest() {
    datagrams =
        Datagrams::listen(*context, random, *socketserver::Address::from_number("127.0.0.1", 0))
            .value();
    serving.spawn(*loop, datagrams->serve());
  }
  ~ProbesTest() override { run(end()); }

  [[nodiscard]] std::unique_ptr<DatagramSocket> client() {
    return DatagramSocket::connect(*loop, datagrams->address()).value();
  }
  Task<void> end() {
    datagrams->stop();
    co_await serving.close();
  }

  std::unique_ptr<Datagrams> datagrams;
  socketserver::Gate serving;
};

void send(DatagramSocket& from, const Probe& probe, std::size_t bytes = wire::kProbeHeadBytes) {
  std::vector<std::byte> datagram(bytes);
  wire::encode_probe(probe, datagram);
  EXPECT_TRUE(from.send_now(datagram).value());
}

// The next `count` datagrams: what is in their heads, and how long each is.
using Got = std::vector<std::pair<Probe, std::size_t>>;
Task<Got> receive(DatagramSocket& socket, std::size_t count) {
  Got all;
  DatagramBatch batch(8, 2048);
  while (all.size() < count) {
    auto waited = co_await socket.wait_readable(-1);
    EXPECT_TRUE(waited);
    EXPECT_TRUE(socket.receive_now(batch));
    for (std::size_t i = 0; i < batch.size(); ++i) {
      const auto probe = wire::decode_probe(batch.bytes(i));
      EXPECT_TRUE(probe);
      if (probe) all.emplace_back(*probe, batch.sent_bytes(i));
    }
  }
  co_return all;
}

Task<wire::ProbeCookie> knock(DatagramSocket& socket) {
  send(socket, {});
  const Got got = co_await receive(socket, 1);
  EXPECT_EQ(got[0].first.kind, ProbeKind::kCookie);
  co_return got[0].first.cookie;
}

Probe with(ProbeKind kind, std::uint64_t sequence, const wire::ProbeCookie& cookie,
           std::uint32_t count = 0, std::uint32_t bytes = 0) {
  return {kind, sequence, cookie, count, bytes};
}

TEST_F(ProbesTest, KnockIsAnsweredByACookieThatIsNoLonger) {
  const auto body = [](ProbesTest& test) -> Task<void> {
    const auto client = test.client();
    send(*client, with(ProbeKind::kKnock, 77, {}));
    const Got got = co_await receive(*client, 1);
    EXPECT_EQ(got[0].first.kind, ProbeKind::kCookie);
    EXPECT_EQ(got[0].first.sequence, 77U);
    EXPECT_NE(got[0].first.cookie, wire::ProbeCookie());
    EXPECT_EQ(got[0].second, wire::kProbeHeadBytes);
  };
  run(body(*this));
}

TEST_F(ProbesTest, EchoIsAnsweredByItsLength) {
  const auto body = [](ProbesTest& test) -> Task<void> {
    const auto client = test.client();
    const auto cookie = co_await knock(*client);
    const std::vector<std::size_t> lengths = {wire::kProbeHeadBytes, 1472, 60'000};
    for (const std::size_t length : lengths) {
      send(*client, with(ProbeKind::kEcho, length, cookie), length);
      const Got got = co_await receive(*client, 1);
      EXPECT_EQ(got[0].first.kind, ProbeKind::kEchoed);
      EXPECT_EQ(got[0].first.sequence, length);
      EXPECT_EQ(got[0].first.bytes, length);
      EXPECT_EQ(got[0].second, wire::kProbeHeadBytes);
    }
  };
  run(body(*this));
}

TEST_F(ProbesTest, PullBringsAsManyAsWereAskedForInOrder) {
  const auto body = [](ProbesTest& test) -> Task<void> {
    const auto client = test.client();
    const auto cookie = co_await knock(*client);
    const auto most = static_cast<std::uint32_t>(spec::kMaxPull);
    send(*client, with(ProbeKind::kPull, 5, cookie, most, 1472));
    const Got got = co_await receive(*client, most);
    EXPECT_EQ(got.size(), most);
    for (std::uint32_t i = 0; i < got.size(); ++i) {
      EXPECT_EQ(got[i].first.kind, ProbeKind::kPulled);
      EXPECT_EQ(got[i].first.sequence, 5U);
      EXPECT_EQ(got[i].first.count, i);
      EXPECT_EQ(got[i].second, 1472U);
    }
  };
  run(body(*this));
}

// What a hub must not answer; then something that it does, whose answer is the first to come.
TEST_F(ProbesTest, WhateverIsNotInOrderIsDroppedWithoutAWord) {
  const auto body = [](ProbesTest& test) -> Task<void> {
    const auto client = test.client();
    const auto stranger = test.client();
    const auto cookie = co_await knock(*client);
    const auto of_another = co_await knock(*stranger);
    const auto most = static_cast<std::uint32_t>(spec::kMaxPull);
    const auto longest = static_cast<std::uint32_t>(spec::kMaxPulledBytes);
    const std::vector<Probe> wrong = {
        with(ProbeKind::kEcho, 1, {}),
        with(ProbeKind::kEcho, 2, of_another),
        with(ProbeKind::kPull, 3, {}, 2, 100),
        with(ProbeKind::kPull, 4, of_another, 2, 100),
        with(ProbeKind::kPull, 5, cookie, 0, 100),
        with(ProbeKind::kPull, 6, cookie, most + 1, 100),
        with(ProbeKind::kPull, 7, cookie, 2, wire::kProbeHeadBytes - 1),
        with(ProbeKind::kPull, 8, cookie, 2, longest + 1),
        with(ProbeKind::kPull, 9, cookie, 0xffffffff, 0xffffffff),
        with(ProbeKind::kCookie, 10, cookie),
        with(ProbeKind::kEchoed, 11, cookie),
        with(ProbeKind::kPulled, 12, cookie, 2, 100),
    };
    for (const Probe& probe : wrong) send(*client, probe);
    const std::vector<std::string> garbage = {"",
                                              std::string(1, '\0'),
                                              std::string(39, '\0'),
                                              std::string(2000, '\0'),
                                              "hello",
                                              std::string("\0sk2", 4) + std::string(36, '\1')};
    for (const std::string& bytes : garbage) EXPECT_TRUE(client->send_now(as_bytes(bytes)).value());
    send(*client, with(ProbeKind::kEcho, 99, cookie));
    const Got got = co_await receive(*client, 1);
    EXPECT_EQ(got[0].first.sequence, 99U);
    EXPECT_EQ(got.size(), 1U);
  };
  run(body(*this));
}

TEST_F(ProbesTest, CookieEndsAfterTwoMinutes) {
  const auto body = [](ProbesTest& test) -> Task<void> {
    const auto client = test.client();
    const auto cookie = co_await knock(*client);
    test.clock.advance_ms(2 * spec::kCookieMs);
    send(*client, with(ProbeKind::kEcho, 1, cookie));
    const auto fresh = co_await knock(*client);
    send(*client, with(ProbeKind::kEcho, 2, fresh));
    const Got got = co_await receive(*client, 1);
    EXPECT_EQ(got[0].first.sequence, 2U);
  };
  run(body(*this));
}

TEST_F(ProbesTest, OperationTakesAnyPayloadAndAnswersWithAsManyBytesAsAreWanted) {
  const auto body = [](ProbesTest& test) -> Task<void> {
    Peer peer = co_await test.greeted();
    Told told = co_await peer.ask(R"({"op":"probe"})");
    EXPECT_EQ(told.outcome, "ok");
    EXPECT_EQ(told.payload.size(), 0U);
    told = co_await peer.ask(R"({"op":"probe","back":100000})", "some bytes to be forgotten");
    EXPECT_EQ(told.outcome, "ok");
    EXPECT_EQ(told.payload.size(), 100'000U);
    told = co_await peer.ask(R"({"op":"probe","back":1048577})");
    EXPECT_EQ(told.outcome, "bad_request");
    told = co_await peer.ask(R"({"op":"probe","back":-1})");
    EXPECT_EQ(told.outcome, "bad_request");
    peer.leave();
  };
  run(body(*this));
}

TEST_F(ProbesTest, PortThatIsTakenIsBusy) {
  const auto again = Datagrams::listen(*context, random, datagrams->address());
  EXPECT_EQ(again.error().kind(), kBusy);
}

}  // namespace
}  // namespace skein::hub
