#include "client/local_tree.h"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <map>
#include <string>

#include "base/limits.h"
#include "client/test_support.h"

namespace skein::client {
namespace {

using Items = std::map<std::string, std::string>;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

struct LocalTreeTest : ::testing::Test {
  // Target to kind and, of a link, where it points.
  static Items items_of(const LocalTree& tree) {
    Items items;
    for (const LocalItem& item : tree.items) {
      std::string what(transfer::kind_text(item.info.kind));
      if (!item.link_target.empty()) what += " to " + item.link_target;
      EXPECT_TRUE(items.emplace(item.target.text(), what).second) << item.target.text();
    }
    return items;
  }
  static Items problems_of(const LocalTree& tree) {
    Items problems;
    for (const Problem& problem : tree.problems) {
      problems.emplace(problem.name, problem.error.kind().name);
    }
    return problems;
  }
  std::string outcome_of(std::string_view name) const {
    return store::outcome(find_local(temp.at(name)));
  }

  TempFolder temp;
};

TEST_F(LocalTreeTest, FileIsItselfUnderItsLastName) {
  temp.put_file("a/b.txt", "text");
  const LocalTree tree = find_local(temp.at("a/b.txt")).value();
  EXPECT_EQ(items_of(tree), (Items{{"b.txt", "file"}}));
  EXPECT_EQ(tree.items.front().info.size_bytes, 4U);
  EXPECT_TRUE(tree.disk->open_file(tree.items.front().path));
  EXPECT_TRUE(tree.real_path.ends_with("/a"));
}

TEST_F(LocalTreeTest, FolderComesBeforeWhatIsInItHoweverItIsNamed) {
  temp.put_file("a/b/c", "text");
  temp.put_file("a/d", "");
  for (const char* typed : {"a", "a/", "a//", "a/b/..", "a/."}) {
    const LocalTree tree = find_local(temp.at(typed)).value();
    EXPECT_EQ(items_of(tree),
              (Items{{"a", "folder"}, {"a/b", "folder"}, {"a/b/c", "file"}, {"a/d", "file"}}))
        << typed;
    std::map<std::string, std::size_t> place;
    for (std::size_t i = 0; i < tree.items.size(); ++i) place[tree.items[i].target.text()] = i;
    EXPECT_EQ(place["a"], 0U);
    EXPECT_LT(place["a/b"], place["a/b/c"]);
    for (const LocalItem& item : tree.items) {
      EXPECT_TRUE(tree.disk->info(item.path)) << item.target.text();
    }
  }
}

TEST_F(LocalTreeTest, LinksBelowStayLinksAndTheOneThatIsNamedIsFollowed) {
  temp.put_file("a/file", "text");
  ASSERT_EQ(symlink("/etc", temp.at("a/out").c_str()), 0);
  ASSERT_EQ(symlink("nowhere", temp.at("a/dangling").c_str()), 0);
  ASSERT_EQ(symlink(".", temp.at("a/loop").c_str()), 0);
  ASSERT_EQ(symlink("a", temp.at("named").c_str()), 0);
  const LocalTree tree = find_local(temp.at("named")).value();
  EXPECT_EQ(items_of(tree), (Items{{"named", "folder"},
                                   {"named/dangling", "link to nowhere"},
                                   {"named/file", "file"},
                                   {"named/loop", "link to ."},
                                   {"named/out", "link to /etc"}}));
  ASSERT_EQ(symlink("a/file", temp.at("other").c_str()), 0);
  EXPECT_EQ(items_of(find_local(temp.at("other")).value()), (Items{{"other", "file"}}));
  EXPECT_EQ(outcome_of("a/dangling"), "not_found");
}

TEST_F(LocalTreeTest, WhatCannotBeSentIsToldAndTheRestGoesOn) {
  temp.put_file("a/good", "text");
  temp.put_file("a/bad\xff", "text");
  temp.put_file("a/CON", "text");
  temp.put_file("a/new\nline", "text");
  temp.put_file("a/dot.", "text");
  temp.put_file("a/.skein/partial/x.data", "ours");
  temp.put_file("a/b\\c/below", "text");
  ASSERT_EQ(mkfifo(temp.at("a/fifo").c_str(), 0600), 0);
  const LocalTree tree = find_local(temp.at("a")).value();
  EXPECT_EQ(items_of(tree), (Items{{"a", "folder"}, {"a/good", "file"}}));
  EXPECT_THAT(problems_of(tree),
              UnorderedElementsAre(Pair("bad\xff", "bad_name"), Pair("CON", "bad_name"),
                                   Pair("new\nline", "bad_name"), Pair("dot.", "bad_name"),
                                   Pair("b\\c", "bad_name"), Pair("fifo", "not_a_file")));
}

TEST_F(LocalTreeTest, WhatIsNamedAndCannotBeSentIsAnError) {
  temp.put_file("CON", "text");
  temp.put_file("file", "text");
  ASSERT_EQ(mkfifo(temp.at("fifo").c_str(), 0600), 0);
  EXPECT_EQ(outcome_of("none"), "not_found");
  EXPECT_EQ(outcome_of("CON"), "bad_name");
  EXPECT_EQ(outcome_of("fifo"), "not_a_file");
  EXPECT_EQ(outcome_of("file/below"), "not_a_folder");
  EXPECT_EQ(store::outcome(find_local("")), "not_found");
}

TEST_F(LocalTreeTest, FolderThatIsNestedTooDeeplyIsToldAndLeftThere) {
  std::string deep = "a";
  for (int i = 0; i < limits::kMaxFolderDepth + 3; ++i) deep += "/d";
  temp.put_file(deep + "/file", "text");
  const LocalTree tree = find_local(temp.at("a")).value();
  // The folder itself and as many below it as may be; the one below them is not looked into.
  EXPECT_EQ(tree.items.size(), static_cast<std::size_t>(limits::kMaxFolderDepth) + 2);
  ASSERT_EQ(tree.problems.size(), 1U);
  EXPECT_EQ(tree.problems.front().error.kind(), kTooMany);
}

TEST_F(LocalTreeTest, PathThatIsTooLongForTheProtocolIsTold) {
  // Names of this disk may be 255 bytes long; seventeen of them exceed what a path may be.
  const std::string name(240, 'n');
  std::string path = temp.at("a");
  ASSERT_EQ(mkdir(path.c_str(), 0700), 0);
  std::filesystem::path before = std::filesystem::current_path();
  std::filesystem::current_path(path);
  for (int i = 0; i < 18; ++i) {
    ASSERT_EQ(mkdir(name.c_str(), 0700), 0);
    ASSERT_EQ(chdir(name.c_str()), 0);
  }
  std::filesystem::current_path(before);
  const LocalTree tree = find_local(path).value();
  for (const LocalItem& item : tree.items) {
    EXPECT_LE(item.target.text().size(), spec::kMaxPathBytes);
  }
  ASSERT_EQ(tree.problems.size(), 1U);
  EXPECT_EQ(tree.problems.front().error.kind(), kBadName);
}

}  // namespace
}  // namespace skein::client
