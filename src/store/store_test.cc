#include "store/store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <functional>
#include <latch>
#include <mutex>
#include <optional>
#include <ostream>
#include <thread>
#include <tuple>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "store/fake_disk.h"
#include "store/test_support.h"

namespace skein::store {
namespace {

using Tree = FakeDisk::Tree;

bool is_ours(std::string_view path) {
  return path.starts_with(".skein") || path.contains("/.skein");
}

// What others than the store see of a folder, and what only the store does.
Tree visible(Tree tree) {
  std::erase_if(tree, [](const auto& entry) { return is_ours(entry.first); });
  return tree;
}
Tree hidden(Tree tree) {
  std::erase_if(tree, [](const auto& entry) { return !is_ours(entry.first); });
  return tree;
}

const Tree kNothingHidden = {{".skein", "folder"},
                             {".skein/partial", "folder"},
                             {".skein/staging", "folder"},
                             {".skein/trash", "folder"}};

// A disk with a store on it, which may be started again.
struct Machine {
  FakeDisk disk;
  FakeClock clock;
  SeededRandom random{1};
  std::unique_ptr<Store> store;

  Result<void> start() {
    store.reset();
    clock.advance_ms(1000);
    TRY_ASSIGN(store, Store::open(disk, clock, random, {}));
    return {};
  }
  [[nodiscard]] Tree shown() const { return visible(disk.tree()); }
};

// What a kernel does by itself after a while.
Result<void> write_back(FakeDisk& disk) {
  TRY(disk.sync_folder(Path()));
  for (const auto& [path, thing] : disk.tree()) {
    if (thing == "folder") TRY(disk.sync_folder(at(path)));
    if (!thing.starts_with("file ")) continue;
    TRY_ASSIGN(const auto file, disk.open_file(at(path)));
    TRY(file->sync());
  }
  return {};
}

PartialKey key_to(std::string_view target, std::string source = "source") {
  return {"device", std::move(source), at(target)};
}

// Receives what is missing of `bytes`, as a session does.
Result<void> receive(Partial& partial, std::string_view bytes) {
  const BlockPlan& plan = partial.plan();
  for (std::uint64_t block = 0; block < plan.count(); ++block) {
    const std::string_view part = bytes.substr(plan.offset(block), plan.size(block));
    const Digest digest = digest_of(part, plan.seed_of(block));
    const auto claimed = partial.claims().find(block);
    if (claimed != partial.claims().end()) {
      if (claimed->second == digest) continue;
      TRY(partial.renounce(block));
    }
    const std::size_t half = part.size() / 2;
    TRY(partial.write(plan.offset(block), as_bytes(part.substr(0, half))));
    TRY(partial.write(plan.offset(block) + half, as_bytes(part.substr(half))));
    TRY(partial.claim(block, digest));
  }
  return {};
}

Result<bool> put(Machine& machine, const PartialKey& key, std::string_view bytes) {
  const Tree before = machine.shown();
  TRY_ASSIGN(const auto partial, machine.store->open_partial(key, bytes.size()));
  auto done = receive(*partial, bytes);
  // Until the commit, what is received is nobody's business: least of all a file's that stands.
  for (const auto& [path, thing] : machine.shown()) {
    if (thing != "folder") {
      EXPECT_TRUE(before.contains(path) && before.at(path) == thing) << path;
    }
  }
  Result<bool> committed = false;
  if (done) {
    committed = machine.store->commit(*partial, {0640, 1234});
  } else {
    committed = pass(std::move(done).error());
  }
  partial->release();
  return committed;
}

template <typename T>
Result<void> done(Result<T> result) {
  if (!result) return pass(std::move(result).error());
  return {};
}

class StoreTest : public testing::Test {
 public:
  ~StoreTest() override { EXPECT_EQ(disk_.open_files(), 0U); }

 protected:
  StoreTest() { EXPECT_TRUE(machine_.start()); }
  [[nodiscard]] Store& store() { return *machine_.store; }

