#include "hub/presence.h"

#include <gtest/gtest.h>

#include <string>

#include "base/limits.h"
#include "base/text.h"
#include "socketserver/test_support.h"

namespace skein::hub {
namespace {

constexpr chat::MemberId kAda = 1;
constexpr chat::MemberId kLin = 2;

struct PresenceTest : ::testing::Test, socketserver::testing::WithFakeClock {
  // The loop looks at its clock, and at who waits for it.
  void pass_ms(std::int64_t ms) {
    clock.advance_ms(ms);
    run_until_done(*loop, socketserver::testing::settle(*loop));
  }
  PresenceTest() { pass_ms(limits::kPresenceQuietMs); }
  // A line that was told.
  static std::string told(std::string_view name, bool online) {
    return concat("{\"name\":\"", name, "\",\"online\":", online ? "true" : "false", "}\n");
  }

  Presence presence{*loop};
  socketserver::Event wake;
};

TEST_F(PresenceTest, WhoComesAndStaysIsToldAndWhoGoesAndStaysAwayToo) {
  Presence::Follower follower(presence, kAda, wake);
  presence.came(kLin, "lin");
  pass_ms(limits::kPresenceSettleMs - 1);
  EXPECT_FALSE(wake.is_set());
  EXPECT_EQ(follower.next().lines, "");
  pass_ms(1);
  EXPECT_TRUE(wake.is_set());
  EXPECT_EQ(follower.next().lines, told("lin", true));
  EXPECT_EQ(follower.next().lines, "");
  wake.reset();
  presence.went(kLin, "lin");
  pass_ms(limits::kPresenceSettleMs);
  EXPECT_TRUE(wake.is_set());
  EXPECT_EQ(follower.next().lines, told("lin", false));
}

TEST_F(PresenceTest, WhoIsBackSoonWasNeverGoneAndWhoIsGoneAtOnceNeverCame) {
  Presence::Follower follower(presence, kAda, wake);
  presence.came(kLin, "lin");
  pass_ms(limits::kPresenceSettleMs - 1);
  presence.went(kLin, "lin");
  pass_ms(10 * limits::kPresenceSettleMs);
  EXPECT_EQ(follower.next().lines, "");
  presence.came(kLin, "lin");
  pass_ms(limits::kPresenceSettleMs);
  EXPECT_EQ(follower.next().lines, told("lin", true));
  for (int i = 0; i < 5; ++i) {
    presence.went(kLin, "lin");
    pass_ms(limits::kPresenceSettleMs - 1);
    presence.came(kLin, "lin");
    pass_ms(2);
  }
  pass_ms(10 * limits::kPresenceSettleMs);
  EXPECT_EQ(follower.next().lines, "");
}

TEST_F(PresenceTest, WhatHappensWithinASecondIsToldAtOnce) {
  Presence::Follower follower(presence, kAda, wake);
  int times = 0;
  for (int i = 0; i < 100; ++i) {
    presence.came(kLin + i, concat("m", std::to_string(i)));
    pass_ms(100);
    times += wake.is_set() ? 1 : 0;
    wake.reset();
  }
  pass_ms(limits::kPresenceSettleMs);
  EXPECT_GE(times, 5);
  EXPECT_LE(times, 100 * 100 / limits::kPresenceEveryMs);
  const Presence::News news = follower.next();
  EXPECT_TRUE(news.lines.starts_with(told("m0", true)));
  EXPECT_TRUE(news.lines.ends_with(told("m99", true)));
  EXPECT_FALSE(news.missed);
}

TEST_F(PresenceTest, NobodyIsToldOfOneself) {
  Presence::Follower follower(presence, kAda, wake);
  presence.came(kAda, "ada");
  presence.went(kLin, "lin");
  presence.came(kLin, "lin w");
  pass_ms(limits::kPresenceSettleMs);
  EXPECT_EQ(follower.next().lines, told("lin", false) + told("lin w", true));
}

TEST_F(PresenceTest, WhoReadsSlowlyMissesTheOldestAndIsToldSo) {
  Presence::Follower follower(presence, kAda, wake);
  const auto count = static_cast<int>(limits::kPresenceKept) + 1;
  for (int i = 0; i < count; ++i) presence.came(kLin + i, concat("m", std::to_string(1000 + i)));
  pass_ms(limits::kPresenceSettleMs);
  const Presence::News news = follower.next();
  EXPECT_TRUE(news.missed);
  EXPECT_TRUE(news.lines.starts_with(told("m1001", true)));
  EXPECT_FALSE(follower.next().missed);
}

TEST_F(PresenceTest, WhoComesToAHubThatHasJustBegunWasThereBefore) {
  Presence fresh(*loop);
  Presence::Follower follower(fresh, kAda, wake);
  fresh.came(kLin, "lin");
  pass_ms(limits::kPresenceQuietMs - 1);
  fresh.came(kLin + 1, "eve");
  pass_ms(limits::kPresenceSettleMs);
  EXPECT_EQ(follower.next().lines, "");
  fresh.came(kLin + 2, "bob");
  fresh.went(kLin, "lin");
  pass_ms(limits::kPresenceSettleMs);
  EXPECT_EQ(follower.next().lines, told("bob", true) + told("lin", false));
}

TEST_F(PresenceTest, AFollowerThatIsGoneIsNotWoken) {
  {
    const Presence::Follower follower(presence, kAda, wake);
  }
  presence.came(kLin, "lin");
  pass_ms(limits::kPresenceSettleMs);
  EXPECT_FALSE(wake.is_set());
}

}  // namespace
}  // namespace skein::hub
