#include "client/get_file.h"

#include <cerrno>
#include <memory>
#include <string>

#include "base/limits.h"
#include "client/test_support.h"
#include "store/fake_disk.h"

namespace skein::client {
namespace {

struct GetFileTest : ClientTest {
  GetFileTest() : small(*this) {
    store = store::Store::open(disk, clock, random, {}).value();
    small.files["a"] = {text, "5", 0600};
    begin();
  }
  void begin() {
    link = std::make_unique<Link>(*loop, pool, random, options());
    tally = {};
    small.again();
  }
  std::string get() {
    const auto body = [](GetFileTest& test, std::string& outcome) -> Task<void> {
      test.loop->spawn(test.small.serve());
      RemoteFile remote{store::at("a"), {}};
      remote.info.size_bytes = test.listed_bytes;
      remote.info.mtime_ns = 5;
      remote.info.mode = 0600;
      store::Path target = store::at("b");
      const auto done = co_await get_file(*test.link, std::move(remote), *test.store,
                                          std::move(target), test.tally);
      outcome = store::outcome(done);
      co_await test.link->close();
      co_await test.small.end();
    };
    std::string outcome;
    run(body(*this, outcome));
    EXPECT_EQ(disk.open_files(), 0U);
    return outcome;
  }
  void expect_whole() {
    EXPECT_EQ(disk.durable_contents("b"), small.files["a"].contents);
    EXPECT_EQ(disk.info(store::at("b")).value().mtime_ns, 5);
    EXPECT_EQ(disk.info(store::at("b")).value().mode, 0600U);
  }

