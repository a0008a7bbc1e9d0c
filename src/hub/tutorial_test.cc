#include "hub/tutorial.h"

#include <cerrno>
#include <string>

#include "base/limits.h"
#include "hub/test_support.h"

namespace skein::hub {
namespace {

using Tree = store::FakeDisk::Tree;

std::string upload(std::string_view name, std::string_view bytes) {
  return frame(concat(R"({"file_name":")", name, R"(","file_size":)", std::to_string(bytes.size()),
                      R"(,"msg":"hi"})"),
               bytes);
}

struct TutorialTest : SessionTest {
  // What happens to all of it, sent on one connection that is then left; nothing comes back.
  void send(std::string_view bytes) {
    const auto body = [](TutorialTest& test, std::string_view all) -> Task<void> {
      Peer peer = test.connect();
      co_await peer.send_all(all);
      co_await test.settle();
      peer.leave();
      const bool gone = co_await test.left(0);
      EXPECT_TRUE(gone);
      EXPECT_EQ(test.links.back()->sent_b_to_a(), 0U) << "the tutorial's client never reads";
    };
    run(body(*this, bytes));
    EXPECT_EQ(count_in(".skein/partial/"), 0U);
  }
};

TEST_F(TutorialTest, UploadIsStoredUnderItsNameAndNeverAnswered) {
  // As Python's json.dumps writes it, with another order, spaces, escapes and more members.
  send(frame(R"({"msg": "\u4f60\u597d", "file_size": 6, "file_name": "\u7535\u5f71.mp4"})",
             "hello\n"));
  EXPECT_EQ(shared(), (Tree{{"电影.mp4", "file hello\n"}}));
  EXPECT_EQ(disk.durable_contents("电影.mp4"), "hello\n");
  EXPECT_EQ(log.count("uploaded '电影.mp4', 6 bytes, verified by length"), 1U);
}

TEST_F(TutorialTest, SeveralFollowEachOtherWithAnyTimeBetween) {
  const auto body = [](TutorialTest& test) -> Task<void> {
    Peer peer = test.connect();
    for (const std::string_view name : {"a", "b", "a", "empty"}) {
      const std::string bytes = upload(name, name == "empty" ? "" : name);
      co_await peer.send_all(bytes);
      co_await test.pass_ms(24LL * 3600 * 1000);
    }
    peer.leave();
  };
  run(body(*this));
  EXPECT_EQ(shared(), (Tree{{"a", "file a"}, {"b", "file b"}, {"empty", "file "}}));
  EXPECT_EQ(log.count("uploaded"), 4U);
}

TEST_F(TutorialTest, UploadOfManyBlocksComesWholeHoweverItIsSplit) {
  const std::string text = store::text_of(2 * limits::kSmallBlockBytes + 12'345, 1);
  send(upload("movie", text));
  EXPECT_EQ(disk.durable_contents("movie"), text);
}

TEST_F(TutorialTest, WhatStoodThereGoesToTrash) {
  disk.put_file("movie", "old");
  send(upload("movie", "new"));
  EXPECT_EQ(disk.durable_contents("movie"), "new");
  EXPECT_TRUE(store->restore(store::at("movie")).value());
  EXPECT_EQ(disk.durable_contents("movie"), "old");
}

TEST_F(TutorialTest, RefusedNameIsSkippedLoggedAndTheConnectionKept) {
  disk.put_folder("folder");
  std::string all;
  std::size_t refused = 0;
  for (const std::string_view name :
       {"", ".", "..", "a/b", "../a", "/a", R"(a\\b)", R"(a\u0000b)", R"(a\nb)", "CON", "nul.txt",
        "a.", "a ", ".skein", ".Skein-x", "C:x", "folder"}) {
    all += upload(name, "payload");
    ++refused;
  }
  all += frame(R"({"file_name":5,"file_size":7})", "payload");
  all += frame(R"({"file_size":7})", "payload");
  all += upload(std::string(spec::kMaxComponentBytes + 1, 'x'), "payload");
  all += upload("good", "payload");
  send(all);
  EXPECT_EQ(shared(), (Tree{{"folder", "folder"}, {"good", "file payload"}}));
  EXPECT_EQ(log.count("an upload was not stored"), refused + 3);
}

TEST_F(TutorialTest, CutOffAtAnyByteNothingIsStored) {
  const std::string whole = upload("movie", "0123456789");
  for (std::size_t at = 0; at < whole.size(); ++at) {
    send(std::string_view(whole).substr(0, at));
    EXPECT_EQ(shared(), Tree()) << at;
  }
  send(whole);
  EXPECT_EQ(shared(), (Tree{{"movie", "file 0123456789"}}));
}

TEST_F(TutorialTest, PayloadThatStandsStillEndsTheConnectionAndNothingIsStored) {
  const auto body = [](TutorialTest& test) -> Task<void> {
    Peer peer = test.connect();
    const std::string bytes = upload("movie", "0123456789");
    peer.send_raw(std::string_view(bytes).substr(0, bytes.size() - 1));
    co_await test.pass_ms(limits::kStallTimeoutMs - 1'000);
    EXPECT_EQ(test.sessions.inside(), 1U);
    co_await test.pass_ms(2'000);
    const bool gone = co_await test.left(0);
    EXPECT_TRUE(gone);
    EXPECT_EQ(test.links.back()->sent_b_to_a(), 0U);
  };
  run(body(*this));
  EXPECT_EQ(shared(), Tree());
  EXPECT_EQ(count_in(".skein/partial/"), 0U);
}

TEST_F(TutorialTest, DiskThatFailsAtAnyStepIsLoggedAndTheNextUploadIsStored) {
  bool done = false;
  for (std::uint64_t step = 1; !done; ++step) {
    disk.put_file("first", "old");
    log.clear();
    disk.fail_at(disk.steps() + step, ENOSPC);
    send(upload("first", "new") + upload("second", "text"));
    disk.fail_never();
    done = log.count("uploaded 'first'") == 1 && log.count("uploaded 'second'") == 1;
    const bool said = log.count("uploaded 'first'") == 1;
    if (said) {
      EXPECT_EQ(disk.durable_contents("first"), "new") << step;
    }
    EXPECT_EQ(log.count("uploaded") + log.count("was not stored"), 2U) << step;
  }
  EXPECT_EQ(disk.durable_contents("second"), "text");
}

TEST_F(TutorialTest, FileThatIsTooLargeForTheDiskIsSkipped) {
  disk.set_capacity(1'000'000);
  const std::string text = store::text_of(2'000'000, 1);
  send(upload("large", text) + upload("small", "text"));
  EXPECT_EQ(shared(), (Tree{{"small", "file text"}}));
}

TEST_F(TutorialTest, FrameOfBothKindsIsNoneAndIsNeverAnswered) {
  for (const std::string_view json :
       {R"({"file_name":"a","file_size":1,"id":1})", R"({"file_name":"a","file_size":-1})",
        R"({"file_name":"a","file_size":"1"})", R"({"file_name":"a","file_size":1.0})",
        R"({"file_name":"a","file_size":9007199254740993})", R"({"file_name":"a"})",
        R"({"file_name":"a","file_size":1,"size":1})"}) {
    send(frame(json, "x"));
    EXPECT_EQ(shared(), Tree()) << json;
    EXPECT_EQ(log.count("bad_frame"), 1U) << json;
    log.clear();
  }
}

TEST_F(TutorialTest, UploadAfterHelloIsRefusedAndSkipped) {
  const auto body = [](TutorialTest& test) -> Task<void> {
    Peer peer = co_await test.greeted();
    peer.send_raw(upload("movie", "payload"));
    Told told = co_await peer.receive();
    EXPECT_EQ(told.outcome, "bad_request");
    EXPECT_EQ(told.id, 0);
    told = co_await peer.ask(R"({"op":"ping"})");
    EXPECT_EQ(told.outcome, "ok");
  };
  run(body(*this));
  EXPECT_EQ(shared(), Tree());
}

TEST_F(TutorialTest, ClientThatSaysHelloAfterAnUploadIsGreeted) {
  const auto body = [](TutorialTest& test) -> Task<void> {
    Peer peer = test.connect();
    peer.send_raw(upload("movie", "payload"));
    const Told told = co_await peer.hello();
    EXPECT_EQ(told.outcome, "ok");
  };
  run(body(*this));
  EXPECT_EQ(shared(), (Tree{{"movie", "file payload"}}));
}

}  // namespace
}  // namespace skein::hub
