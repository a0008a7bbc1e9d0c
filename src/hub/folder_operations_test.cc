#include "hub/folder_operations.h"

#include <algorithm>
#include <cerrno>
#include <set>
#include <string>
#include <vector>

#include "base/limits.h"
#include "hub/test_support.h"

namespace skein::hub {
namespace {

using Tree = store::FakeDisk::Tree;

std::vector<std::string> sorted_lines_of(const std::string& payload) {
  std::vector<std::string> lines;
  for (std::size_t from = 0; from < payload.size();) {
    const std::size_t end = payload.find('\n', from);
    lines.push_back(payload.substr(from, end - from));
    from = end + 1;
  }
  std::ranges::sort(lines);
  return lines;
}

struct FolderTest : SessionTest {
  FolderTest() {
    disk.put_file("folder/file", "text");
    disk.put_folder("empty");
    disk.put_other("pipe");
    EXPECT_TRUE(disk.make_link(store::at("link"), "folder/file"));
    for (const char* path : {"folder/file", "folder", "empty"}) set_metadata(path);
  }
  void set_metadata(std::string_view path) {
    const store::Metadata metadata{0640, 17};
    if (auto file = disk.open_for_writing(store::at(path))) {
      EXPECT_TRUE((*file)->set_metadata(metadata));
    } else {
      EXPECT_TRUE(disk.set_folder_metadata(store::at(path), metadata));
    }
  }
  struct Case {
    std::string_view request;
    std::string_view outcome;
  };
  // Each is asked for in turn.
  void expect(std::vector<Case> cases) {
    const auto body = [](FolderTest& test, const std::vector<Case>& all) -> Task<void> {
      Peer peer = co_await test.greeted();
      for (const Case& one : all) {
        const Told told = co_await peer.ask(one.request);
        EXPECT_EQ(told.outcome, one.outcome) << one.request;
      }
    };
    run(body(*this, cases));
  }
};

TEST_F(FolderTest, ListShowsEachThingAsItIsAndNothingOfSkeins) {
  const auto body = [](FolderTest& test) -> Task<void> {
    Peer peer = co_await test.greeted();
    const Told told = co_await peer.ask(R"({"op":"ls"})");
    EXPECT_EQ(told.outcome, "ok");
    EXPECT_EQ(told.text("kind"), "folder");
    std::vector<std::string> names;
    for (const std::string& line : sorted_lines_of(told.payload)) {
      const auto fields = wire::Dictionary::parse(line).value();
      names.push_back(*fields.text("kind") + " " + *fields.text("name") +
                      (fields.has("size") ? " sized" : "") +
                      (fields.has("target") ? " to " + *fields.text("target") : ""));
    }
    std::ranges::sort(names);
    EXPECT_EQ(names, (std::vector<std::string>{"folder empty", "folder folder",
                                               "link link to folder/file", "other pipe"}));
    const Told below = co_await peer.ask(R"({"op":"ls","path":"folder"})");
    EXPECT_EQ(below.payload, R"({"kind":"file","mode":416,"mtime_ns":"17","name":"file","size":4})"
                             "\n");
    const Told none = co_await peer.ask(R"({"op":"ls","path":"empty"})");
    EXPECT_EQ(none.text("kind"), "folder");
    EXPECT_EQ(none.payload, "");
  };
  run(body(*this));
}

TEST_F(FolderTest, ListOfWhatIsNoFolderIsOneLineForItself) {
  const auto body = [](FolderTest& test) -> Task<void> {
    Peer peer = co_await test.greeted();
    struct Thing {
      std::string_view path;
      std::string_view kind;
    };
    for (const Thing& one :
         {Thing{"folder/file", "file"}, Thing{"link", "link"}, Thing{"pipe", "other"}}) {
      const std::string request = concat(R"({"op":"ls","path":")", one.path, R"("})");
      const Told told = co_await peer.ask(request);
      EXPECT_EQ(told.text("kind"), one.kind);
      const auto lines = sorted_lines_of(told.payload);
      EXPECT_EQ(lines.size(), 1U);
      const auto fields = wire::Dictionary::parse(lines.at(0)).value();
      EXPECT_EQ(fields.text("kind").value(), one.kind);
      EXPECT_TRUE(one.path.ends_with(fields.text("name").value()));
    }
  };
  run(body(*this));
}

TEST_F(FolderTest, LongListComesInPartsAndNoLineIsCut) {
  std::set<std::string> expected;
  for (int i = 0; i < 3'000; ++i) {
    const std::string name = "file-" + std::to_string(i);
    disk.put_file("empty/" + name, "");
    expected.insert(name);
  }
  const auto body = [](FolderTest& test, const std::set<std::string>& all) -> Task<void> {
    Peer peer = co_await test.greeted();
    const Told told = co_await peer.ask(R"({"op":"ls","path":"empty"})");
    EXPECT_GE(told.parts, 3);
    std::set<std::string> names;
    for (const std::string& line : sorted_lines_of(told.payload)) {
      names.insert(wire::Dictionary::parse(line).value().text("name").value());
    }
    EXPECT_EQ(names, all);
  };
  run(body(*this, expected));
}

TEST_F(FolderTest, NameThatTheRulesRefuseIsShownEscapedAndMarked) {
  disk.put_file("empty/a\nb\xff", "text");
  const auto body = [](FolderTest& test) -> Task<void> {
    Peer peer = co_await test.greeted();
    const Told told = co_await peer.ask(R"({"op":"ls","path":"empty"})");
    const auto line = wire::Dictionary::parse(sorted_lines_of(told.payload).at(0)).value();
    EXPECT_EQ(line.text("name").value(), R"(a\x0ab\xff)");
    EXPECT_EQ(line.text("kind").value(), "other");
    EXPECT_TRUE(line.flag("unnamed").value());
  };
  run(body(*this));
}

TEST_F(FolderTest, ListThatFailsOnTheWayEndsWithItsError) {
  expect({{R"({"op":"ls","path":"none"})", "not_found"},
          {R"({"op":"ls","path":"folder/file/a"})", "not_a_folder"},
          {R"({"op":"ls","path":".skein"})", "bad_name"},
          {R"({"op":"ls","path":"a//b"})", "bad_name"},
          {R"({"op":"ls","path":7})", "bad_request"},
          {R"({"op":"ls","path":""})", "ok"},
          {R"({"op":"ls","path":null})", "ok"}});
}

TEST_F(FolderTest, WhoMakesAFolderIsToldWhetherItWasThere) {
  const auto body = [](FolderTest& test) -> Task<void> {
    Peer peer = co_await test.greeted();
    const Told fresh = co_await peer.ask(R"({"op":"mkdir","path":"a/b"})");
    EXPECT_FALSE(fresh.flag("same"));
    for (const std::string_view path : {"a", "a/b", "folder"}) {
      const std::string request = concat(R"({"op":"mkdir","path":")", path, R"(","mode":448})");
      const Told there = co_await peer.ask(request);
      EXPECT_TRUE(there.flag("same")) << path;
    }
  };
  run(body(*this));
}

TEST_F(FolderTest, FoldersAreMadeWithWhatIsOnTheWayAndGetTheirMetadata) {
  expect({{R"({"op":"mkdir","path":"a/b/c","mode":448,"mtime_ns":"99"})", "ok"},
          {R"({"op":"mkdir","path":"a/b/c"})", "ok"},
          {R"({"op":"mkdir","path":"folder","mtime_ns":"98"})", "ok"},
          {R"({"op":"mkdir","path":"folder/file"})", "exists"},
          {R"({"op":"mkdir","path":"link"})", "exists"},
          {R"({"op":"mkdir","path":"pipe"})", "exists"},
          {R"({"op":"mkdir","path":"folder/file/a"})", "not_a_folder"},
          {R"({"op":"mkdir"})", "bad_request"},
          {R"({"op":"mkdir","path":"d","mode":-1})", "bad_request"},
          {R"({"op":"mkdir","path":"d","mode":512})", "bad_request"},
          {R"({"op":"mkdir","path":"d","mtime_ns":"soon"})", "bad_request"},
          {R"({"op":"mkdir","path":""})", "bad_name"},
          {R"({"op":"mkdir","path":"COM1"})", "bad_name"}});
  EXPECT_EQ(disk.info(store::at("a/b/c")).value().mode, 448U);
  EXPECT_EQ(disk.info(store::at("a/b/c")).value().mtime_ns, 99);
  EXPECT_EQ(disk.info(store::at("folder")).value().mtime_ns, 98);
  EXPECT_EQ(disk.info(store::at("folder")).value().mode, 0640U);
  EXPECT_EQ(disk.durable_tree().count("a/b/c"), 1U);
  EXPECT_FALSE(shared().contains("d"));
}

TEST_F(FolderTest, LinksAreKeptAsTheyAre) {
  const std::string longest = concat(R"({"op":"link","path":"l","target":")",
                                     std::string(spec::kMaxPathBytes, 'x'), R"("})");
  const std::string too_long = concat(R"({"op":"link","path":"m","target":")",
                                      std::string(spec::kMaxPathBytes + 1, 'x'), R"("})");
  expect({{R"({"op":"link","path":"new/a","target":"../../etc/passwd"})", "ok"},
          {longest, "ok"},
          {too_long, "bad_request"},
          {R"({"op":"link","path":"b","target":""})", "bad_request"},
          {R"({"op":"link","path":"b","target":"a\u0000b"})", "bad_request"},
          {R"({"op":"link","path":"b"})", "bad_request"},
          {R"({"op":"link","target":"b"})", "bad_request"},
          {R"({"op":"link","path":"../b","target":"b"})", "bad_name"},
          {R"({"op":"link","path":"folder","target":"b"})", "is_a_folder"},
          {R"({"op":"link","path":"folder/file/a","target":"b"})", "not_a_folder"}});
  EXPECT_EQ(disk.tree().at("new/a"), "link ../../etc/passwd");
  EXPECT_FALSE(shared().contains("b"));
  EXPECT_EQ(count_in(".skein/staging/"), 0U);
}

