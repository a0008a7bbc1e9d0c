#include "socketserver/sync.h"

#include <gtest/gtest.h>

#include <string>

#include "socketserver/test_support.h"

namespace socketserver {
namespace {

struct SyncTest : ::testing::Test, testing::WithFakeClock {};

Task<void> wait_and_write(Event& event, std::string& out, char name) {
  co_await event.wait();
  out += name;
}

TEST_F(SyncTest, EventWakesAllWhoWaitAndLetsLaterOnesPass) {
  Event event;
  std::string out;
  loop->spawn(wait_and_write(event, out, 'a'));
  loop->spawn(wait_and_write(event, out, 'b'));
  const auto body = [](Loop& on, Event& of, std::string& text) -> Task<void> {
    co_await testing::settle(on);
    EXPECT_EQ(text, "");
    of.set();
    EXPECT_EQ(text, "");  // never from within set()
    co_await testing::settle(on);
    EXPECT_EQ(text, "ab");
    co_await of.wait();
    of.reset();
    EXPECT_FALSE(of.is_set());
  };
  run_until_done(*loop, body(*loop, event, out));
}

TEST_F(SyncTest, EventThatIsResetAtOnceStillWakesThoseWhoWaited) {
  Event event;
  std::string out;
  loop->spawn(wait_and_write(event, out, 'a'));
  const auto body = [](Loop& on, Event& of, std::string& text) -> Task<void> {
    co_await testing::settle(on);
    of.set();
    of.reset();
    co_await testing::settle(on);
    EXPECT_EQ(text, "a");
  };
  run_until_done(*loop, body(*loop, event, out));
}

struct CountingHook : Event::Hook {
  CountingHook() : Hook([](Hook& hook) { ++static_cast<CountingHook&>(hook).calls; }) {}
  int calls = 0;
};

TEST_F(SyncTest, HookIsCalledOnceInTheNextRound) {
  Event event;
  CountingHook before;
  CountingHook after;
  const auto body = [](Loop& on, Event& of, CountingHook& one, CountingHook& other) -> Task<void> {
    one.hook(of);
    of.set();
    EXPECT_EQ(one.calls, 0);
    EXPECT_FALSE(one.unhook()) << "the call is on its way";
    other.hook(of);  // set already
    co_await testing::settle(on);
    of.set();
    co_await testing::settle(on);
    EXPECT_TRUE(one.unhook());
  };
  run_until_done(*loop, body(*loop, event, before, after));
  EXPECT_EQ(before.calls, 1);
  EXPECT_EQ(after.calls, 1);
}

TEST_F(SyncTest, UnhookedInTimeIsNeverCalled) {
  Event event;
  CountingHook hook;
  const auto body = [](Loop& on, Event& of, CountingHook& unhooked) -> Task<void> {
    unhooked.hook(of);
    EXPECT_TRUE(unhooked.unhook());
    of.set();
    co_await testing::settle(on);
  };
  run_until_done(*loop, body(*loop, event, hook));
  EXPECT_EQ(hook.calls, 0);
}

Task<void> wait_with_limit(Event& event, std::int64_t ms, std::string& out) {
  const bool happened = co_await event.wait_ms(ms);
  out += happened ? '+' : '-';
}

TEST_F(SyncTest, TimedWaitEndsByWhicheverComesFirst) {
  Event event;
  std::string out;
  const auto body = [](Loop& on, skein::FakeClock& hands, Event& of,
                       std::string& text) -> Task<void> {
    on.spawn(wait_with_limit(of, 10, text));
    on.spawn(wait_with_limit(of, 1000, text));
    on.spawn(wait_with_limit(of, -1, text));
    co_await testing::settle(on);
    hands.advance_ms(10);
    co_await testing::settle(on);
    EXPECT_EQ(text, "-");
    of.set();
    hands.advance_ms(1000);  // both in one round: what has happened counts
    co_await testing::settle(on);
    EXPECT_EQ(text, "-++");
  };
  run_until_done(*loop, body(*loop, clock, event, out));
}

Task<void> take(Semaphore& semaphore, std::size_t units, std::string& out, char name) {
  co_await semaphore.acquire(units);
  out += name;
}

TEST_F(SyncTest, SemaphoreServesInOrderEvenIfALaterOneWouldFit) {
  Semaphore semaphore(3);
  std::string out;
  const auto body = [](Loop& on, Semaphore& of, std::string& text) -> Task<void> {
    co_await of.acquire(2);
    on.spawn(take(of, 3, text, 'a'));
    on.spawn(take(of, 1, text, 'b'));
    co_await testing::settle(on);
    EXPECT_EQ(text, "");
    EXPECT_FALSE(of.try_acquire(1));
    of.release(2);
    co_await testing::settle(on);
    EXPECT_EQ(text, "a");
    of.release(3);
    co_await testing::settle(on);
    EXPECT_EQ(text, "ab");
    of.release(1);
    EXPECT_EQ(of.free(), 3U);
  };
  run_until_done(*loop, body(*loop, semaphore, out));
}

TEST_F(SyncTest, GuardGivesItsUnitsBack) {
  Semaphore semaphore(2);
  const auto body = [](Semaphore& of) -> Task<void> {
    {
      const auto guard = co_await of.hold(2);
      EXPECT_EQ(of.free(), 0U);
    }
    EXPECT_EQ(of.free(), 2U);
  };
  run_until_done(*loop, body(semaphore));
}

TEST_F(SyncTest, GateClosesWhenAllHaveLeft) {
  Gate gate;
  Event go;
  std::string out;
  gate.spawn(*loop, wait_and_write(go, out, 'a'));
  gate.spawn(*loop, wait_and_write(go, out, 'b'));
  EXPECT_EQ(gate.inside(), 2U);
  const auto closer = [](Gate& of, std::string& text) -> Task<void> {
    co_await of.close();
    text += '.';
  };
  loop->spawn(closer(gate, out));
  const auto body = [](Loop& on, Gate& of, Event& event, std::string& text) -> Task<void> {
    co_await testing::settle(on);
    EXPECT_EQ(text, "");
    EXPECT_TRUE(of.closing());
    event.set();
    co_await testing::settle(on);
    EXPECT_EQ(text, "ab.");
    co_await of.close();  // nobody is inside: at once
  };
  run_until_done(*loop, body(*loop, gate, go, out));
}

}  // namespace
}  // namespace socketserver
