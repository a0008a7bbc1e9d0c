#include "socketserver/loop.h"

#include <gtest/gtest.h>
#include <sys/eventfd.h>

#include <atomic>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "socketserver/test_support.h"

namespace socketserver {
namespace {

struct LoopTest : ::testing::Test, testing::WithLoop {};
struct LoopTime : ::testing::Test, testing::WithFakeClock {};

TEST_F(LoopTest, StopBeforeRunReturnsAtOnce) {
  loop->stop();
  loop->run();
}

TEST_F(LoopTest, TwentyTimesStartAndImmediateStopFromAnotherThread) {
  for (int i = 0; i < 20; ++i) {
    auto own = Loop::create(clock).value();
    std::thread runner([&own] { own->run(); });
    own->stop();
    runner.join();
  }
}

TEST_F(LoopTest, StopWaitsForSpawnedTasks) {
  int steps = 0;
  const auto walk = [](Loop& on, int& count) -> Task<void> {
    for (int i = 0; i < 5; ++i) {
      co_await on.yield();
      ++count;
    }
  };
  loop->spawn(walk(*loop, steps));
  EXPECT_EQ(loop->tasks(), 1U);
  EXPECT_EQ(steps, 0);
  loop->stop();
  loop->run();
  EXPECT_EQ(steps, 5);
  EXPECT_EQ(loop->tasks(), 0U);
}

TEST_F(LoopTest, TaskThatWasNeverBegunGoesWithTheLoop) {
  const auto held = std::make_shared<int>(1);
  const auto body = [](std::shared_ptr<int> keep) -> Task<void> {
    static_cast<void>(keep);
    co_return;
  };
  loop->spawn(body(held));
  loop.reset();
  EXPECT_EQ(held.use_count(), 1);
}

TEST_F(LoopTest, PostedFromManyThreadsAllRunOnTheLoopsThreadInOrderOfEach) {
  constexpr int kThreads = 4;
  constexpr int kEach = 500;
  std::vector<int> last(kThreads, -1);
  std::atomic<int> wrong = 0;
  int ran = 0;
  std::thread::id where;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        const auto function = [&, t, i] {
          if (std::this_thread::get_id() != where) ++wrong;
          auto& mine = last[static_cast<std::size_t>(t)];
          if (mine != i - 1) ++wrong;
          mine = i;
          if (++ran == kThreads * kEach) loop->stop();
        };
        while (!loop->post(function)) std::this_thread::yield();
      }
    });
  }
  where = std::this_thread::get_id();
  // The threads may be ahead; what they posted runs from here on only.
  loop->run();
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(ran, kThreads * kEach);
  EXPECT_EQ(wrong, 0);
}

TEST_F(LoopTest, PostedFunctionsAreBounded) {
  std::size_t ran = 0;
  for (std::size_t i = 0; i < Loop::kMaxPosted; ++i) {
    ASSERT_TRUE(loop->post([&ran] { ++ran; }));
  }
  EXPECT_FALSE(loop->post([&ran] { ++ran; }));
  loop->stop();
  loop->run();
  EXPECT_EQ(ran, Loop::kMaxPosted);
  EXPECT_TRUE(loop->post([] {}));  // and is freed with the loop, unrun
}

TEST_F(LoopTest, EscapedExceptionIsTold) {
  std::string told;
  loop->on_escape([&told](std::exception_ptr exception) {
    try {
      std::rethrow_exception(std::move(exception));
    } catch (const std::exception& error) {
      told = error.what();
    }
  });
  const auto fails = [](Loop& on) -> Task<void> {
    co_await on.yield();
    throw std::runtime_error("out");
  };
  loop->spawn(fails(*loop));
  loop->stop();
  loop->run();
  EXPECT_EQ(told, "out");
  EXPECT_EQ(loop->tasks(), 0U);
}

TEST_F(LoopTest, ScratchIsOneForAll) {
  EXPECT_EQ(loop->scratch().size(), Loop::kScratchBytes);
  EXPECT_EQ(loop->scratch().data(), loop->scratch().data());
}

