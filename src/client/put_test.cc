#include "client/put.h"

#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/limits.h"
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

// --- Small files, many to a request

struct PackedTreeTest : TreeTest {
  PackedTreeTest() { small.packs = true; }
  [[nodiscard]] std::vector<std::string_view> problems() const {
    std::vector<std::string_view> kinds;
    for (const Problem& problem : tally.problems) kinds.push_back(problem.error.kind().name);
    return kinds;
  }
  // So many that they need three requests.
  static constexpr int kMany = 600;
};

TEST_F(PackedTreeTest, ManySmallFilesGoInFewRequests) {
  for (int i = 0; i < kMany; ++i) temp.put_file("a/" + std::to_string(i), std::to_string(i));
  temp.put_file("a/large", std::string(limits::kSmallFileBytes + 1, 'x'));
  temp.put_file("a/small", std::string(limits::kSmallFileBytes, 'y'));
  EXPECT_EQ(during(put(*link, {temp.at("a")}, store::at("to"), tally)), "ok");
  EXPECT_EQ(small.files.size(), kMany + 2U);
  EXPECT_EQ(small.files["to/a/17"].contents, "17");
  EXPECT_EQ(small.files["to/a/large"].contents.size(), limits::kSmallFileBytes + 1);
  EXPECT_EQ(small.count["pack"], 3);
  EXPECT_EQ(small.count["missing"], 0) << "in a folder that was made just now";
  EXPECT_EQ(small.count["put"], 1) << "the large one";
  EXPECT_EQ(tally.files_done, kMany + 2U);
  EXPECT_EQ(tally.files_there, 0U);
  EXPECT_EQ(tally.bytes_done, tally.bytes);
  EXPECT_EQ(tally.bytes_moved, tally.bytes);

  // Once more there is nothing to do.
  small.forget_requests();
  small.again();
  link = std::make_unique<Link>(*loop, pool, random, options());
  tally = {};
  EXPECT_EQ(during(put(*link, {temp.at("a")}, store::at("to"), tally)), "ok");
  EXPECT_EQ(small.count["pack"], 0);
  EXPECT_EQ(small.count["missing"], 3);
  EXPECT_EQ(tally.files_there, kMany + 2U);
  EXPECT_EQ(tally.bytes_moved, 0U);
}

TEST_F(PackedTreeTest, WhatFailsInAPackIsToldAndTheRestIsPut) {
  for (const char* name : {"a/1", "a/2", "a/3", "a/4"}) temp.put_file(name, name);
  small.files["to/a/4"].contents = "old";
  small.refused_paths.emplace("to/a/2", kIsAFolder);
  small.spoil_reads = 2;
  EXPECT_EQ(during(put(*link, {temp.at("a")}, store::at("to"), tally)), "ok");
  EXPECT_EQ(names(), (Names{"to/a/1=a/1", "to/a/3=a/3", "to/a/4=a/4"})) << "damaged ones again";
  EXPECT_EQ(problems(), std::vector<std::string_view>{"is_a_folder"});
  EXPECT_EQ(tally.files_done, 3U);
  EXPECT_EQ(tally.replaced, 1U);
  EXPECT_EQ(tally.last_replaced, "to/a/4");
}

TEST_F(PackedTreeTest, WhatCannotBeReadIsToldAndTheRestIsPut) {
  for (const char* name : {"a/1", "a/2", "a/3"}) temp.put_file(name, name);
  small.on_request = [this](const Asked& asked) {
    if (asked.op == "mkdir") std::filesystem::remove(temp.at("a/2"));
  };
  EXPECT_EQ(during(put(*link, {temp.at("a")}, {}, tally)), "ok");
  EXPECT_EQ(names(), (Names{"a/1=a/1", "a/3=a/3"}));
  EXPECT_EQ(problems(), std::vector<std::string_view>{"not_found"});
}

TEST_F(PackedTreeTest, AFileThatChangedSinceItWasFoundIsSentAsItIs) {
  temp.put_file("a/1", "short");
  temp.put_file("a/2", "other");
  small.on_request = [this](const Asked& asked) {
    if (asked.op == "mkdir") temp.put_file("a/1", "by now it is longer");
  };
  EXPECT_EQ(during(put(*link, {temp.at("a")}, {}, tally)), "ok");
  EXPECT_EQ(names(), (Names{"a/1=by now it is longer", "a/2=other"}));
}

TEST_F(PackedTreeTest, FullHubEndsAllAndAnotherErrorOnlyThePack) {
  temp.put_file("a/1", "1");
  temp.put_file("b/2", "2");
  small.refusals["pack"] = {kIo};
  EXPECT_EQ(during(put(*link, {temp.at("a"), temp.at("b")}, {}, tally)), "ok");
  EXPECT_EQ(names(), Names{"b/2=2"});
  EXPECT_EQ(problems(), std::vector<std::string_view>{"io"});
  small.forget();
  small.again();
  small.refusals["pack"] = {kNoSpace};
  link = std::make_unique<Link>(*loop, pool, random, options());
  EXPECT_EQ(during(put(*link, {temp.at("a"), temp.at("b")}, {}, tally)), "no_space");
  EXPECT_EQ(names(), Names{});
}

