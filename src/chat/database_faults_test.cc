// What is said and what is kept when the disk fails, fills up, or the hub is killed.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <map>
#include <ostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "chat/database.h"
#include "chat/sqlite.h"
#include "chat/test_faulty_vfs.h"
#include "chat/test_support.h"

namespace skein::chat {
namespace {

using testing::HasSubstr;

// Which cids there are, each once, in rooms whose seqs have no gaps; and the file is sound.
std::set<std::uint64_t> expect_sound(const std::string& path) {
  std::set<std::uint64_t> cids;
  {
    const auto database = Database::open(path);
    EXPECT_TRUE(database) << said(database);
    if (!database) return cids;
    std::map<RoomId, std::int64_t> last_seqs;
    std::int64_t number = 0;
    const auto all = (*database)->follow(0, 1'000'000);
    for (const Message& message : all.value()) {
      EXPECT_EQ(message.seq, ++last_seqs[message.room]);
      EXPECT_GT(message.number, number);
      number = message.number;
      // draft() puts the cid into the time.
      EXPECT_TRUE(
          cids.insert(static_cast<std::uint64_t>(message.ts_ms - draft(1, 0, 0, "").ts_ms)).second);
    }
    for (const auto& [room, seq] : last_seqs) {
      EXPECT_EQ((*database)->last_seq(room).value(), seq);
      const auto read = (*database)->read(room, {.limit = 1'000'000});
      EXPECT_EQ(std::ssize(*read), seq);
      // What is found is what is there.
      const auto found = (*database)->search(std::vector{room}, "消息", {}, 1'000'000);
      EXPECT_EQ(texts(found), texts(read));
    }
  }
  auto connection = Connection::open(path);
  EXPECT_TRUE(connection);
  auto rows = connection->query("PRAGMA integrity_check");
  EXPECT_TRUE(rows->next().value());
  EXPECT_EQ(rows->text(0), "ok");
  return cids;
}

// Messages of consecutive cids, some in each of two rooms.
std::vector<Draft> group_of(std::uint64_t first, std::uint64_t count, std::size_t text_bytes) {
  std::vector<Draft> drafts;
  for (std::uint64_t cid = first; cid < first + count; ++cid) {
    drafts.push_back(
        draft(1 + static_cast<RoomId>(cid % 2), 0, cid, "消息 " + std::string(text_bytes, 'x')));
  }
  return drafts;
}

struct Fault {
  const char* what;
  int code;
  std::string_view kind;
  friend void PrintTo(const Fault& fault, std::ostream* out) { *out << fault.what; }
};
const Fault kFaults[] = {
    {"full", SQLITE_FULL, "no_space"},
    {"input and output", SQLITE_IOERR_WRITE, "io"},
    {"sync", SQLITE_IOERR_FSYNC, "io"},
    {"read-only", SQLITE_READONLY, "read_only"},
};

// A script of changes, with a fault from its Nth step on until one was said; then the disk is
// healed, what failed is done again, and the script goes on. Returns whether a fault was met.
class Script {
 public:
  Script(FaultyVfs& vfs, Database& database, const Fault& fault)
      : vfs_(vfs), database_(database), fault_(fault) {}

