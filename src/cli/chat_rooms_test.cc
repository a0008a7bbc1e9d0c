#include "cli/chat_rooms.h"

#include <gtest/gtest.h>

namespace skein::cli {
namespace {

chat::Message message(std::int64_t seq) {
  chat::Message out;
  out.seq = seq;
  return out;
}

std::vector<chat::Message> page(std::int64_t first, std::int64_t last) {
  std::vector<chat::Message> out;
  for (std::int64_t seq = first; seq <= last; ++seq) out.push_back(message(seq));
  return out;
}

std::vector<std::int64_t> seqs(const std::vector<chat::Message>& messages) {
  std::vector<std::int64_t> out;
  for (const chat::Message& one : messages) out.push_back(one.seq);
  return out;
}

TEST(ChatRooms, WhatIsSaidWhileThePageIsFetchedComesOnceAndInOrder) {
  ChatRooms rooms;
  rooms.open("lobby");
  EXPECT_FALSE(rooms.take("lobby", message(3)));
  EXPECT_FALSE(rooms.take("lobby", message(4)));
  EXPECT_EQ(seqs(rooms.opened(page(1, 3))), (std::vector<std::int64_t>{1, 2, 3, 4}));
  EXPECT_EQ(rooms.current(), "lobby");
  EXPECT_FALSE(rooms.take("lobby", message(4)));
  EXPECT_TRUE(rooms.take("lobby", message(5)));
  EXPECT_FALSE(rooms.take("lobby", message(5)));
}

TEST(ChatRooms, OtherRoomsAreCounted) {
  ChatRooms rooms;
  rooms.open("lobby");
  EXPECT_TRUE(rooms.opened({}).empty());
  EXPECT_EQ(rooms.unread(), "");
  EXPECT_FALSE(rooms.take("holiday", message(7)));
  EXPECT_FALSE(rooms.take("holiday", message(8)));
  EXPECT_FALSE(rooms.take("holiday", message(8)));
  EXPECT_EQ(rooms.unread(), "2 unread in holiday");
  rooms.set_unread("work", 1500, 300);
  EXPECT_EQ(rooms.unread(), "2 unread in holiday, 1,200 in work");
  rooms.open("holiday");
  static_cast<void>(rooms.opened(page(1, 8)));
  EXPECT_EQ(rooms.unread(), "1,200 unread in work");
  rooms.forget("work");
  EXPECT_EQ(rooms.unread(), "");
}

TEST(ChatRooms, DirectMessagesAreShownWhereverOneIs) {
  ChatRooms rooms;
  rooms.open("lobby");
  static_cast<void>(rooms.opened({}));
  EXPECT_TRUE(rooms.take("@eve", message(1)));
  EXPECT_FALSE(rooms.take("@eve", message(1)));
  EXPECT_EQ(rooms.unread(), "");
}

TEST(ChatRooms, WhatWasShownIsToldOnce) {
  ChatRooms rooms;
  rooms.open("lobby");
  static_cast<void>(rooms.opened(page(1, 9)));
  EXPECT_EQ(rooms.next_seen(), (std::pair<std::string, std::int64_t>("lobby", 9)));
  EXPECT_EQ(rooms.next_seen(), std::nullopt);
  EXPECT_TRUE(rooms.take("lobby", message(10)));
  EXPECT_TRUE(rooms.take("lobby", message(11)));
  EXPECT_FALSE(rooms.take("holiday", message(3)));
  EXPECT_EQ(rooms.next_seen(), (std::pair<std::string, std::int64_t>("lobby", 11)));
  EXPECT_EQ(rooms.next_seen(), std::nullopt);
}

TEST(ChatRooms, ALogThatIsAnotherBeginsAnew) {
  ChatRooms rooms;
  rooms.open("lobby");
  static_cast<void>(rooms.opened(page(1, 9)));
  rooms.forget_all();
  EXPECT_TRUE(rooms.take("lobby", message(1)));
}

TEST(ChatRooms, ARoomThatCannotBeOpenedHoldsNothing) {
  ChatRooms rooms;
  rooms.open("lobby");
  static_cast<void>(rooms.opened({}));
  rooms.open("holiday");
  EXPECT_TRUE(rooms.take("lobby", message(1)));
  rooms.give_up();
  EXPECT_EQ(rooms.current(), "lobby");
  EXPECT_FALSE(rooms.take("holiday", message(2)));
  EXPECT_EQ(rooms.unread(), "1 unread in holiday");
}

}  // namespace
}  // namespace skein::cli
