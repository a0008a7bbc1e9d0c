// What Disk promises, asked of both that keep it. What only a real disk can show (races, mounts,
// devices) is in posix_disk_test.cc; what only the fake can do in fake_disk_test.cc.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>
#include <vector>

#include "store/fake_disk.h"
#include "store/posix_disk.h"
#include "store/test_support.h"

namespace skein::store {
namespace {

struct FakeMaker {
  std::unique_ptr<Disk> make() { return std::make_unique<FakeDisk>(); }
};

struct PosixMaker {
  std::string folder = testing::TempDir() + "skein-contract-XXXXXX";
  PosixMaker() {
    if (mkdtemp(folder.data()) == nullptr) std::abort();
  }
  ~PosixMaker() { std::filesystem::remove_all(folder); }
  PosixMaker(const PosixMaker&) = delete;
  PosixMaker& operator=(const PosixMaker&) = delete;
  std::unique_ptr<Disk> make() { return std::move(PosixDisk::open(folder).value()); }
};

template <typename Maker>
class DiskContractTest : public testing::Test {
 protected:
  void put(std::string_view path, std::string_view bytes) {
    const auto file = disk_->create_file(at(path));
    ASSERT_TRUE(file) << file.error().report();
    ASSERT_TRUE((*file)->write_at(0, as_bytes(bytes)));
  }
  std::string get(std::string_view path) {
    const auto file = disk_->open_file(at(path));
    if (!file) return outcome(file);
    std::string text(1000, '\0');
    const auto got = (*file)->read_at(0, std::as_writable_bytes(std::span(text)));
    if (!got) return outcome(got);
    text.resize(*got);
    return text;
  }
  std::vector<Entry> list(std::string_view path, std::size_t most = 100) {
    std::vector<Entry> all;
    const auto reader = disk_->read_folder(at(path));
    EXPECT_TRUE(reader) << reader.error().report();
    if (!reader) return all;
    while (true) {
      auto part = (*reader)->next(most);
      EXPECT_TRUE(part);
      if (!part || part->empty()) break;
      EXPECT_LE(part->size(), most);
      std::ranges::move(*part, std::back_inserter(all));
    }
    std::ranges::sort(all, {}, &Entry::name);
    return all;
  }
  std::vector<std::string> names(std::string_view path) {
    std::vector<std::string> out;
    for (const Entry& entry : list(path)) out.push_back(entry.name);
    return out;
  }

