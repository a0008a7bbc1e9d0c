#include "client/put.h"

#include <sys/stat.h>
#include <unistd.h>

#include <memory>
#include <string>
#include <vector>

#include "client/get.h"
#include "client/requests.h"
#include "client/test_support.h"
#include "store/fake_disk.h"

namespace skein::client {
namespace {

using Names = std::vector<std::string>;

// Whole trees to a small hub and back.
struct TreeTest : ClientTest {
  TreeTest() : small(*this) {
    store = store::Store::open(disk, clock, random, {}).value();
    link = std::make_unique<Link>(*loop, pool, random, options());
  }
  // Runs one command's coroutine while the hub serves.
  std::string during(Task<Result<void>> command) {
    const auto body = [](TreeTest& test, Task<Result<void>> task,
                         std::string& outcome) -> Task<void> {
      test.loop->spawn(test.small.serve());
      const auto done = co_await task;
      outcome = store::outcome(done);
      co_await test.link->close();
      co_await test.small.end();
    };
    std::string outcome;
    run(body(*this, std::move(command), outcome));
    return outcome;
  }
  [[nodiscard]] Names names() const {
    Names names;
    for (const auto& [name, file] : small.files) names.push_back(name + "=" + file.contents);
    return names;
  }

  TempFolder temp;
  store::FakeDisk disk;
  std::unique_ptr<store::Store> store;
  SmallHub small;
  std::unique_ptr<Link> link;
  Tally tally;
};

TEST_F(TreeTest, FilesAndFoldersAreStoredUnderTheirOwnNames) {
  temp.put_file("a/b/one", "1");
  temp.put_file("a/two", "22");
  temp.put_file("three", "333");
  ASSERT_EQ(symlink("two", temp.at("a/link").c_str()), 0);
  EXPECT_EQ(during(put(*link, {temp.at("a/"), temp.at("three")}, store::at("to"), tally)), "ok");
  EXPECT_EQ(names(), (Names{"to/a/b/one=1", "to/a/two=22", "to/three=333"}));
  // Each folder twice: at first, and with its own time at last.
  EXPECT_EQ(small.count["mkdir"], 4);
  EXPECT_EQ(small.count["link"], 1);
  EXPECT_EQ(tally.files, 3U);
  EXPECT_EQ(tally.files_done, 3U);
  EXPECT_EQ(tally.bytes, 6U);
  EXPECT_TRUE(tally.counted);
  EXPECT_TRUE(tally.problems.empty());
}

TEST_F(TreeTest, WhatFailsByItselfIsToldAndTheRestIsPut) {
  temp.put_file("a/one", "1");
  ASSERT_EQ(mkfifo(temp.at("a/fifo").c_str(), 0600), 0);
  temp.put_file("b", "2");
  small.refusals["put"] = {kIsAFolder};
  EXPECT_EQ(during(put(*link, {temp.at("none"), temp.at("a"), temp.at("b")}, {}, tally)), "ok");
  EXPECT_EQ(names(), Names{"b=2"});
  std::vector<std::string_view> kinds;
  for (const Problem& problem : tally.problems) kinds.push_back(problem.error.kind().name);
  EXPECT_EQ(kinds, (std::vector<std::string_view>{"not_found", "not_a_file", "is_a_folder"}));
  EXPECT_EQ(tally.files_done, 1U);
}

TEST_F(TreeTest, FullHubEndsAll) {
  temp.put_file("a", "1");
  temp.put_file("b", "2");
  small.refusals["put"] = {kNoSpace};
  EXPECT_EQ(during(put(*link, {temp.at("a"), temp.at("b")}, {}, tally)), "no_space");
  EXPECT_EQ(small.count["put"], 1);
}

TEST_F(TreeTest, LineLostAtAnyRequestOfATreeIsResumed) {
  temp.put_file("a/b/one", "1");
  temp.put_file("a/two", "22");
  const Names whole = {"a/b/one=1", "a/two=22"};
  bool reached = true;
  for (std::uint64_t at = 1; reached; ++at) {
    small.forget();
    small.again();
    small.cut_after = at;
    link = std::make_unique<Link>(*loop, pool, random, options());
    tally = {};
    EXPECT_EQ(during(put(*link, {temp.at("a")}, {}, tally)), "ok") << at;
    EXPECT_EQ(names(), whole) << at;
    EXPECT_EQ(tally.files_done, 2U) << at;
    EXPECT_TRUE(tally.problems.empty()) << at;
    reached = small.requests >= at;
  }
}

TEST_F(TreeTest, FolderIsFetchedWithAllThatIsInIt) {
  small.files["a/b/one"].contents = "1";
  small.files["a/two"].contents = "22";
  small.files["other"].contents = "333";
  EXPECT_EQ(during(get(*link, {store::at("a"), store::at("other")}, *store, tally)), "ok");
  EXPECT_EQ(disk.durable_contents("a/b/one"), "1");
  EXPECT_EQ(disk.durable_contents("a/two"), "22");
  EXPECT_EQ(disk.durable_contents("other"), "333");
  EXPECT_EQ(disk.info(store::at("a/b")).value().mtime_ns, 23) << "after what is in it";
  EXPECT_EQ(disk.info(store::at("a")).value().mtime_ns, 23);
  EXPECT_EQ(tally.files, 3U);
  EXPECT_EQ(tally.files_done, 3U);
  EXPECT_TRUE(tally.problems.empty());
}

TEST_F(TreeTest, WhatIsNotAtTheHubIsToldAndTheRestIsFetched) {
  small.files["a"].contents = "1";
  EXPECT_EQ(during(get(*link, {store::at("none"), store::at("a")}, *store, tally)), "ok");
  EXPECT_EQ(disk.durable_contents("a"), "1");
  ASSERT_EQ(tally.problems.size(), 1U);
  EXPECT_EQ(tally.problems.front().name, "none");
  EXPECT_EQ(tally.problems.front().error.kind(), kNotFound);
}

// A hub is not trusted either: what it lists is held to the rules of names.
TEST_F(TreeTest, NameThatWouldLeadOutIsNotFetched) {
  small.files["a/.."].contents = "evil";
  small.files["a/good"].contents = "1";
  EXPECT_EQ(during(get(*link, {store::at("a")}, *store, tally)), "ok");
  EXPECT_EQ(disk.durable_contents("a/good"), "1");
  ASSERT_EQ(tally.problems.size(), 1U);
  EXPECT_EQ(tally.problems.front().error.kind(), kBadName);
  EXPECT_EQ(small.count["get"], 1);
}

// A repeated request finds done what the lost answer was about.
TEST_F(TreeTest, RemoveAndMoveWhoseAnswerWasLostCountAsDone) {
  struct Case {
    std::string_view op;
    bool lost;
    std::string_view outcome;
  };
  for (const Case& one : {Case{"rm", false, "not_found"}, Case{"rm", true, "ok"},
                          Case{"mv", false, "not_found"}, Case{"mv", true, "ok"}}) {
    small.forget();
    small.again();
    link = std::make_unique<Link>(*loop, pool, random, options());
    if (one.lost) small.cut_after = 1;
    small.on_request = [this](const Asked& asked) {
      const bool again = small.requests == 2 || small.cut_after == 0;
      if (again) small.refusals[asked.op] = {kNotFound};
    };
    auto command = one.op == "rm" ? remove(*link, store::at("a"))
                                  : move(*link, store::at("a"), store::at("b"));
    EXPECT_EQ(during(std::move(command)), one.outcome) << one.op << one.lost;
  }
}

}  // namespace
}  // namespace skein::client
