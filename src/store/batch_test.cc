#include "store/batch.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "store/fake_disk.h"
#include "store/store.h"
#include "store/test_support.h"

namespace skein::store {
namespace {

using Files = std::vector<std::pair<std::string, std::string>>;  // path, contents
using Outcomes = std::vector<std::string>;

struct BatchMachine {
  BatchMachine() { start(); }
  void start() { store = Store::open(disk, clock, random, {}).value(); }

  Result<void> receive(Batch& batch, const Files& files) {
    for (const auto& [path, contents] : files) {
      TRY(batch.begin(at(path), {0640, 1234}));
      const std::size_t half = contents.size() / 2;
      TRY(batch.write(as_bytes(contents).first(half)));
      TRY(batch.write(as_bytes(contents).subspan(half)));
      TRY(batch.end());
    }
    return {};
  }
  Result<std::vector<Batch::Outcome>> put(const Files& files) {
    TRY_ASSIGN(const auto batch, store->open_batch(100));
    TRY(receive(*batch, files));
    return batch->commit();
  }
  // Of each file what it came to; of all the one error of the whole.
  Outcomes came_of(const Files& files) {
    const auto done = put(files);
    if (!done) return {std::string(done.error().kind().name)};
    Outcomes out;
    for (const Batch::Outcome& outcome : *done) {
      out.push_back(outcome.error      ? std::string(outcome.error->kind().name)
                    : outcome.replaced ? "replaced"
                                       : "new");
    }
    return out;
  }
  std::size_t staged() const {
    std::size_t count = 0;
    for (const auto& [path, thing] : disk.tree()) count += path.starts_with(".skein/staging/");
    return count;
  }

