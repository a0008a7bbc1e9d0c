#include "socketserver/signals.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>

#include "socketserver/test_support.h"

namespace socketserver {
namespace {

struct SignalsTest : ::testing::Test, testing::WithLoop {};

bool is_blocked(int number) {
  sigset_t now{};
  pthread_sigmask(SIG_SETMASK, nullptr, &now);
  return sigismember(&now, number) == 1;
}

TEST_F(SignalsTest, OneIsAwaitedAndTheThreadsMaskRestored) {
  {
    Signals signals(*loop, {SIGUSR1, SIGUSR2});
    EXPECT_TRUE(is_blocked(SIGUSR1));
    const auto sender = [](Loop& on) -> Task<void> {
      co_await testing::settle(on);
      pthread_kill(pthread_self(), SIGUSR2);
    };
    loop->spawn(sender(*loop));
    EXPECT_EQ(run_until_done(*loop, signals.next()), SIGUSR2);
    pthread_kill(pthread_self(), SIGUSR1);
    EXPECT_EQ(run_until_done(*loop, signals.next()), SIGUSR1);
    pthread_kill(pthread_self(), SIGUSR1);  // not taken: it must not strike afterwards
  }
  EXPECT_FALSE(is_blocked(SIGUSR1));
}

TEST_F(SignalsTest, CancelEndsTheWait) {
  Signals signals(*loop, {SIGUSR1});
  const auto cancel = [](Loop& on, Signals& of) -> Task<void> {
    co_await testing::settle(on);
    of.cancel();
  };
  loop->spawn(cancel(*loop, signals));
  EXPECT_EQ(run_until_done(*loop, signals.next()), 0);
  EXPECT_EQ(run_until_done(*loop, signals.next()), 0);
}

}  // namespace
}  // namespace socketserver
