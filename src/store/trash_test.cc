#include "store/trash.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "store/fake_disk.h"
#include "store/test_support.h"

namespace skein::store {
namespace {

using Tree = FakeDisk::Tree;

constexpr std::string_view kFolder = ".skein/trash";

class TrashTest : public testing::Test {
 public:
  ~TrashTest() override { EXPECT_EQ(disk_.open_files(), 0U); }

 protected:
  TrashTest() {
    disk_.put_folder(kFolder);
    disk_.put_folder("new");  // where what replaces comes from
  }
  // Things outside of the trash, and what the trash has: "path: thing", oldest first.
  [[nodiscard]] static Tree outside(Tree tree) {
    std::erase_if(tree, [](const auto& entry) { return entry.first.starts_with(".skein"); });
    tree.erase("new");
    return tree;
  }
  [[nodiscard]] static std::vector<std::string> inside(const Tree& tree) {
    std::vector<std::string> out;
    const std::string prefix = std::string(kFolder) + "/";
    for (const auto& [path, thing] : tree) {
      if (!path.starts_with(prefix) || path.ends_with(".path")) continue;
      const auto name = tree.find(path + ".path");
      const bool below = path.find('/', prefix.size()) != std::string::npos;
      const std::string was = below                ? path.substr(path.rfind('/'))
                              : name == tree.end() ? "?"
                                                   : name->second.substr(5);  // "file "
      out.push_back(was + ": " + thing);
    }
    return out;
  }
  Result<bool> replace(std::string_view bytes, std::string_view path) {
    disk_.put_file("new/f", bytes);
    clock_.advance_ms(1);
    return trash_.replace(at("new/f"), at(path));
  }
  Result<void> take(std::string_view path) {
    clock_.advance_ms(1);
    return trash_.take(at(path));
  }
  Result<bool> restore(std::string_view path) {
    clock_.advance_ms(1);
    return trash_.restore(at(path));
  }
  // The first path at which that thing is.
  [[nodiscard]] std::string path_of(std::string_view thing) const {
    for (const auto& [path, what] : disk_.tree()) {
      if (what == thing) return path;
    }
    return {};
  }
  [[nodiscard]] bool is_durable() const { return disk_.tree() == disk_.durable_tree(); }