TEST_F(LoopTest, CurrentIsTheLoopThatRuns) {
  EXPECT_EQ(Loop::current(), nullptr);
  const auto ask = []() -> Task<Loop*> { co_return Loop::current(); };
  EXPECT_EQ(run_until_done(*loop, ask()), loop.get());
  EXPECT_EQ(Loop::current(), nullptr);
}

struct Seen : Watch {
  Seen() : Watch([](Watch& watch, std::uint32_t) { static_cast<Seen&>(watch).tell(); }) {}
  void tell() {
    ++times;
    if (other != nullptr) loop->unwatch(fd_of_other, *other);
  }
  int times = 0;
  Loop* loop = nullptr;
  Seen* other = nullptr;
  int fd_of_other = -1;
};

TEST_F(LoopTest, WatchThatIsTakenBackByOneBeforeItInTheSameRoundIsNotTold) {
  const skein::Descriptor first(eventfd(1, EFD_NONBLOCK));
  const skein::Descriptor second(eventfd(1, EFD_NONBLOCK));
  Seen a;
  Seen b;
  a.loop = b.loop = loop.get();
  a.other = &b;
  a.fd_of_other = second.get();
  b.other = &a;
  b.fd_of_other = first.get();
  ASSERT_TRUE(loop->watch(first.get(), a));
  ASSERT_TRUE(loop->watch(second.get(), b));
  run_until_done(*loop, testing::settle(*loop));
  EXPECT_EQ(a.times + b.times, 1);
  loop->unwatch(first.get(), a);
  loop->unwatch(second.get(), b);
}

TEST_F(LoopTime, SleepersWakeInTheOrderOfTheirDeadlines) {
  std::string order;
  const auto sleeper = [](Loop& on, std::int64_t ms, char name, std::string& out) -> Task<void> {
    co_await on.sleep_ms(ms);
    out += name;
  };
  loop->spawn(sleeper(*loop, 30, 'c', order));
  loop->spawn(sleeper(*loop, 10, 'a', order));
  loop->spawn(sleeper(*loop, 20, 'b', order));
  const auto turn = [](Loop& on, skein::FakeClock& hands, std::string& out) -> Task<void> {
    co_await testing::settle(on);
    EXPECT_EQ(out, "");
    hands.advance_ms(15);
    co_await testing::settle(on);
    EXPECT_EQ(out, "a");
    hands.advance_ms(60'000);
    co_await testing::settle(on);
    EXPECT_EQ(out, "abc");
  };
  run_until_done(*loop, turn(*loop, clock, order));
}

TEST_F(LoopTime, WakeLooksAtTheClockAnew) {
  const auto sleeper = [](Loop& on) -> Task<void> { co_await on.sleep_ms(1'000'000); };
  loop->spawn(sleeper(*loop));
  loop->stop();
  std::thread hands([this] {
    // The sleeper sets its deadline from the clock as it finds it, before or after this turn.
    while (loop->tasks() > 0) {
      clock.advance_ms(1'000'000);
      loop->wake();
    }
  });
  loop->run();
  hands.join();
}

TEST_F(LoopTime, WhoTurnsTheClockWhenNothingIsReadyNeverWaits) {
  int turns = 0;
  loop->on_idle([this, &turns](std::int64_t next_ms) {
    ++turns;
    ASSERT_GE(next_ms, 0);
    clock.advance_ms(next_ms - clock.monotonic_ms());
  });
  const auto sleeper = [](Loop& on) -> Task<std::int64_t> {
    co_await on.sleep_ms(3'600'000);
    co_await on.sleep_ms(5);
    co_return on.clock().monotonic_ms();
  };
  const std::int64_t began_ms = clock.monotonic_ms();
  EXPECT_EQ(run_until_done(*loop, sleeper(*loop)), began_ms + 3'600'005);
  EXPECT_GT(turns, 0);
}

}  // namespace
}  // namespace socketserver