  Maker maker_;
  std::unique_ptr<Disk> disk_ = maker_.make();
};

using Makers = testing::Types<FakeMaker, PosixMaker>;
struct MakerNames {
  template <typename Maker>
  static std::string GetName(int) {
    return std::is_same_v<Maker, FakeMaker> ? "Fake" : "Posix";
  }
};
TYPED_TEST_SUITE(DiskContractTest, Makers, MakerNames);

using Names = std::vector<std::string>;

TYPED_TEST(DiskContractTest, WhatIsWrittenIsRead) {
  auto& disk = *this->disk_;
  const auto file = disk.create_file(at("a"));
  ASSERT_TRUE(file) << file.error().report();
  ASSERT_TRUE((*file)->write_at(0, as_bytes("hello")));
  ASSERT_TRUE((*file)->write_at(10, as_bytes("there")));
  ASSERT_TRUE((*file)->write_at(1, as_bytes("E")));
  ASSERT_TRUE((*file)->write_at(3, {}));
  EXPECT_EQ(this->get("a"), std::string("hEllo\0\0\0\0\0there", 15));

  std::byte few[4];
  EXPECT_EQ((*file)->read_at(10, few).value(), 4U);
  EXPECT_EQ(as_text(few), "ther");
  EXPECT_EQ((*file)->read_at(13, few).value(), 2U);
  EXPECT_EQ((*file)->read_at(15, few).value(), 0U);
  EXPECT_EQ((*file)->read_at(1000, few).value(), 0U);
  EXPECT_TRUE((*file)->sync());
}

TYPED_TEST(DiskContractTest, SizeGrowsWithZeroesAndShrinks) {
  auto& disk = *this->disk_;
  const auto file = disk.create_file(at("a"));
  ASSERT_TRUE(file);
  ASSERT_TRUE((*file)->set_size(4));
  EXPECT_EQ((*file)->info()->size_bytes, 4U);
  EXPECT_EQ(this->get("a"), std::string(4, '\0'));
  ASSERT_TRUE((*file)->write_at(0, as_bytes("abcd")));
  ASSERT_TRUE((*file)->set_size(2));
  ASSERT_TRUE((*file)->set_size(3));
  EXPECT_EQ(this->get("a"), std::string("ab\0", 3));
}

TYPED_TEST(DiskContractTest, NoFileIsLargerThanAnOffset) {
  const auto file = this->disk_->create_file(at("a"));
  ASSERT_TRUE(file);
  EXPECT_EQ(outcome((*file)->write_at(~std::uint64_t{0}, as_bytes("x"))), "too_large");
  EXPECT_EQ(outcome((*file)->write_at(~std::uint64_t{0} >> 1U, as_bytes("x"))), "too_large");
  EXPECT_EQ(outcome((*file)->set_size(~std::uint64_t{0})), "too_large");
  EXPECT_EQ((*file)->info()->size_bytes, 0U);
}

TYPED_TEST(DiskContractTest, ANewFileIsItsOwnersAlone) {
  const auto file = this->disk_->create_file(at("a"));
  ASSERT_TRUE(file);
  EXPECT_EQ((*file)->info()->mode, 0600U);
  EXPECT_EQ((*file)->info()->kind, EntryKind::kFile);
  EXPECT_EQ((*file)->info()->size_bytes, 0U);
}

TYPED_TEST(DiskContractTest, CreateReplacesNothing) {
  auto& disk = *this->disk_;
  this->put("a", "old");
  ASSERT_TRUE(disk.make_folder(at("d"), 0700));
  ASSERT_TRUE(disk.make_link(at("l"), "nowhere"));
  EXPECT_EQ(outcome(disk.create_file(at("a"))), "exists");
  EXPECT_EQ(outcome(disk.create_file(at("d"))), "exists");
  EXPECT_EQ(outcome(disk.create_file(at("l"))), "exists");
  EXPECT_EQ(outcome(disk.create_file(Path())), "exists");
  EXPECT_EQ(outcome(disk.make_folder(at("a"), 0700)), "exists");
  EXPECT_EQ(outcome(disk.make_folder(at("l"), 0700)), "exists");
  EXPECT_EQ(outcome(disk.make_folder(Path(), 0700)), "exists");
  EXPECT_EQ(outcome(disk.make_link(at("a"), "x")), "exists");
  EXPECT_EQ(outcome(disk.make_link(at("l"), "x")), "exists");
  EXPECT_EQ(outcome(disk.make_link(Path(), "x")), "exists");
  EXPECT_EQ(this->get("a"), "old");
  EXPECT_EQ(outcome(disk.create_file(at("x/y"))), "not_found");
  EXPECT_EQ(outcome(disk.make_folder(at("x/y"), 0700)), "not_found");
  EXPECT_EQ(outcome(disk.create_file(at("a/y"))), "not_a_folder");
  EXPECT_EQ(outcome(disk.make_folder(at("a/y"), 0700)), "not_a_folder");
}

TYPED_TEST(DiskContractTest, OnlyRegularFilesOpen) {
  auto& disk = *this->disk_;
  this->put("a", "text");
  ASSERT_TRUE(disk.make_folder(at("d"), 0700));
  for (const bool write : {false, true}) {
    const auto open = [&](const Path& path) {
      return outcome(write ? disk.open_for_writing(path) : disk.open_file(path));
    };
    EXPECT_EQ(open(at("a")), "ok");
    EXPECT_EQ(open(at("d")), "is_a_folder");
    EXPECT_EQ(open(Path()), "is_a_folder");
    EXPECT_EQ(open(at("x")), "not_found");
    EXPECT_EQ(open(at("x/y")), "not_found");
    EXPECT_EQ(open(at("a/y")), "not_a_folder");
  }
}

TYPED_TEST(DiskContractTest, AFileOpenedToReadTakesNoBytes) {
  this->put("a", "text");
  const auto file = this->disk_->open_file(at("a"));
  ASSERT_TRUE(file);
  EXPECT_EQ(outcome((*file)->write_at(0, as_bytes("x"))), "io");
  EXPECT_EQ(this->get("a"), "text");
  const auto writing = this->disk_->open_for_writing(at("a"));
  ASSERT_TRUE(writing);
  EXPECT_TRUE((*writing)->write_at(0, as_bytes("T")));
  EXPECT_EQ(this->get("a"), "Text");
}

TYPED_TEST(DiskContractTest, ModeAndTimeAreKeptExactly) {
  auto& disk = *this->disk_;
  const auto file = disk.create_file(at("a"));
  ASSERT_TRUE(file);
  ASSERT_TRUE(disk.make_folder(at("d"), 0700));
  for (const std::int64_t ns :
       {std::int64_t{1'234'567'890'123'456'789}, std::int64_t{0}, std::int64_t{-1},
        std::int64_t{-1'500'000'000}, std::int64_t{999'999'999}}) {
    ASSERT_TRUE((*file)->set_metadata({.mode = {}, .mtime_ns = ns}));
    EXPECT_EQ((*file)->info()->mtime_ns, ns);
    EXPECT_EQ(disk.info(at("a"))->mtime_ns, ns);
    ASSERT_TRUE(disk.set_folder_metadata(at("d"), {.mode = {}, .mtime_ns = ns}));
    EXPECT_EQ(disk.info(at("d"))->mtime_ns, ns);
    ASSERT_TRUE(disk.set_folder_metadata(Path(), {.mode = {}, .mtime_ns = ns}));
    EXPECT_EQ(disk.info(Path())->mtime_ns, ns);
  }
  for (const std::uint32_t mode : {0600U, 0777U, 0400U, 0000U}) {
    ASSERT_TRUE((*file)->set_metadata({.mode = mode, .mtime_ns = {}}));
    EXPECT_EQ(disk.info(at("a"))->mode, mode);
  }
  ASSERT_TRUE(disk.set_folder_metadata(at("d"), {.mode = 0751, .mtime_ns = 5}));
  EXPECT_EQ(disk.info(at("d"))->mode, 0751U);
  EXPECT_EQ(disk.info(at("d"))->mtime_ns, 5);
  // No set-user-id, whatever is asked for.
  ASSERT_TRUE((*file)->set_metadata({.mode = 04755, .mtime_ns = {}}));
  EXPECT_EQ(disk.info(at("a"))->mode, 0755U);
}

TYPED_TEST(DiskContractTest, FolderMetadataIsForFolders) {
  auto& disk = *this->disk_;
  this->put("a", "text");
  ASSERT_TRUE(disk.make_folder(at("d"), 0700));
  ASSERT_TRUE(disk.make_link(at("l"), "d"));
  const Metadata metadata{.mode = 0755, .mtime_ns = {}};
  EXPECT_EQ(outcome(disk.set_folder_metadata(at("a"), metadata)), "not_a_folder");
  EXPECT_EQ(outcome(disk.set_folder_metadata(at("l"), metadata)), "not_a_folder");
  EXPECT_EQ(outcome(disk.set_folder_metadata(at("x"), metadata)), "not_found");
  EXPECT_EQ(outcome(disk.sync_folder(at("a"))), "not_a_folder");
  EXPECT_EQ(outcome(disk.sync_folder(at("l"))), "not_a_folder");
  EXPECT_EQ(outcome(disk.sync_folder(at("x"))), "not_found");
  EXPECT_EQ(outcome(disk.sync_folder(at("d"))), "ok");
  EXPECT_EQ(outcome(disk.sync_folder(Path())), "ok");
  EXPECT_EQ(outcome(disk.read_folder(at("a"))), "not_a_folder");
  EXPECT_EQ(outcome(disk.read_folder(at("x"))), "not_found");
  EXPECT_EQ(disk.info(at("d"))->mode, 0700U);
}

TYPED_TEST(DiskContractTest, InfoIsOfTheThingItself) {
  auto& disk = *this->disk_;
  this->put("a", "12345");
  ASSERT_TRUE(disk.make_folder(at("d"), 0750));
  ASSERT_TRUE(disk.make_link(at("l"), "a"));
  EXPECT_EQ(disk.info(at("a"))->kind, EntryKind::kFile);
  EXPECT_EQ(disk.info(at("a"))->size_bytes, 5U);
  EXPECT_EQ(disk.info(at("d"))->kind, EntryKind::kFolder);
  EXPECT_EQ(disk.info(at("d"))->mode, 0750U);
  EXPECT_EQ(disk.info(at("l"))->kind, EntryKind::kLink);
  EXPECT_EQ(disk.info(Path())->kind, EntryKind::kFolder);
  EXPECT_EQ(outcome(disk.info(at("x"))), "not_found");
  EXPECT_EQ(outcome(disk.info(at("a/x"))), "not_a_folder");
  EXPECT_NE(disk.info(at("a"))->inode, disk.info(at("l"))->inode);
  EXPECT_EQ(disk.open_file(at("a")).value()->info()->inode, disk.info(at("a"))->inode);
  EXPECT_EQ(disk.link_target(at("l")).value(), "a");
  EXPECT_EQ(outcome(disk.link_target(at("a"))), "not_found");
  EXPECT_EQ(outcome(disk.link_target(at("x"))), "not_found");
  EXPECT_EQ(outcome(disk.link_target(Path())), "not_found");
}

TYPED_TEST(DiskContractTest, LinksInsideAreFollowedForReadingOnly) {
  auto& disk = *this->disk_;
  ASSERT_TRUE(disk.make_folder(at("d"), 0700));
  ASSERT_TRUE(disk.make_folder(at("d/e"), 0700));
  this->put("d/a", "text");
  ASSERT_TRUE(disk.make_link(at("file"), "d/a"));
  ASSERT_TRUE(disk.make_link(at("folder"), "d"));
  ASSERT_TRUE(disk.make_link(at("d/e/up"), "../a"));
  ASSERT_TRUE(disk.make_link(at("d/e/twice"), "../../file"));
  EXPECT_EQ(this->get("file"), "text");
  EXPECT_EQ(this->get("folder/a"), "text");
  EXPECT_EQ(this->get("folder/e/up"), "text");
  EXPECT_EQ(this->get("d/e/twice"), "text");
  EXPECT_EQ(this->names("folder"), (Names{"a", "e"}));
  EXPECT_EQ(disk.info(at("folder/a"))->kind, EntryKind::kFile);
  EXPECT_EQ(disk.link_target(at("folder/e/up")).value(), "../a");

  EXPECT_EQ(outcome(disk.open_for_writing(at("file"))), "not_a_file");
  EXPECT_EQ(outcome(disk.open_for_writing(at("folder/a"))), "refused");
  EXPECT_EQ(outcome(disk.create_file(at("folder/b"))), "refused");
  EXPECT_EQ(outcome(disk.create_file(at("folder/e/b"))), "refused");
  EXPECT_EQ(outcome(disk.make_folder(at("folder/b"), 0700)), "refused");
  EXPECT_EQ(outcome(disk.make_link(at("folder/b"), "x")), "refused");
  EXPECT_EQ(outcome(disk.rename(at("folder/a"), at("b"), Rename::kNoReplace)), "refused");
  EXPECT_EQ(outcome(disk.rename(at("d/a"), at("folder/b"), Rename::kNoReplace)), "refused");
  EXPECT_EQ(outcome(disk.remove_file(at("folder/a"))), "refused");
  EXPECT_EQ(outcome(disk.remove_folder(at("folder/e"))), "refused");
  EXPECT_EQ(outcome(disk.sync_folder(at("folder/e"))), "refused");
  EXPECT_EQ(outcome(disk.set_folder_metadata(at("folder/e"), {.mode = 0777, .mtime_ns = {}})),
            "refused");
  EXPECT_EQ(this->names("d"), (Names{"a", "e"}));
}

TYPED_TEST(DiskContractTest, NoLinkLeadsOut) {
  auto& disk = *this->disk_;
  ASSERT_TRUE(disk.make_folder(at("d"), 0700));
  ASSERT_TRUE(disk.make_link(at("up"), "../etc"));
  ASSERT_TRUE(disk.make_link(at("absolute"), "/etc"));
  ASSERT_TRUE(disk.make_link(at("d/far"), "../../etc/passwd"));
  ASSERT_TRUE(disk.make_link(at("through"), "d/far"));
  for (const char* const path : {"up", "absolute", "d/far", "through", "up/passwd", "absolute/x"}) {
    EXPECT_EQ(outcome(disk.open_file(at(path))), "refused") << path;
    EXPECT_EQ(outcome(disk.read_folder(at(path))), "refused") << path;
  }
  EXPECT_EQ(outcome(disk.info(at("up/passwd"))), "refused");
  EXPECT_EQ(disk.info(at("up"))->kind, EntryKind::kLink);
  EXPECT_EQ(outcome(disk.open_file(at("../etc/passwd"))), "refused");
  EXPECT_EQ(outcome(disk.open_file(at(".."))), "refused");
  EXPECT_EQ(outcome(disk.info(at("d/../.."))), "refused");
  for (const char* const path : {"..", "d/..", ".", "d/."}) {
    EXPECT_EQ(outcome(disk.remove_folder(at(path))), "bad_name") << path;
    EXPECT_EQ(outcome(disk.remove_file(at(path))), "bad_name") << path;
    EXPECT_EQ(outcome(disk.make_folder(at(path), 0700)), "bad_name") << path;
    EXPECT_EQ(outcome(disk.make_link(at(path), "x")), "bad_name") << path;
    EXPECT_EQ(outcome(disk.rename(at(path), at("y"), Rename::kNoReplace)), "bad_name") << path;
    EXPECT_EQ(outcome(disk.rename(at("up"), at(path), Rename::kNoReplace)), "bad_name") << path;
  }
}

TYPED_TEST(DiskContractTest, DanglingLinksAndRings) {
  auto& disk = *this->disk_;
  ASSERT_TRUE(disk.make_link(at("dangling"), "nowhere"));
  ASSERT_TRUE(disk.make_link(at("self"), "self"));
  ASSERT_TRUE(disk.make_link(at("a"), "b"));
  ASSERT_TRUE(disk.make_link(at("b"), "a"));
  EXPECT_EQ(outcome(disk.open_file(at("dangling"))), "not_found");
  EXPECT_EQ(outcome(disk.read_folder(at("dangling"))), "not_found");
  EXPECT_EQ(outcome(disk.open_file(at("self"))), "refused");
  EXPECT_EQ(outcome(disk.open_file(at("a"))), "refused");
  EXPECT_EQ(outcome(disk.info(at("a/x"))), "refused");
  EXPECT_EQ(disk.link_target(at("self")).value(), "self");
  EXPECT_EQ(disk.link_target(at("dangling")).value(), "nowhere");
}

TYPED_TEST(DiskContractTest, LinkTargetsAreExactBytes) {
  auto& disk = *this->disk_;
  const std::string target = "x/../\xff\n" + std::string(900, 'y');
  ASSERT_TRUE(disk.make_link(at("l"), target));
  EXPECT_EQ(disk.link_target(at("l")).value(), target);
  EXPECT_EQ(outcome(disk.make_link(at("m"), std::string("a\0b", 3))), "bad_name");
  EXPECT_EQ(outcome(disk.make_link(at("m"), "")), "not_found");
  EXPECT_EQ(this->names(""), (Names{"l"}));
}

TYPED_TEST(DiskContractTest, RenameReplacesNothing) {
  auto& disk = *this->disk_;
  this->put("a", "A");
  this->put("b", "B");
  ASSERT_TRUE(disk.make_folder(at("d"), 0700));
  ASSERT_TRUE(disk.make_folder(at("e"), 0700));
  ASSERT_TRUE(disk.make_link(at("l"), "nowhere"));
  const auto move = [&](const char* from, const char* to) {
    return outcome(disk.rename(at(from), at(to), Rename::kNoReplace));
  };
  EXPECT_EQ(move("a", "b"), "exists");
  EXPECT_EQ(move("a", "a"), "exists");
  EXPECT_EQ(move("a", "l"), "exists");
  EXPECT_EQ(move("a", "d"), "exists");
  EXPECT_EQ(move("d", "e"), "exists");
  EXPECT_EQ(move("x", "y"), "not_found");
  EXPECT_EQ(move("a", "x/y"), "not_found");
  EXPECT_EQ(move("a", "b/y"), "not_a_folder");
  EXPECT_EQ(this->get("a"), "A");
  EXPECT_EQ(this->get("b"), "B");

  EXPECT_EQ(move("a", "c"), "ok");
  EXPECT_EQ(move("c", "d/c"), "ok");
  EXPECT_EQ(move("l", "d/l"), "ok");
  EXPECT_EQ(move("d", "e/d"), "ok");
  EXPECT_EQ(this->names(""), (Names{"b", "e"}));
  EXPECT_EQ(this->get("e/d/c"), "A");
  EXPECT_EQ(disk.link_target(at("e/d/l")).value(), "nowhere");
}

TYPED_TEST(DiskContractTest, ExchangeNeedsBothAndKeepsBoth) {
  auto& disk = *this->disk_;
  this->put("a", "A");
  ASSERT_TRUE(disk.make_folder(at("d"), 0700));
  this->put("d/b", "B");
  const auto exchange = [&](const char* from, const char* to) {
    return outcome(disk.rename(at(from), at(to), Rename::kExchange));
  };
  EXPECT_EQ(exchange("a", "x"), "not_found");
  EXPECT_EQ(exchange("x", "a"), "not_found");
  EXPECT_EQ(exchange("a", "d/b"), "ok");
  EXPECT_EQ(this->get("a"), "B");
  EXPECT_EQ(this->get("d/b"), "A");
  EXPECT_EQ(exchange("a", "a"), "ok");
  // A file and a folder, too.
  EXPECT_EQ(exchange("a", "d"), "ok");
  EXPECT_EQ(this->get("d"), "B");
  EXPECT_EQ(this->get("a/b"), "A");
}

TYPED_TEST(DiskContractTest, NothingGoesIntoItselfAndTheRootStays) {
  auto& disk = *this->disk_;
  ASSERT_TRUE(disk.make_folder(at("d"), 0700));
  ASSERT_TRUE(disk.make_folder(at("d/e"), 0700));
  for (const Rename how : {Rename::kNoReplace, Rename::kExchange}) {
    EXPECT_EQ(outcome(disk.rename(at("d"), at("d/e/f"), how)), "bad_request");
    EXPECT_EQ(outcome(disk.rename(at("d"), at("d/e"), how)), "bad_request");
    EXPECT_EQ(outcome(disk.rename(Path(), at("x"), how)), "bad_request");
    EXPECT_EQ(outcome(disk.rename(at("d"), Path(), how)), "bad_request");
  }
  EXPECT_EQ(outcome(disk.rename(at("d/e"), at("d"), Rename::kNoReplace)), "exists");
  EXPECT_EQ(outcome(disk.rename(at("d/e"), at("d"), Rename::kExchange)), "bad_request");
  EXPECT_EQ(outcome(disk.remove_folder(Path())), "bad_request");
  EXPECT_EQ(outcome(disk.remove_file(Path())), "is_a_folder");
  EXPECT_EQ(disk.info(at("d/e"))->kind, EntryKind::kFolder);
}

TYPED_TEST(DiskContractTest, RemoveIsOfTheNameOnly) {
  auto& disk = *this->disk_;
  this->put("a", "A");
  ASSERT_TRUE(disk.make_folder(at("d"), 0700));
  this->put("d/b", "B");
  ASSERT_TRUE(disk.make_link(at("l"), "d"));
  EXPECT_EQ(outcome(disk.remove_file(at("d"))), "is_a_folder");
  EXPECT_EQ(outcome(disk.remove_folder(at("a"))), "not_a_folder");
  EXPECT_EQ(outcome(disk.remove_folder(at("l"))), "not_a_folder");
  EXPECT_EQ(outcome(disk.remove_folder(at("d"))), "exists");
  EXPECT_EQ(outcome(disk.remove_file(at("x"))), "not_found");
  EXPECT_EQ(outcome(disk.remove_folder(at("x"))), "not_found");
  EXPECT_EQ(outcome(disk.remove_file(at("a/x"))), "not_a_folder");
  EXPECT_EQ(outcome(disk.remove_file(at("l"))), "ok");
  EXPECT_EQ(this->get("d/b"), "B");

  const auto open = disk.open_file(at("d/b"));
  ASSERT_TRUE(open);
  EXPECT_EQ(outcome(disk.remove_file(at("d/b"))), "ok");
  EXPECT_EQ(outcome(disk.remove_folder(at("d"))), "ok");
  std::byte still[1];
  EXPECT_EQ((*open)->read_at(0, still).value(), 1U);
  EXPECT_EQ(this->names(""), (Names{"a"}));
}

TYPED_TEST(DiskContractTest, FoldersAreListedInBatchesEachNameOnce) {
  auto& disk = *this->disk_;
  std::set<std::string> expected;
  for (int i = 0; i < 10'000; ++i) {
    const std::string name = "file " + std::to_string(i);
    ASSERT_TRUE(disk.create_file(at(name)));
    expected.insert(name);
  }
  const auto entries = this->list("", 77);
  ASSERT_EQ(entries.size(), expected.size());
  std::set<std::string> got;
  for (const Entry& entry : entries) got.insert(entry.name);
  EXPECT_EQ(got, expected);
}

TYPED_TEST(DiskContractTest, EntriesSayWhatTheyAre) {
  auto& disk = *this->disk_;
  this->put("a", "12345");
  ASSERT_TRUE(disk.make_folder(at("d"), 0750));
  ASSERT_TRUE(disk.make_link(at("l"), "far/away"));
  EXPECT_TRUE(this->list("d").empty());
  const auto entries = this->list("");
  ASSERT_EQ(entries.size(), 3U);
  for (const Entry& entry : entries) {
    EXPECT_EQ(entry.info, disk.info(at(entry.name)).value()) << entry.name;
  }
  EXPECT_EQ(entries[0].info.size_bytes, 5U);
  EXPECT_EQ(entries[2].link_target, "far/away");
  EXPECT_EQ(entries[0].link_target, "");
}

TYPED_TEST(DiskContractTest, NamesAreExactBytes) {
  const Names odd = {"%2e%2e", "\xff\xfe", "e\xcc\x81", "two\nlines", "\xc3\xa9"};
  for (const std::string& name : odd) this->put(name, name);
  Names sorted = odd;
  std::ranges::sort(sorted);
  EXPECT_EQ(this->names(""), sorted);
  for (const std::string& name : odd) EXPECT_EQ(this->get(name), name);
}

TYPED_TEST(DiskContractTest, LongNamesAreBadNames) {
  auto& disk = *this->disk_;
  const std::string longest(255, 'n');
  EXPECT_EQ(outcome(disk.create_file(at(longest))), "ok");
  EXPECT_EQ(outcome(disk.create_file(at(longest + "n"))), "bad_name");
  EXPECT_EQ(outcome(disk.open_file(at(longest + "n"))), "bad_name");
  EXPECT_EQ(outcome(disk.make_folder(at(longest + "n"), 0700)), "bad_name");
  EXPECT_EQ(outcome(disk.info(at(longest + "n"))), "bad_name");
  std::string deep = "d";
  while (deep.size() < 4096) deep += "/d";
  EXPECT_EQ(outcome(disk.info(at(deep))), "bad_name");
}

TYPED_TEST(DiskContractTest, ErrorsNameThePath) {
  auto& disk = *this->disk_;
  ASSERT_TRUE(disk.make_folder(at("d"), 0700));
  ASSERT_TRUE(disk.make_link(at("d/out"), "/etc"));
  ASSERT_TRUE(disk.make_link(at("d/in"), "."));
  const auto message = [](const auto& result) { return result ? "" : result.error().message(); };
  for (const std::string& said :
       {message(disk.open_file(at("d/x"))), message(disk.open_for_writing(at("d/x"))),
        message(disk.info(at("d/x"))), message(disk.remove_file(at("d/x"))),
        message(disk.sync_folder(at("d/x"))),
        message(disk.rename(at("d/x"), at("y"), Rename::kNoReplace)),
        message(disk.create_file(at("d/x/y")))}) {
    EXPECT_NE(said.find("'d/x"), std::string::npos) << said;
    EXPECT_NE(said.find("no such file"), std::string::npos) << said;
  }
  EXPECT_NE(message(disk.open_file(at("d/out/passwd"))).find("points out"), std::string::npos);
  EXPECT_NE(message(disk.create_file(at("d/in/x"))).find("nothing is changed through links"),
            std::string::npos);
}

TYPED_TEST(DiskContractTest, SpaceAndBoot) {
  auto& disk = *this->disk_;
  const auto space = disk.space();
  ASSERT_TRUE(space);
  EXPECT_GT(space->total_bytes, 0U);
  EXPECT_LE(space->free_bytes, space->total_bytes);
  EXPECT_FALSE(disk.boot_id().empty());
  EXPECT_EQ(disk.boot_id(), disk.boot_id());
}

TYPED_TEST(DiskContractTest, AnOpenFolderReachesWhatIsInItByName) {
  auto& disk = *this->disk_;
  ASSERT_TRUE(make_folders(disk, at("a/b"), 0700, true));
  ASSERT_TRUE(disk.make_link(at("l"), "a"));
  this->put("file", "x");
  EXPECT_EQ(outcome(disk.open_folder(at("none"))), "not_found");
  EXPECT_EQ(outcome(disk.open_folder(at("file"))), "not_a_folder");
  EXPECT_FALSE(disk.open_folder(at("l")));
  EXPECT_FALSE(disk.open_folder(at("l/b")));
  ASSERT_TRUE(disk.open_folder(Path()));
  const auto a = disk.open_folder(at("a")).value();
  const auto b = disk.open_folder(at("a/b")).value();
  {
    const auto file = a->create_file("f").value();
    ASSERT_TRUE(file->write_at(0, as_bytes("text")));
  }
  EXPECT_EQ(outcome(a->create_file("f")), "exists");
  EXPECT_EQ(a->info("f").value().size_bytes, 4U);
  EXPECT_EQ(a->info("b").value().kind, EntryKind::kFolder);
  EXPECT_EQ(outcome(a->info("none")), "not_found");
  EXPECT_EQ(outcome(a->open_file("none")), "not_found");
  EXPECT_EQ(outcome(a->open_file("b")), "is_a_folder");
  ASSERT_TRUE(disk.make_link(at("a/link"), "f"));
  EXPECT_EQ(outcome(a->open_file("link")), "not_a_file");
  EXPECT_EQ(a->info("link").value().kind, EntryKind::kLink);
  EXPECT_EQ(a->open_file("f").value()->info().value().size_bytes, 4U);
  ASSERT_TRUE(a->move("f", *b, "g"));
  EXPECT_EQ(this->get("a/b/g"), "text");
  this->put("a/f", "other");
  EXPECT_EQ(outcome(a->move("f", *b, "g")), "exists");
  EXPECT_EQ(outcome(a->move("none", *b, "h")), "not_found");
  EXPECT_TRUE(a->sync());
  EXPECT_TRUE(a->sync_all());
}

TYPED_TEST(DiskContractTest, TreesAreMadeAndRemoved) {
  auto& disk = *this->disk_;
  ASSERT_TRUE(make_folders(disk, at("a/b/c"), 0700, true));
  ASSERT_TRUE(make_folders(disk, at("a/b/c"), 0700, true));
  this->put("a/b/file", "x");
  this->put("kept", "kept");
  ASSERT_TRUE(disk.make_link(at("a/b/l"), "../../kept"));
  ASSERT_TRUE(disk.make_link(at("a/folder"), ".."));
  for (int i = 0; i < 600; ++i) this->put("a/b/c/" + std::to_string(i), "");
  EXPECT_EQ(outcome(make_folders(disk, at("a/b/file/d"), 0700, true)), "not_a_folder");
  EXPECT_EQ(outcome(make_folders(disk, at("a/b/l"), 0700, true)), "not_a_file");
  ASSERT_TRUE(remove_tree(disk, at("a")));
  EXPECT_EQ(this->names(""), (Names{"kept"}));
  EXPECT_EQ(this->get("kept"), "kept");
  EXPECT_TRUE(remove_tree(disk, at("a")));
  EXPECT_TRUE(remove_tree(disk, at("kept")));
  EXPECT_EQ(this->names(""), Names{});
}

}  // namespace
}  // namespace skein::store