  FakeDisk disk_;
  FakeClock clock_;
  SeededRandom random_{1};
  Trash trash_{disk_, clock_, random_, at(kFolder), true};
};

using Things = std::vector<std::string>;

// --- taking

TEST_F(TrashTest, WhatIsTakenLiesAsSpecified) {
  disk_.put_file("d/f", "old");
  clock_.set_wall_ns(1'234'567'890'123'999'999);
  ASSERT_TRUE(trash_.take(at("d/f")));
  const std::string id = path_of("file old");
  ASSERT_EQ(id.size(), std::string(".skein/trash/1234567890123-0123456789abcdef").size());
  EXPECT_TRUE(id.starts_with(".skein/trash/1234567890123-")) << id;
  EXPECT_EQ(id.find_first_not_of("0123456789abcdef", id.size() - 16), std::string::npos);
  EXPECT_EQ(disk_.tree(), (Tree{{".skein", "folder"},
                                {".skein/trash", "folder"},
                                {id, "file old"},
                                {id + ".path", "file d/f"},
                                {"d", "folder"},
                                {"new", "folder"}}));
}

TEST_F(TrashTest, AnythingCanBeTakenAndComesBack) {
  disk_.put_file("file", "old");
  disk_.put_file("folder/a/b", "deep");
  disk_.put_other("pipe");
  ASSERT_TRUE(disk_.make_link(at("link"), "../out"));
  ASSERT_TRUE(disk_.sync_folder(Path()));
  const Tree before = outside(disk_.tree());
  for (const char* path : {"file", "folder", "pipe", "link"}) {
    ASSERT_TRUE(take(path)) << path;
    EXPECT_EQ(outcome(disk_.info(at(path))), "not_found") << path;
    EXPECT_TRUE(is_durable()) << path;
  }
  EXPECT_EQ(inside(disk_.tree()), (Things{"file: file old", "folder: folder", "/a: folder",
                                          "/b: file deep", "pipe: other", "link: link ../out"}));
  for (const char* path : {"file", "folder", "pipe", "link"}) {
    const auto restored = restore(path);
    ASSERT_TRUE(restored) << path;
    EXPECT_FALSE(*restored) << path;
    EXPECT_TRUE(is_durable()) << path;
  }
  EXPECT_EQ(outside(disk_.tree()), before);
  EXPECT_EQ(disk_.tree().size(), before.size() + 3);  // nothing is left in the trash
}

TEST_F(TrashTest, WhatCannotBeTakenLeavesNothingBehind) {
  disk_.put_file("d/f", "old");
  ASSERT_TRUE(disk_.make_link(at("link"), "d"));
  const Tree before = disk_.tree();
  EXPECT_EQ(outcome(take("nothing")), "not_found");
  EXPECT_EQ(outcome(take("d/nothing")), "not_found");
  EXPECT_EQ(outcome(take("d/f/below")), "not_a_folder");
  EXPECT_EQ(outcome(take("link/f")), "refused");
  EXPECT_EQ(disk_.tree(), before);
}

// --- replacing

TEST_F(TrashTest, WhereNothingStandsNothingIsReplaced) {
  const auto replaced = replace("text", "f");
  ASSERT_TRUE(replaced);
  EXPECT_FALSE(*replaced);
  EXPECT_EQ(outside(disk_.tree()), (Tree{{"f", "file text"}}));
  EXPECT_EQ(inside(disk_.tree()), Things{});
  EXPECT_TRUE(is_durable());
}

TEST_F(TrashTest, WhatIsReplacedIsInTheTrash) {
  disk_.put_file("d/file", "old");
  disk_.put_other("d/pipe");
  disk_.put_file("d/pointed at", "stays");
  ASSERT_TRUE(disk_.make_link(at("d/link"), "pointed at"));
  for (const char* path : {"d/file", "d/pipe", "d/link"}) {
    const auto replaced = replace("new", path);
    ASSERT_TRUE(replaced) << path;
    EXPECT_TRUE(*replaced) << path;
    EXPECT_TRUE(is_durable()) << path;
  }
  EXPECT_EQ(outside(disk_.tree()), (Tree{{"d", "folder"},
                                         {"d/file", "file new"},
                                         {"d/link", "file new"},
                                         {"d/pipe", "file new"},
                                         {"d/pointed at", "file stays"}}));
  EXPECT_EQ(inside(disk_.tree()),
            (Things{"d/file: file old", "d/pipe: other", "d/link: link pointed at"}));
}

TEST_F(TrashTest, WhatCannotReplaceStaysWhereItWas) {
  disk_.put_file("folder/f", "old");
  disk_.put_file("file", "old");
  ASSERT_TRUE(disk_.make_link(at("link"), "folder"));
  const std::pair<const char*, const char*> cases[] = {{"folder", "is_a_folder"},
                                                       {"nowhere/f", "not_found"},
                                                       {"file/f", "not_a_folder"},
                                                       {"link/f", "refused"}};
  for (const auto& [path, kind] : cases) {
    disk_.put_file("new/f", "new");
    const Tree before = disk_.tree();
    EXPECT_EQ(outcome(trash_.replace(at("new/f"), at(path))), kind) << path;
    EXPECT_EQ(disk_.tree(), before) << path;
  }
}

// So that whoever brought it may try again, or resume.
TEST_F(TrashTest, WhatFailsToReplaceIsBackWhereItWas) {
  disk_.put_file("f", "old");
  disk_.put_file("new/f", "new");
  const Tree before = disk_.tree();
  // A first try, the name (made, written, synced, its folder synced), the staging, the exchange.
  constexpr std::uint64_t kExchange = 7;
  for (std::uint64_t step = 1; step <= kExchange; ++step) {
    disk_.fail_at(disk_.steps() + step, EIO);
    EXPECT_EQ(outcome(trash_.replace(at("new/f"), at("f"))), "io") << step;
    EXPECT_EQ(disk_.tree(), before) << step;
  }
  ASSERT_TRUE(*trash_.replace(at("new/f"), at("f")));
}

TEST_F(TrashTest, WithoutSyncNothingWaitsForTheDisk) {
  Trash unsynced(disk_, clock_, random_, at(kFolder), false);
  disk_.put_file("f", "old");
  disk_.put_file("new/f", "new");
  const Tree before = disk_.durable_tree();
  ASSERT_TRUE(unsynced.replace(at("new/f"), at("f")));
  ASSERT_TRUE(unsynced.restore(at("f")));
  ASSERT_TRUE(unsynced.take(at("f")));
  EXPECT_EQ(disk_.durable_tree(), before);
  EXPECT_EQ(inside(disk_.tree()), (Things{"f: file new", "f: file old"}));
}

// --- restoring

TEST_F(TrashTest, TheNewestComesBackFirstAndThenTheOlder) {
  for (const char* text : {"1", "2", "3"}) {
    ASSERT_TRUE(replace(text, "f"));
    ASSERT_TRUE(take("f"));
  }
  for (const char* text : {"3", "2", "1"}) {
    ASSERT_TRUE(restore("f"));
    EXPECT_EQ(disk_.contents("f"), text);
    ASSERT_TRUE(disk_.remove_file(at("f")));
  }
  EXPECT_EQ(outcome(restore("f")), "not_found");
}

TEST_F(TrashTest, TheNewestIsKnownWithinAMillisecond) {
  for (int i = 0; i < 20; ++i) {
    disk_.put_file("f", std::to_string(i));
    ASSERT_TRUE(trash_.take(at("f")));
  }
  for (int i = 19; i >= 0; --i) {
    ASSERT_TRUE(trash_.restore(at("f")));
    EXPECT_EQ(disk_.contents("f"), std::to_string(i));
    ASSERT_TRUE(disk_.remove_file(at("f")));
  }
}

// Else what is taken from now on would expire as late as the clock was wrong.
TEST_F(TrashTest, AClockThatWasPutBackIsBelieved) {
  clock_.set_wall_ns(2'200'000'000'000'000'000);
  disk_.put_file("f", "then");
  ASSERT_TRUE(trash_.take(at("f")));
  clock_.set_wall_ns(1'800'000'000'000'000'000);
  disk_.put_file("f", "now");
  ASSERT_TRUE(trash_.take(at("f")));
  EXPECT_TRUE(path_of("file then").starts_with(".skein/trash/2200000000000-"));
  EXPECT_TRUE(path_of("file now").starts_with(".skein/trash/1800000000000-"));
}

TEST_F(TrashTest, WhatStandsWhereItIsRestoredChangesPlacesWithIt) {
  disk_.put_file("d/f", "1");
  ASSERT_TRUE(take("d/f"));
  disk_.put_file("d/f", "2");
  for (const char* text : {"1", "2", "1"}) {
    const auto restored = restore("d/f");
    ASSERT_TRUE(restored);
    EXPECT_TRUE(*restored);
    EXPECT_EQ(disk_.contents("d/f"), text);
    EXPECT_EQ(inside(disk_.tree()).size(), 1U);
    EXPECT_EQ(outside(disk_.tree()).size(), 2U);  // nothing stays beside it
    EXPECT_TRUE(is_durable());
  }
}

TEST_F(TrashTest, AlsoWhenOneOfTheTwoIsAFolderOrALink) {
  disk_.put_file("x/in it", "deep");
  ASSERT_TRUE(take("x"));
  ASSERT_TRUE(disk_.make_link(at("x"), "to"));
  ASSERT_TRUE(take("x"));
  disk_.put_file("x", "text");
  ASSERT_TRUE(*restore("x"));
  EXPECT_EQ(outside(disk_.tree()), (Tree{{"x", "link to"}}));
  ASSERT_TRUE(*restore("x"));
  EXPECT_EQ(outside(disk_.tree()), (Tree{{"x", "file text"}}));
  ASSERT_TRUE(take("x"));
  ASSERT_TRUE(disk_.remove_file(at(path_of("file text"))));
  ASSERT_TRUE(disk_.remove_file(at(path_of("link to"))));
  disk_.put_file("x", "text");
  ASSERT_TRUE(*restore("x"));
  EXPECT_EQ(outside(disk_.tree()), (Tree{{"x", "folder"}, {"x/in it", "file deep"}}));
  ASSERT_TRUE(*restore("x"));
  EXPECT_EQ(outside(disk_.tree()), (Tree{{"x", "file text"}}));
}

TEST_F(TrashTest, MissingFoldersOnTheWayBackAreMade) {
  disk_.put_file("a/b/f", "old");
  ASSERT_TRUE(take("a/b/f"));
  ASSERT_TRUE(remove_tree(disk_, at("a")));
  ASSERT_TRUE(restore("a/b/f"));
  EXPECT_EQ(disk_.contents("a/b/f"), "old");
  EXPECT_TRUE(is_durable());
}

TEST_F(TrashTest, WhatCannotBeRestoredStaysInTheTrash) {
  disk_.put_file("a/b", "old");
  ASSERT_TRUE(take("a/b"));
  ASSERT_TRUE(remove_tree(disk_, at("a")));
  disk_.put_file("a", "in the way");
  const Tree before = disk_.tree();
  EXPECT_EQ(outcome(restore("a/b")), "not_a_folder");
  EXPECT_EQ(outcome(restore("a")), "not_found");
  EXPECT_EQ(outcome(restore("b")), "not_found");
  EXPECT_EQ(disk_.tree(), before);
}

TEST_F(TrashTest, WhatLiesInARemovedFolderPointsAtTheFolder) {
  disk_.put_file("a/b/f", "old");
  ASSERT_TRUE(take("a/b"));
  for (const char* path : {"a/b/f", "a/b/f/g", "a/b/nothing"}) {
    const auto restored = restore(path);
    ASSERT_FALSE(restored) << path;
    EXPECT_TRUE(restored.error().is(kNotFound)) << path;
    EXPECT_EQ(restored.error().hint(), "'a/b' was removed as a whole: restore that") << path;
  }
  for (const char* path : {"a/bc", "a", "b/f"}) {
    const auto restored = restore(path);
    ASSERT_FALSE(restored) << path;
    EXPECT_EQ(restored.error().hint(), "") << path;
  }
}

// A crash in the middle of a restore leaves a thing beside the place that it was to come from or
// to go to, and a name without its thing in the trash.
TEST_F(TrashTest, WhatACrashLeftBesideIsFoundAgain) {
  const std::string id = "1600000000000-0123456789abcdef";
  for (const bool by_purge : {false, true}) {
    disk_.put_file(".skein/trash/" + id + ".path", "d/f");
    disk_.put_file("d/.skein-restore-" + id, "lost");
    clock_.set_wall_ns(1'600'000'000'000'000'000);
    if (by_purge) {
      ASSERT_TRUE(trash_.purge());
      EXPECT_EQ(inside(disk_.tree()), Things{"d/f: file lost"});
      EXPECT_EQ(outside(disk_.tree()), (Tree{{"d", "folder"}}));
      EXPECT_TRUE(is_durable());
    }
    ASSERT_TRUE(restore("d/f"));
    EXPECT_EQ(outside(disk_.tree()), (Tree{{"d", "folder"}, {"d/f", "file lost"}}));
    ASSERT_TRUE(disk_.remove_file(at("d/f")));
  }
}

// --- purging

TEST_F(TrashTest, WhatIsOldGoes) {
  disk_.put_file("old/a/b", "1");
  disk_.put_file("new/er", "2");
  ASSERT_TRUE(take("old"));
  ASSERT_TRUE(take("new/er"));
  clock_.advance_ms(limits::kKeepTrashMs - 2);
  ASSERT_TRUE(trash_.purge());
  EXPECT_EQ(inside(disk_.tree()).size(), 4U);
  clock_.advance_ms(1);
  ASSERT_TRUE(trash_.purge());
  EXPECT_EQ(inside(disk_.tree()), Things{"new/er: file 2"});
  clock_.advance_ms(1);
  ASSERT_TRUE(trash_.purge());
  EXPECT_EQ(disk_.tree(),
            (Tree{{".skein", "folder"}, {".skein/trash", "folder"}, {"new", "folder"}}));
}

TEST_F(TrashTest, WhatIsOldGoesWhateverStandsNowWhereItsFolderWas) {
  disk_.put_file("a/f", "1");
  disk_.put_file("b/f", "2");
  ASSERT_TRUE(take("a/f"));
  ASSERT_TRUE(take("b/f"));
  ASSERT_TRUE(remove_tree(disk_, at("a")));
  ASSERT_TRUE(remove_tree(disk_, at("b")));
  disk_.put_file("a", "in the way");
  ASSERT_TRUE(disk_.make_link(at("b"), "../out"));
  clock_.advance_ms(limits::kKeepTrashMs);
  ASSERT_TRUE(trash_.purge());
  EXPECT_EQ(inside(disk_.tree()), Things{});
  EXPECT_EQ(outside(disk_.tree()), (Tree{{"a", "file in the way"}, {"b", "link ../out"}}));
}

TEST_F(TrashTest, OverItsShareOfTheDiskTheOldestGoFirst) {
  disk_.set_capacity(3000);
  disk_.put_file("a/1", std::string(60, '1'));
  disk_.put_file("a/2", std::string(60, '2'));
  disk_.put_file("b", std::string(120, 'b'));
  disk_.put_file("c", std::string(60, 'c'));
  for (const char* path : {"a", "b", "c"}) ASSERT_TRUE(take(path));
  const struct {
    std::uint64_t capacity;
    std::size_t left;
  } cases[] = {{3000, 5}, {2999, 2}, {1800, 2}, {1799, 1}, {600, 1}, {599, 0}};
  for (const auto& [capacity, left] : cases) {
    disk_.set_capacity(capacity);
    ASSERT_TRUE(trash_.purge()) << capacity;
    EXPECT_EQ(inside(disk_.tree()).size(), left) << capacity;
  }
  EXPECT_EQ(disk_.tree().size(), 3U);  // their names went with them
}

TEST_F(TrashTest, WhatACrashLeftWithoutItsOtherHalfGoesWhenItIsOld) {
  const std::string now = "1700000000000-00000000000000";
  disk_.put_file(".skein/trash/" + now + "aa", "without a name");
  disk_.put_file(".skein/trash/" + now + "bb.path", "without/a/thing");
  disk_.put_file(".skein/trash/" + now + "cc.path", "../not a name of ours");
  const Tree before = disk_.tree();
  clock_.set_wall_ns(1'700'000'000'000'000'000 + (limits::kKeepTrashMs * 1'000'000) - 1'000'000);
  ASSERT_TRUE(trash_.purge());
  EXPECT_EQ(disk_.tree(), before);
  clock_.advance_ms(1);
  ASSERT_TRUE(trash_.purge());
  EXPECT_EQ(disk_.tree().size(), 3U);
}

TEST_F(TrashTest, OneThingThatCannotBeRemovedDoesNotSaveTheOthers) {
  for (const char* path : {"a", "b", "c"}) {
    disk_.put_file(path, path);
    ASSERT_TRUE(take(path));
  }
  clock_.advance_ms(limits::kKeepTrashMs);
  disk_.fail_at(disk_.steps() + 4, EPERM);  // each takes three: the thing, a look beside, its name
  EXPECT_EQ(outcome(trash_.purge()), "refused");
  EXPECT_EQ(inside(disk_.tree()), Things{"b: file b"});
  ASSERT_TRUE(trash_.purge());
  EXPECT_EQ(disk_.tree().size(), 3U);
}

}  // namespace
}  // namespace skein::store