  Machine machine_;
  FakeDisk& disk_ = machine_.disk;
};

// --- What it lays, and what it shows

TEST_F(StoreTest, ItLaysWhatItNeedsAndTakesItAwayWhereItIsEmpty) {
  EXPECT_EQ(disk_.tree(), kNothingHidden);
  EXPECT_EQ(disk_.durable_tree(), kNothingHidden);
  for (const char* path : {".skein", ".skein/partial", ".skein/staging", ".skein/trash"}) {
    EXPECT_EQ(disk_.info(at(path))->mode, 0700U) << path;
  }
  disk_.put_file("f", "text");
  ASSERT_TRUE(store().remove(at("f")));
  store().tidy();
  EXPECT_TRUE(disk_.tree().contains(".skein/trash"));
  ASSERT_TRUE(store().restore(at("f")));
  store().tidy();
  EXPECT_EQ(disk_.tree(), (Tree{{"f", "file text"}}));
}

TEST_F(StoreTest, WhatIsInItsWayIsNamed) {
  FakeDisk disk;
  disk.put_file(".skein", "text");
  const auto store = Store::open(disk, machine_.clock, machine_.random, {});
  ASSERT_FALSE(store);
  EXPECT_TRUE(store.error().is(kNotAFolder));
  EXPECT_NE(store.error().text().find("laying '.skein/partial'"), std::string::npos);
}

TEST_F(StoreTest, ListingsLeaveOutWhatIsOurs) {
  disk_.put_file(".skein-restore-1", "");
  disk_.put_file(".SKEIN.x", "");
  std::vector<std::string> expected;
  for (int i = 0; i < 10; ++i) {
    expected.push_back(std::string(1, static_cast<char>('a' + i)));
    disk_.put_file(expected.back(), "");
  }
  // Also where a whole batch would be ours.
  for (const std::size_t most : {std::size_t{1}, std::size_t{3}, std::size_t{100}}) {
    const auto reader = store().read_folder(Path());
    ASSERT_TRUE(reader);
    std::vector<std::string> names;
    while (true) {
      const auto part = (*reader)->next(most);
      ASSERT_TRUE(part);
      if (part->empty()) break;
      EXPECT_LE(part->size(), most);
      for (const Entry& entry : *part) names.push_back(entry.name);
    }
    std::ranges::sort(names);
    EXPECT_EQ(names, expected) << most;
  }
}

TEST_F(StoreTest, TheSameIsTheSameSizeTimeAndModeIfGiven) {
  ASSERT_TRUE(put(machine_, key_to("d/f"), "text"));
  const struct {
    const char* path;
    std::uint64_t size;
    Metadata metadata;
    bool same;
  } cases[] = {{"d/f", 4, {0640, 1234}, true},  {"d/f", 4, {{}, 1234}, true},
               {"d/f", 5, {0640, 1234}, false}, {"d/f", 4, {0640, 1235}, false},
               {"d/f", 4, {0600, 1234}, false}, {"d/f", 4, {0640, {}}, false},
               {"d/f", 4, {{}, {}}, false},     {"d/g", 4, {{}, 1234}, false}};
  for (const auto& [path, size, metadata, same] : cases) {
    EXPECT_EQ(store().holds(at(path), size, metadata), same)
        << path << " " << size << " " << metadata.mode.value_or(0) << " "
        << metadata.mtime_ns.value_or(0);
  }
  ASSERT_TRUE(store().make_folder(at("e"), {0755, 1234}));
  EXPECT_FALSE(store().holds(at("e"), 0, {{}, 1234}));
  ASSERT_TRUE(store().make_link(at("l"), "d/f"));
  const Info link = store().info(at("l")).value();
  EXPECT_FALSE(store().holds(at("l"), link.size_bytes, {{}, link.mtime_ns}));
}

// A put that is asked again after its commit failed at the last sync, or whose hub was killed
// there, was told "the same", and the file was gone after a loss of power.
TEST_F(StoreTest, WhatIsThereButNotOnTheDiskIsTheSameOnlyOnceItIs) {
  ASSERT_TRUE(put(machine_, key_to("d/other"), "text"));
  ASSERT_TRUE(store().holds(at("d/other"), 4, {{}, 1234}));
  auto file = disk_.create_file(at("d/f")).value();
  ASSERT_TRUE(file->set_metadata({0640, 1234}));
  ASSERT_TRUE(file->sync());
  file.reset();
  ASSERT_TRUE(machine_.start());  // another process, the same boot
  disk_.fail_at(disk_.steps() + 1, EIO);
  EXPECT_FALSE(store().holds(at("d/f"), 0, {0640, 1234}));
  EXPECT_TRUE(store().holds(at("d/f"), 0, {0640, 1234}));
  EXPECT_TRUE(disk_.durable_contents("d/f"));
  const std::uint64_t steps = disk_.steps();
  EXPECT_TRUE(store().holds(at("d/f"), 0, {0640, 1234}));
  EXPECT_EQ(disk_.steps(), steps) << "a folder is synced once, not for each file in it";
}

// A commit that failed between its syncs left the displaced file on the disk nowhere, once
// something else had synced the folder.
TEST_F(StoreTest, WhatAFailedCommitDisplacedIsKept) {
  for (std::uint64_t step = 1;; ++step) {
    Machine machine;
    ASSERT_TRUE(machine.start());
    machine.disk.put_file("d/f", "old");
    const std::uint64_t first = machine.disk.steps() + step;
    machine.disk.fail_at(first, EIO);
    const bool done = put(machine, key_to("d/f"), "text").has_value();
    machine.disk.fail_never();
    const bool again = put(machine, key_to("d/g"), "text").has_value();
    EXPECT_TRUE(again) << step;
    const bool past = machine.disk.steps() < first;
    machine.disk.power_cycle();
    bool kept = machine.disk.contents("d/f") == "old";
    for (const auto& [path, what] : machine.disk.tree()) kept = kept || what == "file old";
    EXPECT_TRUE(kept) << step;
    if (done && past) break;
    ASSERT_LT(step, 200U);
    if (done && step > 60) break;
  }
}

// --- What is refused, and changes nothing

TEST_F(StoreTest, WhatCannotBeDoneChangesNothing) {
  disk_.put_file("d/f", "text");
  disk_.put_file("g", "other");
  ASSERT_TRUE(disk_.make_link(at("l"), "d"));
  const auto opening = [&](std::string_view path) {
    return done(store().open_partial(key_to(path), 3));
  };
  const auto linking = [&](std::string_view path) {
    return done(store().make_link(at(path), "to"));
  };
  const std::tuple<const char*, std::function<Result<void>()>, const char*> cases[] = {
      {"put onto a folder", [&] { return opening("d"); }, "is_a_folder"},
      {"put below a file", [&] { return opening("g/h"); }, "not_a_folder"},
      {"put through a link", [&] { return opening("l/h"); }, "not_a_file"},
      {"a link onto a folder", [&] { return linking("d"); }, "is_a_folder"},
      {"a link below a file", [&] { return linking("g/h"); }, "not_a_folder"},
      {"a link without a target", [&] { return done(store().make_link(at("m"), "")); },
       "not_found"},
      {"a folder onto a file", [&] { return store().make_folder(at("g"), {}); }, "not_a_folder"},
      {"a folder below a file", [&] { return store().make_folder(at("g/h"), {}); }, "not_a_folder"},
      {"move of nothing", [&] { return store().move(at("x"), at("y")); }, "not_found"},
      {"move onto a file", [&] { return store().move(at("d/f"), at("g")); }, "exists"},
      {"move onto a folder", [&] { return store().move(at("g"), at("d")); }, "exists"},
      {"move onto itself", [&] { return store().move(at("g"), at("g")); }, "bad_request"},
      {"move into itself", [&] { return store().move(at("d"), at("d/e/d")); }, "bad_request"},
      {"move below a file", [&] { return store().move(at("d"), at("g/d")); }, "not_a_folder"},
      {"removal of nothing", [&] { return store().remove(at("x")); }, "not_found"},
      {"restore of nothing", [&] { return done(store().restore(at("x"))); }, "not_found"},
  };
  for (const auto& [what, act, kind] : cases) {
    const Tree before = disk_.tree();
    EXPECT_EQ(outcome(act()), kind) << what;
    EXPECT_EQ(disk_.tree(), before) << what;
  }
}

// --- Receiving

TEST_F(StoreTest, WhatIsCommittedHasItsMetadataAndIsDurable) {
  EXPECT_TRUE(store().durable());
  EXPECT_FALSE(*put(machine_, key_to("d/f"), "one"));
  EXPECT_TRUE(*put(machine_, key_to("d/f"), "two"));
  disk_.power_cycle();
  const Info info = store().info(at("d/f")).value();
  EXPECT_EQ(info.mode, 0640U);
  EXPECT_EQ(info.mtime_ns, 1234);
  EXPECT_EQ(disk_.durable_contents("d/f"), "two");
  EXPECT_TRUE(*store().restore(at("d/f")));
  EXPECT_EQ(disk_.durable_contents("d/f"), "one");
}

TEST_F(StoreTest, AFileWithoutAModeIsForAllToRead) {
  const auto partial = store().open_partial(key_to("f"), 3).value();
  ASSERT_TRUE(receive(*partial, "one"));
  ASSERT_TRUE(store().commit(*partial, {}));
  partial->release();
  EXPECT_EQ(disk_.info(at("f"))->mode, 0644U);
}

TEST_F(StoreTest, AFolderThatCameInBetweenIsFoundAtTheCommit) {
  const auto partial = store().open_partial(key_to("f"), 4);
  ASSERT_TRUE(receive(**partial, "text"));
  disk_.put_folder("f");
  const auto committed = store().commit(**partial, {});
  EXPECT_EQ(outcome(committed), "is_a_folder");
  EXPECT_NE(committed.error().text().find("storing 'f'"), std::string::npos);
  // The handle stays: with another folder's removal it can be committed after all.
  ASSERT_TRUE(store().remove(at("f")));
  EXPECT_FALSE(*store().commit(**partial, {}));
  EXPECT_EQ(disk_.contents("f"), "text");
}

TEST_F(StoreTest, AParentThatWentInBetweenIsMadeAgain) {
  const auto partial = store().open_partial(key_to("d/e/f"), 4);
  ASSERT_TRUE(receive(**partial, "text"));
  ASSERT_TRUE(store().remove(at("d")));
  EXPECT_FALSE(*store().commit(**partial, {}));
  EXPECT_EQ(disk_.durable_contents("d/e/f"), "text");
}

TEST_F(StoreTest, OfTwoSourcesTheLastCommitStandsAndTheOtherIsInTheTrash) {
  const auto one = store().open_partial(key_to("f", "one"), 3);
  const auto two = store().open_partial(key_to("f", "two"), 3);
  ASSERT_TRUE(receive(**one, "one"));
  ASSERT_TRUE(receive(**two, "two"));
  EXPECT_FALSE(*store().commit(**two, {}));
  EXPECT_TRUE(*store().commit(**one, {}));
  EXPECT_EQ(machine_.shown(), (Tree{{"f", "file one"}}));
  EXPECT_TRUE(*store().restore(at("f")));
  EXPECT_EQ(machine_.shown(), (Tree{{"f", "file two"}}));
}

TEST_F(StoreTest, AfterAKillTheResumeSendsOnlyWhatIsMissing) {
  const std::string bytes = text_of(2 * limits::kSmallBlockBytes + 10, 3);
  {
    const auto partial = store().open_partial(key_to("f"), bytes.size());
    disk_.crash_at(disk_.steps() + 7);  // two writes and a claim for each of two blocks
    EXPECT_FALSE(receive(**partial, bytes));
  }
  disk_.kill();
  ASSERT_TRUE(machine_.start());
  {
    const auto partial = store().open_partial(key_to("f"), bytes.size());
    EXPECT_EQ((*partial)->claims().size(), 2U);
    const std::uint64_t steps = disk_.steps();
    ASSERT_TRUE(receive(**partial, bytes));
    EXPECT_EQ(disk_.steps() - steps, 3U);
    EXPECT_FALSE(*store().commit(**partial, {}));
  }
  EXPECT_EQ(disk_.durable_contents("f"), bytes);
}

TEST_F(StoreTest, WithoutSyncNothingIsSaidToBeDurableAndNothingWaits) {
  FakeDisk disk;
  const auto unsynced = Store::open(disk, machine_.clock, machine_.random, {.sync = false});
  ASSERT_TRUE(unsynced);
  EXPECT_FALSE((*unsynced)->durable());
  const auto partial = (*unsynced)->open_partial(key_to("d/f"), 4);
  ASSERT_TRUE(receive(**partial, "text"));
  ASSERT_TRUE((*unsynced)->commit(**partial, {}));
  ASSERT_TRUE((*unsynced)->make_link(at("l"), "d"));
  ASSERT_TRUE((*unsynced)->move(at("l"), at("m")));
  ASSERT_TRUE((*unsynced)->make_folder(at("e"), {0700, 1}));
  ASSERT_TRUE((*unsynced)->remove(at("e")));
  ASSERT_TRUE((*unsynced)->restore(at("e")));
  EXPECT_EQ(visible(disk.tree()),
            (Tree{{"d", "folder"}, {"d/f", "file text"}, {"e", "folder"}, {"m", "link d"}}));
  EXPECT_EQ(disk.durable_tree(), Tree{});
}

// --- Changing

TEST_F(StoreTest, ALinkThatIsThereIsLeftAlone) {
  const auto first = store().make_link(at("l"), "to");
  ASSERT_TRUE(first);
  EXPECT_FALSE(first->same);
  EXPECT_FALSE(first->replaced);
  ASSERT_TRUE(store().make_link(at("l"), "to"));  // the folder is synced, this once
  const std::uint64_t steps = disk_.steps();
  const auto again = store().make_link(at("l"), "to");
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->same);
  EXPECT_EQ(disk_.steps(), steps);
  const auto other = store().make_link(at("l"), "elsewhere");
  ASSERT_TRUE(other);
  EXPECT_FALSE(other->same);
  EXPECT_TRUE(other->replaced);
  EXPECT_EQ(*store().link_target(at("l")), "elsewhere");
}

TEST_F(StoreTest, AFolderThatIsThereGetsWhatIsGiven) {
  disk_.put_file("d/f", "text");
  ASSERT_TRUE(store().make_folder(at("d"), {0700, 5}));
  disk_.power_cycle();
  EXPECT_EQ(disk_.info(at("d"))->mode, 0700U);
  EXPECT_EQ(disk_.info(at("d"))->mtime_ns, 5);
  ASSERT_TRUE(store().make_folder(at("d"), {}));
  EXPECT_EQ(disk_.info(at("d"))->mode, 0700U);
  EXPECT_EQ(machine_.shown(), (Tree{{"d", "folder"}, {"d/f", "file text"}}));
}

// --- Several at once

// SeededRandom is for one thread.
class SharedRandom final : public Random {
 public:
  void fill(MutableBytes out) override {
    const std::lock_guard lock(mutex_);
    random_.fill(out);
  }

