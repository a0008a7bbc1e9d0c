#include "store/path.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/limits.h"
#include "base/text.h"

namespace skein::store {
namespace {

struct Refusal {
  std::string text;
  std::string rule;
};

TEST(PathTest, RefusedByRuleAndByName) {
  const std::vector<Refusal> refusals = {
      // dots
      {"..", "'.' or '..'"},
      {".", "'.' or '..'"},
      {"../a", "'.' or '..'"},
      {"a/..", "'.' or '..'"},
      {"a/../b", "'.' or '..'"},
      {"a/./b", "'.' or '..'"},
      {"./a", "'.' or '..'"},
      // slashes
      {"/", "a '/' at its beginning"},
      {"/etc/passwd", "a '/' at its beginning"},
      {"//server/share", "a '/' at its beginning"},
      {"a//b", "an empty component"},
      {"a/", "an empty component"},
      {"a/b//", "an empty component"},
      // Windows
      {"a\\b", "a backslash"},
      {"..\\a", "a backslash"},
      {"\\\\server\\share", "a backslash"},
      {"C:", "a drive letter"},
      {"C:a", "a drive letter"},
      {"z:/a", "a drive letter"},
      {"a/D:", "a drive letter"},
      {"CON", "a device name of Windows"},
      {"con", "a device name of Windows"},
      {"Prn", "a device name of Windows"},
      {"aux.txt", "a device name of Windows"},
      {"nul.tar.gz", "a device name of Windows"},
      {"nul .txt", "a device name of Windows"},
      {"COM1", "a device name of Windows"},
      {"lpt9.log", "a device name of Windows"},
      {"com\xc2\xb9", "a device name of Windows"},
      {"LPT\xc2\xb3.txt", "a device name of Windows"},
      {"CONIN$", "a device name of Windows"},
      {"conout$", "a device name of Windows"},
      {"a/aux/b", "a device name of Windows"},
      {"a.", "a trailing dot or space"},
      {"a ", "a trailing dot or space"},
      {"...", "a trailing dot or space"},
      {" ", "a trailing dot or space"},
      {"a./b", "a trailing dot or space"},
      {"a /b", "a trailing dot or space"},
      // bytes
      {std::string("a\0b", 3), "a control character"},
      {std::string("\0", 1), "a control character"},
      {"a\nb", "a control character"},
      {"a\x1b[31m", "a control character"},
      {"a\x7f", "a control character"},
      {"a\xc2\x85", "a control character"},
      {"a\xff", "bytes that are not UTF-8"},
      {"\xc0\xaf", "bytes that are not UTF-8"},
      {"\xed\xa0\x80", "bytes that are not UTF-8"},
      {"a/\xe4\xb8", "bytes that are not UTF-8"},
      {"\xf4\x90\x80\x80", "bytes that are not UTF-8"},
      // ours
      {".skein", "a component that begins with '.skein'"},
      {".SKEIN", "a component that begins with '.skein'"},
      {".Skein-part", "a component that begins with '.skein'"},
      {".skein/trash", "a component that begins with '.skein'"},
      {"a/.skein.lock", "a component that begins with '.skein'"},
      // ours, to a disk that folds case
      {".\u017fkein", "a component that begins with '.skein'"},
      {".s\u212aein/trash", "a component that begins with '.skein'"},
      {".ske\u200din", "a component that begins with '.skein'"},
      {"\ufeff.skein", "a component that begins with '.skein'"},
      // long
      {std::string(256, 'a'), "a component over 255 bytes"},
      {"a/" + std::string(256, 'b') + "/c", "a component over 255 bytes"},
  };
  for (const Refusal& refusal : refusals) {
    const auto path = Path::parse(refusal.text);
    ASSERT_FALSE(path) << escaped(refusal.text);
    EXPECT_TRUE(path.error().is(kBadName)) << path.error().report();
    EXPECT_EQ(path.error().message(),
              concat("name ", quoted(refusal.text), " is refused: it has ", refusal.rule));
    EXPECT_FALSE(path.error().hint().empty());
  }
}

TEST(PathTest, EmptyIsRefused) {
  const auto path = Path::parse("");
  ASSERT_FALSE(path);
  EXPECT_TRUE(path.error().is(kBadName));
  EXPECT_EQ(path.error().message(), "a name is empty");
}

TEST(PathTest, TooLongIsRefused) {
  std::string text = "a";
  while (text.size() < spec::kMaxPathBytes) text += "/a";
  ASSERT_EQ(text.size(), spec::kMaxPathBytes);
  EXPECT_TRUE(Path::parse(text));
  text += "a";
  const auto path = Path::parse(text);
  ASSERT_FALSE(path);
  EXPECT_TRUE(path.error().is(kBadName));
  EXPECT_NE(path.error().message().find("more than 4095 bytes"), std::string::npos);
}

TEST(PathTest, EverythingElseIsAName) {
  const std::vector<std::string> names = {
      "a",
      "a/b/c",
      "a b",
      " a",
      ".a",
      "..a",
      "a..b",
      ".git/config",
      ".ske",
      ".skei/n",
      "skein",
      "a.skein",
      "~",
      "-rf",
      "*?\"<>|",
      "ab:c",
      "1:",
      "\xc3\xa9:",
      "console",
      "con1",
      "com",
      "com0",
      "com10",
      "lpt",
      "nul-",
      "xCON",
      // Percent signs mean themselves, once and twice.
      "%2e%2e",
      "%2e%2e%2fetc",
      "%252e%252e",
      "%00",
      "100%",
      // Other scripts, an emoji of four bytes, and characters that only a terminal fears.
      "\xe4\xbd\xa0\xe5\xa5\xbd",
      "\xf0\x9f\xaa\xbf",
      "\xd7\xa9\xd7\x9c\xd7\x95\xd7\x9d",
      "x\xe2\x80\xaey",
      std::string(255, 'a'),
  };
  for (const std::string& name : names) {
    const auto path = Path::parse(name);
    ASSERT_TRUE(path) << path.error().report();
    EXPECT_EQ(path->text(), name);
    EXPECT_FALSE(path->is_root());
  }
}

TEST(PathTest, TwinsInUnicodeAndInCaseAreTwoNames) {
  EXPECT_NE(Path::parse("\xc3\xa9").value(), Path::parse("e\xcc\x81").value());
  EXPECT_NE(Path::parse("a").value(), Path::parse("A").value());
}

TEST(PathTest, DeepPathsAreTaken) {
  std::string text = "d";
  for (int i = 0; i < 2000; ++i) text += "/d";
  EXPECT_EQ(Path::parse(text)->text(), text);
}

TEST(PathTest, ANameIsOneComponent) {
  EXPECT_EQ(Path::parse_name("a b")->text(), "a b");
  EXPECT_EQ(Path::parse_name("a%2Fb")->text(), "a%2Fb");
  for (const char* const name : {"a/b", "/a", "a/", "/"}) {
    const auto path = Path::parse_name(name);
    ASSERT_FALSE(path) << name;
    EXPECT_EQ(path.error().message(), concat("name ", quoted(name), " is refused: it has a '/'"));
  }
  for (const char* const name : {"", ".", "..", "CON", "a\\b", ".skein", "a."}) {
    EXPECT_FALSE(Path::parse_name(name)) << name;
  }
}

TEST(PathTest, ReservedIsToldOfAnyBytes) {
  EXPECT_TRUE(is_reserved(".skein"));
  EXPECT_TRUE(is_reserved(".SKEIN\xff"));
  EXPECT_FALSE(is_reserved(".skei"));
  EXPECT_FALSE(is_reserved(".ske\xffin"));
  EXPECT_FALSE(is_reserved("\xff"));
  EXPECT_FALSE(is_reserved("skein"));
  EXPECT_FALSE(is_reserved(""));
  EXPECT_FALSE(is_reserved("\u200b"));
}

TEST(PathTest, RefusalsAreShownWithoutHarm) {
  const auto path = Path::parse("a\x1b[2J\nforged");
  ASSERT_FALSE(path);
  EXPECT_NE(path.error().message().find("'a\\x1b[2J\\x0aforged'"), std::string::npos);
  const auto late = Path::parse("fine/until/here\r");
  ASSERT_FALSE(late);
  EXPECT_NE(late.error().message().find("'fine/until/here\\x0d'"), std::string::npos);
}

TEST(PathTest, PartsOfAPath) {
  const Path path = Path::parse("a/b/c.txt").value();
  EXPECT_EQ(path.name(), "c.txt");
  EXPECT_EQ(path.parent().text(), "a/b");
  EXPECT_EQ(path.parent().parent().text(), "a");
  EXPECT_EQ(path.parent().parent().name(), "a");
  EXPECT_TRUE(path.parent().parent().parent().is_root());
}

TEST(PathTest, TheRoot) {
  const Path root;
  EXPECT_TRUE(root.is_root());
  EXPECT_EQ(root.text(), "");
  EXPECT_EQ(root.name(), "");
  EXPECT_TRUE(root.parent().is_root());
  const Path a = Path::parse("a").value();
  EXPECT_EQ(root / a, a);
  EXPECT_EQ(a / root, a);
  EXPECT_EQ(root / root, root);
}

TEST(PathTest, Joining) {
  const Path a = Path::parse("a").value();
  const Path b = Path::parse("b/c").value();
  EXPECT_EQ((a / b).text(), "a/b/c");
  EXPECT_EQ((b / a).text(), "b/c/a");
}

TEST(PathTest, ContainsByWholeComponents) {
  const auto path = [](const char* text) { return Path::internal(text); };
  EXPECT_TRUE(path("a").contains(path("a")));
  EXPECT_TRUE(path("a").contains(path("a/b")));
  EXPECT_TRUE(path("a/b").contains(path("a/b/c/d")));
  EXPECT_FALSE(path("a").contains(path("ab")));
  EXPECT_FALSE(path("a").contains(path("ab/c")));
  EXPECT_FALSE(path("a/b").contains(path("a")));
  EXPECT_FALSE(path("a").contains(path("b/a")));
  EXPECT_FALSE(path("a").contains(Path()));
  EXPECT_TRUE(Path().contains(Path()));
  EXPECT_TRUE(Path().contains(path("a/b")));
}

}  // namespace
}  // namespace skein::store
