#include "cli/summary.h"

#include <algorithm>
#include <string>

#include "cli/test_support.h"

namespace skein::cli {
namespace {

// A put of 1,204 files that went well, to be changed by each test.
struct SummaryTest : ::testing::Test {
  SummaryTest() {
    tally.files = tally.files_done = 1'204;
    tally.bytes = tally.bytes_done = tally.bytes_moved = 3'100'000'000;
    tally.counted = true;
  }
  [[nodiscard]] Transferred transferred() const {
    return {tally, ended, 36'000, "sent", "ada-laptop:holiday/", "skein restore", announced};
  }
  [[nodiscard]] std::string line() const { return done_line(transferred()); }
  void fail_with(std::string name, Error error) {
    tally.problems.push_back({std::move(name), std::move(error)});
  }
  struct Reported {
    Said said;
    int code = -1;
  };
  [[nodiscard]] Reported reported(OutputFlags flags = {}) const {
    Reported out;
    out.said = said_by([&] { out.code = report(transferred(), flags); });
    return out;
  }

  client::Tally tally;
  Result<void> ended;
  std::optional<Announced> announced;
};

TEST_F(SummaryTest, AllSent) {
  EXPECT_EQ(line(),
            "done: 1,204 files, 3.1 GB in 36 s; verified and on disk at ada-laptop:holiday/");
  tally.files = tally.files_done = 1;
  tally.bytes = tally.bytes_done = tally.bytes_moved = 1;
  EXPECT_EQ(line(), "done: 1 file, 1 byte in 36 s; verified and on disk at ada-laptop:holiday/");
  tally.files = tally.files_done = 0;
  tally.bytes = tally.bytes_done = tally.bytes_moved = 0;
  EXPECT_EQ(line(), "done: 0 files, 0 bytes in 36 s; verified and on disk at ada-laptop:holiday/");
}

TEST_F(SummaryTest, SomeOrAllWereThereAlready) {
  tally.files_there = 1'180;
  tally.bytes_moved = 61'000'000;
  EXPECT_EQ(line(),
            "done: 1,204 files; 1,180 were there already, 24 sent (61.0 MB); verified and on disk "
            "at ada-laptop:holiday/");
  tally.files_there = 1'204;
  EXPECT_EQ(line(),
            "done: 1,204 files; all were there already; verified and on disk at "
            "ada-laptop:holiday/");
}

TEST_F(SummaryTest, WhatWasReplacedIsToldWithHowToBringItBack) {
  tally.replaced = 1;
  tally.last_replaced = "holiday/a\n.jpg";
  EXPECT_EQ(line(),
            "done: 1,204 files, 3.1 GB in 36 s; 1 replaced (skein restore holiday/a\\x0a.jpg "
            "brings the old one back); verified and on disk at ada-laptop:holiday/");
}

TEST_F(SummaryTest, NoMoreIsClaimedThanIsKnown) {
  tally.by_digest = false;
  EXPECT_TRUE(line().ends_with("; verified by length and on disk at ada-laptop:holiday/"));
  tally.durable = false;
  EXPECT_TRUE(
      line().ends_with("; verified by length, not yet synced to disk at "
                       "ada-laptop:holiday/"));
  tally.by_digest = true;
  EXPECT_TRUE(line().ends_with("; verified, not yet synced to disk at ada-laptop:holiday/"));
  tally.confirmed = false;
  EXPECT_TRUE(line().ends_with("; sent, not confirmed: the server gives no answer"));
}

TEST_F(SummaryTest, DoneIsNeverSaidWhileAnythingIsLeftUndone) {
  EXPECT_EQ(reported().code, kDone);
  EXPECT_NE(reported().said.out, "");
  fail_with("a", Error(kNotAFile, "is a pipe, device or socket"));
  EXPECT_EQ(line(), "");
  EXPECT_EQ(reported().code, kNotComplete);
  EXPECT_EQ(reported().said.out, "");
  tally.problems.clear();
  ended = fail(kIncomplete, "lost the hub");
  EXPECT_EQ(line(), "");
  EXPECT_EQ(reported().code, kNotComplete);
}

TEST_F(SummaryTest, FileThatFailedIsNamedAndTheRestIsCounted) {
  tally.files_done = 1'203;
  fail_with("IMG_2041.mov", Error(kChanged, "'IMG_2041.mov' changed while being read"));
  const auto out = reported();
  EXPECT_EQ(out.said.err,
            "skein: error: 'IMG_2041.mov' changed while being read\n"
            "skein: error: incomplete, 1,203 of 1,204 files\n"
            "skein: hint: run the same command again: only what is missing is moved\n");
  EXPECT_EQ(out.code, kNotComplete);
}

TEST_F(SummaryTest, NameIsPutBeforeAnErrorThatDoesNotHaveIt) {
  tally.files_done = 1'203;
  fail_with("a\x1b", Error(kIo, "the disk failed").with_hint("look at the disk"));
  EXPECT_EQ(reported().said.err,
            "skein: error: 'a\\x1b': the disk failed\n"
            "skein: error: incomplete, 1,203 of 1,204 files\n"
            "skein: hint: look at the disk\n");
}

TEST_F(SummaryTest, WhatIsNoFileIsLeftOutAlthoughAllFilesAreDone) {
  fail_with("fifo", Error(kNotAFile, "is a pipe, device or socket"));
  EXPECT_EQ(reported().said.err,
            "skein: error: 'fifo': is a pipe, device or socket\n"
            "skein: error: incomplete, 1,204 of 1,204 files; what is named above is left out\n");
}

TEST_F(SummaryTest, ManyProblemsAreShownInPart) {
  tally.files_done = 0;
  for (int i = 0; i < 1'204; ++i) fail_with(std::to_string(i), Error(kIo, "failed"));
  const std::string err = reported().said.err;
  EXPECT_EQ(std::ranges::count(err, '\n'), 20 + 3);
  EXPECT_TRUE(
      err.contains("skein: error: '19': failed\nskein: error: and 1,184 more\n"
                   "skein: error: incomplete, 0 of 1,204 files\n"))
      << err;
}

TEST_F(SummaryTest, OneThingThatIsRefusedHasItsOwnExitCode) {
  struct Case {
    ErrorKind kind;
    int code;
  };
  for (const Case& one : {Case{kNotFound, kFailed}, Case{kBadName, kNotAllowed},
                          Case{kRefused, kNotAllowed}, Case{kNoSpace, kNotComplete}}) {
    tally.files = 1;
    tally.files_done = 0;
    tally.problems.clear();
    fail_with("a", Error(one.kind, "as told"));
    EXPECT_EQ(reported().code, one.code) << one.kind.name;
    EXPECT_EQ(reported().said.err, "skein: error: as told\n");
    // One of several is "incomplete".
    tally.files = 2;
    tally.files_done = 1;
    EXPECT_EQ(reported().code, kNotComplete);
  }
}

TEST_F(SummaryTest, WhatEndedItBeforeAnythingWasDoneIsItsExitCode) {
  tally.files_done = 0;
  ended = fail(kNoHub, "nobody answers");
  EXPECT_EQ(reported().code, kNobodyThere);
  EXPECT_EQ(reported().said.err, "skein: error: nobody answers\n");
  tally.files_done = 1;
  EXPECT_EQ(reported().code, kNotComplete);
}

TEST_F(SummaryTest, InterruptSaysWhatIsKept) {
  tally.files_done = 0;
  ended = fail(kCancelled, "interrupted");
  EXPECT_EQ(reported().said.err,
            "skein: error: interrupted\n"
            "skein: hint: what was verified is kept; run the same command again: it goes on from "
            "there\n");
  EXPECT_EQ(reported().code, kNotComplete);
}

TEST_F(SummaryTest, QuietSaysNothingWhenAllIsWellAndEverythingElseAllTheSame) {
  EXPECT_EQ(reported({.quiet = true}).said.out, "");
  tally.files_done = 1'203;
  fail_with("a", Error(kIo, "the disk failed"));
  EXPECT_EQ(reported({.quiet = true}).said.err, reported().said.err);
}

TEST_F(SummaryTest, JsonIsALineForEachProblemAndOneForAll) {
  EXPECT_EQ(reported({.json = true}).said.out,
            R"({"bytes":3100000000,"bytes_moved":3100000000,"done":true,"durable":true,)"
            R"("files":1204,"files_there":0,"files_wanted":1204,"milliseconds":36000,)"
            R"("problems":0,"replaced":0,"verified":"digest"})"
            "\n");
  tally.files_done = 0;
  tally.bytes_done = tally.bytes_moved = 0;
  fail_with("a\"\n\xff", Error(kIo, "say \"no\"\n"));
  const auto out = reported({.json = true});
  EXPECT_EQ(out.said.out, R"({"error":"io","message":"say \"no\"\\x0a","problem":"a\"\\x0a\\xff"})"
                          "\n"
                          R"({"bytes":0,"bytes_moved":0,"done":false,"durable":false,)"
                          R"("files":0,"files_there":0,"files_wanted":1204,"milliseconds":36000,)"
                          R"("problems":1,"replaced":0,"verified":"none"})"
                          "\n");
  EXPECT_EQ(out.said.err, "");
}

TEST_F(SummaryTest, WhatARoomWasToldOf) {
  announced = {"mo\x1bvies", 2, {}};
  EXPECT_TRUE(line().ends_with("on disk at ada-laptop:holiday/; announced in mo\\x1bvies"))
      << line();
  const auto out = reported({.json = true});
  EXPECT_TRUE(out.said.out.contains(R"("announced":2,)")) << out.said.out;
  EXPECT_EQ(out.code, kDone);
}

TEST_F(SummaryTest, WhatNoRoomWasToldOfIsIncompleteAlthoughItIsThere) {
  tally.files = tally.files_done = 0;  // an empty folder
  announced = {"movies", 0, fail(kRefused, "not here")};
  EXPECT_EQ(line(), "");
  auto out = reported();
  EXPECT_EQ(out.code, kNotComplete);
  EXPECT_EQ(out.said.out, "");
  EXPECT_EQ(out.said.err,
            "skein: error: all is there, but not announced in 'movies': not here\n"
            "skein: hint: run the same command again: nothing is sent twice\n");
  announced->things = 2;
  out = reported();
  EXPECT_TRUE(out.said.err.contains("announced in 'movies', but for 2: not here\n"));
  out = reported({.json = true});
  EXPECT_EQ(out.code, kNotComplete);
  EXPECT_TRUE(
      out.said.out.starts_with(R"({"error":"refused","message":"not here","problem":"movies"})"))
      << out.said.out;
  EXPECT_TRUE(out.said.out.contains(R"("announced":2,)")) << out.said.out;
  EXPECT_TRUE(out.said.out.contains(R"("done":false,)")) << out.said.out;
  EXPECT_TRUE(out.said.out.contains(R"("problems":1,)")) << out.said.out;
}

}  // namespace
}  // namespace skein::cli