  // Done, or said to have failed and done the second time.
  template <typename Call>
  auto insist(Call call) {
    auto done = call();
    if (!done) {
      EXPECT_EQ(outcome(done), fault_.kind) << said(done);
      EXPECT_THAT(said(done), HasSubstr("rooms.sqlite'"));
      ++failures_;
      vfs_.fail_never();
      done = call();
    }
    return done;
  }
  void append(std::uint64_t first, std::uint64_t count, std::size_t text_bytes) {
    const auto drafts = group_of(first, count, text_bytes);
    const auto appended = insist([&] { return database_.append(drafts); });
    ASSERT_TRUE(appended) << said(appended);
    for (const auto& one : *appended) {
      ASSERT_TRUE(one) << said(one);
      EXPECT_FALSE(one->repeated);  // nothing of a failed group was there
    }
  }
  void run() {
    const MemberId lin = insist([&] { return database_.member("lin"); }).value().id;
    const MemberId ada = insist([&] { return database_.member("ada"); }).value().id;
    append(1, 3, 10);
    EXPECT_TRUE(insist([&] { return database_.open_room("other"); }));
    append(4, 2, 20'000);
    EXPECT_TRUE(insist([&] { return database_.open_direct(lin, ada); }));
    EXPECT_EQ(database_.joined(lin).value().size(), 1U);
    EXPECT_EQ(database_.joined(ada).value().size(), 1U);
    EXPECT_TRUE(insist([&] { return database_.join(lin, 1); }));
    append(6, 40, 10);
    EXPECT_TRUE(insist([&] { return database_.set_read(lin, 1, 1); }));
    EXPECT_TRUE(insist([&] { return database_.rename(lin, "lin w"); }));
    append(46, 1, 10);
  }
  [[nodiscard]] int failures() const { return failures_; }

 private:
  FaultyVfs& vfs_;
  Database& database_;
  const Fault& fault_;
  int failures_ = 0;
};

class DatabaseFaultsTest : public testing::TestWithParam<Fault> {};
INSTANTIATE_TEST_SUITE_P(Each, DatabaseFaultsTest, testing::ValuesIn(kFaults),
                         [](const auto& fault) {
                           std::string name = fault.param.what;
                           std::erase_if(name, [](char c) { return c == ' ' || c == '-'; });
                           return name;
                         });

TEST_P(DatabaseFaultsTest, AtEveryStepAGroupIsThereWholeOrNotAtAll) {
  for (std::uint64_t step = 1;; ++step) {
    SCOPED_TRACE(step);
    const TempFolder folder;
    const std::string path = folder.file("rooms.sqlite");
    FaultyVfs vfs;
    bool over = false;
    {
      const auto database = Database::open(path, vfs.name());
      ASSERT_TRUE(database) << said(database);
      // The second room, so that the first group has where to go.
      ASSERT_TRUE((*database)->open_room("second"));
      const std::uint64_t begun = vfs.steps();
      vfs.fail_from(begun + step, GetParam().code);
      Script script(vfs, **database, GetParam());
      script.run();
      over = script.failures() == 0;
      vfs.fail_never();
    }
    const auto cids = expect_sound(path);
    EXPECT_EQ(cids.size(), 46U);
    if (over) {
      EXPECT_GT(step, 50U);
      break;
    }
    if (testing::Test::HasFailure()) break;
  }
}

TEST_P(DatabaseFaultsTest, AtEveryStepOfItsMakingItIsMadeTheNextTime) {
  for (std::uint64_t step = 1;; ++step) {
    SCOPED_TRACE(step);
    const TempFolder folder;
    const std::string path = folder.file("rooms.sqlite");
    FaultyVfs vfs;
    vfs.fail_from(step, GetParam().code);
    bool made = false;
    {
      const auto failed = Database::open(path, vfs.name());
      made = failed.has_value();
      if (!made) {
        EXPECT_EQ(outcome(failed), GetParam().kind) << said(failed);
      }
      vfs.fail_never();
    }
    const auto opened = Database::open(path, vfs.name());
    ASSERT_TRUE(opened) << said(opened);
    EXPECT_EQ((*opened)->find_room("lobby").value()->id, 1);
    if (made) {
      EXPECT_GT(step, 20U);
      break;
    }
  }
}

// Now and then the write-ahead log is copied into the file itself, after a group is on disk: the
// disk that fails then takes nothing back.
TEST_P(DatabaseFaultsTest, WhatFailsBehindAnAppendTakesNothingBack) {
  constexpr int kGroups = 90;  // more than the write-ahead log takes
  int behind = 0;
  bool over = false;
  for (std::uint64_t step = 1; !over; step += 3001) {
    SCOPED_TRACE(step);
    const TempFolder folder;
    const std::string path = folder.file("rooms.sqlite");
    FaultyVfs vfs;
    std::uint64_t acknowledged = 0;
    {
      const auto database = Database::open(path, vfs.name());
      ASSERT_TRUE(database) << said(database);
      ASSERT_TRUE((*database)->open_room("second"));
      const std::uint64_t first_fault = vfs.steps() + step;
      vfs.fail_from(first_fault, GetParam().code);
      bool healed = false;
      for (int group = 0; group < kGroups; ++group) {
        const auto appended = (*database)->append(group_of(1 + acknowledged, 25, 16'000));
        if (appended) {
          acknowledged += 25;
          if (!healed && vfs.steps() >= first_fault) ++behind;
        } else {
          EXPECT_EQ(outcome(appended), GetParam().kind) << said(appended);
          vfs.fail_never();
          healed = true;
        }
      }
      over = vfs.steps() < first_fault;
      vfs.fail_never();
    }
    EXPECT_EQ(expect_sound(path).size(), acknowledged);
    EXPECT_GE(acknowledged, (kGroups - 1U) * 25);
    if (testing::Test::HasFailure()) break;
  }
  EXPECT_GT(behind, 0);
}

// --- killed

// Appends group after group from `first` on, and tells of each that was acknowledged.
[[noreturn]] void append_until_killed(const std::string& path, std::uint64_t first, int tell) {
  const auto database = Database::open(path);
  if (!database) _exit(1);
  for (std::uint64_t cid = first;; cid += 3) {
    if (!(*database)->append(group_of(cid, 3, 200))) _exit(2);
    if (write(tell, &cid, sizeof cid) != sizeof cid) _exit(3);
  }
}

TEST(DatabaseKilledTest, WhatWasAcknowledgedIsThereOnce) {
  const TempFolder folder;
  const std::string path = folder.file("rooms.sqlite");
  {
    ASSERT_TRUE(Database::open(path).value()->open_room("second"));
  }
  std::set<std::uint64_t> acknowledged;
  for (std::uint64_t round = 0; round < 8; ++round) {
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) append_until_killed(path, 1 + round * 1'000'000, ends[1]);
    close(ends[1]);
    std::uint64_t cid = 0;
    std::size_t groups = 0;
    const auto hear = [&] {
      if (read(ends[0], &cid, sizeof cid) != sizeof cid) return false;
      for (std::uint64_t i = 0; i < 3; ++i) acknowledged.insert(cid + i);
      ++groups;
      return true;
    };
    while (groups < 10 + round * 7 && hear()) {
    }
    EXPECT_EQ(groups, 10 + round * 7);
    kill(child, SIGKILL);
    while (hear()) {
    }
    close(ends[0]);
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    ASSERT_TRUE(WIFSIGNALED(status)) << status;

    const auto there = expect_sound(path);
    EXPECT_TRUE(std::ranges::includes(there, acknowledged));
    // At most the group that it was at is there beside, and whole.
    const std::size_t unheard = there.size() - acknowledged.size();
    EXPECT_TRUE(unheard == 0 || unheard == 3) << unheard;
    acknowledged = there;
  }
}

}  // namespace
}  // namespace skein::chat
