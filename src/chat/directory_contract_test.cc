// What Directory promises, asked of both that keep it.
#include "chat/directory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "base/limits.h"
#include "base/text.h"
#include "chat/test_contract.h"

namespace skein::chat {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class DirectoryContractTest : public ContractTest {};
INSTANTIATE_TEST_SUITE_P(Each, DirectoryContractTest, testing::ValuesIn(kKinds),
                         [](const auto& kind) { return kind.param.name; });

// --- members

TEST_P(DirectoryContractTest, AMemberIsMadeOnceAndFoundInAnyCase) {
  const auto lin = directory_.member("Lin");
  ASSERT_TRUE(lin);
  EXPECT_EQ(lin->name, "Lin");
  EXPECT_GE(lin->id, 1);
  EXPECT_EQ(directory_.member("LIN").value(), *lin);
  EXPECT_EQ(directory_.find_member("lin").value(), *lin);
  EXPECT_EQ(directory_.find_member(lin->id).value(), *lin);
  EXPECT_EQ(directory_.find_member("ada").value(), std::nullopt);
  EXPECT_EQ(directory_.find_member("lіn").value(), std::nullopt);  // Cyrillic
  EXPECT_EQ(directory_.find_member("").value(), std::nullopt);
  EXPECT_EQ(directory_.find_member("local/lin").value(), std::nullopt);
  EXPECT_EQ(directory_.find_member(99).value(), std::nullopt);
  EXPECT_EQ(directory_.find_member(0).value(), std::nullopt);
  EXPECT_NE(member("ada"), lin->id);
}

TEST_P(DirectoryContractTest, NoMemberLooksLikeAnother) {
  member("Lin");
  for (const char* const name : {"lіn", "1in", "Iin", "|in"}) {
    const auto made = directory_.member(name);
    EXPECT_EQ(outcome(made), "exists") << name;
    if (!made) {
      EXPECT_THAT(made.error().message(), HasSubstr("'Lin'"));
    }
  }
  EXPECT_EQ(outcome(directory_.member("local/lin")), "bad_name");
  EXPECT_EQ(outcome(directory_.member("@lin")), "bad_name");
  member("lan");
  room("1in");  // rooms have their own names
}

TEST_P(DirectoryContractTest, AMemberChangesItsName) {
  const MemberId lin = member("lin");
  member("ada");
  EXPECT_EQ(directory_.rename(lin, "Lin W").value(), (Member{lin, "Lin W"}));
  EXPECT_EQ(directory_.find_member(lin).value(), (Member{lin, "Lin W"}));
  EXPECT_EQ(directory_.find_member("lin w").value(), (Member{lin, "Lin W"}));
  EXPECT_EQ(directory_.find_member("lin").value(), std::nullopt);
  // To what is the same name, or looks like it.
  EXPECT_EQ(directory_.rename(lin, "LIN W").value().name, "LIN W");
  EXPECT_EQ(directory_.rename(lin, "1in W").value().name, "1in W");
  EXPECT_EQ(directory_.rename(lin, "1in W").value().name, "1in W");

  EXPECT_EQ(outcome(directory_.rename(lin, "ADA")), "exists");
  EXPECT_EQ(outcome(directory_.rename(lin, "аdа")), "exists");
  EXPECT_EQ(outcome(directory_.rename(lin, "")), "bad_name");
  EXPECT_EQ(outcome(directory_.rename(99, "new")), "not_found");
  EXPECT_EQ(directory_.find_member(lin).value(), (Member{lin, "1in W"}));
  // The old name is free, and what looks like it.
  EXPECT_NE(member("lin"), lin);
}

TEST_P(DirectoryContractTest, WhatWasSaidKeepsTheNameOfThen) {
  const MemberId lin = member("lin");
  append({draft(lobby_, lin, 1, "a")});
  ASSERT_TRUE(directory_.rename(lin, "new"));
  EXPECT_EQ(log_.read(lobby_, {}).value().front().from, concat("member ", std::to_string(lin)));
}

// --- rooms

TEST_P(DirectoryContractTest, ARoomIsMadeOnceAndFoundInAnyCase) {
  const auto made = directory_.open_room("Holiday");
  ASSERT_TRUE(made) << said(made);
  EXPECT_TRUE(made->made);
  Room expected;
  expected.id = made->room.id;
  expected.name = "Holiday";
  EXPECT_EQ(made->room, expected);
  const auto again = directory_.open_room("HOLIDAY");
  EXPECT_FALSE(again->made);
  EXPECT_EQ(again->room, expected);
  EXPECT_EQ(directory_.find_room("holiday").value(), expected);
  EXPECT_EQ(directory_.find_room(expected.id).value(), expected);
  EXPECT_EQ(directory_.find_room("elsewhere").value(), std::nullopt);
  EXPECT_EQ(directory_.find_room("@lin").value(), std::nullopt);
  EXPECT_EQ(directory_.find_room("").value(), std::nullopt);
  EXPECT_EQ(directory_.find_room(99).value(), std::nullopt);
}

TEST_P(DirectoryContractTest, NoRoomLooksLikeAnother) {
  const auto alike = directory_.open_room("1obby");
  EXPECT_EQ(outcome(alike), "exists");
  EXPECT_THAT(said(alike), HasSubstr("'lobby'"));
  EXPECT_EQ(outcome(directory_.open_room("#lobby")), "bad_name");
  EXPECT_EQ(outcome(directory_.open_room("a/b")), "bad_name");
  EXPECT_THAT(names_of_rooms(), ElementsAre("lobby"));
}

TEST_P(DirectoryContractTest, RoomsAreListedByNameWithoutDirectMessages) {
  for (const char* const name : {"Zoo", "Ärger", "apple", "消息", "holiday"}) room(name);
  ASSERT_TRUE(directory_.open_direct(member("lin"), member("ada")));
  EXPECT_THAT(names_of_rooms(), ElementsAre("apple", "holiday", "lobby", "Zoo", "Ärger", "消息"));
}

TEST_P(DirectoryContractTest, ATopicIsKept) {
  EXPECT_TRUE(directory_.set_topic(lobby_, "where to, and when \0 消息"s));
  EXPECT_EQ(directory_.find_room(lobby_).value()->topic, "where to, and when \0 消息"s);
  EXPECT_EQ(directory_.rooms().value().front().topic, "where to, and when \0 消息"s);
  EXPECT_TRUE(directory_.set_topic(lobby_, ""));
  EXPECT_EQ(directory_.find_room(lobby_).value()->topic, "");
  EXPECT_EQ(outcome(directory_.set_topic(99, "x")), "not_found");
}

TEST_P(DirectoryContractTest, ThereAreOnlySoManyRooms) {
  for (std::size_t i = 1; i < limits::kMaxRooms; ++i) room(concat("r", std::to_string(i)));
  EXPECT_EQ(outcome(directory_.open_room("one more")), "too_many");
  EXPECT_EQ(directory_.open_room("r2").value().made, false);
  EXPECT_TRUE(directory_.open_direct(member("lin"), member("ada")));  // is no named room
  EXPECT_EQ(names_of_rooms().size(), limits::kMaxRooms);
}

TEST_P(DirectoryContractTest, DirectMessagesAreOfTwo) {
  const MemberId lin = member("lin");
  const MemberId ada = member("ada");
  const auto made = directory_.open_direct(ada, lin);
  ASSERT_TRUE(made) << said(made);
  EXPECT_EQ(made->name, "");
  EXPECT_EQ(made->one, lin);
  EXPECT_EQ(made->other, ada);
  EXPECT_EQ(directory_.open_direct(lin, ada).value(), *made);
  EXPECT_EQ(directory_.find_room(made->id).value(), *made);
  EXPECT_THAT(joined(lin), ElementsAre(place(made->id, 0)));
  EXPECT_THAT(joined(ada), ElementsAre(place(made->id, 0)));

  const auto notes = directory_.open_direct(lin, lin);
  ASSERT_TRUE(notes) << said(notes);
  EXPECT_EQ(notes->one, lin);
  EXPECT_EQ(notes->other, lin);
  EXPECT_NE(notes->id, made->id);
  EXPECT_EQ(directory_.open_direct(lin, lin).value(), *notes);

  EXPECT_EQ(outcome(directory_.open_direct(lin, 99)), "not_found");
  EXPECT_EQ(outcome(directory_.open_direct(0, lin)), "not_found");
  EXPECT_EQ(directory_.joined(lin).value().size(), 2U);
}

TEST_P(DirectoryContractTest, DirectMessagesAreJoinedAgainByOpeningThem) {
  const MemberId lin = member("lin");
  const MemberId ada = member("ada");
  const RoomId direct = directory_.open_direct(lin, ada)->id;
  append({draft(direct, ada, 1, "a"), draft(direct, ada, 2, "b")});
  ASSERT_TRUE(directory_.leave(lin, direct));
  EXPECT_THAT(joined(lin), IsEmpty());
  EXPECT_EQ(directory_.open_direct(ada, lin)->last_seq, 2);
  EXPECT_THAT(joined(lin), ElementsAre(place(direct, 2)));
  EXPECT_THAT(joined(ada), ElementsAre(place(direct, 0)));  // where they were
}

// --- joining, and how far was read

TEST_P(DirectoryContractTest, WhoJoinsHasReadWhatWasSaidBefore) {
  const MemberId lin = member("lin");
  say(lobby_, "a");
  say(lobby_, "b");
  EXPECT_TRUE(directory_.join(lin, lobby_));
  EXPECT_THAT(joined(lin), ElementsAre(place(lobby_, 2)));
  say(lobby_, "c");
  EXPECT_TRUE(directory_.join(lin, lobby_));  // again
  EXPECT_THAT(joined(lin), ElementsAre(place(lobby_, 2)));
  EXPECT_EQ(directory_.joined(lin).value().front().room, directory_.find_room(lobby_).value());
}

TEST_P(DirectoryContractTest, WhoLeavesIsGone) {
  const MemberId lin = member("lin");
  const RoomId other = room("other");
  ASSERT_TRUE(directory_.join(lin, other));
  ASSERT_TRUE(directory_.join(lin, lobby_));
  EXPECT_THAT(joined(lin), ElementsAre(place(lobby_, 0), place(other, 0)));  // by id
  EXPECT_TRUE(directory_.leave(lin, lobby_));
  EXPECT_TRUE(directory_.leave(lin, lobby_));
  EXPECT_TRUE(directory_.leave(lin, 99));
  EXPECT_TRUE(directory_.leave(99, lobby_));
  EXPECT_THAT(joined(lin), ElementsAre(place(other, 0)));
  EXPECT_THAT(joined(99), IsEmpty());
}

TEST_P(DirectoryContractTest, OnlyWhatIsThereIsJoined) {
  const MemberId lin = member("lin");
  EXPECT_EQ(outcome(directory_.join(lin, 99)), "not_found");
  EXPECT_EQ(outcome(directory_.join(99, lobby_)), "not_found");
  EXPECT_EQ(outcome(directory_.join(0, lobby_)), "not_found");
  EXPECT_THAT(joined(lin), IsEmpty());
}

TEST_P(DirectoryContractTest, NobodyJoinsDirectMessagesOfOthers) {
  const MemberId lin = member("lin");
  const MemberId ada = member("ada");
  const MemberId eve = member("eve");
  const RoomId direct = directory_.open_direct(lin, ada)->id;
  EXPECT_EQ(outcome(directory_.join(eve, direct)), "refused");
  EXPECT_THAT(joined(eve), IsEmpty());
  ASSERT_TRUE(directory_.leave(lin, direct));
  EXPECT_TRUE(directory_.join(lin, direct));
  EXPECT_THAT(joined(lin), ElementsAre(place(direct, 0)));
}

TEST_P(DirectoryContractTest, AMemberJoinsOnlySoManyRooms) {
  const MemberId lin = member("lin");
  for (std::size_t i = 0; i < limits::kMaxJoinedRooms; ++i) {
    ASSERT_TRUE(directory_.join(lin, room(concat("r", std::to_string(i)))));
  }
  EXPECT_EQ(outcome(directory_.join(lin, lobby_)), "too_many");
  EXPECT_TRUE(directory_.join(lin, room("r3")));            // again
  EXPECT_TRUE(directory_.open_direct(lin, member("ada")));  // others cannot use them up
  EXPECT_EQ(outcome(directory_.join(lin, lobby_)), "too_many");
  ASSERT_TRUE(directory_.leave(lin, room("r3")));
  EXPECT_TRUE(directory_.join(lin, lobby_));
  EXPECT_EQ(joined(lin).size(), limits::kMaxJoinedRooms + 1);
}

TEST_P(DirectoryContractTest, ReadingNeverGoesBackNorBeyondTheLast) {
  const MemberId lin = member("lin");
  const MemberId ada = member("ada");
  ASSERT_TRUE(directory_.join(lin, lobby_));
  ASSERT_TRUE(directory_.join(ada, lobby_));
  for (int i = 0; i < 5; ++i) say(lobby_, "x");
  const std::pair<std::int64_t, std::int64_t> steps[] = {{2, 2}, {1, 2},  {-1, 2}, {2, 2},
                                                         {4, 4}, {99, 5}, {0, 5}};
  for (const auto& [asked, expected] : steps) {
    EXPECT_TRUE(directory_.set_read(lin, lobby_, asked));
    EXPECT_THAT(joined(lin), ElementsAre(place(lobby_, expected))) << asked;
  }
  EXPECT_THAT(joined(ada), ElementsAre(place(lobby_, 0)));
  EXPECT_EQ(outcome(directory_.set_read(lin, 99, 1)), "not_found");
  EXPECT_EQ(outcome(directory_.set_read(99, lobby_, 1)), "not_found");
  ASSERT_TRUE(directory_.leave(lin, lobby_));
  EXPECT_EQ(outcome(directory_.set_read(lin, lobby_, 5)), "not_found");
}

}  // namespace
}  // namespace skein::chat
