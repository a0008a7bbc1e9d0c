// What every Stream does, on the fake and on a clock turned by hand.
#include "socketserver/stream.h"

#include <gtest/gtest.h>

#include <string>

#include "socketserver/fake_stream.h"
#include "socketserver/sync.h"
#include "socketserver/test_support.h"

namespace socketserver {
namespace {

using skein::as_bytes;
using testing::pattern;
using testing::read_to_end;
using testing::settle;

struct StreamTest : ::testing::Test, testing::WithFakeClock {};

Task<void> write_and_end(Stream& stream, std::string text, std::string& error) {
  auto written = co_await stream.write_all(as_bytes(text), -1);
  if (!written) error = written.error().kind().name;
  if (written) static_cast<void>(stream.shutdown_write());
}

Task<void> read_one(Stream& stream, std::int64_t timeout_ms, std::string& out) {
  std::byte buffer[16];
  auto got = co_await stream.read_some(buffer, timeout_ms);
  out = got ? std::to_string(*got) : std::string(got.error().kind().name);
}

Task<void> write_one(Stream& stream, std::string text, std::int64_t timeout_ms, std::string& out) {
  auto put = co_await stream.write_all(as_bytes(text), timeout_ms);
  out = put ? "done" : std::string(put.error().kind().name);
}

TEST(Parts, AdvanceTakesOffTheFrontAndSkipsWhatIsEmpty) {
  Parts parts(as_bytes(""), as_bytes("abc"), as_bytes(""), as_bytes("de"));
  EXPECT_EQ(parts.size_bytes(), 5U);
  EXPECT_EQ(skein::as_text(parts.left()[0]), "abc");
  parts.advance(2);
  EXPECT_EQ(skein::as_text(parts.left()[0]), "c");
  parts.advance(1);
  EXPECT_EQ(skein::as_text(parts.left()[0]), "de");
  parts.advance(2);
  EXPECT_TRUE(parts.left().empty());
  EXPECT_TRUE(Parts(as_bytes("")).left().empty());
}

TEST_F(StreamTest, OneByteAtATimeArrivesWhole) {
  FakePair pair(*loop, {.max_read_bytes = 1, .max_write_bytes = 1, .capacity_bytes = 3});
  std::string error;
  loop->spawn(write_and_end(*pair.a, pattern(5000), error));
  EXPECT_EQ(run_until_done(*loop, read_to_end(*pair.b)), pattern(5000));
  EXPECT_EQ(error, "");
}

TEST_F(StreamTest, GathersItsPartsInOrder) {
  FakePair pair(*loop, {.max_write_bytes = 2});
  const auto body = [](Stream& from, Stream& to) -> Task<std::string> {
    auto written =
        co_await from.write_all({as_bytes("head"), as_bytes(""), as_bytes("payload")}, -1);
    EXPECT_TRUE(written);
    from.close();
    co_return co_await read_to_end(to);
  };
  EXPECT_EQ(run_until_done(*loop, body(*pair.a, *pair.b)), "headpayload");
}

TEST_F(StreamTest, EmptyWriteIsDoneAtOnce) {
  FakePair pair(*loop, {.capacity_bytes = 0});
  const auto body = [](Stream& stream) -> Task<bool> {
    auto written = co_await stream.write_all(as_bytes(""), -1);
    co_return written.has_value();
  };
  EXPECT_TRUE(run_until_done(*loop, body(*pair.a)));
}

TEST_F(StreamTest, ByteIsFlippedWhereItWasSaid) {
  FakePair pair(*loop, {.max_read_bytes = 3, .flip_at = 4});
  std::string error;
  loop->spawn(write_and_end(*pair.a, "aaaaaaaa", error));
  EXPECT_EQ(run_until_done(*loop, read_to_end(*pair.b)), "aaaa`aaa");
}

TEST_F(StreamTest, CutAfterSoManyBytesIsAnErrorForBothAndStaysOne) {
  FakePair pair(*loop, {.capacity_bytes = 4, .cut_after = 10});
  std::string error;
  loop->spawn(write_and_end(*pair.a, pattern(100), error));
  EXPECT_EQ(run_until_done(*loop, read_to_end(*pair.b)), pattern(10) + "!closed");
  EXPECT_EQ(run_until_done(*loop, read_to_end(*pair.b)), "!closed");
  EXPECT_EQ(error, "closed");
  EXPECT_FALSE(pair.b->unsent_bytes());
  EXPECT_EQ(pair.sent_a_to_b(), 10U);
}

TEST_F(StreamTest, ReadTimesOutAndTheStreamLivesOn) {
  FakePair pair(*loop);
  const auto body = [](Loop& on, skein::FakeClock& hands, Stream& a, Stream& b) -> Task<void> {
    std::string out;
    on.spawn(read_one(b, 1000, out));
    co_await settle(on);
    hands.advance_ms(999);
    co_await settle(on);
    EXPECT_EQ(out, "");
    hands.advance_ms(1);
    co_await settle(on);
    EXPECT_EQ(out, "timeout");
    auto written = co_await a.write_all(as_bytes("abc"), -1);
    EXPECT_TRUE(written);
    on.spawn(read_one(b, 1000, out));
    co_await settle(on);
    EXPECT_EQ(out, "3");
    hands.advance_ms(100'000);  // the limit of a read that is over
    co_await settle(on);
  };
  run_until_done(*loop, body(*loop, clock, *pair.a, *pair.b));
}

TEST_F(StreamTest, WritesLimitCountsFromTheLastProgress) {
  FakePair pair(*loop, {.capacity_bytes = 4});
  const auto body = [](Loop& on, skein::FakeClock& hands, Stream& a, Stream& b) -> Task<void> {
    std::string out;
    on.spawn(write_one(a, "0123456789abcdef", 1000, out));
    for (int i = 0; i < 2; ++i) {
      co_await settle(on);
      hands.advance_ms(900);
      std::string got;
      co_await read_one(b, -1, got);
      EXPECT_EQ(got, "4");
    }
    co_await settle(on);
    EXPECT_EQ(out, "");
    hands.advance_ms(1000);
    co_await settle(on);
    EXPECT_EQ(out, "timeout");
  };
  run_until_done(*loop, body(*loop, clock, *pair.a, *pair.b));
}

TEST_F(StreamTest, NothingMovesWhileStalledAndAllMovesAfterwards) {
  FakePair pair(*loop);
  const auto body = [](Loop& on, FakePair& of) -> Task<void> {
    std::string written;
    std::string got;
    of.stall(true);
    on.spawn(write_one(*of.a, "hello", -1, written));
    on.spawn(read_one(*of.b, -1, got));
    co_await settle(on);
    EXPECT_EQ(written + got, "");
    of.stall(false);
    co_await settle(on);
    EXPECT_EQ(written + got, "done5");
  };
  run_until_done(*loop, body(*loop, pair));
}

TEST_F(StreamTest, CancelEndsBothWaitingSidesAndAllLaterCalls) {
  FakePair pair(*loop, {.capacity_bytes = 1});
  const auto body = [](Loop& on, FakePair& of) -> Task<void> {
    std::string written;
    std::string got;
    on.spawn(write_one(*of.a, "hello", 5000, written));
    on.spawn(read_one(*of.a, 5000, got));
    co_await settle(on);
    of.a->cancel();
    EXPECT_EQ(written + got, "");  // never from within cancel()
    co_await settle(on);
    EXPECT_EQ(written + got, "cancelledcancelled");
    co_await read_one(*of.a, -1, got);
    EXPECT_EQ(got, "cancelled");
    EXPECT_EQ(of.a->write_now(as_bytes("x")).error().kind(), skein::kCancelled);
    EXPECT_TRUE(of.a->cancelled());
  };
  run_until_done(*loop, body(*loop, pair));
}

TEST_F(StreamTest, CloseEndsWhoWaitsAndGivesThePeerAnOrderlyEnd) {
  FakePair pair(*loop);
  const auto body = [](Loop& on, FakePair& of) -> Task<void> {
    std::string got;
    on.spawn(read_one(*of.a, -1, got));
    co_await settle(on);
    of.a->close();
    co_await settle(on);
    EXPECT_EQ(got, "closed");
    co_await read_one(*of.b, -1, got);
    EXPECT_EQ(got, "0");
  };
  run_until_done(*loop, body(*loop, pair));
}

TEST_F(StreamTest, ResetIsNeverAnOrderlyEnd) {
  FakePair pair(*loop);
  pair.a->reset();
  EXPECT_EQ(run_until_done(*loop, read_to_end(*pair.b)), "!closed");
}

TEST_F(StreamTest, WaitReadableTakesNothing) {
  FakePair pair(*loop);
  const auto body = [](Loop& on, Stream& a, Stream& b) -> Task<void> {
    const auto wait = [](Stream& of, std::string& out) -> Task<void> {
      auto readable = co_await of.wait_readable(-1);
      out = readable ? "readable" : "not";
    };
    std::string out;
    on.spawn(wait(b, out));
    co_await settle(on);
    EXPECT_EQ(out, "");
    auto written = co_await a.write_all(as_bytes("abc"), -1);
    EXPECT_TRUE(written);
    co_await settle(on);
    EXPECT_EQ(out, "readable");
    co_await read_one(b, -1, out);
    EXPECT_EQ(out, "3");
    // Emptied: it must wait again, whatever was told before.
    out.clear();
    on.spawn(wait(b, out));
    co_await settle(on);
    EXPECT_EQ(out, "");
    a.close();
    co_await settle(on);
    EXPECT_EQ(out, "readable");
  };
  run_until_done(*loop, body(*loop, *pair.a, *pair.b));
}

TEST_F(StreamTest, OneThatNeverHasToWaitLetsOthersGoFirst) {
  FakePair pair(*loop, {.max_read_bytes = 1});
  const auto greedy = [](Stream& stream, std::size_t& count) -> Task<void> {
    std::byte buffer[1];
    while (count < 10'000) {
      auto got = co_await stream.read_some(buffer, 5000);
      if (!got || *got == 0) co_return;
      ++count;
    }
  };
  const auto body = [](Loop& on, FakePair& of, std::size_t& count) -> Task<void> {
    const std::string text = pattern(30);
    auto written = co_await of.a->write_all(as_bytes(text), -1);
    EXPECT_TRUE(written);
    co_await testing::eventually(on, [&count] { return count > 0; });
    EXPECT_LT(count, 30U);
    const bool all = co_await testing::eventually(on, [&count] { return count == 30; });
    EXPECT_TRUE(all);
    of.b->cancel();
  };
  std::size_t count = 0;
  loop->spawn(greedy(*pair.b, count));
  loop->spawn(body(*loop, pair, count));
  loop->stop();
  loop->run();
}

TEST_F(StreamTest, CancelledWhileItLetsOthersGoFirst) {
  FakePair pair(*loop, {.max_read_bytes = 1});
  // Reads until its next read has to let others go first, and is cancelled in that round.
  const auto greedy = [](Loop& on, Stream& stream, std::string& out) -> Task<void> {
    const auto canceller = [](Stream& of) -> Task<void> {
      of.cancel();
      co_return;
    };
    std::byte buffer[1];
    while (true) {
      auto got = co_await stream.read_some(buffer, 5000);
      if (!got) {
        out += got.error().kind().name;
        co_return;
      }
      if (out.empty()) on.spawn(canceller(stream));
      out += '.';
    }
  };
  const auto body = [](Stream& stream) -> Task<void> {
    const std::string text = pattern(100);
    auto written = co_await stream.write_all(as_bytes(text), -1);
    EXPECT_TRUE(written);
  };
  std::string out;
  run_until_done(*loop, body(*pair.a));
  run_until_done(*loop, greedy(*loop, *pair.b, out));
  EXPECT_TRUE(out.ends_with(".cancelled")) << out;
  EXPECT_LT(out.size(), 60U) << out;
}

TEST_F(StreamTest, SetCancelsIdleOnesAtOnceAndOthersWhenTheyBecomeIdle) {
  FakePair pair(*loop);
  StreamSet set;
  set.add(*pair.a);
  set.add(*pair.b);
  pair.a->set_idle(true);
  set.cancel_idle();
  EXPECT_TRUE(pair.a->cancelled());
  EXPECT_FALSE(pair.b->cancelled());
  pair.b->set_idle(true);
  EXPECT_TRUE(pair.b->cancelled());
}

TEST_F(StreamTest, SetForgetsThoseThatAreGoneAndFollowsThoseThatTakeTheirPlace) {
  FakePair pair(*loop);
  FakePair other(*loop);
  StreamSet set;
  set.add(*pair.a);
  set.add(*pair.b);
  pair.a.reset();
  other.a->take_place_of(*pair.b);
  set.cancel_all();
  EXPECT_FALSE(pair.b->cancelled());
  EXPECT_TRUE(other.a->cancelled());
}

}  // namespace
}  // namespace socketserver
