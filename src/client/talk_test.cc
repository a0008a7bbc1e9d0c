#include "client/talk.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "client/test_support.h"

namespace skein::client {
namespace {

struct TalkTest : ClientTest {
  ~TalkTest() override { run(link.close()); }

  // Says it; `outcome` tells how that ended.
  [[nodiscard]] Task<void> say() {
    auto said = co_await client::say(link, random, "lobby", "hello", "");
    outcome = store::outcome(said);
  }
  void start_saying() { loop->spawn(say()); }
  // What the hub is asked next.
  [[nodiscard]] static Task<bool> put_off(Line& line, const Asked& asked, std::int64_t ms) {
    const Error error = Error(kTooMany, "slower").with_retry_ms(ms);
    const std::string answer = wire::encode_frame(wire::error_answer(asked.id, error));
    const bool sent = co_await line.send(answer);
    co_return sent;
  }
  void body_of(Task<void> (*body)(TalkTest&)) { run(body(*this)); }

  Link link{*loop, pool, random, options()};
  std::string outcome;
};

TEST_F(TalkTest, WhoIsToldToWaitWaitsAndSaysTheSameAgain) {
  body_of([](TalkTest& test) -> Task<void> {
    test.start_saying();
    Line line = co_await test.accept();
    co_await line.greet();
    const Asked first = co_await line.next();
    bool sent = co_await put_off(line, first, 700);
    EXPECT_TRUE(sent);
    co_await test.pass_ms(699);
    EXPECT_EQ(test.outcome, "");
    test.clock.advance_ms(1);
    test.loop->wake();
    const Asked second = co_await line.next();
    EXPECT_EQ(second.op, "say");
    EXPECT_EQ(second.text("cid"), first.text("cid"));
    EXPECT_EQ(second.payload, "hello");
    sent = co_await line.answer(second, R"({"seq":1,"number":1})");
    EXPECT_TRUE(sent);
    co_await test.until([&test] { return !test.outcome.empty(); });
    EXPECT_EQ(test.outcome, "ok");
  });
}

TEST_F(TalkTest, AWaitLongerThanThePatienceThatIsLeftIsAnError) {
  body_of([](TalkTest& test) -> Task<void> {
    test.start_saying();
    Line line = co_await test.accept();
    co_await line.greet();
    Asked asked = co_await line.next();
    bool sent = co_await put_off(line, asked, 20'000);
    EXPECT_TRUE(sent);
    co_await test.pass_ms(20'000);
    asked = co_await line.next();
    sent = co_await put_off(line, asked, 20'000);
    EXPECT_TRUE(sent);
    co_await test.until([&test] { return !test.outcome.empty(); });
    EXPECT_EQ(test.outcome, "too_many");
  });
}

TEST_F(TalkTest, AWaitIsCutShortByAnInterrupt) {
  body_of([](TalkTest& test) -> Task<void> {
    test.start_saying();
    Line line = co_await test.accept();
    co_await line.greet();
    const Asked asked = co_await line.next();
    const bool sent = co_await put_off(line, asked, 20'000);
    EXPECT_TRUE(sent);
    co_await test.settle();
    test.link.cancel();
    co_await test.until([&test] { return !test.outcome.empty(); });
    EXPECT_EQ(test.outcome, "cancelled");
  });
}

}  // namespace
}  // namespace skein::client