  // One block more than two: the store here decides on blocks.
  const std::string text = store::text_of(2 * limits::kSmallBlockBytes + 99, 1);
  std::uint64_t listed_bytes = text.size();
  store::FakeDisk disk;
  std::unique_ptr<store::Store> store;
  SmallHub small;
  std::unique_ptr<Link> link;
  Tally tally;
};

TEST_F(GetFileTest, EveryBlockIsFetchedOnceAndCounted) {
  EXPECT_EQ(get(), "ok");
  expect_whole();
  EXPECT_EQ(small.count, (std::map<std::string, int>{{"get", 1}, {"read", 3}, {"close", 1}}));
  EXPECT_EQ(tally.files_done, 1U);
  EXPECT_EQ(tally.files_there, 0U);
  EXPECT_EQ(tally.bytes_done, text.size());
  EXPECT_EQ(tally.bytes_moved, text.size());
  EXPECT_EQ(tally.replaced, 0U);
}

TEST_F(GetFileTest, WhatIsHereAlreadyIsNotFetched) {
  EXPECT_EQ(get(), "ok");
  small.forget_requests();
  begin();
  EXPECT_EQ(get(), "ok");
  EXPECT_EQ(small.requests, 0U);
  EXPECT_EQ(tally.files_there, 1U);
  EXPECT_EQ(tally.bytes_done, text.size());
  EXPECT_EQ(tally.bytes_moved, 0U);
}

TEST_F(GetFileTest, WhatIsReplacedGoesToTheLocalTrash) {
  disk.put_file("b", "older");
  EXPECT_EQ(get(), "ok");
  expect_whole();
  EXPECT_EQ(tally.replaced, 1U);
  EXPECT_EQ(tally.last_replaced, "b");
  EXPECT_TRUE(store->restore(store::at("b")).value());
  EXPECT_EQ(disk.contents("b"), "older");
}

TEST_F(GetFileTest, FileWithoutBytesIsFetched) {
  small.files["a"].contents = "";
  listed_bytes = 0;
  EXPECT_EQ(get(), "ok");
  EXPECT_EQ(disk.durable_contents("b"), "");
}

TEST_F(GetFileTest, BlockDamagedOnTheWayIsAskedForAgain) {
  small.spoil_reads = 2;
  EXPECT_EQ(get(), "ok");
  expect_whole();
  EXPECT_EQ(small.count["read"], 5);
  EXPECT_EQ(tally.bytes_moved, text.size());
}

TEST_F(GetFileTest, BlockDamagedEveryTimeIsGivenUpAndNothingStandsThere) {
  small.spoil_reads = 1'000;
  EXPECT_EQ(get(), "digest_mismatch");
  EXPECT_FALSE(disk.contents("b"));
  EXPECT_EQ(small.count["close"], 1);
  EXPECT_EQ(tally.bytes_done, 0U);
  EXPECT_EQ(tally.files_done, 0U);
}

TEST_F(GetFileTest, LineLostAtAnyRequestIsResumedAndNoBlockComesTwice) {
  for (const bool after : {false, true}) {
    for (std::uint64_t at = 1; at <= 4; ++at) {
      small.forget_requests();
      begin();
      disk.put_file("b", "older");
      (after ? small.cut_after : small.cut_before) = at;
      EXPECT_EQ(get(), "ok") << at;
      expect_whole();
      EXPECT_EQ(small.count["get"], 2);
      EXPECT_EQ(tally.files_done, 1U);
      EXPECT_EQ(tally.bytes_done, text.size());
      EXPECT_EQ(tally.bytes_moved, text.size()) << "what was stored is not moved again";
    }
  }
}

TEST_F(GetFileTest, FileThatHasAnotherSizeThanItWasListedWithIsFetchedAsItIsNow) {
  listed_bytes = 7;
  EXPECT_EQ(get(), "ok");
  expect_whole();
  EXPECT_EQ(small.count["get"], 2);
}

TEST_F(GetFileTest, FileThatChangesOnceWhileItIsReadIsFetchedAgain) {
  small.on_request = [this](const Asked& asked) {
    if (asked.op == "read" && small.count["read"] == 2) small.files["a"].contents[0] ^= 1;
  };
  EXPECT_EQ(get(), "ok");
  expect_whole();
  EXPECT_EQ(small.count["get"], 2);
}

TEST_F(GetFileTest, FileThatChangesAllTheTimeIsGivenUp) {
  small.on_request = [this](const Asked& asked) {
    if (asked.op == "read") small.files["a"].contents[0] ^= 1;
  };
  EXPECT_EQ(get(), "changed");
  EXPECT_EQ(small.count["get"], 3);
  EXPECT_FALSE(disk.contents("b"));
}

TEST_F(GetFileTest, RefusalsComeBackAsTheyAre) {
  struct Case {
    std::string_view op;
    ErrorKind kind;
  };
  for (const Case& one : {Case{"get", kNotFound}, Case{"get", kRefused}, Case{"get", kNotAFile},
                          Case{"read", kIo}, Case{"read", kInternal}}) {
    small.forget_requests();
    begin();
    small.refusals[std::string(one.op)] = {one.kind};
    EXPECT_EQ(get(), one.kind.name) << one.op;
    EXPECT_EQ(small.count["close"], one.op == "get" ? 0 : 1);
    EXPECT_FALSE(disk.contents("b"));
    EXPECT_EQ(tally.bytes_done, 0U);
  }
}

// The disk here fails at each of its steps: never half a file under the name, and never "ok" for
// what is not on the disk.
TEST_F(GetFileTest, LocalDiskThatFailsAtAnyStepIsNeverFalselyDone) {
  bool done = false;
  for (std::uint64_t step = 1; !done; ++step) {
    disk.put_file("b", "older");
    begin();
    disk.fail_at(disk.steps() + step, ENOSPC);
    const std::string outcome = get();
    disk.fail_never();
    if (outcome == "ok") {
      expect_whole();
      done = true;
    } else {
      EXPECT_EQ(outcome, "no_space") << step;
      const auto seen = disk.contents("b");
      EXPECT_TRUE(seen == "older" || seen == text) << step;
    }
  }
}

TEST_F(GetFileTest, InterruptEndsItAndWhatCameIsKept) {
  small.on_request = [this](const Asked&) {
    if (small.count["read"] == 3) link->cancel();
  };
  EXPECT_EQ(get(), "cancelled");
  EXPECT_FALSE(disk.contents("b"));
  small.on_request = nullptr;
  begin();
  EXPECT_EQ(get(), "ok");
  expect_whole();
  EXPECT_LE(tally.bytes_moved, text.size());
}

}  // namespace
}  // namespace skein::client