TEST_F(FolderTest, LinkSaysWhetherItWasThereOrReplacedSomething) {
  const auto body = [](FolderTest& test) -> Task<void> {
    Peer peer = co_await test.greeted();
    Told told = co_await peer.ask(R"({"op":"link","path":"link","target":"folder/file"})");
    EXPECT_TRUE(told.flag("same"));
    EXPECT_FALSE(told.flag("replaced"));
    told = co_await peer.ask(R"({"op":"link","path":"link","target":"elsewhere"})");
    EXPECT_FALSE(told.flag("same"));
    EXPECT_TRUE(told.flag("replaced"));
    told = co_await peer.ask(R"({"op":"link","path":"fresh","target":"elsewhere"})");
    EXPECT_FALSE(told.flag("same"));
    EXPECT_FALSE(told.flag("replaced"));
  };
  run(body(*this));
  EXPECT_EQ(disk.durable_tree().at("link"), "link elsewhere");
}

TEST_F(FolderTest, MoveGivesAnotherNameAndReplacesNothing) {
  expect({{R"({"op":"mv","path":"none","to":"a"})", "not_found"},
          {R"({"op":"mv","path":"folder/file","to":"empty"})", "exists"},
          {R"({"op":"mv","path":"folder","to":"folder"})", "bad_request"},
          {R"({"op":"mv","path":"folder","to":"folder/below/it"})", "bad_request"},
          {R"({"op":"mv","path":"empty","to":"folder/file/a"})", "not_a_folder"},
          {R"({"op":"mv","path":"folder"})", "bad_request"},
          {R"({"op":"mv","to":"folder"})", "bad_request"},
          {R"({"op":"mv","path":"folder","to":".SKEIN-mine"})", "bad_name"},
          {R"({"op":"mv","path":".skein","to":"mine"})", "bad_name"}});
  EXPECT_EQ(shared(), (Tree{{"empty", "folder"},
                            {"folder", "folder"},
                            {"folder/file", "file text"},
                            {"link", "link folder/file"},
                            {"pipe", "other"}}));
  expect({{R"({"op":"mv","path":"folder","to":"new/place/folder"})", "ok"},
          {R"({"op":"mv","path":"link","to":"renamed"})", "ok"}});
  EXPECT_EQ(shared(), (Tree{{"empty", "folder"},
                            {"new", "folder"},
                            {"new/place", "folder"},
                            {"new/place/folder", "folder"},
                            {"new/place/folder/file", "file text"},
                            {"pipe", "other"},
                            {"renamed", "link folder/file"}}));
}