 private:
  std::mutex mutex_;
  SeededRandom random_{1};
};

TEST(StoreRaceTest, SessionsThatPutOneNameLeaveOneWholeFileAndTheOthersInTheTrash) {
  constexpr std::size_t kSessions = 4;
  for (int round = 0; round < 50; ++round) {
    FakeDisk disk;
    FakeClock clock;
    SharedRandom random;
    const auto store = Store::open(disk, clock, random, {});
    ASSERT_TRUE(store);
    std::latch start(kSessions);
    std::vector<Result<bool>> replaced(kSessions, fail(kIo, "never came that far"));
    {
      std::vector<std::jthread> sessions;
      sessions.reserve(kSessions);
      for (std::size_t i = 0; i < kSessions; ++i) {
        sessions.emplace_back([&, i] {
          const std::string bytes = std::string(20, static_cast<char>('a' + i));
          const auto partial =
              (*store)->open_partial(key_to("d/f", std::to_string(i)), bytes.size());
          start.arrive_and_wait();
          if (partial && receive(**partial, bytes)) {
            replaced[i] = (*store)->commit(**partial, {});
          }
        });
      }
    }
    for (const auto& result : replaced) ASSERT_TRUE(result) << result.error().report();
    EXPECT_EQ(std::ranges::count(replaced, true, [](const auto& result) { return *result; }),
              kSessions - 1);
    // Which of them stands is chance; all of them are there, each once.
    std::vector<std::string> things;
    for (const auto& [path, thing] : disk.tree()) {
      if (thing.starts_with("file ") && !path.ends_with(".path")) things.push_back(thing);
    }
    std::ranges::sort(things);
    std::vector<std::string> expected;
    expected.reserve(kSessions);
    for (std::size_t i = 0; i < kSessions; ++i) {
      expected.push_back("file " + std::string(20, static_cast<char>('a' + i)));
    }
    EXPECT_EQ(things, expected);
    EXPECT_EQ(visible(disk.tree()).size(), 2U);
    const Tree before_the_cut = disk.tree();
    // All of that will outlast the power; the journal of what is committed need not be gone.
    disk.power_cycle();
    Tree durable = disk.tree();
    std::erase_if(durable, [](const auto& entry) {
      return entry.first.starts_with(".skein/partial/") && entry.first.ends_with(".journal");
    });
    EXPECT_EQ(durable, before_the_cut);
  }
}

TEST(StoreRaceTest, SessionsThatTakeOneTransferOverLeaveItWhole) {
  constexpr int kSessions = 4;
  const std::string bytes(20, 'x');
  for (int round = 0; round < 50; ++round) {
    FakeDisk disk;
    FakeClock clock;
    SharedRandom random;
    const auto store = Store::open(disk, clock, random, {});
    ASSERT_TRUE(store);
    std::latch start(kSessions);
    std::atomic<int> committed = 0;
    {
      std::vector<std::jthread> sessions;
      sessions.reserve(kSessions);
      for (int i = 0; i < kSessions; ++i) {
        sessions.emplace_back([&] {
          start.arrive_and_wait();
          const auto partial = (*store)->open_partial(key_to("f"), bytes.size());
          if (!partial) return;
          auto done_well = receive(**partial, bytes);
          if (done_well) done_well = done((*store)->commit(**partial, {}));
          if (done_well) ++committed;
          if (!done_well) {
            EXPECT_EQ(outcome(done_well), "superseded");
          }
          (*partial)->release();
        });
      }
    }
    EXPECT_GE(committed, 1);
    EXPECT_EQ(visible(disk.tree()), (Tree{{"f", "file " + bytes}}));
    EXPECT_EQ(disk.open_files(), 0U);
  }
}

// --- Trouble at every step

struct Between {
  Tree tree;
  std::string again = "ok";  // what comes of the same operation then
};

struct Operation {
  std::string name;
  std::function<void(Machine&)> setup;
  std::function<Result<void>(Machine&)> run;
  Tree after;  // what is visible when it was done
  // What may be visible besides that and what was there before.
  std::vector<Between> between = {};
  // What may come of it then when it is asked for once more.
  std::vector<std::string> again_when_done = {"ok"};
  // Things that must be somewhere at every moment, seen or in the trash.
  std::vector<std::string> dear = {};
  // What a restore of this path then brings back.
  std::optional<std::pair<std::string, std::string>> back = {};
  // What is done after the trouble, when it is not the same again.
  std::function<Result<void>(Machine&)> then = {};
  Tree after_then = {};
};

void PrintTo(const Operation& operation, std::ostream* out) {
  *out << operation.name;
}

auto putting(const PartialKey& key, std::string bytes) {
  return
      [key, bytes = std::move(bytes)](Machine& machine) { return done(put(machine, key, bytes)); };
}

const std::string kTwoBlocks = text_of(limits::kSmallBlockBytes + 10, 5);
const std::string kOtherBlocks =
    kTwoBlocks.substr(0, limits::kSmallBlockBytes - 1) + text_of(11, 6);

std::string thing_of(std::string_view bytes) {
  FakeDisk disk;
  disk.put_file("f", bytes);
  return disk.tree().at("f");
}

std::vector<Operation> operations() {
  const auto nothing = [](Machine&) {};
  const auto old_file = [](Machine& machine) { machine.disk.put_file("d/f", "old"); };
  const auto nobody = PartialKey{"", "", at("d/f")};
  const Tree d = {{"d", "folder"}};
  const Tree old_there = {{"d", "folder"}, {"d/f", "file old"}};
  const Tree new_there = {{"d", "folder"}, {"d/f", "file new"}};
  const std::pair<std::string, std::string> old_back = {"d/f", "file old"};
  const auto removed = [](std::string_view path) {
    return [path = at(path)](Machine& machine) {
      EXPECT_TRUE(machine.store->remove(path));
      machine.clock.advance_ms(1);
    };
  };
  const auto restoring = [](std::string_view path) {
    return [path = at(path)](Machine& machine) { return done(machine.store->restore(path)); };
  };
  const auto linking = [](Machine& machine) {
    return done(machine.store->make_link(at("d/f"), "to"));
  };
  const auto moving = [](std::string_view from, std::string_view to) {
    return
        [from = at(from), to = at(to)](Machine& machine) { return machine.store->move(from, to); };
  };
  return {
      {.name = "PutANewFile",
       .setup = nothing,
       .run = putting(key_to("d/e/f"), "new"),
       .after = {{"d", "folder"}, {"d/e", "folder"}, {"d/e/f", "file new"}},
       .between = {{d}, {{{"d", "folder"}, {"d/e", "folder"}}}}},
      {.name = "PutOverAFile",
       .setup = old_file,
       .run = putting(key_to("d/f"), "new"),
       .after = new_there,
       .dear = {"file old"},
       .back = old_back},
      {.name = "PutOverAFileByNobody",
       .setup = old_file,
       .run = putting(nobody, "new"),
       .after = new_there,
       .dear = {"file old"},
       .back = old_back},
      {.name = "PutAnEmptyFileOverAFile",
       .setup = old_file,
       .run = putting(key_to("d/f"), ""),
       .after = {{"d", "folder"}, {"d/f", "file "}},
       .dear = {"file old"},
       .back = old_back},
      {.name = "PutOverALink",
       .setup = [=](Machine& machine) { EXPECT_TRUE(linking(machine)); },
       .run = putting(key_to("d/f"), "new"),
       .after = new_there,
       .dear = {"link to"},
       .back = std::pair("d/f", "link to")},
      {.name = "PutTwoBlocksThenOthers",
       .setup = old_file,
       .run = putting(key_to("d/f"), kTwoBlocks),
       .after = {{"d", "folder"}, {"d/f", thing_of(kTwoBlocks)}},
       .dear = {"file old"},
       .then = putting(key_to("d/f"), kOtherBlocks),
       .after_then = {{"d", "folder"}, {"d/f", thing_of(kOtherBlocks)}}},
      // The first of the two may have come under its name while its partial file is there still.
      {.name = "CommitWhatIsThereThenPutOthers",
       .setup =
           [=](Machine& machine) {
             old_file(machine);
             const auto partial = machine.store->open_partial(key_to("d/f"), kTwoBlocks.size());
             EXPECT_TRUE(receive(**partial, kTwoBlocks));
             (*partial)->release();
           },
       .run = putting(key_to("d/f"), kTwoBlocks),
       .after = {{"d", "folder"}, {"d/f", thing_of(kTwoBlocks)}},
       .dear = {"file old"},
       .then = putting(key_to("d/f"), kOtherBlocks),
       .after_then = {{"d", "folder"}, {"d/f", thing_of(kOtherBlocks)}}},
      {.name = "RemoveAFile",
       .setup = old_file,
       .run = [](Machine& machine) { return machine.store->remove(at("d/f")); },
       .after = d,
       .again_when_done = {"not_found"},
       .dear = {"file old"},
       .back = old_back},
      {.name = "RemoveAFolder",
       .setup = old_file,
       .run = [](Machine& machine) { return machine.store->remove(at("d")); },
       .after = {},
       .again_when_done = {"not_found"},
       .dear = {"file old"},
       .back = std::pair("d", "folder")},
      {.name = "RestoreWhereNothingStands",
       .setup =
           [=](Machine& machine) {
             old_file(machine);
             removed("d/f")(machine);
             removed("d")(machine);
           },
       .run = restoring("d/f"),
       .after = old_there,
       .between = {{d}},
       // Rather in both places than in none.
       .again_when_done = {"not_found", "ok"},
       .dear = {"file old"}},
      {.name = "RestoreOverAFile",
       .setup =
           [=](Machine& machine) {
             old_file(machine);
             removed("d/f")(machine);
             machine.disk.put_file("d/f", "new");
           },
       .run = restoring("d/f"),
       .after = old_there,
       .dear = {"file old", "file new"},
       .back = std::pair("d/f", "file new"),
       // A second one would undo the first.
       .then = [=](Machine& machine) -> Result<void> {
         if (machine.shown() == old_there) return {};
         return restoring("d/f")(machine);
       },
       .after_then = old_there},
      {.name = "RestoreAFolderOverAFile",
       .setup =
           [=](Machine& machine) {
             old_file(machine);
             removed("d")(machine);
             machine.disk.put_file("d", "new");
           },
       .run = restoring("d"),
       .after = old_there,
       .dear = {"file old", "file new"},
       .back = std::pair("d", "file new"),
       .then = [=](Machine& machine) -> Result<void> {
         if (machine.shown() == old_there) return {};
         return restoring("d")(machine);
       },
       .after_then = old_there},
      {.name = "MoveAFile",
       .setup = old_file,
       .run = moving("d/f", "e/g/h"),
       .after = {{"d", "folder"}, {"e", "folder"}, {"e/g", "folder"}, {"e/g/h", "file old"}},
       .between = {{{{"d", "folder"}, {"d/f", "file old"}, {"e", "folder"}}},
                   {{{"d", "folder"}, {"d/f", "file old"}, {"e", "folder"}, {"e/g", "folder"}}},
                   {{{"d", "folder"},
                     {"d/f", "file old"},
                     {"e", "folder"},
                     {"e/g", "folder"},
                     {"e/g/h", "file old"}},
                    "exists"}},
       .again_when_done = {"not_found"},
       .dear = {"file old"}},
      {.name = "MoveAFolder",
       .setup =
           [=](Machine& machine) {
             old_file(machine);
             machine.disk.put_folder("e");
           },
       .run = moving("d", "e/d"),
       .after = {{"e", "folder"}, {"e/d", "folder"}, {"e/d/f", "file old"}},
       .again_when_done = {"not_found"},
       .dear = {"file old"}},
      {.name = "MakeALink",
       .setup = nothing,
       .run = linking,
       .after = {{"d", "folder"}, {"d/f", "link to"}},
       .between = {{d}}},
      {.name = "MakeALinkOverAFile",
       .setup = old_file,
       .run = linking,
       .after = {{"d", "folder"}, {"d/f", "link to"}},
       .dear = {"file old"},
       .back = old_back},
      {.name = "MakeAFolder",
       .setup = nothing,
       .run = [](Machine& machine) { return machine.store->make_folder(at("a/b"), {0700, 5}); },
       .after = {{"a", "folder"}, {"a/b", "folder"}},
       .between = {{{{"a", "folder"}}}}},
      {.name = "Purge",
       .setup =
           [=](Machine& machine) {
             old_file(machine);
             removed("d")(machine);
             machine.disk.put_file("d/g", "stays");
             const auto partial = machine.store->open_partial(key_to("d/f"), 3);
             EXPECT_TRUE(receive(**partial, "new"));
             (*partial)->release();
             machine.clock.advance_ms(limits::kKeepTrashMs);
           },
       .run = [](Machine& machine) { return machine.store->purge(); },
       .after = {{"d", "folder"}, {"d/g", "file stays"}}},
      {.name = "Start",
       .setup =
           [=](Machine& machine) {
             old_file(machine);
             EXPECT_TRUE(remove_tree(machine.disk, at(".skein")));
             EXPECT_TRUE(machine.disk.sync_folder(Path()));
           },
       .run = [](Machine& machine) { return machine.start(); },
       .after = old_there},
  };
}

class StoreTroubleTest : public testing::TestWithParam<Operation> {
 protected:
  // What is there after the trouble, whatever it was.
  void check(Machine& machine, bool said_well) {
    const Operation& operation = GetParam();
    const Tree shown = machine.shown();
    if (said_well) {
      EXPECT_EQ(shown, operation.after);
    }
    const bool is_done = shown == operation.after;
    std::vector<std::string> again = {"ok"};
    if (is_done) again = operation.again_when_done;
    if (!is_done && shown != before_) {
      const auto between = std::ranges::find(operation.between, shown, &Between::tree);
      if (between == operation.between.end()) {
        ADD_FAILURE() << "neither before nor after: " << testing::PrintToString(shown);
        return;
      }
      again = {between->again};
    }
    expect_dear(machine);
    if (machine.store == nullptr) {
      ASSERT_TRUE(machine.start());
    }
    machine.clock.advance_ms(1000);
    if (operation.then) {
      const auto then = operation.then(machine);
      EXPECT_TRUE(then) << then.error().report();
      EXPECT_EQ(machine.shown(), operation.after_then);
    } else {
      const std::string came = outcome(operation.run(machine));
      EXPECT_EQ(std::ranges::count(again, came), 1) << came;
      EXPECT_EQ(machine.shown(), came == "exists" ? shown : operation.after);
    }
    expect_dear(machine);
    // Done twice, the second displaced the first.
    if (operation.back &&
        (!is_done || std::ranges::count(operation.again_when_done, "ok") == 0 || operation.then)) {
      const auto& [path, thing] = *operation.back;
      const auto restored = machine.store->restore(at(path));
      EXPECT_TRUE(restored) << restored.error().report();
      EXPECT_EQ(machine.shown()[path], thing);
    }
    expect_tidy(machine);
  }

