#include "client/link.h"

#include <gmock/gmock.h>

#include <memory>
#include <string>

#include "base/limits.h"
#include "client/test_support.h"

namespace skein::client {
namespace {

using ::testing::HasSubstr;

struct LinkTest : ClientTest {
  void make(std::int64_t retry_for_ms = 30'000) {
    link = std::make_unique<Link>(*loop, pool, random, options(retry_for_ms));
  }
  void start_asking() {
    outcome.clear();
    loop->spawn(ask());
  }
  [[nodiscard]] Task<void> ask() {
    const auto got = co_await link->connection();
    if (!got) {
      message = got.error().text();
      hint = got.error().hint();
    }
    outcome = store::outcome(got);
  }
  [[nodiscard]] Task<void> answered() {
    return until([this] { return !outcome.empty(); });
  }
  // The first connection, from both ends.
  [[nodiscard]] Task<Line> connected() {
    start_asking();
    Line line = co_await accept();
    co_await line.greet();
    co_await answered();
    EXPECT_EQ(outcome, "ok");
    co_return line;
  }
  [[nodiscard]] Task<void> lose(Line& line) {
    line.cut();
    return until([this] { return link->lost(); });
  }
  ~LinkTest() override {
    if (link) run(link->close());
  }

  std::unique_ptr<Link> link;
  std::string outcome;
  std::string message;
  std::string hint;
};

TEST_F(LinkTest, FirstTimeTheHubMustBeThereAtOnce) {
  make();
  const auto body = [](LinkTest& test) -> Task<void> {
    co_await test.hang_up();
    co_await test.ask();
    EXPECT_EQ(test.outcome, "no_hub");
  };
  run(body(*this));
}

TEST_F(LinkTest, ConnectionIsDialledOnceAndKept) {
  make();
  const auto body = [](LinkTest& test) -> Task<void> {
    Line line = co_await test.connected();
    EXPECT_EQ(test.link->hub_name(), "ada");
    const auto first = co_await test.link->connection();
    const auto second = co_await test.link->connection();
    EXPECT_EQ(first.value(), second.value());
    EXPECT_TRUE(test.called.empty());
    EXPECT_FALSE(test.link->lost());
  };
  run(body(*this));
}

TEST_F(LinkTest, LostConnectionIsDialledAgainAtOnceAfterProgress) {
  make();
  const auto body = [](LinkTest& test) -> Task<void> {
    Line line = co_await test.connected();
    test.link->progress();
    co_await test.lose(line);
    test.start_asking();
    Line again = co_await test.accept();  // without the clock being turned
    co_await again.greet();
    co_await test.answered();
    EXPECT_EQ(test.outcome, "ok");
    EXPECT_FALSE(test.link->lost());
  };
  run(body(*this));
}

TEST_F(LinkTest, RetriesComeAfterGrowingPausesAndEndWithPatience) {
  make(5'000);
  const auto body = [](LinkTest& test) -> Task<void> {
    Line line = co_await test.connected();
    test.link->progress();
    std::int64_t waited_ms = 0;
    int dialled = 0;
    co_await test.lose(line);
    test.start_asking();
    std::int64_t last_ms = 0;
    std::int64_t longest_ms = 0;
    // Who answers hangs up at once: as good as nobody.
    while (test.outcome.empty() && waited_ms < 10'000) {
      co_await test.settle();
      if (!test.called.empty()) {
        ++dialled;
        test.called.front()->reset();
        test.called.clear();
        longest_ms = std::max(longest_ms, waited_ms - last_ms);
        last_ms = waited_ms;
        continue;
      }
      co_await test.pass_ms(10);
      waited_ms += 10;
    }
    EXPECT_EQ(test.outcome, "incomplete");
    EXPECT_THAT(test.message, HasSubstr("lost the hub at 127.0.0.1:"));
    EXPECT_THAT(test.hint, HasSubstr("run the same command again"));
    EXPECT_GE(waited_ms, 4'900);
    EXPECT_LE(waited_ms, 5'500);
    // Pauses double from 0.1 s on: about seven in five seconds.
    EXPECT_GE(dialled, 5);
    EXPECT_LE(dialled, 12);
    EXPECT_GE(longest_ms, 500);
    EXPECT_LE(longest_ms, limits::kLastRetryMs * 3 / 2);
  };
  run(body(*this));
}

TEST_F(LinkTest, ProgressMakesPatienceWholeAgain) {
  make(5'000);
  const auto body = [](LinkTest& test) -> Task<void> {
    Line line = co_await test.connected();
    for (int i = 0; i < 5; ++i) {
      co_await test.pass_ms(4'000);
      test.link->progress();
      co_await test.lose(line);
      test.start_asking();
      line = co_await test.accept();
      co_await line.greet();
      co_await test.answered();
      EXPECT_EQ(test.outcome, "ok") << i;
    }
    // Connecting alone is no progress.
    co_await test.pass_ms(5'001);
    co_await test.lose(line);
    co_await test.ask();
    EXPECT_EQ(test.outcome, "incomplete");
  };
  run(body(*this));
}

TEST_F(LinkTest, WithoutPatienceALostHubIsNotCalledAgain) {
  make(0);
  const auto body = [](LinkTest& test) -> Task<void> {
    Line line = co_await test.connected();
    test.link->progress();
    co_await test.lose(line);
    co_await test.ask();
    EXPECT_EQ(test.outcome, "incomplete");
  };
  run(body(*this));
}

TEST_F(LinkTest, HubThatComesBackWithAnotherVersionIsNotCalledAgain) {
  make();
  const auto body = [](LinkTest& test) -> Task<void> {
    Line line = co_await test.connected();
    test.link->progress();
    co_await test.lose(line);
    test.start_asking();
    Line again = co_await test.accept();
    const Asked hello = co_await again.next();
    const bool told = co_await again.refuse(hello, skein::kVersion);
    EXPECT_TRUE(told);
    co_await test.answered();
    EXPECT_EQ(test.outcome, "version");
  };
  run(body(*this));
}

TEST_F(LinkTest, InterruptEndsThePauseAndTheCallInIt) {
  make();
  const auto body = [](LinkTest& test) -> Task<void> {
    Line line = co_await test.connected();
    test.link->progress();
    co_await test.lose(line);
    co_await test.hang_up();
    test.start_asking();
    co_await test.settle();
    EXPECT_EQ(test.outcome, "") << "it waits for its next try";
    test.link->cancel();
    co_await test.answered();
    EXPECT_EQ(test.outcome, "cancelled");
    EXPECT_FALSE(test.link->lost());
    co_await test.ask();
    EXPECT_EQ(test.outcome, "cancelled");
  };
  run(body(*this));
}

TEST_F(LinkTest, InterruptEndsTheFirstHello) {
  make();
  const auto body = [](LinkTest& test) -> Task<void> {
    test.start_asking();
    Line line = co_await test.accept();
    const Asked hello = co_await line.next();
    EXPECT_EQ(hello.op, "hello");
    test.link->cancel();
    co_await test.answered();
    EXPECT_EQ(test.outcome, "cancelled");
  };
  run(body(*this));
}

TEST_F(LinkTest, OnlyWhatTheRestCannotOutliveEndsAll) {
  make();
  for (const ErrorKind kind : {kIncomplete, kNoHub, skein::kVersion, kNoSpace}) {
    EXPECT_TRUE(link->ends_all(Error(kind, ""))) << kind.name;
  }
  for (const ErrorKind kind : {kNotFound, kChanged, kBadName, kIsAFolder, kRefused, kIo}) {
    EXPECT_FALSE(link->ends_all(Error(kind, ""))) << kind.name;
  }
  link->cancel();
  EXPECT_TRUE(link->ends_all(Error(kIo, "")));
}

}  // namespace
}  // namespace skein::client
