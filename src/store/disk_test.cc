// The helpers that stand on any Disk, with trouble at every step.
#include "store/disk.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <functional>

#include "store/fake_disk.h"
#include "store/test_support.h"

namespace skein::store {
namespace {

using Tree = FakeDisk::Tree;

void plant(FakeDisk& disk) {
  disk.put_file("kept/file", "kept");
  disk.put_file("tree/a", "A");
  disk.put_file("tree/b/c/d", "D");
  disk.put_folder("tree/b/empty");
  disk.put_other("tree/pipe");
  ASSERT_TRUE(disk.make_link(at("tree/out"), "../kept"));
  ASSERT_TRUE(disk.make_link(at("tree/up"), "..")) << "a ring, were it followed";
}

const Tree kKept = {{"kept", "folder"}, {"kept/file", "file kept"}};

TEST(RemoveTreeTest, TakesEverythingBelowAndFollowsNoLink) {
  FakeDisk disk;
  plant(disk);
  ASSERT_TRUE(remove_tree(disk, at("tree")));
  EXPECT_EQ(disk.tree(), kKept);
  EXPECT_EQ(disk.open_files(), 0U);
}

TEST(RemoveTreeTest, WhatIsNotThereCountsAsRemoved) {
  FakeDisk disk;
  EXPECT_TRUE(remove_tree(disk, at("nothing")));
  EXPECT_TRUE(remove_tree(disk, at("nothing/below")));
  EXPECT_EQ(disk.steps(), 0U);
}

TEST(RemoveTreeTest, TakesAFileOrALinkItself) {
  FakeDisk disk;
  plant(disk);
  ASSERT_TRUE(disk.make_link(at("link"), "kept"));
  EXPECT_TRUE(remove_tree(disk, at("link")));
  EXPECT_TRUE(remove_tree(disk, at("tree/a")));
  EXPECT_EQ(disk.contents("tree/a"), std::nullopt);
  EXPECT_EQ(disk.contents("kept/file"), "kept");
}

TEST(RemoveTreeTest, TakesFoldersOfMoreThanOneBatch) {
  FakeDisk disk;
  for (int i = 0; i < 1000; ++i) disk.put_file("tree/" + std::to_string(i), "");
  ASSERT_TRUE(remove_tree(disk, at("tree")));
  EXPECT_EQ(disk.tree(), Tree{});
}

TEST(RemoveTreeTest, TakesTreesDeeperThanItDescends) {
  FakeDisk disk;
  std::string deep = "tree";
  for (int i = 0; i < 1500; ++i) deep += "/d";
  disk.put_file(deep + "/file", "deep");
  disk.put_file("tree/.skein-deep-0", "a name that is taken");
  ASSERT_TRUE(remove_tree(disk, at("tree")));
  EXPECT_EQ(disk.tree(), Tree{});
}

TEST(RemoveTreeTest, AfterAFailureAtAnyStepASecondTryDoesIt) {
  for (std::uint64_t step = 1;; ++step) {
    FakeDisk disk;
    plant(disk);
    const std::uint64_t before = disk.steps();
    disk.fail_at(before + step, EIO);
    const auto removed = remove_tree(disk, at("tree"));
    if (disk.steps() < before + step) {
      EXPECT_TRUE(removed);
      EXPECT_GT(step, 8U);
      break;
    }
    EXPECT_EQ(outcome(removed), "io") << step;
    EXPECT_EQ(disk.open_files(), 0U);
    ASSERT_TRUE(remove_tree(disk, at("tree"))) << step;
    EXPECT_EQ(disk.tree(), kKept);
  }
}

// Another's hand: takes things away between two calls of whoever uses the disk below.
class Meddler final : public Disk {
 public:
  explicit Meddler(FakeDisk& disk) : disk_(disk) {}

  // Runs just before the call of that number, from 1 on.
  std::uint64_t when = 0;
  std::function<void(FakeDisk&)> what;

  Result<std::unique_ptr<File>> open_file(const Path& path) override {
    return meddled().open_file(path);
  }
  Result<std::unique_ptr<File>> open_for_writing(const Path& path) override {
    return meddled().open_for_writing(path);
  }
  Result<std::unique_ptr<File>> create_file(const Path& path) override {
    return meddled().create_file(path);
  }
  Result<std::unique_ptr<FolderReader>> read_folder(const Path& path) override {
    return meddled().read_folder(path);
  }
  Result<std::unique_ptr<Folder>> open_folder(const Path& path) override {
    return meddled().open_folder(path);
  }
  Result<void> make_folder(const Path& path, std::uint32_t mode) override {
    return meddled().make_folder(path, mode);
  }
  Result<void> set_folder_metadata(const Path& path, const Metadata& metadata) override {
    return meddled().set_folder_metadata(path, metadata);
  }
  Result<void> make_link(const Path& path, const std::string& target) override {
    return meddled().make_link(path, target);
  }
  Result<Info> info(const Path& path) override { return meddled().info(path); }
  Result<std::string> link_target(const Path& path) override { return meddled().link_target(path); }
  Result<void> rename(const Path& from, const Path& to, Rename how) override {
    return meddled().rename(from, to, how);
  }
  Result<void> remove_file(const Path& path) override { return meddled().remove_file(path); }
  Result<void> remove_folder(const Path& path) override { return meddled().remove_folder(path); }
  Result<void> sync_folder(const Path& path) override { return meddled().sync_folder(path); }
  Result<Space> space() override { return meddled().space(); }
  [[nodiscard]] std::string boot_id() const override { return disk_.boot_id(); }