TEST_F(FolderTest, WhatIsRemovedCanBeRestored) {
  const Tree before = shared();
  expect({{R"({"op":"rm","path":"folder"})", "ok"},
          {R"({"op":"rm","path":"link"})", "ok"},
          {R"({"op":"rm","path":"folder"})", "not_found"},
          {R"({"op":"rm","path":"pipe/a"})", "not_a_folder"},
          {R"({"op":"rm"})", "bad_request"},
          {R"({"op":"rm","path":""})", "bad_name"}});
  EXPECT_EQ(shared(), (Tree{{"empty", "folder"}, {"pipe", "other"}}));
  EXPECT_EQ(disk.durable_tree().count("folder/file"), 0U);
  expect({{R"({"op":"restore","path":"folder"})", "ok"},
          {R"({"op":"restore","path":"link"})", "ok"},
          {R"({"op":"restore","path":"link"})", "not_found"},
          {R"({"op":"restore","path":"folder/file"})", "not_found"},
          {R"({"op":"restore"})", "bad_request"},
          {R"({"op":"restore","path":".."})", "bad_name"}});
  EXPECT_EQ(shared(), before);
}

TEST_F(FolderTest, RestoreChangesPlacesWithWhatStandsThere) {
  const auto body = [](FolderTest& test) -> Task<void> {
    Peer peer = co_await test.greeted();
    Told told = co_await peer.ask(R"({"op":"rm","path":"folder/file"})");
    EXPECT_EQ(told.outcome, "ok");
    test.clock.advance_ms(1);
    told = co_await peer.put_whole("folder/file", "newer");
    EXPECT_FALSE(told.flag("replaced"));
    told = co_await peer.ask(R"({"op":"restore","path":"folder/file"})");
    EXPECT_TRUE(told.flag("replaced"));
    EXPECT_EQ(test.disk.durable_contents("folder/file"), "text");
    test.clock.advance_ms(1);
    told = co_await peer.ask(R"({"op":"restore","path":"folder/file"})");
    EXPECT_TRUE(told.flag("replaced"));
    EXPECT_EQ(test.disk.durable_contents("folder/file"), "newer");
  };
  run(body(*this));
}

TEST_F(FolderTest, ChangeThatTheDiskRefusesIsToldByItsCode) {
  struct Refused {
    int code;
    std::string_view outcome;
  };
  for (const Refused& one : {Refused{EROFS, "read_only"}, Refused{ENOSPC, "no_space"},
                             Refused{EIO, "io"}, Refused{EACCES, "refused"}}) {
    disk.fail_from(disk.steps() + 1, one.code);
    expect({{R"({"op":"mkdir","path":"new"})", one.outcome},
            {R"({"op":"link","path":"new","target":"a"})", one.outcome},
            {R"({"op":"mv","path":"empty","to":"new"})", one.outcome},
            {R"({"op":"rm","path":"empty"})", one.outcome}});
    disk.fail_never();
  }
  EXPECT_TRUE(shared().contains("empty"));
  EXPECT_FALSE(shared().contains("new"));
}

}  // namespace
}  // namespace skein::hub
