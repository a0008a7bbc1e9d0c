#include "chat/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "chat/test_support.h"

namespace skein::chat {
namespace {

using namespace std::string_literals;
using testing::HasSubstr;

constexpr std::array kOne = {"CREATE TABLE a (x); INSERT INTO a VALUES (1)"};
constexpr std::array kTwo = {kOne[0], "ALTER TABLE a ADD COLUMN y; UPDATE a SET y = x + 1"};
constexpr std::array kBroken = {kOne[0], kTwo[1], "INSERT INTO a VALUES (7, 7); nonsense"};

class SchemaTest : public testing::Test {
 protected:
  // Anything, past what this folder knows.
  void raw(const std::string& sql) {
    auto connection = Connection::open(path_);
    ASSERT_TRUE(connection);
    const auto done = connection->script(sql);
    ASSERT_TRUE(done) << said(done);
  }
  std::int64_t number(Connection& connection, std::string_view sql) {
    const auto found = connection.number(sql);
    EXPECT_TRUE(found) << said(found);
    return found ? *found : -1;
  }
  // Refused with this, and left as it is, with nothing beside it.
  void expect_refused(SchemaSteps steps, std::string_view kind, std::string_view message) {
    const std::string before = read_file(path_);
    const auto names_before = folder_.names();
    const auto opened = open_schema(path_, steps);
    EXPECT_EQ(outcome(opened), kind);
    EXPECT_THAT(said(opened), HasSubstr(std::string(message)));
    EXPECT_THAT(said(opened), HasSubstr("'" + path_ + "'"));
    if (!opened) {
      EXPECT_NE(opened.error().hint(), "");
    }
    EXPECT_TRUE(read_file(path_) == before);
    EXPECT_EQ(folder_.names(), names_before);
  }

