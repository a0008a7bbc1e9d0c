// What the fake can do beyond a disk: fail, run short, crash, lose power. That it is a disk at all
// is in disk_contract_test.cc.
#include "store/fake_disk.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <set>
#include <thread>
#include <vector>

#include "store/test_support.h"

namespace skein::store {
namespace {

using Tree = FakeDisk::Tree;

std::unique_ptr<File> create(FakeDisk& disk, std::string_view path, std::string_view bytes) {
  auto file = disk.create_file(at(path)).value();
  EXPECT_TRUE(file->write_at(0, as_bytes(bytes)));
  return file;
}

std::string read(File& file) {
  std::byte raw[64];
  const auto got = file.read_at(0, raw);
  if (!got) return outcome(got);
  return std::string(as_text(Bytes(raw).first(*got)));
}

// --- setting up and looking

TEST(FakeDiskTest, WhatIsPutIsThereAndDurable) {
  FakeDisk disk;
  disk.put_file("a/b/c", "text");
  disk.put_folder("d");
  disk.put_other("a/pipe");
  disk.put_file("a/b/c", "again");
  const Tree expected = {{"a", "folder"},
                         {"a/b", "folder"},
                         {"a/b/c", "file again"},
                         {"a/pipe", "other"},
                         {"d", "folder"}};
  EXPECT_EQ(disk.tree(), expected);
  EXPECT_EQ(disk.durable_tree(), expected);
  EXPECT_EQ(disk.contents("a/b/c"), "again");
  EXPECT_EQ(disk.durable_contents("a/b/c"), "again");
  EXPECT_EQ(disk.contents("a/b"), std::nullopt);
  EXPECT_EQ(disk.contents("a/b/x"), std::nullopt);
  EXPECT_EQ(disk.steps(), 0U);
  EXPECT_EQ(outcome(disk.open_file(at("a/pipe"))), "not_a_file");
  EXPECT_EQ(outcome(disk.open_for_writing(at("a/pipe"))), "not_a_file");
  disk.power_cycle();
  EXPECT_EQ(disk.tree(), expected);
}

TEST(FakeDiskTest, LargeFilesAreShownByDigest) {
  FakeDisk disk;
  disk.put_file("a", std::string(65, 'x'));
  disk.put_file("b", std::string(65, 'y'));
  const Tree tree = disk.tree();
  EXPECT_EQ(tree.at("a").find("file 65 "), 0U);
  EXPECT_NE(tree.at("a"), tree.at("b"));
}

// --- what is durable, and when

TEST(FakeDiskTest, AFileNeedsItsOwnSyncAndItsFolders) {
  for (const bool file_synced : {false, true}) {
    for (const bool folder_synced : {false, true}) {
      FakeDisk disk;
      const auto file = create(disk, "a", "text");
      if (file_synced) {
        ASSERT_TRUE(file->sync());
      }
      if (folder_synced) {
        ASSERT_TRUE(disk.sync_folder(Path()));
      }
      EXPECT_EQ(disk.contents("a"), "text");
      disk.power_cycle();
      const Tree expected = !folder_synced ? Tree{}
                            : file_synced  ? Tree{{"a", "file text"}}
                                           : Tree{{"a", "file "}};
      EXPECT_EQ(disk.tree(), expected) << file_synced << folder_synced;
    }
  }
}

TEST(FakeDiskTest, AFolderNeedsItsParents) {
  FakeDisk disk;
  ASSERT_TRUE(disk.make_folder(at("a"), 0700));
  ASSERT_TRUE(disk.make_folder(at("a/b"), 0700));
  ASSERT_TRUE(disk.sync_folder(at("a")));
  EXPECT_EQ(disk.durable_tree(), Tree{});
  ASSERT_TRUE(disk.sync_folder(Path()));
  EXPECT_EQ(disk.durable_tree(), (Tree{{"a", "folder"}, {"a/b", "folder"}}));
}

TEST(FakeDiskTest, MetadataIsDurableBySync) {
  FakeDisk disk;
  disk.put_file("a", "text");
  disk.put_folder("d");
  const auto before = disk.info(at("a")).value();
  const auto file = disk.open_for_writing(at("a")).value();
  ASSERT_TRUE(file->set_metadata({.mode = 0640, .mtime_ns = 5}));
  ASSERT_TRUE(disk.set_folder_metadata(at("d"), {.mode = 0711, .mtime_ns = 6}));
  disk.power_cycle();
  EXPECT_EQ(disk.info(at("a"))->mode, before.mode);
  EXPECT_EQ(disk.info(at("a"))->mtime_ns, before.mtime_ns);
  EXPECT_EQ(disk.info(at("d"))->mode, 0755U);
  const auto again = disk.open_for_writing(at("a")).value();
  ASSERT_TRUE(again->set_metadata({.mode = 0640, .mtime_ns = 5}));
  ASSERT_TRUE(again->sync());
  ASSERT_TRUE(disk.set_folder_metadata(at("d"), {.mode = 0711, .mtime_ns = 6}));
  ASSERT_TRUE(disk.sync_folder(at("d")));
  disk.power_cycle();
  EXPECT_EQ(disk.info(at("a"))->mode, 0640U);
  EXPECT_EQ(disk.info(at("a"))->mtime_ns, 5);
  EXPECT_EQ(disk.info(at("d"))->mode, 0711U);
  EXPECT_EQ(disk.info(at("d"))->mtime_ns, 6);
}

TEST(FakeDiskTest, ARenameWithinAFolderNeedsThatFolder) {
  FakeDisk disk;
  disk.put_file("a", "A");
  disk.put_file("b", "B");
  ASSERT_TRUE(disk.rename(at("a"), at("b"), Rename::kExchange));
  EXPECT_EQ(disk.durable_contents("a"), "A");
  ASSERT_TRUE(disk.sync_folder(Path()));
  EXPECT_EQ(disk.durable_contents("a"), "B");
  EXPECT_EQ(disk.durable_contents("b"), "A");
}

TEST(FakeDiskTest, ARenameBetweenFoldersNeedsBoth) {
  const auto moved = [](FakeDisk& disk) {
    disk.put_file("from/f", "text");
    disk.put_folder("to");
    ASSERT_TRUE(disk.rename(at("from/f"), at("to/f"), Rename::kNoReplace));
  };
  FakeDisk none;
  moved(none);
  none.power_cycle();
  EXPECT_EQ(none.tree(), (Tree{{"from", "folder"}, {"from/f", "file text"}, {"to", "folder"}}));
  FakeDisk target;
  moved(target);
  ASSERT_TRUE(target.sync_folder(at("to")));
  target.power_cycle();
  EXPECT_EQ(
      target.tree(),
      (Tree{{"from", "folder"}, {"from/f", "file text"}, {"to", "folder"}, {"to/f", "file text"}}));
  FakeDisk source;
  moved(source);
  ASSERT_TRUE(source.sync_folder(at("from")));
  source.power_cycle();
  EXPECT_EQ(source.tree(), (Tree{{"from", "folder"}, {"to", "folder"}}));
  FakeDisk both;
  moved(both);
  ASSERT_TRUE(both.sync_folder(at("to")));
  ASSERT_TRUE(both.sync_folder(at("from")));
  both.power_cycle();
  EXPECT_EQ(both.tree(), (Tree{{"from", "folder"}, {"to", "folder"}, {"to/f", "file text"}}));
}

TEST(FakeDiskTest, AFolderThatHalfARenameLeftTwiceIsFoundOnce) {
  FakeDisk disk;
  disk.put_file("a/x/f", "text");
  disk.put_folder("b");
  ASSERT_TRUE(disk.rename(at("a/x"), at("b/x"), Rename::kNoReplace));
  ASSERT_TRUE(disk.sync_folder(at("b")));
  // And a ring: b under x, with only the upper halves synced.
  ASSERT_TRUE(disk.rename(at("b/x"), at("x"), Rename::kNoReplace));
  ASSERT_TRUE(disk.rename(at("b"), at("x/b"), Rename::kNoReplace));
  ASSERT_TRUE(disk.sync_folder(at("x")));
  (void)disk.durable_tree();
  disk.power_cycle();
  EXPECT_EQ(disk.tree(),
            (Tree{{"a", "folder"}, {"a/x", "folder"}, {"a/x/f", "file text"}, {"b", "folder"}}));
}

TEST(FakeDiskTest, ARemovalNeedsItsFolder) {
  FakeDisk disk;
  disk.put_file("a", "text");
  ASSERT_TRUE(disk.remove_file(at("a")));
  EXPECT_EQ(disk.tree(), Tree{});
  disk.power_cycle();
  EXPECT_EQ(disk.contents("a"), "text");
  ASSERT_TRUE(disk.remove_file(at("a")));
  ASSERT_TRUE(disk.sync_folder(Path()));
  disk.power_cycle();
  EXPECT_EQ(disk.tree(), Tree{});
}

// --- trouble

TEST(FakeDiskTest, EveryChangeAndEverySyncIsAStep) {
  FakeDisk disk;
  const auto file = disk.create_file(at("a")).value();                             // 1
  ASSERT_TRUE(file->write_at(0, as_bytes("x")));                                   // 2
  ASSERT_TRUE(file->set_size(3));                                                  // 3
  ASSERT_TRUE(file->set_metadata({.mode = 0644, .mtime_ns = {}}));                 // 4
  ASSERT_TRUE(file->sync());                                                       // 5
  ASSERT_TRUE(disk.make_folder(at("d"), 0700));                                    // 6
  ASSERT_TRUE(disk.set_folder_metadata(at("d"), {.mode = 0755, .mtime_ns = {}}));  // 7
  ASSERT_TRUE(disk.make_link(at("l"), "a"));                                       // 8
  ASSERT_TRUE(disk.rename(at("a"), at("b"), Rename::kNoReplace));                  // 9
  ASSERT_TRUE(disk.sync_folder(Path()));                                           // 10
  ASSERT_TRUE(disk.remove_file(at("l")));                                          // 11
  ASSERT_TRUE(disk.remove_folder(at("d")));                                        // 12
  EXPECT_EQ(outcome(disk.remove_file(at("x"))), "not_found");                      // 13
  EXPECT_EQ(disk.steps(), 13U);
  ASSERT_TRUE(disk.info(at("b")));
  ASSERT_TRUE(disk.open_file(at("b")));
  ASSERT_TRUE(disk.open_for_writing(at("b")));
  ASSERT_TRUE(disk.read_folder(Path()).value()->next(5));
  ASSERT_TRUE(disk.space());
  ASSERT_EQ(read(*file), std::string("x\0\0", 3));
  EXPECT_EQ(disk.steps(), 13U);
}

TEST(FakeDiskTest, ThatStepFailsOnceOrFromThereOn) {
  FakeDisk disk;
  disk.fail_at(2, EACCES);
  disk.fail_at(4, ENOSPC);
  EXPECT_EQ(outcome(disk.make_folder(at("a"), 0700)), "ok");
  const auto failed = disk.make_folder(at("b"), 0700);
  EXPECT_EQ(outcome(failed), "refused");
  EXPECT_EQ(failed.error().system_code(), EACCES);
  EXPECT_EQ(outcome(disk.make_folder(at("b"), 0700)), "ok");
  EXPECT_EQ(outcome(disk.make_folder(at("c"), 0700)), "no_space");
  disk.fail_from(6, EROFS);
  EXPECT_EQ(outcome(disk.make_folder(at("c"), 0700)), "ok");
  EXPECT_EQ(outcome(disk.make_folder(at("d"), 0700)), "read_only");
  EXPECT_EQ(outcome(disk.remove_folder(at("c"))), "read_only");
  EXPECT_EQ(outcome(disk.info(at("c"))), "ok");
  disk.fail_never();
  EXPECT_EQ(outcome(disk.make_folder(at("d"), 0700)), "ok");
  EXPECT_EQ(disk.tree(),
            (Tree{{"a", "folder"}, {"b", "folder"}, {"c", "folder"}, {"d", "folder"}}));
}

TEST(FakeDiskTest, AFailingWriteRunsShort) {
  FakeDisk disk;
  const auto file = create(disk, "a", "........");
  disk.fail_at(disk.steps() + 1, EIO);
  EXPECT_EQ(outcome(file->write_at(2, as_bytes("abcde"))), "io");
  EXPECT_EQ(disk.contents("a"), "..ab....");
}

TEST(FakeDiskTest, ACrashEndsEverythingUntilThePowerIsBack) {
  FakeDisk disk;
  disk.put_file("kept", "kept");
  const auto file = create(disk, "a", "text");  // steps 1 and 2
  disk.crash_at(4);
  ASSERT_TRUE(file->sync());
  EXPECT_FALSE(disk.crashed());
  const auto crashed = disk.sync_folder(Path());
  EXPECT_EQ(outcome(crashed), "io");
  EXPECT_NE(crashed.error().message().find("crashed"), std::string::npos);
  EXPECT_TRUE(disk.crashed());
  EXPECT_EQ(outcome(disk.make_folder(at("d"), 0700)), "io");
  EXPECT_EQ(outcome(disk.info(at("kept"))), "io");
  EXPECT_EQ(outcome(disk.open_file(at("kept"))), "io");
  EXPECT_EQ(outcome(disk.read_folder(Path())), "io");
  EXPECT_EQ(read(*file), "io");
  EXPECT_EQ(disk.steps(), 4U);
  const std::string boot = disk.boot_id();

  disk.power_cycle();
  EXPECT_FALSE(disk.crashed());
  EXPECT_NE(disk.boot_id(), boot);
  EXPECT_EQ(disk.tree(), (Tree{{"kept", "file kept"}}));
  EXPECT_EQ(read(*file), "io");
  EXPECT_EQ(outcome(file->write_at(0, as_bytes("x"))), "io");
  EXPECT_EQ(outcome(disk.make_folder(at("d"), 0700)), "ok");
}

TEST(FakeDiskTest, AKilledProcessLosesOnlyItsOpenFiles) {
  FakeDisk disk;
  const auto file = create(disk, "a", "text");
  disk.crash_at(3);
  EXPECT_EQ(outcome(file->write_at(4, as_bytes("1234"))), "io");
  const std::string boot = disk.boot_id();
  disk.kill();
  EXPECT_EQ(disk.boot_id(), boot);
  EXPECT_EQ(disk.contents("a"), "text12");
  EXPECT_EQ(read(*file), "io");
  // It is still only in memory, and a sync of the file opened anew brings it to the disk.
  EXPECT_EQ(disk.durable_tree(), Tree{});
  ASSERT_TRUE(disk.open_for_writing(at("a")).value()->sync());
  ASSERT_TRUE(disk.sync_folder(Path()));
  EXPECT_EQ(disk.durable_contents("a"), "text12");
}

TEST(FakeDiskTest, AFailedSyncLosesItsDataForEver) {
  FakeDisk disk;
  disk.put_file("a", "old ");
  const auto file = disk.open_for_writing(at("a")).value();
  ASSERT_TRUE(file->write_at(0, as_bytes("new!")));
  disk.fail_at(disk.steps() + 1, EIO);
  EXPECT_EQ(outcome(file->sync()), "io");
  EXPECT_EQ(outcome(file->sync()), "ok");
  EXPECT_EQ(disk.contents("a"), "new!");
  EXPECT_EQ(disk.durable_contents("a"), "old ");
  ASSERT_TRUE(file->write_at(2, as_bytes("X")));
  EXPECT_EQ(outcome(file->sync()), "ok");
  EXPECT_EQ(disk.durable_contents("a"), "olX ");
  disk.power_cycle();
  EXPECT_EQ(disk.contents("a"), "olX ");
}

TEST(FakeDiskTest, AFailedFolderSyncMakesNothingDurable) {
  FakeDisk disk;
  ASSERT_TRUE(disk.make_folder(at("a"), 0700));
  disk.fail_at(2, EIO);
  EXPECT_EQ(outcome(disk.sync_folder(Path())), "io");
  EXPECT_EQ(disk.durable_tree(), Tree{});
}

TEST(FakeDiskTest, AFullDiskTakesWhatFits) {
  FakeDisk disk;
  disk.put_file("a", "12345");
  disk.set_capacity(10);
  EXPECT_EQ(disk.space()->free_bytes, 5U);
  EXPECT_EQ(disk.space()->total_bytes, 10U);
  const auto file = disk.create_file(at("b")).value();
  ASSERT_TRUE(file->set_size(100));  // a hole takes no room
  EXPECT_EQ(outcome(file->write_at(50, as_bytes("abc"))), "ok");
  EXPECT_EQ(outcome(file->write_at(50, as_bytes("ABC"))), "ok");  // room it has already
  EXPECT_EQ(outcome(file->write_at(49, as_bytes("-ABC-!"))), "no_space");
  EXPECT_EQ(disk.space()->free_bytes, 0U);
  EXPECT_EQ(disk.contents("b")->substr(48, 8), std::string("\0-ABC-\0\0", 8));
  // Removed but still open: the room is not yet free.
  ASSERT_TRUE(disk.remove_file(at("b")));
  EXPECT_EQ(disk.space()->free_bytes, 0U);
  ASSERT_TRUE(file->set_size(51));
  EXPECT_EQ(disk.space()->free_bytes, 3U);
  ASSERT_TRUE(disk.remove_file(at("a")));
  EXPECT_EQ(disk.space()->free_bytes, 8U);
  EXPECT_EQ(outcome(file->write_at(51, as_bytes("12345678"))), "ok");
  EXPECT_EQ(outcome(file->write_at(0, as_bytes("1"))), "no_space");
  disk.set_capacity(std::nullopt);
  EXPECT_EQ(outcome(file->write_at(0, as_bytes("1"))), "ok");
}

// --- what a real disk may have kept all the same

TEST(FakeDiskTest, PowerLossMayKeepAnyPartOfWhatWasNotSynced) {
  std::set<std::string> seen;
  std::set<Tree> trees;
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    FakeDisk disk;
    disk.put_file("a", "....");
    disk.put_file("from/f", "F");
    disk.put_folder("to");
    const auto file = disk.open_for_writing(at("a")).value();
    ASSERT_TRUE(file->write_at(0, as_bytes("ab")));
    ASSERT_TRUE(file->write_at(2, as_bytes("cd")));
    ASSERT_TRUE(disk.rename(at("from/f"), at("to/f"), Rename::kNoReplace));
    SeededRandom random(seed);
    disk.power_cycle(&random);
    seen.insert(disk.contents("a").value());
    Tree tree = disk.tree();
    tree.erase("a");
    trees.insert(tree);
  }
  EXPECT_EQ(seen, (std::set<std::string>{"....", "a...", "ab..", "..c.", "..cd", "a.c.", "a.cd",
                                         "abc.", "abcd"}));
  // A rename of which neither folder was synced happened, or did not.
  EXPECT_EQ(trees, (std::set<Tree>{{{"from", "folder"}, {"from/f", "file F"}, {"to", "folder"}},
                                   {{"from", "folder"}, {"to", "folder"}, {"to/f", "file F"}}}));
}

TEST(FakeDiskTest, PowerLossKeepsWhatWasSyncedWhateverTheSeed) {
  for (std::uint64_t seed = 0; seed < 100; ++seed) {
    FakeDisk disk;
    const auto file = create(disk, "a", "text");
    ASSERT_TRUE(file->sync());
    ASSERT_TRUE(disk.rename(at("a"), at("b"), Rename::kNoReplace));
    ASSERT_TRUE(disk.sync_folder(Path()));
    ASSERT_TRUE(disk.make_folder(at("d"), 0700));
    SeededRandom random(seed);
    disk.power_cycle(&random);
    ASSERT_EQ(disk.contents("b"), "text");
    ASSERT_EQ(disk.contents("a"), std::nullopt);
  }
}

// --- housekeeping

TEST(FakeDiskTest, OpenFilesAreCounted) {
  FakeDisk disk;
  disk.put_file("a", "text");
  {
    const auto one = disk.open_file(at("a")).value();
    const auto two = disk.open_file(at("a")).value();
    const auto three = disk.read_folder(Path()).value();
    EXPECT_EQ(disk.open_files(), 3U);
    disk.power_cycle();
    EXPECT_EQ(disk.open_files(), 3U);
  }
  EXPECT_EQ(disk.open_files(), 0U);
}

TEST(FakeDiskTest, RemovedFilesAreForgottenInTime) {
  FakeDisk disk;
  const auto open = create(disk, "open", "still");
  ASSERT_TRUE(disk.remove_file(at("open")));
  for (int i = 0; i < 5'000; ++i) {
    ASSERT_TRUE(create(disk, "a", "text"));
    ASSERT_TRUE(disk.remove_file(at("a")));
    if (i % 100 == 0) {
      ASSERT_TRUE(disk.sync_folder(Path()));
    }
  }
  EXPECT_EQ(read(*open), "still");
}

TEST(FakeDiskTest, ManyThreadsMayUseIt) {
  FakeDisk disk;
  std::vector<std::jthread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&disk, t] {
      const std::string folder = "t" + std::to_string(t);
      EXPECT_TRUE(disk.make_folder(at(folder), 0700));
      for (int i = 0; i < 200; ++i) {
        const auto file = create(disk, folder + "/" + std::to_string(i), "text");
        EXPECT_TRUE(file->sync());
        EXPECT_TRUE(disk.sync_folder(at(folder)));
        EXPECT_EQ(read(*file), "text");
      }
    });
  }
  threads.clear();
  EXPECT_EQ(disk.tree().size(), 4U * 201U);
  EXPECT_EQ(disk.steps(), 4U * (1 + 200 * 4));
}

TEST(FakeDiskTest, ACopyHoldsTheSameAndGoesItsOwnWay) {
  FakeDisk disk;
  disk.put_file("a", "old");
  const auto open = disk.open_for_writing(at("a")).value();
  ASSERT_TRUE(open->write_at(0, as_bytes("new")));
  const auto copy = disk.copy();
  EXPECT_EQ(copy->open_files(), 0U);
  EXPECT_EQ(copy->contents("a"), "new");
  copy->power_cycle();
  EXPECT_EQ(copy->contents("a"), "old");
  EXPECT_EQ(disk.contents("a"), "new");
  EXPECT_EQ(read(*open), "new");
}

}  // namespace
}  // namespace skein::store
