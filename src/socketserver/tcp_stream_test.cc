// What only real sockets show: short writes, resets, the kernel's queues.
#include "socketserver/tcp_stream.h"

#include <gtest/gtest.h>

#include <string>

#include "socketserver/test_support.h"

namespace socketserver {
namespace {

using skein::as_bytes;
using testing::kPatienceMs;
using testing::pattern;
using testing::read_to_end;
using testing::StreamPair;

struct TcpStreamTest : ::testing::Test, testing::WithLoop {};

Task<void> write_and_end(Stream& stream, std::string text) {
  const std::string_view all = text;
  const auto half = all.size() / 2;
  auto written = co_await stream.write_all(
      {as_bytes(all.substr(0, half)), as_bytes(all.substr(half))}, kPatienceMs);
  EXPECT_TRUE(written);
  EXPECT_TRUE(stream.shutdown_write());
}

TEST_F(TcpStreamTest, MegabytesThroughTheSmallestBuffersArriveWholeBothWaysAtOnce) {
  for (const bool tcp : {true, false}) {
    const StreamPair pair = tcp ? testing::tcp_pair(*loop) : testing::unix_pair(*loop);
    const std::string there = pattern(4'000'000);
    const std::string back = pattern(1'000'001);
    loop->spawn(write_and_end(*pair.a, there));
    loop->spawn(write_and_end(*pair.b, back));
    std::string got_back;
    const auto collect = [](Stream& stream, std::string& out) -> Task<void> {
      out = co_await read_to_end(stream);
    };
    loop->spawn(collect(*pair.a, got_back));
    EXPECT_EQ(run_until_done(*loop, read_to_end(*pair.b)), there);
    loop->stop();
    loop->run();
    EXPECT_EQ(got_back, back);
  }
}

TEST_F(TcpStreamTest, EndThatComesWithTheLastBytesIsSeen) {
  const auto body = [](Loop& on) -> Task<void> {
    for (int i = 0; i < 200; ++i) {
      const StreamPair pair = testing::tcp_pair(on);
      EXPECT_EQ(pair.a->write_now(as_bytes("last")).value(), 4U);
      pair.a->close();
      const std::string got = co_await read_to_end(*pair.b);
      EXPECT_EQ(got, "last");
    }
  };
  run_until_done(*loop, body(*loop));
}

TEST_F(TcpStreamTest, EndAfterAShortReadIsSeen) {
  const auto body = [](Loop& on) -> Task<void> {
    const StreamPair pair = testing::tcp_pair(on);
    std::byte buffer[64];
    EXPECT_EQ(pair.a->write_now(as_bytes("abc")).value(), 3U);
    auto got = co_await pair.b->read_some(buffer, kPatienceMs);
    EXPECT_EQ(got.value(), 3U);
    pair.a->close();
    got = co_await pair.b->read_some(buffer, kPatienceMs);
    EXPECT_EQ(got.value(), 0U);
    got = co_await pair.b->read_some(buffer, kPatienceMs);
    EXPECT_EQ(got.value(), 0U);
  };
  run_until_done(*loop, body(*loop));
}

TEST_F(TcpStreamTest, ResetReachesThePeerAsClosedWhicheverSideAsksFirst) {
  const auto body = [](Loop& on) -> Task<void> {
    for (const bool write_first : {true, false}) {
      const StreamPair pair = testing::tcp_pair(on);
      pair.a->reset();
      if (write_first) {
        bool failed = false;
        while (!failed) {
          auto written = co_await pair.b->write_all(as_bytes("x"), kPatienceMs);
          failed = !written;
          EXPECT_TRUE(written || written.error().is(skein::kClosed));
        }
      }
      const std::string got = co_await read_to_end(*pair.b);
      EXPECT_EQ(got, "!closed");
      auto written = co_await pair.b->write_all(as_bytes("x"), kPatienceMs);
      EXPECT_FALSE(written);
    }
  };
  run_until_done(*loop, body(*loop));
}

TEST_F(TcpStreamTest, UnsentBytesFallToZeroWhenThePeersSystemHasThemAndFailAfterAReset) {
  const auto body = [](Loop& on) -> Task<void> {
    const StreamPair pair = testing::tcp_pair(on);
    const std::string much = pattern(1'000'000);
    EXPECT_LT(pair.a->write_now(as_bytes(much)).value(), much.size());
    EXPECT_GT(pair.a->unsent_bytes().value(), 0U);
    EXPECT_TRUE(pair.a->shutdown_write());
    co_await read_to_end(*pair.b);
    const bool sent = co_await testing::eventually(
        on, [&pair] { return pair.a->unsent_bytes().value_or(1) == 0; });
    EXPECT_TRUE(sent);

    const StreamPair lost = testing::tcp_pair(on);
    EXPECT_GT(lost.a->write_now(as_bytes(much)).value(), 0U);
    lost.b->reset();
    const bool noticed =
        co_await testing::eventually(on, [&lost] { return !lost.a->unsent_bytes(); });
    EXPECT_TRUE(noticed);
    const std::string got = co_await read_to_end(*lost.a);
    EXPECT_EQ(got, "!closed");
  };
  run_until_done(*loop, body(*loop));
}

TEST_F(TcpStreamTest, WriteThatNobodyReadsTimesOut) {
  const auto body = [](Loop& on) -> Task<void> {
    const StreamPair pair = testing::tcp_pair(on);
    const std::string much = pattern(10'000'000);
    auto written = co_await pair.a->write_all(as_bytes(much), 5);
    EXPECT_EQ(written.error().kind(), skein::kTimeout);
  };
  run_until_done(*loop, body(*loop));
}

TEST_F(TcpStreamTest, WaitReadableIsNotFooledByWhatAReadHasTakenAlready) {
  const auto body = [](Loop& on) -> Task<void> {
    const StreamPair pair = testing::tcp_pair(on);
    std::byte exact[4];
    for (int i = 0; i < 50; ++i) {
      EXPECT_EQ(pair.a->write_now(as_bytes("abcd")).value(), 4U);
      auto readable = co_await pair.b->wait_readable(kPatienceMs);
      EXPECT_TRUE(readable);
      auto got = co_await pair.b->read_some(exact, kPatienceMs);
      EXPECT_EQ(got.value(), 4U);
      readable = co_await pair.b->wait_readable(1);
      EXPECT_EQ(readable.error().kind(), skein::kTimeout);
    }
  };
  run_until_done(*loop, body(*loop));
}

TEST_F(TcpStreamTest, PeerIsNamed) {
  const StreamPair pair = testing::tcp_pair(*loop);
  EXPECT_EQ(pair.a->peer(), pair.b->local_address().text());
  EXPECT_EQ(pair.b->peer_address().text(), pair.a->local_address().text());
  EXPECT_TRUE(pair.b->peer_address().is_loopback());
  EXPECT_EQ(testing::unix_pair(*loop).a->peer(), "unix");
}

TEST_F(TcpStreamTest, ReleasedSocketGoesOnInAnother) {
  const auto body = [](Loop& on) -> Task<void> {
    const StreamPair pair = testing::tcp_pair(on);
    auto other = TcpStream::adopt(on, pair.a->release()).value();
    auto old = co_await pair.a->write_all(as_bytes("x"), -1);
    EXPECT_EQ(old.error().kind(), skein::kClosed);
    EXPECT_EQ(other->write_now(as_bytes("on")).value(), 2U);
    other.reset();
    const std::string got = co_await read_to_end(*pair.b);
    EXPECT_EQ(got, "on");
  };
  run_until_done(*loop, body(*loop));
}

}  // namespace
}  // namespace socketserver
