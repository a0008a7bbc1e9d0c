#include "socketserver/task.h"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "socketserver/test_support.h"

namespace socketserver {
namespace {

struct TaskTest : ::testing::Test, testing::WithLoop {};

Task<int> number(int value) {
  co_return value;
}
Task<int> later(Loop& loop, int value) {
  co_await loop.yield();
  co_return value;
}
Task<void> fails(Loop& loop) {
  co_await loop.yield();
  throw std::runtime_error("as told");
}

TEST_F(TaskTest, StartsOnlyWhenAwaited) {
  bool started = false;
  const auto body = [](bool& flag) -> Task<void> {
    flag = true;
    co_return;
  };
  {
    const Task<void> never = body(started);
  }
  EXPECT_FALSE(started);
  run_until_done(*loop, body(started));
  EXPECT_TRUE(started);
}

TEST_F(TaskTest, HandsItsValueOn) {
  const auto sum = [](Loop& on) -> Task<int> {
    const int at_once = co_await number(20);
    const int waited = co_await later(on, 22);
    co_return at_once + waited;
  };
  EXPECT_EQ(run_until_done(*loop, sum(*loop)), 42);
}

TEST_F(TaskTest, ValueMayBeMoveOnly) {
  const auto make = []() -> Task<std::unique_ptr<int>> { co_return std::make_unique<int>(7); };
  EXPECT_EQ(*run_until_done(*loop, make()), 7);
}

TEST_F(TaskTest, ExceptionReachesWhoAwaits) {
  const auto catches = [](Loop& on) -> Task<std::string> {
    std::string what;
    try {
      co_await fails(on);
    } catch (const std::runtime_error& error) {
      what = error.what();
    }
    co_return what;
  };
  EXPECT_EQ(run_until_done(*loop, catches(*loop)), "as told");
  EXPECT_THROW(run_until_done(*loop, fails(*loop)), std::runtime_error);
}

TEST_F(TaskTest, MillionChildrenThatNeverWaitKeepTheStackFlat) {
  const auto count = []() -> Task<int> {
    int sum = 0;
    for (int i = 0; i < 1'000'000; ++i) sum += co_await number(1);
    co_return sum;
  };
  EXPECT_EQ(run_until_done(*loop, count()), 1'000'000);
}

TEST_F(TaskTest, ManyChildrenThatWaitKeepTheStackFlat) {
  const auto count = [](Loop& on) -> Task<int> {
    int sum = 0;
    for (int i = 0; i < 100'000; ++i) sum += co_await later(on, 1);
    co_return sum;
  };
  EXPECT_EQ(run_until_done(*loop, count(*loop)), 100'000);
}

}  // namespace
}  // namespace socketserver
