#include "hub/transfer_operations.h"

#include <algorithm>
#include <cerrno>
#include <string>

#include "base/limits.h"
#include "hub/test_support.h"

namespace skein::hub {
namespace {

using store::text_of;

constexpr std::size_t kBlock = limits::kSmallBlockBytes;
constexpr std::string_view kPut3 =
    R"({"op":"put","path":"b","total":2100000,"source":"1:2"})";  // two blocks and a bit

std::string block_request(const Told& put, std::uint64_t block, std::string_view digest = {}) {
  wire::Dictionary fields;
  fields.set("op", "block").set("handle", put.number("handle")).set("block", std::int64_t(block));
  if (!digest.empty()) fields.set("digest", digest);
  return fields.to_json();
}

std::string with_handle(std::string_view op, const Told& opened) {
  wire::Dictionary fields;
  fields.set("op", op).set("handle", opened.number("handle"));
  return fields.to_json();
}

std::uint64_t seed_of(const Told& opened) {
  return std::stoull(opened.text("seed"), nullptr, 16);
}

std::string digest_hex(const Told& opened, std::string_view bytes, std::uint64_t block) {
  return store::digest_of(bytes, seed_of(opened) + block).hex();
}

Task<Told> commit(Peer& peer, const Told& put) {
  return peer.ask(with_handle("commit", put));
}
Task<Told> close_handle(Peer& peer, const Told& opened) {
  return peer.ask(with_handle("close", opened));
}

std::string read_request(const Told& got, std::uint64_t block) {
  wire::Dictionary fields;
  fields.set("op", "read").set("handle", got.number("handle")).set("block", std::int64_t(block));
  return fields.to_json();
}
Task<Told> read(Peer& peer, const Told& got, std::uint64_t block) {
  return peer.ask(read_request(got, block));
}

// One block of `text`, with its digest.
Task<Told> send_block(Peer& peer, const Told& put, std::string_view text, std::uint64_t block) {
  const std::string_view bytes = text.substr(block * kBlock, kBlock);
  const std::string request = block_request(put, block, digest_hex(put, bytes, block));
  return peer.ask(request, bytes);
}

using TransferTest = SessionTest;

TEST_F(TransferTest, FileIsPutInBlocksOfAnyOrderAndReadBack) {
  const auto body = [](TransferTest& test) -> Task<void> {
    Peer peer = co_await test.greeted();
    const std::string text = text_of(2'100'000, 1);
    const Told put = co_await peer.ask(
        R"({"op":"put","path":"a/b","total":2100000,"mtime_ns":"17","mode":416,"source":"1:2"})");
    EXPECT_EQ(put.outcome, "ok");
    EXPECT_EQ(put.number("handle"), 1);
    EXPECT_EQ(put.number("block_size"), std::int64_t{kBlock});
    EXPECT_EQ(put.number("generation"), 1);
    EXPECT_EQ(put.text("seed").size(), 16U);
    EXPECT_EQ(put.payload, "");
    for (const std::uint64_t block : {2U, 0U, 1U}) {
      const Told sent = co_await send_block(peer, put, text, block);
      EXPECT_EQ(sent.outcome, "ok") << block;
    }
    EXPECT_FALSE(test.disk.contents("a/b")) << "under its name before it is whole";
    const Told committed = co_await commit(peer, put);
    EXPECT_EQ(committed.fields.to_json(),
              R"({"durable":true,"id":6,"ok":true,"replaced":false,"verified":"digest"})");
    EXPECT_EQ(test.disk.durable_contents("a/b"), text);

    const Told got = co_await peer.ask(R"({"op":"get","path":"a/b"})");
    EXPECT_EQ(got.outcome, "ok");
    EXPECT_EQ(got.number("total"), 2'100'000);
    EXPECT_EQ(got.text("mtime_ns"), "17");
    EXPECT_EQ(got.number("mode"), 416);
    std::string back;
    for (std::uint64_t block = 0; block < 3; ++block) {
      const Told part = co_await read(peer, got, block);
      EXPECT_EQ(part.outcome, "ok");
      EXPECT_EQ(part.text("digest"), digest_hex(got, part.payload, block));
      back += part.payload;
    }
    EXPECT_TRUE(back == text);
    const Told closed = co_await close_handle(peer, got);
    EXPECT_EQ(closed.outcome, "ok");
    const Told late = co_await read(peer, got, 0);
    EXPECT_EQ(late.outcome, "bad_request");
    EXPECT_EQ(test.disk.open_files(), 0U);
  };
  run(body(*this));
  EXPECT_EQ(count_in(".skein/partial/"), 0U);
}

TEST_F(TransferTest, FileWithoutBytesNeedsNoBlockAndIsVerifiedByDigest) {
  const auto body = [](TransferTest& test) -> Task<void> {
    Peer peer = co_await test.greeted();
    const Told put = co_await peer.put_whole("empty", "");
    EXPECT_EQ(put.outcome, "ok");
    EXPECT_EQ(put.text("verified"), "digest");
    EXPECT_EQ(test.disk.durable_contents("empty"), "");
    const Told got = co_await peer.ask(R"({"op":"get","path":"empty"})");
    EXPECT_EQ(got.number("total"), 0);
    const Told none = co_await read(peer, got, 0);
    EXPECT_EQ(none.outcome, "bad_request");
  };
  run(body(*this));
}

TEST_F(TransferTest, OneBlockWithoutDigestMakesItVerifiedByLength) {
  const auto body = [](TransferTest& test) -> Task<void> {
    Peer peer = co_await test.greeted();
    const std::string text = text_of(2'100'000, 1);
    const Told put = co_await peer.ask(kPut3);
    for (const std::uint64_t block : {0U, 2U}) {
      const Told sent = co_await send_block(peer, put, text, block);
      EXPECT_EQ(sent.outcome, "ok");
    }
    const std::string bare = block_request(put, 1);
    const Told sent = co_await peer.ask(bare, std::string_view(text).substr(kBlock, kBlock));
    EXPECT_EQ(sent.outcome, "ok");
    const Told committed = co_await commit(peer, put);
    EXPECT_EQ(committed.text("verified"), "length");
    EXPECT_EQ(test.disk.durable_contents("b"), text);
  };
  run(body(*this));
}

TEST_F(TransferTest, AnswersOfAHubThatDoesNotSyncSaySo) {
  open_store({.sync = false});
  const auto body = [](TransferTest& test) -> Task<void> {
    Peer peer = co_await test.greeted();
    const Told put = co_await peer.put_whole("a", "text");
    EXPECT_EQ(put.outcome, "ok");
    EXPECT_FALSE(put.flag("durable"));
  };
  run(body(*this));
}

TEST_F(TransferTest, WhatStoodThereGoesToTrashAndTheAnswerSaysSo) {
  disk.put_file("a", "old");
  const auto body = [](TransferTest& test) -> Task<void> {
    Peer peer = co_await test.greeted();
    const Told put = co_await peer.put_whole("a", "new");
    EXPECT_TRUE(put.flag("replaced"));
    EXPECT_EQ(test.disk.durable_contents("a"), "new");
    const Told back = co_await peer.ask(R"({"op":"restore","path":"a"})");
    EXPECT_EQ(back.outcome, "ok");
    EXPECT_EQ(test.disk.durable_contents("a"), "old");
  };
  run(body(*this));
}

TEST_F(TransferTest, UnlessSameOpensOnlyWhatDiffers) {
  const auto body = [](TransferTest& test) -> Task<void> {
    Peer peer = co_await test.greeted();
    const Told put =
        co_await peer.ask(R"({"op":"put","path":"a","total":0,"mtime_ns":"5","mode":420})");
    const Told committed = co_await commit(peer, put);
    EXPECT_EQ(committed.outcome, "ok");
    struct Case {
      std::string_view fields;
      bool same;
    };
    constexpr Case kCases[] = {
        {R"("total":0,"mtime_ns":"5","mode":420,"unless_same":true)", true},
        {R"("total":0,"mtime_ns":"5","unless_same":true)", true},
        {R"("total":0,"mtime_ns":"5","mode":420)", false},
        {R"("total":0,"mtime_ns":"5","mode":420,"unless_same":false)", false},
        {R"("total":0,"mtime_ns":"5","mode":384,"unless_same":true)", false},
        {R"("total":0,"mtime_ns":"6","mode":420,"unless_same":true)", false},
        {R"("total":1,"mtime_ns":"5","mode":420,"unless_same":true)", false},
        {R"("total":0,"mode":420,"unless_same":true)", false},
    };
    for (const Case& one : kCases) {
      const std::string request = concat(R"({"op":"put","path":"a",)", one.fields, "}");
      const Told told = co_await peer.ask(request);
      EXPECT_EQ(told.outcome, "ok") << one.fields;
      EXPECT_EQ(told.flag("same"), one.same) << one.fields;
      EXPECT_EQ(told.fields.has("handle"), !one.same) << one.fields;
    }
  };
  run(body(*this));
}

TEST_F(TransferTest, CommitMaySayTimeAndModeAnew) {
  const auto body = [](TransferTest& test) -> Task<void> {
    Peer peer = co_await test.greeted();
    const Told put =
        co_await peer.ask(R"({"op":"put","path":"a","total":0,"mtime_ns":"5","mode":420})");
    const Told committed =
        co_await peer.ask(R"({"op":"commit","handle":1,"mtime_ns":"-7","mode":384})");
    EXPECT_EQ(committed.outcome, "ok");
    EXPECT_EQ(put.outcome, "ok");
  };
  run(body(*this));
  const store::Info info = disk.info(store::at("a")).value();
  EXPECT_EQ(info.mtime_ns, -7);
  EXPECT_EQ(info.mode, 384U);
}

TEST_F(TransferTest, WhatIsAskedForWronglyIsRefusedAndNothingIsOpened) {
  disk.put_file("folder/file", "text");
  disk.put_other("pipe");
  store::Disk& as_disk = disk;
  ASSERT_TRUE(as_disk.make_link(store::at("out"), "../elsewhere"));
  const auto body = [](TransferTest& test) -> Task<void> {
    Peer peer = co_await test.greeted();
    struct Case {
      std::string_view request;
      std::string_view outcome;
    };
    constexpr Case kCases[] = {
        {R"({"op":"put","total":1})", "bad_request"},
        {R"({"op":"put","path":"a"})", "bad_request"},
        {R"({"op":"put","path":5,"total":1})", "bad_request"},
        {R"({"op":"put","path":"a","total":-1})", "bad_request"},
        {R"({"op":"put","path":"a","total":1.5})", "bad_request"},
        {R"({"op":"put","path":"a","total":"1"})", "bad_request"},
        {R"({"op":"put","path":"a","total":9007199254740993})", "bad_request"},
        {R"({"op":"put","path":"a","total":1,"mode":512})", "bad_request"},
        {R"({"op":"put","path":"a","total":1,"mtime_ns":5})", "bad_request"},
        {R"({"op":"put","path":"a","total":1,"mtime_ns":"9223372036854775808"})", "bad_request"},
        {R"({"op":"put","path":"a","total":1,"unless_same":1})", "bad_request"},
        {R"({"op":"put","path":"a","total":1,"source":"a\nb"})", "bad_request"},
        {R"({"op":"put","path":"","total":1})", "bad_name"},
        {R"({"op":"put","path":"../a","total":1})", "bad_name"},
        {R"({"op":"put","path":"/a","total":1})", "bad_name"},
        {R"({"op":"put","path":"a/.skein/b","total":1})", "bad_name"},
        {R"({"op":"put","path":"folder","total":1})", "is_a_folder"},
        {R"({"op":"put","path":"folder/file/a","total":1})", "not_a_folder"},
        {R"({"op":"block","block":0})", "bad_request"},
        {R"({"op":"block","handle":1,"block":0})", "bad_request"},
        {R"({"op":"block","handle":0,"block":0})", "bad_request"},
        {R"({"op":"commit"})", "bad_request"},
        {R"({"op":"commit","handle":1})", "bad_request"},
        {R"({"op":"get"})", "bad_request"},
        {R"({"op":"get","path":"folder/.."})", "bad_name"},
        {R"({"op":"get","path":"none"})", "not_found"},
        {R"({"op":"get","path":"folder"})", "is_a_folder"},
        {R"({"op":"get","path":"folder/file/a"})", "not_a_folder"},
        {R"({"op":"get","path":"pipe"})", "not_a_file"},
        {R"({"op":"get","path":"out"})", "refused"},
        {R"({"op":"get","path":"folder/file","block_size":0})", "bad_request"},
        {R"({"op":"get","path":"folder/file","block_size":4194305})", "bad_request"},
        {R"({"op":"get","path":"folder/file","seed":"1"})", "bad_request"},
        {R"({"op":"get","path":"folder/file","seed":"11223344556677GG"})", "bad_request"},
        {R"({"op":"read","block":0})", "bad_request"},
        {R"({"op":"read","handle":1,"block":0})", "bad_request"},
        {R"({"op":"close"})", "bad_request"},
        {R"({"op":"close","handle":1})", "bad_request"},
    };
    for (const Case& one : kCases) {
      const Told told = co_await peer.ask(one.request);
      EXPECT_EQ(told.outcome, one.outcome) << one.request;
      EXPECT_FALSE(told.text("message").empty()) << one.request;
    }
    EXPECT_EQ(test.disk.open_files(), 0U);
    EXPECT_EQ(test.count_in(".skein/partial/"), 0U);
    const Told first = co_await peer.ask(R"({"op":"get","path":"folder/file"})");
    EXPECT_EQ(first.number("handle"), 1);
  };
  run(body(*this));
}

TEST_F(TransferTest, BlockOfWrongPlaceSizeOrDigestDoesNotCount) {
  const auto body = [](TransferTest& test) -> Task<void> {
    Peer peer = co_await test.greeted();
    const std::string text = text_of(2'100'000, 1);
    const std::string_view whole(text);
    const Told put = co_await peer.ask(kPut3);
    const std::string none(32, '0');
    struct Case {
      std::uint64_t block;
      std::size_t bytes;
      std::string_view digest;
      std::string_view outcome;
    };
    const Case cases[] = {
        {3, kBlock, {}, "bad_request"},
        {0, kBlock - 1, {}, "bad_request"},
        {0, kBlock + 1, {}, "bad_request"},
        {2, kBlock, {}, "bad_request"},
        {0, 0, {}, "bad_request"},
        {0, kBlock, "0123", "bad_request"},
        {0, kBlock, none, "digest_mismatch"},
    };
    for (const Case& one : cases) {
      const std::string request = block_request(put, one.block, one.digest);
      const Told told = co_await peer.ask(request, whole.substr(0, one.bytes));
      EXPECT_EQ(told.outcome, one.outcome) << request << " + " << one.bytes;
    }
    for (std::uint64_t block = 0; block < 3; ++block) {
      const Told early = co_await commit(peer, put);
      EXPECT_EQ(early.outcome, "incomplete");
      const Told sent = co_await send_block(peer, put, text, block);
      EXPECT_EQ(sent.outcome, "ok");
    }
    // A block that was there and comes again damaged is missing from then on.
    const std::string damaged = block_request(put, 1, none);
    Told told = co_await peer.ask(damaged, whole.substr(0, kBlock));
    EXPECT_EQ(told.outcome, "digest_mismatch");
    told = co_await commit(peer, put);
    EXPECT_EQ(told.outcome, "incomplete");
    told = co_await send_block(peer, put, text, 1);
    EXPECT_EQ(told.outcome, "ok");
    told = co_await commit(peer, put);
    EXPECT_EQ(told.outcome, "ok");
    EXPECT_EQ(test.disk.durable_contents("b"), text);
    told = co_await commit(peer, put);
    EXPECT_EQ(told.outcome, "bad_request") << "the handle is gone";
  };
  run(body(*this));
}

TEST_F(TransferTest, PutCutInTheMiddleOfABlockGoesOnWithWhatWasVerified) {
  const auto body = [](TransferTest& test) -> Task<void> {
    const std::string text = text_of(2'100'000, 1);
    const std::string_view whole(text);
    {
      Peer peer = co_await test.greeted();
      const Told put = co_await peer.ask(kPut3);
      const Told first = co_await send_block(peer, put, text, 0);
      EXPECT_EQ(first.outcome, "ok");
      // The second without digest: it is held, and vouched for by nobody.
      const std::string bare = block_request(put, 2);
      const Told third = co_await peer.ask(bare, whole.substr(2 * kBlock));
      EXPECT_EQ(third.outcome, "ok");
      wire::Dictionary fields = wire::Dictionary::parse(block_request(put, 1)).value();
      fields.set("id", 9).set("size", std::int64_t{kBlock});
      const std::string half = frame(fields.to_json(), whole.substr(kBlock, kBlock / 2));
      co_await peer.send_all(half);
      test.links.back()->cut();
      const bool gone = co_await test.left(0);
      EXPECT_TRUE(gone);
    }
    EXPECT_EQ(test.disk.open_files(), 0U);
    Peer peer = co_await test.greeted();
    const Told put = co_await peer.ask(kPut3);
    EXPECT_EQ(put.number("generation"), 1) << "nobody held it any more";
    EXPECT_EQ(put.payload.size(), 24U);
    EXPECT_EQ(load_le<std::uint64_t>(as_bytes(put.payload).data()), 0U);
    EXPECT_EQ(to_hex(as_bytes(put.payload).subspan(8)),
              digest_hex(put, whole.substr(0, kBlock), 0));
    for (const std::uint64_t block : {1U, 2U}) {
      const Told sent = co_await send_block(peer, put, text, block);
      EXPECT_EQ(sent.outcome, "ok");
    }
    const Told committed = co_await commit(peer, put);
    EXPECT_EQ(committed.text("verified"), "digest");
    EXPECT_EQ(test.disk.durable_contents("b"), text);
  };
  run(body(*this));
  EXPECT_EQ(count_in(".skein/partial/"), 0U);
}

TEST_F(TransferTest, PutThatNobodyCouldResumeIsGoneWithItsConnection) {
  const auto body = [](TransferTest& test) -> Task<void> {
    {
      Peer peer = co_await test.greeted();
      const Told bare = co_await peer.ask(R"({"op":"put","path":"a","total":9})");
      const Told kept = co_await peer.ask(R"({"op":"put","path":"a","total":9,"source":"s"})");
      EXPECT_EQ(bare.outcome, "ok");
      EXPECT_EQ(kept.outcome, "ok");
      EXPECT_EQ(test.count_in(".skein/partial/"), 4U);
    }
    bool gone = co_await test.left(0);
    EXPECT_TRUE(gone);
    EXPECT_EQ(test.count_in(".skein/partial/"), 2U);
  };
  run(body(*this));
  EXPECT_EQ(shared(), store::FakeDisk::Tree());
}

TEST_F(TransferTest, OlderHandleIsSupersededByWhoeverOpensTheSameAgain) {
  const auto body = [](TransferTest& test) -> Task<void> {
    Peer older = co_await test.greeted();
    Peer newer = co_await test.greeted();
    const std::string text = text_of(2'100'000, 1);
    const Told old_put = co_await older.ask(kPut3);
    const Told sent = co_await send_block(older, old_put, text, 1);
    EXPECT_EQ(sent.outcome, "ok");
    const Told put = co_await newer.ask(kPut3);
    EXPECT_EQ(put.number("generation"), 2);
    EXPECT_EQ(put.payload.size(), 24U);
    Told told = co_await send_block(older, old_put, text, 0);
    EXPECT_EQ(told.outcome, "superseded");
    told = co_await send_block(older, old_put, text, 1);
    EXPECT_EQ(told.outcome, "superseded");
    for (const std::uint64_t block : {0U, 2U}) {
      told = co_await send_block(newer, put, text, block);
      EXPECT_EQ(told.outcome, "ok");
    }
    told = co_await commit(newer, put);
    EXPECT_EQ(told.outcome, "ok");
    EXPECT_EQ(test.disk.durable_contents("b"), text);
    told = co_await close_handle(older, old_put);
    EXPECT_EQ(told.outcome, "ok");
  };
  run(body(*this));
}

TEST_F(TransferTest, CommitOfASupersededPutIsRefusedAndItsHandleIsGone) {
  const auto body = [](TransferTest& test) -> Task<void> {
    Peer peer = co_await test.greeted();
    const Told old_put = co_await peer.ask(R"({"op":"put","path":"a","total":0,"source":"s"})");
    const Told put = co_await peer.ask(R"({"op":"put","path":"a","total":0,"source":"s"})");
    Told told = co_await commit(peer, old_put);
    EXPECT_EQ(told.outcome, "superseded");
    told = co_await commit(peer, old_put);
    EXPECT_EQ(told.outcome, "bad_request");
    told = co_await commit(peer, put);
    EXPECT_EQ(told.outcome, "ok");
  };
  run(body(*this));
}

TEST_F(TransferTest, CommitThatFailsAtAnyStepIsNeverFalselyDone) {
  const auto body = [](TransferTest& test) -> Task<void> {
    Peer peer = co_await test.greeted();
    bool done = false;
    for (std::uint64_t step = 1; !done; ++step) {
      test.disk.put_file("a", "old");
      const Told put = co_await peer.ask(R"({"op":"put","path":"a","total":3})");
      const Told sent = co_await send_block(peer, put, "new", 0);
      EXPECT_EQ(sent.outcome, "ok");
      test.disk.fail_at(test.disk.steps() + step, EIO);
      const Told told = co_await commit(peer, put);
      const bool failed = told.outcome != "ok";
      test.disk.fail_never();
      EXPECT_EQ(told.outcome, failed ? "io" : "ok") << step;
      const auto seen = test.disk.contents("a");
      EXPECT_TRUE(seen == "old" || seen == "new") << step;
      done = !failed;
      if (done) {
        EXPECT_EQ(test.disk.durable_contents("a"), "new");
        continue;
      }
      const Told closed = co_await close_handle(peer, put);
      EXPECT_EQ(closed.outcome, "ok") << "the handle stays after an error";
    }
  };
  run(body(*this));
  EXPECT_EQ(count_in(".skein/partial/"), 0U);
}

TEST_F(TransferTest, DiskThatCannotTakeItIsTold) {
  struct Case {
    int code;
    std::string_view outcome;
  };
  for (const Case& one : {Case{ENOSPC, "no_space"}, Case{EDQUOT, "no_space"},
                          Case{EROFS, "read_only"}, Case{EACCES, "refused"}, Case{EIO, "io"}}) {
    const auto body = [](TransferTest& test, Case expected) -> Task<void> {
      Peer peer = co_await test.greeted();
      test.disk.fail_from(test.disk.steps() + 1, expected.code);
      const Told put = co_await peer.ask(R"({"op":"put","path":"new/a","total":9})");
      EXPECT_EQ(put.outcome, expected.outcome);
      test.disk.fail_never();
    };
    run(body(*this, one));
  }
  disk.set_capacity(1'000'000);
  const auto full = [](TransferTest& test) -> Task<void> {
    Peer peer = co_await test.greeted();
    const Told put = co_await peer.ask(kPut3);
    EXPECT_EQ(put.outcome, "no_space");
  };
  run(full(*this));
  EXPECT_EQ(count_in(".skein/partial/"), 0U);
}

TEST_F(TransferTest, SixtyFourPutsAndGetsMayBeOpen) {
  disk.put_file("a", "text");
  const auto body = [](TransferTest& test) -> Task<void> {
    Peer peer = co_await test.greeted();
    Told last;
    for (std::size_t i = 0; i < spec::kMaxOpenTransfers; ++i) {
      last = co_await peer.ask(i % 2 == 0 ? R"({"op":"get","path":"a"})"
                                          : R"({"op":"put","path":"b","total":1})");
      EXPECT_EQ(last.outcome, "ok") << i;
    }
    Told more = co_await peer.ask(R"({"op":"get","path":"a"})");
    EXPECT_EQ(more.outcome, "too_many");
    more = co_await peer.ask(R"({"op":"put","path":"b","total":1})");
    EXPECT_EQ(more.outcome, "too_many");
    const Told closed = co_await close_handle(peer, last);
    EXPECT_EQ(closed.outcome, "ok");
    more = co_await peer.ask(R"({"op":"get","path":"a"})");
    EXPECT_EQ(more.outcome, "ok");
  };
  run(body(*this));
}

TEST_F(TransferTest, HandleOfAPutIsNoneOfAGet) {
  disk.put_file("a", "text");
  const auto body = [](TransferTest& test) -> Task<void> {
    Peer peer = co_await test.greeted();
    const Told put = co_await peer.ask(R"({"op":"put","path":"b","total":4})");
    const Told got = co_await peer.ask(R"({"op":"get","path":"a"})");
    Told told = co_await read(peer, put, 0);
    EXPECT_EQ(told.outcome, "bad_request");
    told = co_await send_block(peer, got, "text", 0);
    EXPECT_EQ(told.outcome, "bad_request");
    told = co_await commit(peer, got);
    EXPECT_EQ(told.outcome, "bad_request");
    told = co_await read(peer, got, 0);
    EXPECT_EQ(told.payload, "text");
  };
  run(body(*this));
}

TEST_F(TransferTest, GetTakesSeedAndBlockSizeOfAPartialFileAndSendsOnlyWhatDiffers) {
  disk.put_file("a", "abcdefgh");
  const auto body = [](TransferTest& test) -> Task<void> {
    Peer peer = co_await test.greeted();
    const Told got =
        co_await peer.ask(R"({"op":"get","path":"a","block_size":3,"seed":"1122334455667788"})");
    EXPECT_EQ(got.number("block_size"), 3);
    EXPECT_EQ(got.text("seed"), "1122334455667788");
    struct Case {
      std::uint64_t block;
      std::string_view held;
      std::string_view sent;
    };
    for (const Case& one :
         {Case{0, "abc", ""}, Case{1, "deX", "def"}, Case{2, "gh", ""}, Case{2, "", "gh"}}) {
      wire::Dictionary fields;
      fields.set("op", "read").set("handle", 1).set("block", std::int64_t(one.block));
      if (!one.held.empty()) fields.set("digest", digest_hex(got, one.held, one.block));
      const std::string request = fields.to_json();
      const Told told = co_await peer.ask(request);
      EXPECT_EQ(told.outcome, "ok");
      EXPECT_EQ(told.payload, one.sent);
      EXPECT_EQ(told.flag("same"), one.sent.empty());
      EXPECT_EQ(told.fields.has("digest"), !one.sent.empty());
    }
  };
  run(body(*this));
}

TEST_F(TransferTest, FileThatChangesWhileItIsReadIsToldUntilItIsGotAgain) {
  disk.put_file("a", "text");
  const auto body = [](TransferTest& test) -> Task<void> {
    Peer peer = co_await test.greeted();
    const Told got = co_await peer.ask(R"({"op":"get","path":"a"})");
    test.clock.advance_ms(5);
    auto file = test.disk.open_for_writing(store::at("a")).value();
    EXPECT_TRUE(file->write_at(0, as_bytes("T")));
    file.reset();
    Told told = co_await read(peer, got, 0);
    EXPECT_EQ(told.outcome, "changed");
    told = co_await close_handle(peer, got);
    EXPECT_EQ(told.outcome, "ok");
    const Told again = co_await peer.ask(R"({"op":"get","path":"a"})");
    told = co_await read(peer, again, 0);
    EXPECT_EQ(told.payload, "Text");
  };
  run(body(*this));
}

TEST_F(TransferTest, FileThatIsReplacedWhileItIsReadCountsAsChanged) {
  disk.put_file("a", "old");
  const auto body = [](TransferTest& test) -> Task<void> {
    Peer peer = co_await test.greeted();
    const Told got = co_await peer.ask(R"({"op":"get","path":"a"})");
    test.clock.advance_ms(5);
    const Told put = co_await peer.put_whole("a", "new");
    EXPECT_EQ(put.outcome, "ok");
    const Told told = co_await read(peer, got, 0);
    EXPECT_EQ(told.outcome, "changed");
  };
  run(body(*this));
}

TEST_F(TransferTest, ReadsAskedForAtOnceAllArriveAlthoughTheReaderIsSlow) {
  const std::string text = text_of(12 * kBlock, 3);
  disk.put_file("a", text);
  const auto body = [](TransferTest& test, const std::string& whole) -> Task<void> {
    Peer peer = co_await test.greeted();
    const Told got = co_await peer.ask(R"({"op":"get","path":"a"})");
    for (std::uint64_t block = 0; block < 12; ++block) peer.send(read_request(got, block));
    std::vector<bool> seen(12);
    for (int i = 0; i < 12; ++i) {
      const Told told = co_await peer.receive();
      const auto block = static_cast<std::uint64_t>(told.id - 3);
      EXPECT_EQ(told.outcome, "ok");
      EXPECT_TRUE(told.payload == std::string_view(whole).substr(block * kBlock, kBlock)) << block;
      seen.at(block) = true;
    }
    EXPECT_EQ(std::ranges::count(seen, true), 12);
  };
  run(body(*this, text));
}

// What is under way when the connection goes is ended, closed and forgotten.
TEST_F(TransferTest, ConnectionThatGoesWhileReadsAreUnderWayLeavesNothingOpen) {
  const std::string text = text_of(12 * kBlock, 3);
  disk.put_file("a", text);
  const auto body = [](TransferTest& test) -> Task<void> {
    Peer peer = co_await test.greeted();
    const Told got = co_await peer.ask(R"({"op":"get","path":"a"})");
    for (std::uint64_t block = 0; block < 12; ++block) peer.send(read_request(got, block));
    test.links.back()->cut();
    const bool gone = co_await test.left(0);
    EXPECT_TRUE(gone);
  };
  run(body(*this));
}

// A block that fails at its last write once left the receiver inside it, and the next one ended
// the hub.
TEST_F(TransferTest, BlockThatFailsAtAnyStepOfTheDiskIsRefusedAndCanBeSentAgain) {
  const auto body = [](TransferTest& test) -> Task<void> {
    Peer peer = co_await test.greeted();
    const std::string text = text_of(100'000, 1);  // in two pieces at least
    std::string outcomes;
    for (std::uint64_t step = 1; !outcomes.ends_with("ok "); ++step) {
      const Told put = co_await peer.ask(R"({"op":"put","path":"b","total":100000})");
      test.disk.fail_at(test.disk.steps() + step, ENOSPC);
      auto told = co_await send_block(peer, put, text, 0);
      outcomes += told.outcome + " ";
      test.disk.fail_never();
      const Told again = co_await send_block(peer, put, text, 0);
      EXPECT_EQ(again.outcome, "ok") << outcomes;
      const Told committed = co_await commit(peer, put);
      EXPECT_EQ(committed.outcome, "ok") << outcomes;
      EXPECT_EQ(test.disk.durable_contents("b"), text) << outcomes;
    }
    // Two pieces and the claim.
    EXPECT_EQ(outcomes, "no_space no_space no_space ok ");
  };
  run(body(*this));
}

}  // namespace
}  // namespace skein::hub