  // What the operation displaced once it was said to be done comes back.
  static void expect_back(Machine& machine) {
    if (!GetParam().back) return;
    const auto& [path, thing] = *GetParam().back;
    const auto restored = machine.store->restore(at(path));
    EXPECT_TRUE(restored) << restored.error().report();
    EXPECT_EQ(machine.shown()[path], thing);
  }

  static void expect_dear(const Machine& machine) {
    const Tree tree = machine.disk.tree();
    for (const std::string& dear : GetParam().dear) {
      EXPECT_TRUE(
          std::ranges::any_of(tree, [&](const auto& entry) { return entry.second == dear; }))
          << dear << " is lost: " << testing::PrintToString(tree);
    }
  }

  static void expect_tidy(Machine& machine) {
    machine.clock.advance_ms(std::max(limits::kKeepPartialsMs, limits::kKeepTrashMs) + 3'600'000);
    const auto purged = machine.store->purge();
    EXPECT_TRUE(purged) << purged.error().report();
    EXPECT_EQ(hidden(machine.disk.tree()), kNothingHidden);
    EXPECT_EQ(machine.disk.open_files(), 0U);
  }

  void set_up(Machine& machine) {
    ASSERT_TRUE(machine.start());
    GetParam().setup(machine);
    before_ = machine.shown();
    ASSERT_TRUE(write_back(machine.disk));
    ASSERT_EQ(machine.disk.durable_tree(), machine.disk.tree());
    machine.clock.advance_ms(1000);
  }