TEST_F(PackedTreeTest, LineLostAtAnyRequestOfAPutIsResumed) {
  for (int i = 0; i < kMany; ++i) temp.put_file("a/" + std::to_string(i), "x");
  bool reached = true;
  for (std::uint64_t at = 1; reached; ++at) {
    small.forget();
    small.again();
    (at % 2 == 0 ? small.cut_after : small.cut_before) = (at + 1) / 2;
    link = std::make_unique<Link>(*loop, pool, random, options());
    tally = {};
    EXPECT_EQ(during(put(*link, {temp.at("a")}, {}, tally)), "ok") << at;
    EXPECT_EQ(small.files.size(), std::size_t{kMany}) << at;
    EXPECT_EQ(tally.files_done, std::size_t{kMany}) << at;
    EXPECT_EQ(tally.files_there, 0U) << at;
    EXPECT_TRUE(tally.problems.empty()) << at;
    reached = small.requests >= (at + 1) / 2;
  }
}

TEST_F(PackedTreeTest, ManySmallFilesAreFetchedInFewRequests) {
  for (int i = 0; i < kMany; ++i)
    small.files["a/" + std::to_string(i)].contents = std::to_string(i);
  small.files["a/large"].contents = std::string(limits::kSmallFileBytes + 1, 'x');
  small.spoil_reads = 2;
  EXPECT_EQ(during(get(*link, {store::at("a")}, *store, tally)), "ok");
  EXPECT_EQ(disk.durable_contents("a/17"), "17");
  EXPECT_EQ(disk.durable_contents("a/large")->size(), limits::kSmallFileBytes + 1);
  EXPECT_EQ(disk.info(store::at("a/17")).value().mtime_ns, 17);
  EXPECT_EQ(small.count["fetch"], 4) << "once more for those that were damaged";
  EXPECT_EQ(small.count["get"], 1) << "the large one";
  EXPECT_EQ(tally.files_done, kMany + 1U);
  EXPECT_EQ(tally.bytes_done, tally.bytes);
  EXPECT_TRUE(tally.problems.empty());

  small.forget_requests();
  small.again();
  link = std::make_unique<Link>(*loop, pool, random, options());
  tally = {};
  EXPECT_EQ(during(get(*link, {store::at("a")}, *store, tally)), "ok");
  EXPECT_EQ(small.count["fetch"], 0);
  EXPECT_EQ(tally.files_there, kMany + 1U);
}

TEST_F(PackedTreeTest, WhatChangesBetweenListAndFetchIsFetchedAsItIs) {
  small.files["a/1"].contents = "short";
  small.files["a/2"].contents = "goes";
  small.files["a/3"].contents = "stays";
  small.on_request = [this](const Asked& asked) {
    if (asked.op != "fetch") return;
    small.files["a/1"].contents = "by now it is longer";
    small.files.erase("a/2");
  };
  EXPECT_EQ(during(get(*link, {store::at("a")}, *store, tally)), "ok");
  EXPECT_EQ(disk.durable_contents("a/1"), "by now it is longer");
  EXPECT_EQ(disk.durable_contents("a/3"), "stays");
  EXPECT_EQ(problems(), std::vector<std::string_view>{"not_found"});
}

TEST_F(PackedTreeTest, TwoFilesThatGoToOneNameAreFetchedOneAfterTheOther) {
  small.files["a/x"].contents = "first";
  small.files["b/x"].contents = "second";
  EXPECT_EQ(during(get(*link, {store::at("a/x"), store::at("b/x")}, *store, tally)), "ok");
  EXPECT_EQ(disk.durable_contents("x"), "second");
  EXPECT_EQ(tally.files_done, 2U);
}

TEST_F(PackedTreeTest, LineLostAtAnyRequestOfAGetIsResumed) {
  for (int i = 0; i < kMany; ++i) small.files["a/" + std::to_string(i)].contents = "x";
  bool reached = true;
  for (std::uint64_t at = 1; reached; ++at) {
    small.forget_requests();
    small.again();
    small.cut_after = at;
    ASSERT_TRUE(store::remove_tree(disk, store::at("a")));
    link = std::make_unique<Link>(*loop, pool, random, options());
    tally = {};
    EXPECT_EQ(during(get(*link, {store::at("a")}, *store, tally)), "ok") << at;
    EXPECT_EQ(tally.files_done, std::size_t{kMany}) << at;
    EXPECT_TRUE(tally.problems.empty()) << at;
    reached = small.requests >= at;
  }
}

}  // namespace
}  // namespace skein::client
