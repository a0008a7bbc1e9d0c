// What only a file shows: that it is kept, from version to version, and what is done about files
// that cannot be used. What it shares with the fake is in room_log_contract_test.cc; what happens
// when the disk fails in database_faults_test.cc.
#include "chat/database.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <tuple>
#include <vector>

#include "base/limits.h"
#include "base/text.h"
#include "chat/schema.h"
#include "chat/test_support.h"

namespace skein::chat {
namespace {

namespace fs = std::filesystem;
using namespace std::string_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

class DatabaseTest : public testing::Test {
 protected:
  std::unique_ptr<Database> open() {
    auto opened = Database::open(path_);
    EXPECT_TRUE(opened) << said(opened);
    return opened ? *std::move(opened) : nullptr;
  }
  static std::vector<std::string> found(Database& database, std::string_view words) {
    std::vector<RoomId> rooms;
    for (RoomId id = 1; id <= 10; ++id) rooms.push_back(id);
    return texts(database.search(rooms, words, {}, 100));
  }

  TempFolder folder_;
  std::string path_ = folder_.file("rooms.sqlite");
};

// Something of everything.
void fill(Database& database) {
  const MemberId lin = database.member("Lin")->id;
  const MemberId ada = database.member("ada")->id;
  ASSERT_TRUE(database.member("王小明"));
  const RoomId lobby = database.open_room("lobby")->room.id;
  const RoomId holiday = database.open_room("Holiday")->room.id;
  ASSERT_TRUE(database.set_topic(holiday, "where to, and when"));
  ASSERT_TRUE(database.join(lin, lobby));
  ASSERT_TRUE(database.join(ada, lobby));
  const RoomId direct = database.open_direct(lin, ada)->id;
  Draft offer = draft(holiday, ada, 4, "photos are up");
  offer.file = "photos/2024 a.zip";
  const Draft group[] = {draft(lobby, lin, 1, "hello"), draft(direct, ada, 1, "just for you"),
                         draft(lobby, 0, 1, "from a guest\0 with a NUL"s), offer,
                         draft(lobby, lin, 2, "你有新消息吗？")};
  ASSERT_TRUE(database.append(group));
  ASSERT_TRUE(database.set_read(ada, lobby, 2));
  ASSERT_TRUE(database.rename(ada, "Ada L"));
}

const std::string kFilled =
    "2 'Holiday' 'where to, and when' 1 0 0\n"
    "1 'lobby' '' 3 0 0\n"
    "member 1 'Lin'\n"
    "  read 0 of 1 'lobby' '' 3 0 0\n"
    "  read 0 of 3 '' '' 1 1 2\n"
    "member 2 'Ada L'\n"
    "  read 2 of 1 'lobby' '' 3 0 0\n"
    "  read 0 of 3 '' '' 1 1 2\n"
    "member 3 '王小明'\n"
    "1 1/1 1 'member 1' 1700000000001 'hello' ''\n"
    "2 3/1 2 'member 2' 1700000000001 'just for you' ''\n"
    "3 1/2 0 'guest' 1700000000001 'from a guest\0 with a NUL' ''\n"
    "4 2/1 2 'member 2' 1700000000004 'photos are up' 'photos/2024 a.zip'\n"
    "5 1/3 1 'member 1' 1700000000002 '你有新消息吗？' ''\n"s;

// A file that was filled as above, whatever version of this program filled it.
void expect_filled(Database& database) {
  EXPECT_EQ(picture(database, database), kFilled);
}

fs::path file_of_version(std::size_t version) {
  return fs::path(SKEIN_SOURCE_DIR) / "tests" / "data" /
         concat("rooms-v", std::to_string(version), ".sqlite");
}

// --- kept

TEST_F(DatabaseTest, ReopenedItHasEverything) {
  {
    const auto database = open();
    fill(*database);
    expect_filled(*database);
  }
  EXPECT_THAT(folder_.names(), ElementsAre("rooms.sqlite"));
  const auto database = open();
  expect_filled(*database);
  EXPECT_THAT(found(*database, "新消息"), ElementsAre("你有新消息吗？"));
  const Draft drafts[] = {draft(1, 1, 2, "again"), draft(1, 1, 3, "new")};
  const auto appended = database->append(drafts);
  ASSERT_TRUE(appended);
  EXPECT_EQ(*(*appended)[0], (RoomLog::Appended{5, 3, true}));
  EXPECT_EQ(*(*appended)[1], (RoomLog::Appended{6, 4, false}));
}

TEST_F(DatabaseTest, AnEmptyFileIsANewOne) {
  write_file(path_, "");
  EXPECT_EQ(open()->find_room("lobby").value()->id, 1);
}

// Each version's file is kept for ever: whoever has one must be able to go on with it.
TEST_F(DatabaseTest, AFileOfEachVersionIsRead) {
  for (std::size_t version = 1; version <= schema_steps().size(); ++version) {
    fs::copy_file(file_of_version(version), path_, fs::copy_options::overwrite_existing);
    const auto database = open();
    ASSERT_NE(database, nullptr);
    expect_filled(*database);
    EXPECT_THAT(found(*database, "PHOTOS"), ElementsAre("photos are up"));
    EXPECT_THAT(found(*database, "消息"), ElementsAre("你有新消息吗？"));
    EXPECT_EQ(outcome(database->member("1in")), "exists");
    EXPECT_EQ(outcome(database->open_room("1obby")), "exists");
    const Draft drafts[] = {draft(1, 0, 1, "again"), draft(2, 1, 3, "new")};
    const auto appended = database->append(drafts);
    ASSERT_TRUE(appended) << said(appended);
    EXPECT_EQ(*(*appended)[0], (RoomLog::Appended{3, 2, true}));
    EXPECT_EQ(*(*appended)[1], (RoomLog::Appended{6, 2, false}));
  }
}

// What is in the hands of people is not changed after the event: that takes a new version.
TEST_F(DatabaseTest, TheStepsMakeWhatTheFilesOfTheirVersionsHave) {
  const auto schema = [](Connection& connection) {
    std::string all;
    auto rows = connection.query("SELECT name, sql FROM sqlite_schema ORDER BY name").value();
    while (rows.next().value()) all += rows.text(0) + ": " + rows.text(1) + "\n";
    return all;
  };
  for (std::size_t version = 1; version <= schema_steps().size(); ++version) {
    fs::copy_file(file_of_version(version), path_, fs::copy_options::overwrite_existing);
    auto kept = Connection::open(path_).value();
    auto made = open_schema(folder_.file(concat("made-", std::to_string(version))),
                            schema_steps().first(version))
                    .value();
    EXPECT_EQ(schema(made), schema(kept));
  }
}

// A version that people have must be opened for ever, so a file of each is kept from its time.
TEST_F(DatabaseTest, AFileOfThisVersionIsKept) {
  fill(*open());
  const fs::path kept = file_of_version(schema_steps().size());
  const fs::path made = fs::path(testing::TempDir()) / kept.filename();
  fs::copy_file(path_, made, fs::copy_options::overwrite_existing);
  EXPECT_TRUE(fs::exists(kept)) << "keep one before this version is left behind: cp "
                                << made.string() << " " << kept.string();
}

// --- refused (schema_test.cc has all the ways)

TEST_F(DatabaseTest, WhatCannotBeUsedIsLeftAsItIs) {
  fill(*open());
  const std::string good = read_file(path_);
  std::string newer = good;
  newer[63] = 2;
  std::string damaged = good;
  damaged[0] ^= 1;
  const std::tuple<const char*, std::string, const char*> cases[] = {
      {"newer", newer, "version"},
      {"damaged", damaged, "io"},
      {"a text", "Dear diary,\n", "io"},
  };
  for (const auto& [what, bytes, kind] : cases) {
    SCOPED_TRACE(what);
    write_file(path_, bytes);
    const auto opened = Database::open(path_);
    EXPECT_EQ(outcome(opened), kind);
    EXPECT_THAT(said(opened), HasSubstr(quoted(path_)));
    EXPECT_TRUE(read_file(path_) == bytes);
    EXPECT_THAT(folder_.names(), ElementsAre("rooms.sqlite"));
  }
  write_file(path_, good);
  expect_filled(*open());
}

// Damage beyond the header is found when it is met, and said; nothing is made up.
TEST_F(DatabaseTest, ADamagedPageIsSaid) {
  {
    const auto database = open();
    for (std::uint64_t i = 1; i <= 200; ++i) {
      const Draft one[] = {draft(1, 0, i, std::string(1000, 'x'))};
      ASSERT_TRUE(database->append(one));
    }
  }
  const std::string good = read_file(path_);
  constexpr std::size_t kPageBytes = 4096;
  std::size_t told = 0;
  for (std::size_t page = 0; page * kPageBytes < good.size(); ++page) {
    std::string bytes = good;
    const std::size_t from = page == 0 ? 100 : page * kPageBytes;
    for (std::size_t i = from; i < (page + 1) * kPageBytes; ++i) bytes[i] = '\xa5';
    write_file(path_, bytes);
    const auto database = Database::open(path_);
    if (!database) {
      EXPECT_EQ(outcome(database), "io");
      EXPECT_THAT(said(database), HasSubstr("move it away, or restore it from a copy"));
      ++told;
      continue;
    }
    const auto read = (*database)->read(1, {.limit = 1000});
    const auto searched = (*database)->search(std::vector{RoomId{1}}, "xx", {}, 100);
    const Draft one[] = {draft(1, 0, 1000, "more")};
    const auto appended = (*database)->append(one);
    for (const std::string& what : {said(read), said(searched), said(appended)}) {
      if (what == "ok") continue;
      EXPECT_THAT(what, testing::StartsWith("io: "));
      EXPECT_THAT(what, HasSubstr(quoted(path_)));
      EXPECT_THAT(what, HasSubstr("move it away, or restore it from a copy"));
      ++told;
    }
    if (read) {
      EXPECT_EQ(read->size(), 200U);
    }
  }
  EXPECT_GT(told, 20U);
}

// --- searched

TEST_F(DatabaseTest, CaseAndMarksOfOtherLettersAreFolded) {
  const auto database = open();
  const Draft drafts[] = {draft(1, 0, 1, "Größe"), draft(1, 0, 2, "Владимир"),
                          draft(1, 0, 3, "ΣΊΣΥΦΟΣ"), draft(1, 0, 4, "cafe\u0301"),
                          draft(1, 0, 5, "naïve café")};
  ASSERT_TRUE(database->append(drafts));
  EXPECT_THAT(found(*database, "GRÖSSE"), IsEmpty());  // only one letter for one
  EXPECT_THAT(found(*database, "GRÖßE"), ElementsAre("Größe"));
  EXPECT_THAT(found(*database, "große"), ElementsAre("Größe"));
  EXPECT_THAT(found(*database, "ВЛАДИМИР"), ElementsAre("Владимир"));
  EXPECT_THAT(found(*database, "σίσυφοσ"), ElementsAre("ΣΊΣΥΦΟΣ"));
  EXPECT_THAT(found(*database, "CAFE"), ElementsAre("cafe\u0301", "naïve café"));
}

TEST_F(DatabaseTest, ALongMessageIsFoundByItsLastWord) {
  const auto database = open();
  std::string text;
  for (int i = 0; text.size() < spec::kMaxMessageBytes - 20; ++i) text += std::to_string(i) + " ";
  text += "消息";
  const Draft one[] = {draft(1, 0, 1, text)};
  ASSERT_TRUE(database->append(one));
  EXPECT_THAT(found(*database, "消息 1234"), ElementsAre(text));
}

// --- read beside the writer

TEST_F(DatabaseTest, ReadersBesideTheWriterSeeWholeGroupsInOrder) {
  constexpr std::uint64_t kGroups = 60;
  constexpr std::uint64_t kInGroup = 5;
  const auto database = open();
  std::atomic<bool> written = false;
  const auto reader = [&] {
    std::int64_t seen = 0;
    std::vector<RoomId> rooms = {1};
    for (bool last = false; !last;) {
      last = written;
      const auto fresh = database->follow(seen, 7);
      ASSERT_TRUE(fresh) << said(fresh);
      for (const Message& message : *fresh) {
        ASSERT_EQ(message.number, seen + 1);
        ASSERT_EQ(message.seq, message.number);
        seen = message.number;
      }
      if (!fresh->empty()) last = false;
      const auto page = database->read(1, {.limit = 3});
      ASSERT_TRUE(page) << said(page);
      const auto end = database->last_seq(1);
      ASSERT_TRUE(end);
      ASSERT_EQ(*end % static_cast<std::int64_t>(kInGroup), 0);
      ASSERT_GE(*end, page->empty() ? 0 : page->back().seq);
      const auto match = database->search(rooms, "hello", {}, 3);
      ASSERT_TRUE(match) << said(match);
      ASSERT_TRUE(database->rooms());
    }
    EXPECT_EQ(seen, static_cast<std::int64_t>(kGroups * kInGroup));
  };
  std::vector<std::thread> readers;
  for (int i = 0; i < 3; ++i) readers.emplace_back(reader);
  for (std::uint64_t group = 0; group < kGroups; ++group) {
    std::vector<Draft> drafts;
    for (std::uint64_t i = 0; i < kInGroup; ++i) {
      drafts.push_back(draft(1, 0, group * kInGroup + i, "hello"));
    }
    EXPECT_TRUE(database->append(drafts));
    EXPECT_TRUE(database->open_room(concat("room ", std::to_string(group))));
  }
  written = true;
  for (std::thread& one : readers) one.join();
}

}  // namespace
}  // namespace skein::chat