  // Makes the operation meet `trouble` at each of its steps, until it has no more. Then, or when
  // it was done all the same, what was displaced must come back.
  void at_every_step(const std::function<void(FakeDisk&, std::uint64_t step)>& trouble,
                     const std::function<void(Machine&)>& recover) {
    for (std::uint64_t n = 1;; ++n) {
      SCOPED_TRACE(testing::Message() << "step " << n);
      ASSERT_LT(n, 1000U);
      bool over = false;
      for (const bool look_back : {false, true}) {
        Machine machine;
        set_up(machine);
        if (HasFatalFailure()) return;
        const std::uint64_t step = machine.disk.steps() + n;
        trouble(machine.disk, step);
        const bool well = GetParam().run(machine).has_value();
        over = machine.disk.steps() < step;
        if (over) {
          EXPECT_TRUE(well);
        }
        recover(machine);
        if (!look_back) {
          check(machine, well);
        } else if (well) {
          EXPECT_EQ(machine.shown(), GetParam().after);
          expect_back(machine);
          expect_tidy(machine);
        }
        if (HasFailure()) return;
      }
      if (over) return;
    }
  }

  Tree before_;
};

TEST_P(StoreTroubleTest, AFailingStepLeavesTheOldOrTheNew) {
  for (const int code : {EIO, ENOSPC}) {
    at_every_step([&](FakeDisk& disk, std::uint64_t step) { disk.fail_at(step, code); },
                  [](Machine& machine) { machine.disk.fail_never(); });
  }
}

TEST_P(StoreTroubleTest, ADiskThatFailsFromThereOnLeavesTheOldOrTheNew) {
  at_every_step([](FakeDisk& disk, std::uint64_t step) { disk.fail_from(step, EROFS); },
                [](Machine& machine) { machine.disk.fail_never(); });
}

TEST_P(StoreTroubleTest, AKillLeavesTheOldOrTheNew) {
  at_every_step([](FakeDisk& disk, std::uint64_t step) { disk.crash_at(step); },
                [](Machine& machine) {
                  machine.disk.kill();
                  EXPECT_TRUE(machine.start());
                });
}

TEST_P(StoreTroubleTest, APowerCutLeavesTheOldOrTheNew) {
  at_every_step([](FakeDisk& disk, std::uint64_t step) { disk.crash_at(step); },
                [](Machine& machine) {
                  machine.disk.power_cycle();
                  EXPECT_TRUE(machine.start());
                });
}

TEST_P(StoreTroubleTest, APowerCutThatSparesSomeOfWhatWasNotSyncedLeavesTheOldOrTheNew) {
  for (std::uint64_t seed = 1; seed <= 12 && !HasFailure(); ++seed) {
    SCOPED_TRACE(testing::Message() << "seed " << seed);
    SeededRandom random(seed);
    at_every_step([](FakeDisk& disk, std::uint64_t step) { disk.crash_at(step); },
                  [&](Machine& machine) {
                    machine.disk.power_cycle(&random);
                    EXPECT_TRUE(machine.start());
                  });
  }
}

INSTANTIATE_TEST_SUITE_P(All, StoreTroubleTest, testing::ValuesIn(operations()),
                         [](const auto& param) { return param.param.name; });

}  // namespace
}  // namespace skein::store