  TempFolder folder_;
  std::string path_ = folder_.file("rooms.sqlite");
};

TEST_F(SchemaTest, ANewFileIsOursFromItsFirstByteOn) {
  auto opened = open_schema(path_, kTwo);
  ASSERT_TRUE(opened) << said(opened);
  const std::string bytes = read_file(path_);  // what is in the write-ahead log is not in it
  EXPECT_EQ(bytes.substr(0, 16), "SQLite format 3\0"s);
  EXPECT_EQ(bytes.substr(18, 2), "\2\2");       // write-ahead log
  EXPECT_EQ(bytes.substr(60, 4), "\0\0\0\2"s);  // version
  EXPECT_EQ(bytes.substr(68, 4), "skei");
  EXPECT_EQ(number(*opened, "PRAGMA application_id"), kApplicationId);
  EXPECT_EQ(number(*opened, "PRAGMA synchronous"), 2);  // FULL
  EXPECT_EQ(number(*opened, "PRAGMA foreign_keys"), 1);
  EXPECT_EQ(number(*opened, "SELECT y FROM a"), 2);
}

TEST_F(SchemaTest, AnEmptyFileIsANewOne) {
  write_file(path_, "");
  EXPECT_TRUE(open_schema(path_, kOne));
  EXPECT_TRUE(open_schema(path_, kOne));
}

TEST_F(SchemaTest, ADatabaseWithNothingInItIsANewOne) {
  raw("PRAGMA journal_mode = WAL");
  ASSERT_GT(read_file(path_).size(), 0U);
  EXPECT_TRUE(open_schema(path_, kOne));
}

TEST_F(SchemaTest, AnOlderFileIsBroughtForward) {
  ASSERT_TRUE(open_schema(path_, kOne));
  auto opened = open_schema(path_, kTwo);
  ASSERT_TRUE(opened) << said(opened);
  EXPECT_EQ(number(*opened, "SELECT y FROM a"), 2);
  EXPECT_EQ(number(*opened, "PRAGMA user_version"), 2);
  // A program that knows the older one alone sees it in the file itself.
  EXPECT_EQ(read_file(path_).substr(60, 4), "\0\0\0\2"s);
  auto again = open_schema(path_, kTwo);
  ASSERT_TRUE(again);
  EXPECT_EQ(number(*again, "SELECT count(*) FROM a"), 1);
}

TEST_F(SchemaTest, AStepThatFailsLeavesTheVersionBefore) {
  ASSERT_TRUE(open_schema(path_, kOne));
  const auto failed = open_schema(path_, kBroken);
  EXPECT_EQ(outcome(failed), "io");
  EXPECT_THAT(said(failed), HasSubstr("making version 3"));
  auto opened = open_schema(path_, kTwo);
  ASSERT_TRUE(opened) << said(opened);
  EXPECT_EQ(number(*opened, "PRAGMA user_version"), 2);
  EXPECT_EQ(number(*opened, "SELECT count(*) FROM a"), 1);
}

TEST_F(SchemaTest, ANewerVersionIsRefusedAndNotTouched) {
  ASSERT_TRUE(open_schema(path_, kTwo));
  expect_refused(kOne, "version", "a newer skein made it");
  raw("PRAGMA journal_mode = DELETE");
  expect_refused(kOne, "version", "is of version 2, this program knows 1 and older");
  EXPECT_TRUE(open_schema(path_, kTwo));
}

// The newer program has died, and that it was there is not in the file's own header yet.
TEST_F(SchemaTest, ANewerVersionThatIsInTheWriteAheadLogAloneIsRefusedAndNotTouched) {
  ASSERT_TRUE(open_schema(path_, kOne));
  {
    auto newer = Connection::open(path_);
    ASSERT_TRUE(newer);
    newer->leave_log_alone();
    ASSERT_TRUE(newer->script("PRAGMA user_version = 2"));
  }
  const std::string log = read_file(path_ + "-wal");
  ASSERT_GT(log.size(), 0U);
  ASSERT_EQ(read_file(path_).substr(60, 4), "\0\0\0\1"s);
  expect_refused(kOne, "version", "a newer skein made it");
  EXPECT_TRUE(read_file(path_ + "-wal") == log);
}

TEST_F(SchemaTest, AnotherProgramsFileIsRefusedAndNotTouched) {
  const std::pair<const char*, const char*> cases[] = {
      {"tables, and no mark", "CREATE TABLE b (x)"},
      {"another's mark", "PRAGMA application_id = 1234"},
      {"both", "CREATE TABLE b (x); PRAGMA application_id = 1234"},
      {"and another's version", "PRAGMA application_id = 1234; PRAGMA user_version = 99"},
      {"no mark, and a version", "CREATE TABLE b (x); PRAGMA user_version = 1"},
      {"a version alone", "PRAGMA user_version = 1"},
      {"our mark without a version", "PRAGMA application_id = 1936418153; CREATE TABLE b (x)"},
      {"our mark, and no such version",
       "PRAGMA application_id = 1936418153; PRAGMA user_version = -1"},
  };
  for (const auto& [what, sql] : cases) {
    SCOPED_TRACE(what);
    std::filesystem::remove(path_);
    raw(sql);
    expect_refused(kOne, "io", "is no room log of skein");
    raw("PRAGMA journal_mode = WAL");
    expect_refused(kOne, "io", "is no room log of skein");
  }
}

TEST_F(SchemaTest, WhatIsNoDatabaseIsRefusedAndNotTouched) {
  ASSERT_TRUE(open_schema(path_, kOne));
  const std::string good = read_file(path_);
  std::string no_magic = good;
  no_magic[3] ^= 1;
  const std::pair<const char*, std::string> cases[] = {
      {"one byte", "x"},
      {"a text", "Dear diary,\n" + std::string(200, 'x')},
      {"zeroes", std::string(8192, '\0')},
      {"a header that is damaged", no_magic},
      {"a header that is cut", good.substr(0, 50)},
      {"a page size that cannot be", good.substr(0, 16) + "\1\1" + good.substr(18)},
  };
  for (const auto& [what, bytes] : cases) {
    SCOPED_TRACE(what);
    write_file(path_, bytes);
    expect_refused(kOne, "io", "move it away, or restore it from a copy");
  }
}

TEST_F(SchemaTest, WhatCannotBeOpenedSaysWhy) {
  const auto in_no_folder = open_schema(folder_.file("nowhere/rooms.sqlite"), kOne);
  EXPECT_EQ(outcome(in_no_folder), "not_found");
  EXPECT_THAT(said(in_no_folder), HasSubstr("no such file or directory"));
  EXPECT_FALSE(open_schema(folder_.file(""), kOne));  // the folder itself
  std::filesystem::create_directory(path_);
  EXPECT_FALSE(open_schema(path_, kOne));
}

// These names are no files to SQLite.
TEST_F(SchemaTest, APathIsAlwaysAFile) {
  const auto here = std::filesystem::current_path();
  std::filesystem::current_path(folder_.file(""));
  for (const char* const name : {":memory:", "file:x?mode=memory", "plain"}) {
    EXPECT_TRUE(open_schema(name, kOne));
    EXPECT_TRUE(std::filesystem::exists(folder_.file(name))) << name;
  }
  std::filesystem::current_path(here);
}

// --- connections and transactions

TEST_F(SchemaTest, ValuesComeBackAsTheyWere) {
  auto connection = Connection::open(path_);
  ASSERT_TRUE(connection);
  ASSERT_TRUE(connection->script("CREATE TABLE b (i, t, e, n, z)"));
  const std::string text = "a\0b\n消息"s;
  const auto added =
      connection->run("INSERT INTO b VALUES (?, ?, ?, ?, ?)",
                      {std::int64_t{-5}, text, std::string_view(), nullptr, as_bytes("\xff")});
  ASSERT_TRUE(added) << said(added);
  EXPECT_EQ(connection->changed(), 1);
  EXPECT_EQ(connection->last_row(), 1);
  auto rows = connection->query("SELECT * FROM b WHERE e = '' AND n IS NULL AND z = x'ff'");
  ASSERT_TRUE(rows);
  ASSERT_TRUE(rows->next().value());
  EXPECT_EQ(rows->integer(0), -5);
  EXPECT_EQ(rows->text(1), text);
  EXPECT_EQ(rows->text(2), "");
  EXPECT_EQ(rows->text(3), "");
  EXPECT_EQ(rows->integer(3), 0);
  EXPECT_FALSE(rows->next().value());
}

TEST_F(SchemaTest, WhatIsNotCommittedIsRolledBack) {
  auto connection = Connection::open(path_);
  ASSERT_TRUE(connection);
  ASSERT_TRUE(connection->script("CREATE TABLE b (x UNIQUE)"));
  const auto count = [&] { return connection->number("SELECT count(*) FROM b").value(); };
  {
    auto transaction = Transaction::begin(*connection);
    ASSERT_TRUE(transaction);
    ASSERT_TRUE(connection->run("INSERT INTO b VALUES (1)"));
    EXPECT_EQ(count(), 1);
  }
  EXPECT_EQ(count(), 0);
  {
    auto transaction = Transaction::begin(*connection);
    ASSERT_TRUE(connection->run("INSERT INTO b VALUES (1)"));
    EXPECT_EQ(outcome(connection->run("INSERT INTO b VALUES (1)")), "internal");
    ASSERT_TRUE(transaction->commit());
  }
  EXPECT_EQ(count(), 1);
  EXPECT_FALSE(connection->in_transaction());
}

}  // namespace
}  // namespace skein::chat
