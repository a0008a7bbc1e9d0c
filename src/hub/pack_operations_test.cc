#include "hub/pack_operations.h"

#include <cerrno>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "hub/test_support.h"
#include "transfer/pack.h"

namespace skein::hub {
namespace {

using transfer::PackedFile;

PackedFile file_of(std::string path, std::string_view contents) {
  return {std::move(path), static_cast<std::uint32_t>(contents.size()), 0640, 17};
}

std::string record(std::string path, std::string_view contents) {
  std::string out;
  transfer::append_packed_head(out, file_of(std::move(path), contents));
  out += contents;
  transfer::seal_packed(std::as_writable_bytes(std::span(out)));
  return out;
}

std::string head(std::string path, std::string_view contents) {
  std::string out;
  transfer::append_packed_head(out, file_of(std::move(path), contents));
  return out;
}

// "3 is_a_folder", "4 replaced", …
std::vector<std::string> outcomes_of(std::string_view lines) {
  std::vector<std::string> out;
  const auto outcomes = transfer::decode_packed_outcomes(as_bytes(lines)).value();
  for (const auto& one : outcomes) {
    const std::string what = one.error      ? std::string(one.error->kind().name)
                             : one.replaced ? "replaced"
                                            : "stored";
    out.push_back(std::to_string(one.index) + " " + what);
  }
  return out;
}

using Lines = std::vector<std::string>;

struct PackOperationsTest : SessionTest {
  // One request of a connection of its own.
  Told ask(std::string request, std::string payload) {
    const auto body = [](PackOperationsTest& test, std::string json, std::string bytes,
                         Told& told) -> Task<void> {
      Peer peer = co_await test.greeted();
      told = co_await peer.ask(json, bytes);
    };
    Told told;
    run(body(*this, std::move(request), std::move(payload), told));
    return told;
  }
  Told pack(std::string payload) { return ask(R"({"op":"pack","path":"to"})", std::move(payload)); }
  [[nodiscard]] std::size_t staged() const { return count_in(".skein/staging/"); }
};

TEST_F(PackOperationsTest, EachFileOfAPackIsStoredDurably) {
  const Told told = pack(record("a/one", "1") + record("empty", "") + record("two", "22"));
  EXPECT_EQ(told.outcome, "ok");
  EXPECT_TRUE(told.flag("durable"));
  EXPECT_EQ(told.payload, "");
  EXPECT_EQ(disk.durable_contents("to/a/one"), "1");
  EXPECT_EQ(disk.durable_contents("to/empty"), "");
  EXPECT_EQ(disk.durable_contents("to/two"), "22");
  EXPECT_EQ(disk.info(store::at("to/two")).value().mtime_ns, 17);
  EXPECT_EQ(staged(), 0U);
  EXPECT_EQ(log.count("put 'to/a/one' and 2 other small files, 3 bytes"), 1U);
}

TEST_F(PackOperationsTest, AnEmptyPackIsWell) {
  EXPECT_EQ(pack("").outcome, "ok");
  EXPECT_EQ(ask(R"({"op":"pack"})", record("top", "1")).outcome, "ok");
  EXPECT_EQ(disk.durable_contents("top"), "1");
}

TEST_F(PackOperationsTest, WhatFailsByItselfIsToldByItsPlace) {
  disk.put_file("to/old", "old");
  disk.put_folder("to/folder");
  std::string damaged = record("damaged", "text");
  damaged.back() = 'x';
  const Told told = pack(record("../out", "1") + record("old", "new") + record("folder", "2") +
                         damaged + record("old/below", "3") + record("good", "4"));
  // What lies below another file of the pack is the sender's mistake, so all of it is refused.
  EXPECT_EQ(told.outcome, "bad_request");
  const Told again = pack(record("../out", "1") + record("old", "new") + record("folder", "2") +
                          damaged + record("good", "4"));
  EXPECT_EQ(again.outcome, "ok");
  EXPECT_EQ(outcomes_of(again.payload),
            (Lines{"0 bad_name", "1 replaced", "2 is_a_folder", "3 digest_mismatch"}));
  EXPECT_EQ(disk.contents("to/old"), "new");
  EXPECT_EQ(disk.contents("to/good"), "4");
  EXPECT_EQ(disk.contents("to/damaged"), std::nullopt);
  EXPECT_EQ(staged(), 0U);
}

TEST_F(PackOperationsTest, PacksThatCannotBeAreRefusedAndTheConnectionIsKept) {
  std::string many;
  for (std::size_t i = 0; i <= spec::kMaxPackedFiles; ++i) many += record(std::to_string(i), "");
  const std::string one = record("a", "text");
  const std::vector<std::string> wrong = {
      record("a", "1") + record("a", "2"),    // named twice
      record("a/b", "1") + record("a", "2"),  // a file under a file
      one.substr(0, one.size() - 1),          // fewer bytes
      one + "more",                           // more
      many,
  };
  const auto body = [](PackOperationsTest& test,
                       const std::vector<std::string>& packs) -> Task<void> {
    Peer peer = co_await test.greeted();
    const std::string_view request = R"({"op":"pack"})";
    for (const std::string& bytes : packs) {
      const Told told = co_await peer.ask(request, bytes);
      EXPECT_EQ(told.outcome, "bad_request");
    }
    const std::string good = record("good", "1");
    const Told told = co_await peer.ask(request, good);
    EXPECT_EQ(told.outcome, "ok");
    const Told named = co_await peer.ask(R"({"op":"pack","path":"../x"})", good);
    EXPECT_EQ(named.outcome, "bad_name");
  };
  run(body(*this, wrong));
  EXPECT_EQ(shared(), (store::FakeDisk::Tree{{"good", "file 1"}}));
  EXPECT_EQ(staged(), 0U);
}

TEST_F(PackOperationsTest, AFullDiskIsSaidAtOnceAndAFailingOneStoresNothing) {
  disk.set_capacity(10);
  EXPECT_EQ(pack(record("a", "text")).outcome, "no_space");
  disk.set_capacity(std::nullopt);
  // Made a folder, created, written and set a file, made a folder; then the sync of all fails.
  disk.fail_at(disk.steps() + 6, EIO);
  EXPECT_EQ(pack(record("a", "text")).outcome, "io");
  EXPECT_EQ(disk.contents("to/a"), std::nullopt);
  EXPECT_EQ(pack(record("a", "text")).outcome, "ok");
  EXPECT_EQ(staged(), 0U);
}

TEST_F(PackOperationsTest, AConnectionThatEndsInAPackLeavesNothing) {
  const auto body = [](PackOperationsTest& test) -> Task<void> {
    Peer peer = co_await test.greeted();
    const std::string bytes = record("a", "text");
    std::string whole =
        frame(R"({"op":"pack","id":7,"size":)" + std::to_string(bytes.size()) + "}", bytes);
    whole.pop_back();
    peer.send_raw(whole);
    co_await test.settle();
    EXPECT_GT(test.staged(), 0U);
    peer.leave();
    const bool all = co_await test.left(0);
    EXPECT_TRUE(all);
  };
  run(body(*this));
  EXPECT_EQ(shared(), store::FakeDisk::Tree{});
  EXPECT_EQ(staged(), 0U);
}

TEST_F(PackOperationsTest, ManyPacksMayBeUnderWay) {
  const auto body = [](PackOperationsTest& test) -> Task<void> {
    Peer peer = co_await test.greeted();
    constexpr int kPacks = 20;
    for (int i = 0; i < kPacks; ++i) {
      peer.send(R"({"op":"pack"})", record("d/" + std::to_string(i), "x"));
    }
    for (int i = 0; i < kPacks; ++i) {
      const Told told = co_await peer.receive();
      EXPECT_EQ(told.outcome, "ok");
    }
  };
  run(body(*this));
  EXPECT_EQ(shared().size(), 21U);
}

TEST_F(PackOperationsTest, MissingIsWhatIsNotThereAsItShallBe) {
  ASSERT_EQ(pack(record("a", "1") + record("d/b", "22")).outcome, "ok");
  const std::string request = R"({"op":"missing","path":"to"})";
  const auto missing = [&](std::string heads) {
    const Told told = ask(request, std::move(heads));
    EXPECT_EQ(told.outcome, "ok");
    return transfer::decode_indexes(as_bytes(told.payload), 256).value();
  };
  using Indexes = std::vector<std::size_t>;
  EXPECT_EQ(missing(head("a", "1") + head("d/b", "22")), Indexes{});
  EXPECT_EQ(missing(head("a", "11") + head("d/b", "22") + head("c", "") + head("../a", "")),
            (Indexes{0, 2, 3}));
  EXPECT_EQ(ask(request, head("a", "1").substr(1)).outcome, "bad_request");
  EXPECT_EQ(ask(request, std::string(spec::kMaxHeadsBytes + 1, 'x')).outcome, "too_large");
}

TEST_F(PackOperationsTest, FetchGivesThePackThatWasPut) {
  const std::string whole = record("a", "1") + record("d/b", "22");
  ASSERT_EQ(pack(whole).outcome, "ok");
  const std::string request = R"({"op":"fetch","path":"to"})";
  const Told told = ask(request, head("a", "1") + head("d/b", "22"));
  EXPECT_EQ(told.outcome, "ok");
  EXPECT_FALSE(told.fields.has("lines"));
  EXPECT_EQ(told.payload, whole);

  disk.put_folder("to/folder");
  const Told some = ask(request, head("a", "11") + head("none", "") + head("d/b", "22") +
                                     head("folder", "") + head("../x", ""));
  EXPECT_EQ(some.outcome, "ok");
  const auto lines = static_cast<std::size_t>(some.number("lines"));
  ASSERT_LE(lines, some.payload.size());
  EXPECT_EQ(some.payload.substr(0, some.payload.size() - lines), record("d/b", "22"));
  EXPECT_EQ(outcomes_of(some.payload.substr(some.payload.size() - lines)),
            (Lines{"0 changed", "1 not_found", "3 is_a_folder", "4 bad_name"}));

  PackedFile huge = file_of("a", "1");
  huge.size_bytes = spec::kMaxFetchedBytes + 1;
  std::string heads;
  transfer::append_packed_head(heads, huge);
  EXPECT_EQ(ask(request, heads).outcome, "too_large");
  EXPECT_EQ(ask(request, "").outcome, "ok");
}

}  // namespace
}  // namespace skein::hub