  [[nodiscard]] bool came() const { return calls_ >= when; }

 private:
  FakeDisk& meddled() {
    if (++calls_ == when) what(disk_);
    return disk_;
  }

  FakeDisk& disk_;
  std::uint64_t calls_ = 0;
};

TEST(RemoveTreeTest, WhatVanishesMeanwhileCountsAsRemoved) {
  for (std::uint64_t call = 1;; ++call) {
    FakeDisk disk;
    plant(disk);
    Meddler meddler(disk);
    meddler.when = call;
    meddler.what = [](FakeDisk& below) { (void)remove_tree(below, at("tree")); };
    ASSERT_TRUE(remove_tree(meddler, at("tree"))) << call;
    EXPECT_EQ(disk.tree(), kKept);
    if (!meddler.came()) break;
    ASSERT_LT(call, 1000U);
  }
}

TEST(MakeFoldersTest, MakesWhatIsMissing) {
  FakeDisk disk;
  disk.put_folder("a");
  ASSERT_TRUE(make_folders(disk, at("a/b/c"), 0711, false));
  EXPECT_EQ(disk.tree(), (Tree{{"a", "folder"}, {"a/b", "folder"}, {"a/b/c", "folder"}}));
  EXPECT_EQ(disk.info(at("a/b/c"))->mode, 0711U);
  EXPECT_EQ(disk.info(at("a"))->mode, 0755U);
  EXPECT_EQ(disk.durable_tree(), (Tree{{"a", "folder"}}));
}

TEST(MakeFoldersTest, TheRootIsThere) {
  FakeDisk disk;
  EXPECT_TRUE(make_folders(disk, Path(), 0700, true));
  EXPECT_EQ(disk.steps(), 0U);
}

TEST(MakeFoldersTest, WithSyncTheyStay) {
  FakeDisk disk;
  ASSERT_TRUE(make_folders(disk, at("a/b/c"), 0700, true));
  disk.power_cycle();
  EXPECT_EQ(disk.tree(), (Tree{{"a", "folder"}, {"a/b", "folder"}, {"a/b/c", "folder"}}));
}

TEST(MakeFoldersTest, WithSyncThoseOfAnotherStayToo) {
  FakeDisk disk;
  ASSERT_TRUE(make_folders(disk, at("a/b"), 0700, false));
  ASSERT_TRUE(make_folders(disk, at("a/b"), 0700, true));
  disk.power_cycle();
  EXPECT_EQ(disk.tree(), (Tree{{"a", "folder"}, {"a/b", "folder"}}));
}

TEST(MakeFoldersTest, WhatStandsInTheWayIsNamed) {
  FakeDisk disk;
  disk.put_file("a/file", "text");
  disk.put_other("a/pipe");
  disk.put_folder("real");
  ASSERT_TRUE(disk.make_link(at("a/link"), "../real"));
  const std::map<std::string, std::string> kinds = {
      {"a/file", "not_a_folder"}, {"a/file/x", "not_a_folder"}, {"a/file/x/y", "not_a_folder"},
      {"a/pipe", "not_a_file"},   {"a/link", "not_a_file"},     {"a/link/x", "not_a_file"}};
  for (const auto& [path, kind] : kinds) {
    const auto made = make_folders(disk, at(path), 0700, false);
    EXPECT_EQ(outcome(made), kind) << path;
    EXPECT_NE(made.error().message().find("'a/"), std::string::npos) << made.error().message();
  }
}

TEST(MakeFoldersTest, AnotherMayBeFaster) {
  for (std::uint64_t call = 1;; ++call) {
    FakeDisk disk;
    Meddler meddler(disk);
    meddler.when = call;
    meddler.what = [](FakeDisk& below) { (void)make_folders(below, at("a/b"), 0755, false); };
    ASSERT_TRUE(make_folders(meddler, at("a/b/c"), 0700, true)) << call;
    disk.power_cycle();
    EXPECT_EQ(disk.tree(), (Tree{{"a", "folder"}, {"a/b", "folder"}, {"a/b/c", "folder"}}));
    if (!meddler.came()) break;
    ASSERT_LT(call, 1000U);
  }
}

TEST(MakeFoldersTest, AFasterOneMayHaveMadeAFile) {
  FakeDisk disk;
  Meddler meddler(disk);
  meddler.when = 2;
  meddler.what = [](FakeDisk& below) { below.put_file("a", "text"); };
  EXPECT_EQ(outcome(make_folders(meddler, at("a"), 0700, false)), "not_a_folder");
}

TEST(MakeFoldersTest, AfterACrashAtAnyStepASecondTryDoesIt) {
  for (const bool power : {false, true}) {
    for (std::uint64_t step = 1;; ++step) {
      FakeDisk disk;
      disk.crash_at(step);
      const auto made = make_folders(disk, at("a/b/c"), 0700, true);
      if (!disk.crashed()) {
        EXPECT_TRUE(made);
        EXPECT_GT(step, 6U);
        break;
      }
      EXPECT_FALSE(made);
      power ? disk.power_cycle() : disk.kill();
      ASSERT_TRUE(make_folders(disk, at("a/b/c"), 0700, true)) << step;
      disk.power_cycle();
      EXPECT_EQ(disk.tree().size(), 3U) << step;
    }
  }
}

}  // namespace
}  // namespace skein::store
