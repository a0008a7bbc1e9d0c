// Following, when the hub closes down.
#include "client/talk.h"

#include <gmock/gmock.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chat/line.h"
#include "client/test_support.h"

namespace skein::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

std::string line_of(std::int64_t seq) {
  chat::Message message;
  message.seq = message.number = seq;
  message.from = "ada";
  message.text = "text";
  return chat::encode_line(message);
}

struct FollowTest : ClientTest {
  FollowTest() { link = std::make_unique<Link>(*loop, pool, random, options(5'000)); }
  ~FollowTest() override { run(link->close()); }

  // What the command does, until it ends; how it ended.
  [[nodiscard]] Task<void> keep_following() {
    OnMessage on_message = [this](const chat::Message& one) { shown.push_back(one.seq); };
    std::string room = "lobby";
    const auto end = co_await follow(*link, std::move(room), 3, std::move(on_message));
    ended_with(end);
  }
  [[nodiscard]] Task<void> keep_following_all() {
    FollowingAll following;
    following.on_begin = [this](std::int64_t number) { begun.push_back(number); };
    following.on_message = [this](const std::string&, const chat::Message& one) {
      shown.push_back(one.number);
    };
    following.on_lost = [this] { ++lost; };
    const auto end = co_await follow_all(*link, 3, std::move(following));
    ended_with(end);
  }
  template <class T>
  void ended_with(const Result<T>& result) {
    outcome = store::outcome(result);
    if (!result) message = result.error().text();
  }
  [[nodiscard]] Task<void> ended() {
    return until([this] { return !outcome.empty(); });
  }

  // The hub's side: takes the request, which has this operation.
  [[nodiscard]] static Task<Asked> asked(Line& line, std::string_view op) {
    Asked request = co_await line.next();
    EXPECT_EQ(request.op, op);
    co_return request;
  }
  [[nodiscard]] static Task<void> tell(Line& line, const Asked& request, std::string_view json,
                                       std::string_view payload) {
    const bool told = co_await line.answer(request, json, payload);
    EXPECT_TRUE(told);
  }
  [[nodiscard]] static Task<void> close_down(Line& line, const Asked& request) {
    const bool told = co_await line.refuse(request, kCancelled);
    EXPECT_TRUE(told);
  }

  std::unique_ptr<Link> link;
  std::vector<std::int64_t> shown;
  std::vector<std::int64_t> begun;
  int lost = 0;
  std::string outcome;
  std::string message;
};

// Found with `skein log --follow` under a hub that was stopped in order.
TEST_F(FollowTest, AHubThatClosesDownIsCalledAgainAndNothingIsLostOrDoubled) {
  const auto body = [](FollowTest& test) -> Task<void> {
    test.loop->spawn(test.keep_following());
    for (std::int64_t at = 3; at < 9; at += 2) {
      Line line = co_await test.accept();
      co_await line.greet();
      const Asked request = co_await asked(line, "follow");
      EXPECT_EQ(request.number("after"), at);
      const std::string begins = R"({"more":true,"seq":)" + std::to_string(at) + "}";
      const std::string lines = line_of(at) + line_of(at + 1) + line_of(at + 2);
      co_await tell(line, request, begins, "");
      co_await tell(line, request, R"({"more":true})", lines);
      co_await close_down(line, request);
      const Asked last = co_await line.next();
      EXPECT_EQ(last.op, "end") << "it does not ask on a connection that closes down";
    }
    EXPECT_THAT(test.shown, ElementsAre(4, 5, 6, 7, 8, 9));
    EXPECT_EQ(test.outcome, "");
    test.link->cancel();
    co_await test.ended();
    EXPECT_EQ(test.outcome, "cancelled");
  };
  run(body(*this));
}

TEST_F(FollowTest, AHubThatClosesDownForGoodIsSaidToBeLost) {
  const auto body = [](FollowTest& test) -> Task<void> {
    test.loop->spawn(test.keep_following_all());
    Line line = co_await test.accept();
    co_await line.greet();
    const Asked request = co_await asked(line, "follow");
    co_await tell(line, request, R"({"more":true,"number":3})", "");
    co_await close_down(line, request);
    co_await test.hang_up();
    for (int i = 0; i < 100 && test.outcome.empty(); ++i) co_await test.pass_ms(100);
    EXPECT_EQ(test.outcome, "incomplete");
    EXPECT_THAT(test.message, HasSubstr("lost the hub at "));
    EXPECT_THAT(test.begun, ElementsAre(3));
    EXPECT_EQ(test.lost, 1);
  };
  run(body(*this));
}

}  // namespace
}  // namespace skein::client