  FakeDisk disk;
  FakeClock clock;
  SeededRandom random{3};
  std::unique_ptr<Store> store;
};

struct BatchTest : testing::Test, BatchMachine {};

TEST_F(BatchTest, EachFileHasItsNameItsMetadataAndIsDurable) {
  disk.put_file("d/b", "old");
  EXPECT_EQ(came_of({{"d/a", "1"}, {"d/b", "22"}, {"e/f/c", ""}, {"top", "4"}}),
            (Outcomes{"new", "replaced", "new", "new"}));
  EXPECT_EQ(disk.durable_contents("d/a"), "1");
  EXPECT_EQ(disk.durable_contents("d/b"), "22");
  EXPECT_EQ(disk.durable_contents("e/f/c"), "");
  EXPECT_EQ(disk.durable_contents("top"), "4");
  EXPECT_EQ(disk.info(at("d/a")).value().mode, 0640U);
  EXPECT_EQ(disk.info(at("d/a")).value().mtime_ns, 1234);
  EXPECT_EQ(staged(), 0U);
  ASSERT_TRUE(store->restore(at("d/b")));
  EXPECT_EQ(disk.contents("d/b"), "old");
}

// As when the answer to a batch was lost, and it comes again while the first is being committed.
TEST_F(BatchTest, WhatStandsThereAlreadyIsNotDisplacedByTheSame) {
  ASSERT_EQ(came_of({{"d/a", "1"}, {"d/b", "22"}}), (Outcomes{"new", "new"}));
  EXPECT_EQ(came_of({{"d/a", "1"}, {"d/b", "333"}, {"d/c", "4"}}),
            (Outcomes{"new", "replaced", "new"}));
  EXPECT_FALSE(store->restore(at("d/a"))) << "nothing of it is in the trash";
  ASSERT_TRUE(store->restore(at("d/b")));
  EXPECT_EQ(disk.contents("d/b"), "22");
}

TEST_F(BatchTest, ItCostsFewSyncsWhateverTheNumberOfFiles) {
  const auto steps_of = [this](int count, const std::string& folder) {
    Files files;
    for (int i = 0; i < count; ++i) files.emplace_back(folder + "/" + std::to_string(i), "x");
    const std::uint64_t before = disk.steps();
    EXPECT_EQ(came_of(files), Outcomes(static_cast<std::size_t>(count), "new"));
    return disk.steps() - before;
  };
  steps_of(1, "first");  // after a start the trash is synced once
  // Of each file: created, written in two pieces, its metadata set, moved.
  EXPECT_EQ(steps_of(101, "a") - steps_of(1, "b"), 100U * 5U);
}

TEST_F(BatchTest, WhatCannotBePlacedIsToldOfItAlone) {
  disk.put_folder("folder/in");
  disk.put_file("file", "x");
  ASSERT_TRUE(disk.make_link(at("link"), "folder"));
  EXPECT_EQ(came_of({{"folder", "1"}, {"file/f", "2"}, {"link/f", "3"}, {"good", "4"}}),
            (Outcomes{"is_a_folder", "not_a_folder", "not_a_file", "new"}));
  EXPECT_EQ(disk.contents("good"), "4");
  EXPECT_EQ(disk.contents("file"), "x");
  EXPECT_EQ(staged(), 0U);
}

TEST_F(BatchTest, NamesThatCannotAllBeAreRefusedAsAWhole) {
  EXPECT_EQ(came_of({{"a", "1"}, {"a", "2"}}), Outcomes{"bad_request"});
  EXPECT_EQ(came_of({{"a", "1"}, {"a/b/c", "2"}}), Outcomes{"bad_request"});
  EXPECT_EQ(came_of({{"a/b/c", "1"}, {"a/b", "2"}}), Outcomes{"bad_request"});
  EXPECT_EQ(came_of({{"a/b", "1"}, {"a", "2"}}), Outcomes{"bad_request"});
  EXPECT_EQ(came_of({{"a/b/c", "1"}, {"a/b/d", "2"}, {"ab", "3"}}),
            (Outcomes{"new", "new", "new"}));
  EXPECT_EQ(staged(), 0U);
}

TEST_F(BatchTest, OneThatIsRefusedIsLeftOut) {
  const auto batch = store->open_batch(100).value();
  batch->refuse(Error(kBadName, "a name"));
  ASSERT_TRUE(receive(*batch, {{"a", "1"}}));
  ASSERT_TRUE(batch->begin(at("b"), {}));
  ASSERT_TRUE(batch->write(as_bytes("wrong")));
  batch->refuse(Error(kDigestMismatch, "a digest"));
  const auto done = batch->commit().value();
  ASSERT_EQ(done.size(), 3U);
  EXPECT_TRUE(done[0].error->is(kBadName));
  EXPECT_FALSE(done[1].error);
  EXPECT_TRUE(done[2].error->is(kDigestMismatch));
  EXPECT_EQ(disk.contents("a"), "1");
  EXPECT_EQ(disk.contents("b"), std::nullopt);
}

TEST_F(BatchTest, OneThatIsNotCommittedLeavesNothing) {
  {
    const auto batch = store->open_batch(100).value();
    ASSERT_TRUE(receive(*batch, {{"a", "1"}}));
    ASSERT_TRUE(batch->begin(at("b"), {}));
    EXPECT_EQ(outcome(batch->commit()), "io") << "in the middle of a file";
    EXPECT_EQ(staged(), 3U);
  }
  EXPECT_EQ(staged(), 0U);
  EXPECT_EQ(disk.contents("a"), std::nullopt);
}

TEST_F(BatchTest, NoRoomIsSaidBeforeTheFirstByte) {
  disk.set_capacity(10);
  EXPECT_EQ(outcome(store->open_batch(11)), "no_space");
  EXPECT_EQ(outcome(store->open_batch(10)), "ok");
}

TEST_F(BatchTest, WhatWasLostSinceItBeganFailsAllOfIt) {
  ASSERT_EQ(came_of({{"first", "1"}}), Outcomes{"new"});  // after a start the trash is synced once
  const auto batch = store->open_batch(100).value();
  ASSERT_TRUE(receive(*batch, {{"a", "1"}}));
  // Somebody else's sync fails, and takes with it what the batch wrote.
  const auto other = store->open_batch(100).value();
  ASSERT_TRUE(receive(*other, {{"b", "1"}}));
  disk.fail_at(disk.steps() + 1, EIO);
  EXPECT_EQ(outcome(other->commit()), "io");
  EXPECT_EQ(outcome(batch->commit()), "io");
  EXPECT_EQ(disk.contents("a"), std::nullopt) << "nothing has its name";
}

TEST_F(BatchTest, WhatACrashLeftIsPurgedButNotWhatIsInUse) {
  auto left = store->open_batch(100).value();
  ASSERT_TRUE(receive(*left, {{"a", "1"}}));
  clock.advance_ms(limits::kKeepUnresumableMs + 1'700'000'000'000);
  ASSERT_TRUE(store->purge());
  EXPECT_EQ(staged(), 2U) << "in use";
  disk.crash_at(disk.steps() + 1);
  left.reset();
  disk.kill();
  start();
  clock.advance_ms(limits::kKeepUnresumableMs + 1'700'000'000'000);
  ASSERT_TRUE(store->purge());
  EXPECT_EQ(staged(), 0U);
}

TEST_F(BatchTest, MissingAreThoseThatAreNotThereAsTheyShallBe) {
  ASSERT_EQ(came_of({{"d/a", "1"}, {"d/b", "22"}, {"e/c", "333"}}).size(), 3U);
  disk.put_folder("d/folder");
  const Metadata same{0640, 1234};
  const auto missing = store->missing({{at("d/a"), 1, same},
                                       {at("d/b"), 1, same},
                                       {at("d/b"), 2, {0600, 1234}},
                                       {at("d/b"), 2, {0640, 1235}},
                                       {at("d/b"), 2, {0640, std::nullopt}},
                                       {at("d/b"), 2, {std::nullopt, 1234}},
                                       {at("d/folder"), 0, same},
                                       {at("d/none"), 0, same},
                                       {at("none/c"), 3, same},
                                       {at("e/c"), 3, same}});
  EXPECT_EQ(missing, (std::vector<std::size_t>{1, 2, 3, 4, 6, 7, 8}));
}

// --- Trouble at every step

const Files kFiles = {{"d/new", "new"}, {"d/old", "new"}, {"e/f/new", "new"}};

// Runs the batch with `trouble` at each of its steps in turn, then `recover`. Whatever happened,
// each name shows the old file or the new one, what was said to be done is there, and what was
// displaced is somewhere. Then the same goes well.
void at_every_step(const std::function<void(FakeDisk&, std::uint64_t step)>& trouble,
                   const std::function<void(FakeDisk&, std::uint64_t step)>& recover) {
  for (std::uint64_t n = 1;; ++n) {
    SCOPED_TRACE(testing::Message() << "step " << n);
    ASSERT_LT(n, 200U);
    BatchMachine machine;
    FakeDisk& disk = machine.disk;
    disk.put_file("d/old", "old");
    const std::uint64_t step = disk.steps() + n;
    trouble(disk, step);
    const Outcomes came = machine.came_of(kFiles);
    const bool over = disk.steps() < step;
    recover(disk, n);
    machine.start();
    for (std::size_t i = 0; i < kFiles.size(); ++i) {
      const auto there = disk.contents(kFiles[i].first);
      const bool said_well =
          came.size() == kFiles.size() && (came[i] == "new" || came[i] == "replaced");
      const bool is_new = there == "new";
      const bool is_old = i == 1 ? there == "old" : there == std::nullopt;
      EXPECT_TRUE(is_new || (is_old && !said_well))
          << kFiles[i].first << ": " << there.value_or("none");
    }
    bool old_somewhere = false;
    for (const auto& [path, thing] : disk.tree())
      old_somewhere = old_somewhere || thing == "file old";
    EXPECT_TRUE(old_somewhere);
    EXPECT_EQ(disk.open_files(), 0U);
    const bool was_placed = disk.contents("d/old") == "new";
    EXPECT_EQ(machine.came_of(kFiles), (Outcomes{"new", was_placed ? "new" : "replaced", "new"}))
        << "what stands there already displaces nothing";
    for (const auto& [path, contents] : kFiles) EXPECT_EQ(disk.durable_contents(path), contents);
    if (over) {
      EXPECT_EQ(came, (Outcomes{"new", "replaced", "new"}));
      return;
    }
    if (testing::Test::HasFailure()) return;
  }
}

TEST(BatchTroubleTest, AFailingStepLeavesTheOldOrTheNew) {
  for (const int code : {EIO, ENOSPC}) {
    at_every_step([code](FakeDisk& disk, std::uint64_t step) { disk.fail_at(step, code); },
                  [](FakeDisk& disk, std::uint64_t) { disk.fail_never(); });
  }
}

TEST(BatchTroubleTest, ADiskThatFailsFromThereOnLeavesTheOldOrTheNew) {
  at_every_step([](FakeDisk& disk, std::uint64_t step) { disk.fail_from(step, EIO); },
                [](FakeDisk& disk, std::uint64_t) { disk.fail_never(); });
}

TEST(BatchTroubleTest, AKillLeavesTheOldOrTheNew) {
  at_every_step([](FakeDisk& disk, std::uint64_t step) { disk.crash_at(step); },
                [](FakeDisk& disk, std::uint64_t) { disk.kill(); });
}

TEST(BatchTroubleTest, APowerCutLeavesTheOldOrTheNew) {
  at_every_step([](FakeDisk& disk, std::uint64_t step) { disk.crash_at(step); },
                [](FakeDisk& disk, std::uint64_t) { disk.power_cycle(); });
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    at_every_step([](FakeDisk& disk, std::uint64_t step) { disk.crash_at(step); },
                  [seed](FakeDisk& disk, std::uint64_t n) {
                    SeededRandom random(seed * 1000 + n);
                    disk.power_cycle(&random);
                  });
  }
}

}  // namespace
}  // namespace skein::store
