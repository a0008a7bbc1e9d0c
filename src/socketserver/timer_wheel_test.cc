#include "socketserver/timer_wheel.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <random>
#include <vector>

namespace socketserver {
namespace {

struct Counted : Timer {
  Counted() : Timer([](Timer& timer) { ++static_cast<Counted&>(timer).fired; }) {}
  int fired = 0;
};

TEST(TimerWheel, FiresOnceAtItsDeadlineAndNotBefore) {
  TimerWheel wheel(1000);
  Counted timer;
  wheel.arm(timer, 1010);
  EXPECT_EQ(wheel.next_ms(), 1010);
  wheel.advance(1009);
  EXPECT_EQ(timer.fired, 0);
  wheel.advance(1010);
  EXPECT_EQ(timer.fired, 1);
  EXPECT_FALSE(timer.armed());
  wheel.advance(100'000);
  EXPECT_EQ(timer.fired, 1);
  EXPECT_EQ(wheel.next_ms(), -1);
}

TEST(TimerWheel, WhatIsDueAlreadyFiresAtTheNextAdvance) {
  TimerWheel wheel(1000);
  Counted timer;
  wheel.arm(timer, 5);
  wheel.advance(1001);
  EXPECT_EQ(timer.fired, 1);
}

TEST(TimerWheel, MovedLaterItFiresLater) {
  TimerWheel wheel(0);
  Counted timer;
  wheel.arm(timer, 10);
  wheel.arm(timer, 30);
  wheel.advance(29);
  EXPECT_EQ(timer.fired, 0);
  wheel.advance(30);
  EXPECT_EQ(timer.fired, 1);
}

TEST(TimerWheel, MovedEarlierItFiresEarlier) {
  TimerWheel wheel(0);
  Counted timer;
  wheel.arm(timer, 30);
  wheel.arm(timer, 10);
  wheel.advance(10);
  EXPECT_EQ(timer.fired, 1);
}

TEST(TimerWheel, DisarmedItDoesNotFire) {
  TimerWheel wheel(0);
  Counted timer;
  wheel.arm(timer, 10);
  TimerWheel::disarm(timer);
  wheel.advance(10'000);
  EXPECT_EQ(timer.fired, 0);
  EXPECT_EQ(wheel.next_ms(), -1);
}

TEST(TimerWheel, FarDeadlinesWaitTheirFullTime) {
  TimerWheel wheel(7);
  Counted hour;
  wheel.arm(hour, 3'600'007);
  std::int64_t now = 7;
  while (hour.fired == 0) {
    const std::int64_t next = wheel.next_ms();
    ASSERT_GT(next, now);
    now = next;
    wheel.advance(now);
  }
  EXPECT_EQ(now, 3'600'007);
}

TEST(TimerWheel, ClockThatJumpsFarFiresAllThatIsDue) {
  TimerWheel wheel(0);
  Counted near;
  Counted far;
  wheel.arm(near, 1);
  wheel.arm(far, 1'000'000);
  wheel.advance(999'999);
  EXPECT_EQ(near.fired, 1);
  EXPECT_EQ(far.fired, 0);
  wheel.advance(1'000'000);
  EXPECT_EQ(far.fired, 1);
}

TEST(TimerWheel, EntriesMayDestroyOneAnotherAndArmAnewWhileTheyFire) {
  TimerWheel wheel(0);
  struct Killer : Timer {
    explicit Killer(TimerWheel& of) : Timer(&Killer::kill), wheel(of) {}
    static void kill(Timer& timer) {
      auto& self = static_cast<Killer&>(timer);
      ++self.fired;
      self.victims.clear();
      self.wheel.arm(self, 20);
    }
    TimerWheel& wheel;
    int fired = 0;
    std::vector<std::unique_ptr<Counted>> victims;
  } killer(wheel);
  // Before and after it in the same slot: only those that stood before it can have fired.
  for (int i = 0; i < 3; ++i) {
    killer.victims.push_back(std::make_unique<Counted>());
    wheel.arm(*killer.victims.back(), 10);
  }
  wheel.arm(killer, 10);
  for (int i = 0; i < 3; ++i) {
    killer.victims.push_back(std::make_unique<Counted>());
    wheel.arm(*killer.victims.back(), 10);
  }
  wheel.advance(10);
  EXPECT_EQ(killer.fired, 1);
  wheel.advance(20);
  EXPECT_EQ(killer.fired, 2);
}

TEST(TimerWheel, ThousandRandomDeadlinesEachFireAtTheirTime) {
  std::mt19937 random(4711);
  TimerWheel wheel(0);
  std::int64_t now = 0;
  struct Checked : Timer {
    Checked() : Timer([](Timer& timer) { static_cast<Checked&>(timer).fired = true; }) {}
    std::int64_t due = 0;
    bool fired = false;
  };
  std::vector<std::unique_ptr<Checked>> timers;
  timers.reserve(1000);
  for (int i = 0; i < 1000; ++i) timers.push_back(std::make_unique<Checked>());
  for (int step = 0; step < 20'000; ++step) {
    Checked& timer = *timers[random() % timers.size()];
    timer.due = now + 1 + static_cast<std::int64_t>(random() % 20'000);
    timer.fired = false;
    wheel.arm(timer, timer.due);
    if (step % 10 != 0) continue;
    now += static_cast<std::int64_t>(random() % 50);
    wheel.advance(now);
    if (step % 500 != 0) continue;
    for (const auto& one : timers) {
      ASSERT_EQ(one->fired || one->due == 0, one->due <= now) << one->due << " at " << now;
    }
  }
}

}  // namespace
}  // namespace socketserver
