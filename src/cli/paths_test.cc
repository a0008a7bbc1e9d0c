#include "cli/paths.h"

#include <string>

#include "cli/test_support.h"

namespace skein::cli {
namespace {

TEST(Paths, SlashesAtTheEndDoNotCountAndTheRulesHold) {
  struct Case {
    std::string_view typed;
    std::string_view path;  // empty: refused
  };
  for (const Case& one :
       {Case{"a", "a"}, Case{"a/", "a"}, Case{"a/b//", "a/b"}, Case{"a//b", ""}, Case{"", ""},
        Case{"/", ""}, Case{"//", ""}, Case{"/a", ""}, Case{".", ""}, Case{"./a", ""},
        Case{"a/..", ""}, Case{".skein", ""}, Case{"a*b?", "a*b?"}, Case{"a%2Fb", "a%2Fb"}}) {
    const auto path = parse_remote(one.typed);
    EXPECT_EQ(path ? path->text() : "", one.path) << one.typed;
    if (!path) {
      EXPECT_EQ(path.error().kind(), kBadName) << one.typed;
    }
  }
}

TEST(Paths, WhatWasDoneIsSaidAsTheFlagsWant) {
  const store::Path path = store::Path::parse("a b/\u202Ec").value();
  const auto say = [&](OutputFlags flags) {
    return said_by([&] { say_done(flags, "removed", path, "; skein restore brings it back"); }).out;
  };
  EXPECT_EQ(say({}), "removed 'a b/\\u{202e}c'; skein restore brings it back\n");
  EXPECT_EQ(say({.json = true}), "{\"done\":\"removed\",\"path\":\"a b/\u202Ec\"}\n");
  EXPECT_EQ(say({.quiet = true}), "");
  EXPECT_EQ(say({.json = true, .quiet = true}), "");
}

}  // namespace
}  // namespace skein::cli
