#include "socketserver/pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "socketserver/test_support.h"

namespace socketserver {
namespace {

struct PoolTest : ::testing::Test, testing::WithLoop {};

TEST_F(PoolTest, ValueComesBackOnTheLoopsThread) {
  Pool pool(2, 8);
  const auto body = [](Loop& on, Pool& in) -> Task<void> {
    const auto home = std::this_thread::get_id();
    const auto job = [] { return std::make_unique<std::thread::id>(std::this_thread::get_id()); };
    const auto where = co_await in.run(on, job);
    EXPECT_NE(*where, home);
    EXPECT_EQ(std::this_thread::get_id(), home);
  };
  run_until_done(*loop, body(*loop, pool));
}

TEST_F(PoolTest, ExceptionComesBackToo) {
  Pool pool(1, 8);
  const auto body = [](Loop& on, Pool& in) -> Task<std::string> {
    std::string what;
    const auto job = [] { throw std::runtime_error("from the pool"); };
    try {
      co_await in.run(on, job);
    } catch (const std::runtime_error& error) {
      what = error.what();
    }
    co_return what;
  };
  EXPECT_EQ(run_until_done(*loop, body(*loop, pool)), "from the pool");
}

TEST_F(PoolTest, ThousandCoroutinesShareTwoThreads) {
  Pool pool(2, 8);
  std::atomic<int> at_once = 0;
  std::atomic<int> most = 0;
  int done = 0;
  const auto body = [](Loop& on, Pool& in, std::atomic<int>& now, std::atomic<int>& peak,
                       int& count) -> Task<void> {
    const auto job = [&now, &peak] {
      const int mine = ++now;
      int seen = peak;
      while (seen < mine && !peak.compare_exchange_weak(seen, mine)) continue;
      --now;
    };
    co_await in.run(on, job);
    ++count;
  };
  for (int i = 0; i < 1000; ++i) loop->spawn(body(*loop, pool, at_once, most, done));
  loop->stop();
  loop->run();
  EXPECT_EQ(done, 1000);
  EXPECT_LE(most, 2);
}

TEST_F(PoolTest, SaysWhenItIsFullAndServesInOrder) {
  std::mutex mutex;
  std::condition_variable changed;
  bool open = false;
  std::string order;
  Pool pool(1, 2);
  const auto wait_open = [&] {
    std::unique_lock lock(mutex);
    changed.wait(lock, [&open] { return open; });
  };
  const auto body = [](Loop& on, Pool& in, std::function<void()> job, std::string& out,
                       char name) -> Task<void> {
    co_await in.run(on, job);
    out += name;
  };
  for (const char name : {'a', 'b', 'c', 'd'}) {
    loop->spawn(
        body(*loop, pool, name == 'a' ? std::function<void()>(wait_open) : [] {}, order, name));
  }
  const auto check = [](Loop& on, Pool& in) -> Task<void> {
    const bool queued = co_await testing::eventually(on, [&in] { return in.queued() == 3; });
    EXPECT_TRUE(queued);
    EXPECT_TRUE(in.full());
  };
  run_until_done(*loop, check(*loop, pool));
  {
    const std::scoped_lock lock(mutex);
    open = true;
  }
  changed.notify_all();
  loop->stop();
  loop->run();
  EXPECT_EQ(order, "abcd");
  EXPECT_FALSE(pool.full());
}

TEST_F(PoolTest, LoopMayGoAsSoonAsItsLastJobIsBack) {
  Pool pool(2, 8);
  for (int i = 0; i < 200; ++i) {
    auto own = Loop::create(clock).value();
    const auto body = [](Loop& on, Pool& in) -> Task<int> {
      const auto job = [] { return 1; };
      co_return co_await in.run(on, job);
    };
    EXPECT_EQ(run_until_done(*own, body(*own, pool)), 1);
  }
}

TEST_F(PoolTest, OneWithoutThreadsRunsItsJobsWhenItsOwnerLikes) {
  struct Held final : Pool {
    Held() : Pool(8) {}
    void submit(Work& job) override { jobs.push(job); }
    WorkQueue jobs;
  };
  Held pool;
  EXPECT_EQ(pool.threads(), 0U);
  int value = 0;
  const auto body = [](Loop& on, Pool& in, int& out) -> Task<void> {
    const auto job = [] { return 7; };
    out = co_await in.run(on, job);
  };
  loop->spawn(body(*loop, pool, value));
  const auto owner = [](Loop& on, Held& in, int& out) -> Task<void> {
    co_await testing::settle(on);
    EXPECT_EQ(out, 0);
    in.jobs.pop()->run();
    co_await testing::settle(on);
    EXPECT_EQ(out, 7);
  };
  run_until_done(*loop, owner(*loop, pool, value));
}

}  // namespace
}  // namespace socketserver
