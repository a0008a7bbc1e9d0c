#include "client/tutorial_put.h"

#include <string>
#include <vector>

#include "base/limits.h"
#include "client/test_support.h"

namespace skein::client {
namespace {

// The server's side: everything that came on each connection, and how it ended.
struct TutorialPutTest : ClientTest {
  [[nodiscard]] Task<void> serve() {
    while (true) {
      co_await settle();
      if (called.empty() && done) break;
      if (called.empty()) continue;
      const std::unique_ptr<socketserver::Stream> stream = std::move(called.front());
      called.pop_front();
      const std::string all = co_await socketserver::testing::read_to_end(*stream);
      got.push_back(all);
    }
    ended.set();
  }
  // While data are on their way, only time lets the client look again.
  [[nodiscard]] Task<void> turn() {
    while (!done) co_await pass_ms(5);
    turned.set();
  }
  std::string send(std::vector<std::string> paths, bool with_server = true) {
    const auto body = [](TutorialPutTest& test, std::vector<std::string> all, bool served,
                         std::string& outcome) -> Task<void> {
      if (!served) co_await test.hang_up();
      if (served) test.loop->spawn(test.serve());
      test.loop->spawn(test.turn());
      socketserver::Endpoint endpoint = test.hub;
      const auto sent = co_await tutorial_put(*test.loop, test.pool, std::move(endpoint),
                                              std::move(all), test.stop, test.tally);
      outcome = store::outcome(sent);
      test.done = true;
      co_await test.turned.wait();
      if (served) co_await test.ended.wait();
    };
    std::string outcome;
    run(body(*this, std::move(paths), with_server, outcome));
    return outcome;
  }
  static std::string upload(std::string_view name, std::string_view bytes) {
    wire::Dictionary head;
    head.set("file_name", name).set("file_size", static_cast<std::int64_t>(bytes.size()));
    return wire::encode_frame(head).append(bytes);
  }

  TempFolder temp;
  Tally tally;
  std::vector<std::string> got;
  bool done = false;
  socketserver::Event ended;
  socketserver::Event turned;
};

TEST_F(TutorialPutTest, EachFileHasAConnectionOfItsOwnThatEndsByResetOnceAllIsDelivered) {
  const std::string large = store::text_of(3 * limits::kSmallBlockBytes + 1, 1);
  temp.put_file("movie.mp4", large);
  temp.put_file("sub/empty", "");
  EXPECT_EQ(send({temp.at("movie.mp4"), temp.at("sub/empty")}), "ok");
  ASSERT_EQ(got.size(), 2U);
  EXPECT_TRUE(got[0] == upload("movie.mp4", large) + "!closed") << got[0].size();
  EXPECT_EQ(got[1], upload("empty", "") + "!closed");
  EXPECT_EQ(tally.files_done, 2U);
  EXPECT_EQ(tally.bytes_moved, large.size());
  EXPECT_FALSE(tally.confirmed);
  EXPECT_TRUE(tally.problems.empty());
}

TEST_F(TutorialPutTest, WhatTheDialectDoesNotHaveIsToldAndTheRestIsSent) {
  temp.put_file("folder/below", "text");
  temp.put_file("good", "text");
  EXPECT_EQ(send({temp.at("folder"), temp.at("none"), temp.at("good")}), "ok");
  EXPECT_EQ(got, (std::vector<std::string>{upload("good", "text") + "!closed"}));
  EXPECT_EQ(tally.files, 3U);
  EXPECT_EQ(tally.files_done, 1U);
  ASSERT_EQ(tally.problems.size(), 2U);
  EXPECT_EQ(tally.problems[0].error.kind(), kIsAFolder);
  EXPECT_EQ(tally.problems[1].error.kind(), kNotFound);
}

TEST_F(TutorialPutTest, NobodyThereIsNoHub) {
  temp.put_file("good", "text");
  EXPECT_EQ(send({temp.at("good")}, /*with_server=*/false), "no_hub");
  EXPECT_EQ(tally.files_done, 0U);
}

TEST_F(TutorialPutTest, InterruptEndsItBeforeTheNextFile) {
  temp.put_file("good", "text");
  stop.set();
  EXPECT_EQ(send({temp.at("good"), temp.at("good")}), "cancelled");
  EXPECT_EQ(tally.files_done, 0U);
}

}  // namespace
}  // namespace skein::client
