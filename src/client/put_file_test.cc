#include "client/put_file.h"

#include <memory>
#include <string>

#include "base/limits.h"
#include "client/test_support.h"
#include "store/fake_disk.h"

namespace skein::client {
namespace {

struct PutFileTest : ClientTest {
  PutFileTest() : small(*this) {
    disk.put_file("local", text);
    const store::Metadata metadata{0600, 5};
    EXPECT_TRUE(disk.open_for_writing(store::at("local")).value()->set_metadata(metadata));
    link = std::make_unique<Link>(*loop, pool, random, options());
  }
  // Puts it, the hub serving; what it came to.
  std::string put() {
    const auto body = [](PutFileTest& test, std::string& outcome) -> Task<void> {
      test.loop->spawn(test.small.serve());
      LocalFile file{test.disk, store::at("local"), "source"};
      store::Path target = store::at("a/remote");
      const auto done =
          co_await put_file(*test.link, std::move(file), std::move(target), test.tally);
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
    EXPECT_EQ(small.files["a/remote"].contents, text);
    EXPECT_EQ(small.files["a/remote"].mtime_ns, "5");
    EXPECT_EQ(small.files["a/remote"].mode, 0600);
  }

  const std::string text = store::text_of(950, 1);  // ten blocks of the small hub
  store::FakeDisk disk;
  SmallHub small;
  std::unique_ptr<Link> link;
  Tally tally;
};

TEST_F(PutFileTest, EveryBlockIsSentOnceAndCounted) {
  EXPECT_EQ(put(), "ok");
  expect_whole();
  EXPECT_EQ(small.count, (std::map<std::string, int>{{"put", 1}, {"block", 10}, {"commit", 1}}));
  EXPECT_EQ(tally.files_done, 1U);
  EXPECT_EQ(tally.files_there, 0U);
  EXPECT_EQ(tally.bytes_done, 950U);
  EXPECT_EQ(tally.bytes_moved, 950U);
  EXPECT_EQ(tally.replaced, 0U);
  EXPECT_TRUE(tally.durable && tally.by_digest && tally.confirmed);
}

TEST_F(PutFileTest, WhatIsThereAlreadyIsNotSent) {
  small.files["a/remote"] = {text, "5", 0600};
  EXPECT_EQ(put(), "ok");
  EXPECT_EQ(small.count, (std::map<std::string, int>{{"put", 1}}));
  EXPECT_EQ(tally.files_there, 1U);
  EXPECT_EQ(tally.files_done, 1U);
  EXPECT_EQ(tally.bytes_done, 950U);
  EXPECT_EQ(tally.bytes_moved, 0U);
}

TEST_F(PutFileTest, WhatIsReplacedIsToldWithItsName) {
  small.files["a/remote"] = {"older", "4", 0600};
  EXPECT_EQ(put(), "ok");
  expect_whole();
  EXPECT_EQ(tally.replaced, 1U);
  EXPECT_EQ(tally.last_replaced, "a/remote");
}

TEST_F(PutFileTest, FileWithoutBytesIsPut) {
  disk.put_file("local", "");
  EXPECT_EQ(put(), "ok");
  EXPECT_EQ(small.count, (std::map<std::string, int>{{"put", 1}, {"commit", 1}}));
  EXPECT_EQ(small.files.at("a/remote").contents, "");
}

TEST_F(PutFileTest, BlockDamagedOnTheWayIsSentAgain) {
  small.refusals["block"] = {kDigestMismatch, kDigestMismatch};
  EXPECT_EQ(put(), "ok");
  expect_whole();
  EXPECT_EQ(small.count["block"], 12);
  EXPECT_EQ(tally.bytes_moved, 950U);
}

TEST_F(PutFileTest, BlockDamagedEveryTimeIsGivenUp) {
  small.refusals["block"].assign(100, kDigestMismatch);
  EXPECT_EQ(put(), "digest_mismatch");
  EXPECT_FALSE(small.files.contains("a/remote"));
  EXPECT_EQ(small.count["commit"], 0);
  EXPECT_EQ(small.count["close"], 1) << "nothing stays open at the hub";
  EXPECT_EQ(tally.files_done, 0U);
  EXPECT_EQ(tally.bytes_done, 0U);
}

TEST_F(PutFileTest, RefusalsComeBackAsTheyAre) {
  struct Case {
    std::string_view op;
    ErrorKind kind;
    int closes;
  };
  for (const Case& one : {Case{"put", kIsAFolder, 0}, Case{"put", kRefused, 0},
                          Case{"block", kNoSpace, 1}, Case{"block", kSuperseded, 1},
                          Case{"commit", kIncomplete, 1}, Case{"commit", kReadOnly, 1}}) {
    small.refusals[std::string(one.op)] = {one.kind};
    small.count.clear();
    link = std::make_unique<Link>(*loop, pool, random, options());
    small.again();
    EXPECT_EQ(put(), one.kind.name) << one.op;
    EXPECT_EQ(small.count["close"], one.closes) << one.op;
    EXPECT_FALSE(small.files.contains("a/remote"));
    EXPECT_EQ(tally.files_done, 0U);
    EXPECT_EQ(tally.bytes_done, 0U);
  }
}

// Whichever request the line is lost at, and whether or not it was carried out: the file is there
// in the end, once, and only what had not arrived was sent again.
TEST_F(PutFileTest, LineLostAtAnyRequestIsResumed) {
  for (const bool after : {false, true}) {
    for (std::uint64_t at = 1; at <= 12; ++at) {
      small.forget();
      small.again();
      (after ? small.cut_after : small.cut_before) = at;
      link = std::make_unique<Link>(*loop, pool, random, options());
      tally = {};
      EXPECT_EQ(put(), "ok") << at;
      expect_whole();
      EXPECT_EQ(tally.files_done, 1U);
      EXPECT_EQ(tally.files_there, 0U) << "it was sent, not found";
      EXPECT_EQ(tally.bytes_done, 950U);
      EXPECT_LE(tally.bytes_moved, 950U);
      EXPECT_EQ(small.count["put"], 2) << at;
      // What was under way when the line broke may go twice, nothing else.
      EXPECT_LE(small.count["block"], 10 + static_cast<int>(limits::kBlocksInFlight)) << at;
    }
  }
}

TEST_F(PutFileTest, FileThatChangesWhileItIsReadIsNotCommitted) {
  small.on_request = [this](const Asked& asked) {
    if (asked.op != "block" || small.count["block"] != 5) return;
    clock.advance_ms(3);
    const store::Path path = store::at("local");
    EXPECT_TRUE(disk.open_for_writing(path).value()->write_at(0, as_bytes("changed")));
  };
  EXPECT_EQ(put(), "changed");
  EXPECT_EQ(small.count["commit"], 0);
  EXPECT_EQ(small.count["close"], 1);
  EXPECT_EQ(tally.files_done, 0U);
}

TEST_F(PutFileTest, FileThatShrinksWhileItIsReadIsNotCommitted) {
  small.on_request = [this](const Asked& asked) {
    if (asked.op != "put") return;
    EXPECT_TRUE(disk.open_for_writing(store::at("local")).value()->set_size(10));
  };
  EXPECT_EQ(put(), "changed");
  EXPECT_EQ(small.count["commit"], 0);
}

TEST_F(PutFileTest, WhatIsNotThereIsNotFound) {
  EXPECT_TRUE(disk.remove_file(store::at("local")));
  EXPECT_EQ(put(), "not_found");
  EXPECT_EQ(small.requests, 0U);
}

TEST_F(PutFileTest, InterruptEndsItAndTheHubKeepsWhatCame) {
  small.on_request = [this](const Asked&) {
    if (small.count["block"] == 5) link->cancel();
  };
  EXPECT_EQ(put(), "cancelled");
  EXPECT_EQ(small.count["commit"], 0);
  EXPECT_EQ(tally.bytes_done, 0U);
  EXPECT_EQ(tally.files_done, 0U);
}

TEST(SourceOf, IsTheSameForTheSamePathAndFitsTheProtocol) {
  EXPECT_EQ(source_of("/a/b"), source_of("/a/b"));
  EXPECT_NE(source_of("/a/b"), source_of("/a/c"));
  EXPECT_LE(source_of("/a/b").size(), spec::kMaxNameBytes);
  EXPECT_FALSE(source_of("").empty());
}

}  // namespace
}  // namespace skein::client
