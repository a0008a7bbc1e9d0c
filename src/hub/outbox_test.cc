#include "hub/outbox.h"

#include <string>

#include "base/limits.h"
#include "hub/test_support.h"
#include "wire/answer.h"

namespace skein::hub {
namespace {

using socketserver::testing::read_to_end;
using socketserver::testing::settle;

struct OutboxTest : ::testing::Test, socketserver::testing::WithFakeClock {
  // Sends an answer with this id; how it went is appended to `ended`.
  [[nodiscard]] Task<void> answer(std::int64_t id, std::string payload) {
    wire::Dictionary fields = wire::ok_answer(id);
    const auto sent = co_await outbox.send(std::move(fields), as_bytes(payload));
    ended += concat(std::to_string(id), ":", sent ? "ok" : sent.error().kind().name, " ");
  }
  // The same together with others; of how many it was over is appended.
  [[nodiscard]] Task<void> answer_together(std::int64_t id) {
    wire::Dictionary fields = wire::ok_answer(id);
    const std::size_t count = co_await outbox.send_together(std::move(fields));
    ended += concat(std::to_string(id), ":", std::to_string(count), " ");
  }
  void run(Task<void> body) { run_until_done(*loop, std::move(body)); }

  socketserver::FakePair links{*loop};
  Outbox outbox{*links.b};
  std::string ended;
};

TEST_F(OutboxTest, FramesGoOutWholeAndInTheirOrderHoweverNarrowTheLine) {
  const auto body = [](OutboxTest& test) -> Task<void> {
    test.links.b_to_a().capacity_bytes = 7;
    test.links.b_to_a().max_write_bytes = 3;
    for (const std::int64_t id : {1, 2, 3}) {
      std::string payload(static_cast<std::size_t>(id - 1) * 5, 'x');
      test.loop->spawn(test.answer(id, std::move(payload)));
    }
    co_await settle(*test.loop);
    EXPECT_EQ(test.ended, "") << "nobody reads yet";
    test.loop->spawn([](OutboxTest& of) -> Task<void> {
      const bool all = co_await socketserver::testing::eventually(
          *of.loop, [&of] { return of.ended.size() == 15; });
      EXPECT_TRUE(all);
      EXPECT_TRUE(of.links.b->shutdown_write());
    }(test));
    const std::string all = co_await read_to_end(*test.links.a);
    EXPECT_EQ(all, frame(R"({"id":1,"ok":true})") +
                       frame(R"({"id":2,"ok":true,"size":5})", "xxxxx") +
                       frame(R"({"id":3,"ok":true,"size":10})", "xxxxxxxxxx"));
    EXPECT_EQ(test.ended, "1:ok 2:ok 3:ok ");
  };
  run(body(*this));
}

TEST_F(OutboxTest, AnswersThatAreDueTogetherGoOutInOnePieceAndAreCountedOnce) {
  const auto body = [](OutboxTest& test) -> Task<void> {
    for (const std::int64_t id : {1, 2, 3}) test.loop->spawn(test.answer_together(id));
    co_await settle(*test.loop);
    EXPECT_EQ(test.ended, "2:0 3:0 1:3 ");
    test.loop->spawn(test.answer_together(4));
    co_await settle(*test.loop);
    EXPECT_EQ(test.ended, "2:0 3:0 1:3 4:1 ");
    EXPECT_TRUE(test.links.b->shutdown_write());
    const std::string all = co_await read_to_end(*test.links.a);
    EXPECT_EQ(all, frame(R"({"id":1,"ok":true})") + frame(R"({"id":2,"ok":true})") +
                       frame(R"({"id":3,"ok":true})") + frame(R"({"id":4,"ok":true})"));
  };
  run(body(*this));
}

TEST_F(OutboxTest, AnswersToWhoIsGoneAreOverToo) {
  const auto body = [](OutboxTest& test) -> Task<void> {
    test.links.b->cancel();
    for (const std::int64_t id : {1, 2}) test.loop->spawn(test.answer_together(id));
    co_await settle(*test.loop);
    EXPECT_EQ(test.ended, "2:0 1:2 ");
  };
  run(body(*this));
}

TEST_F(OutboxTest, PeerThatNeverReadsIsGivenUpAfterTheStallTimeoutAndAllWhoWaitAreTold) {
  const auto body = [](OutboxTest& test) -> Task<void> {
    test.links.b_to_a().capacity_bytes = 10;
    for (const std::int64_t id : {1, 2, 3}) test.loop->spawn(test.answer(id, "payload"));
    co_await settle(*test.loop);
    test.clock.advance_ms(limits::kStallTimeoutMs - 1'000);
    co_await settle(*test.loop);
    EXPECT_EQ(test.ended, "");
    EXPECT_EQ(test.links.sent_b_to_a(), 10U) << "what nobody takes is not heaped up";
    test.clock.advance_ms(2'000);
    co_await settle(*test.loop);
    EXPECT_EQ(test.ended, "1:timeout 2:cancelled 3:cancelled ");
    EXPECT_TRUE(test.links.b->cancelled()) << "so that the reader ends too";
  };
  run(body(*this));
}

TEST_F(OutboxTest, PeerThatReadsSlowlyIsWaitedFor) {
  const auto body = [](OutboxTest& test) -> Task<void> {
    test.links.b_to_a().capacity_bytes = 10;
    test.loop->spawn(test.answer(1, "payload"));
    std::byte one[10];
    std::string got;
    while (!test.ended.contains("ok") && got.size() < 100) {
      co_await settle(*test.loop);
      test.clock.advance_ms(limits::kStallTimeoutMs - 1'000);
      co_await settle(*test.loop);
      const auto read = co_await test.links.a->read_some(one, -1);
      got += as_text(Bytes(one).first(read.value()));
      co_await settle(*test.loop);
    }
    EXPECT_EQ(test.ended, "1:ok ");
  };
  run(body(*this));
}

TEST_F(OutboxTest, PeerThatIsGoneEndsTheConnection) {
  const auto body = [](OutboxTest& test) -> Task<void> {
    test.links.cut();
    co_await test.answer(1, "");
    EXPECT_EQ(test.ended, "1:closed ");
    EXPECT_TRUE(test.links.b->cancelled());
  };
  run(body(*this));
}

}  // namespace
}  // namespace skein::hub
