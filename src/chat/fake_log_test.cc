// What only the fake can do. What it shares with the real one is in the contract tests.
#include "chat/fake_log.h"

#include <gtest/gtest.h>

#include <vector>

#include "chat/test_support.h"

namespace skein::chat {
namespace {

TEST(FakeLogTest, ItFailsAsOftenAsItIsToldTo) {
  FakeLog log;
  const Draft first[] = {draft(1, 0, 1, "a")};
  const Draft second[] = {draft(1, 0, 2, "b")};
  ASSERT_TRUE(log.append(first));
  log.fail_next(2, kNoSpace);
  EXPECT_EQ(outcome(log.append(second)), "no_space");
  EXPECT_EQ(outcome(log.append(first)), "no_space");
  EXPECT_EQ(log.last_number().value(), 1);
  const auto appended = log.append(second);
  ASSERT_TRUE(appended);
  EXPECT_EQ(*appended->front(), (RoomLog::Appended{2, 2, false}));
  log.fail_next(1, kIo);
  log.fail_next(0, kIo);
  EXPECT_TRUE(log.append(first));
  log.fail_next_reads(2, kIo);
  EXPECT_EQ(outcome(log.read(1, {})), "io");
  EXPECT_EQ(outcome(log.follow(0, 1)), "io");
  EXPECT_TRUE(log.read(1, {}));
}

}  // namespace
}  // namespace skein::chat
