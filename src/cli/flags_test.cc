#include "cli/flags.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace skein::cli {
namespace {

using Words = std::vector<std::string>;

// Flags of every shape, and where they end up.
struct FlagsTest : ::testing::Test {
  std::vector<Flag> flags() {
    return {{"json", "", "one line per thing", set_true(json)},
            {"hub", "HOST:PORT", "the hub", set_text(hub)},
            {"retry-for", "SECONDS", "patience", set_seconds(retry_ms)},
            {"help", "", "this", set_true(help)}};
  }
  Result<Words> parse(const Words& words) { return parse_flags(words, flags()); }
  // The message of what was refused.
  std::string fault(const Words& words) {
    const auto parsed = parse(words);
    if (parsed) return "none";
    EXPECT_EQ(parsed.error().kind(), kUsage);
    return parsed.error().message();
  }

  bool json = false;
  bool help = false;
  std::string hub;
  std::int64_t retry_ms = -1;
};

TEST_F(FlagsTest, StandBeforeBetweenAndAfterTheArguments) {
  for (const Words& words :
       {Words{"--json", "--hub", "h:1", "a", "b"}, Words{"a", "--hub=h:1", "b", "--json"},
        Words{"a", "--json", "--hub", "h:1", "b"}}) {
    json = false;
    hub.clear();
    const auto left = parse(words);
    ASSERT_TRUE(left);
    EXPECT_EQ(*left, (Words{"a", "b"}));
    EXPECT_TRUE(json);
    EXPECT_EQ(hub, "h:1");
  }
}

TEST_F(FlagsTest, NothingSetsNothing) {
  EXPECT_EQ(parse({}).value(), Words());
  EXPECT_FALSE(json);
  EXPECT_EQ(retry_ms, -1);
}

TEST_F(FlagsTest, TwoDashesEndThem) {
  EXPECT_EQ(parse({"a", "--json", "--", "--hub", "-x", "--"}).value(),
            (Words{"a", "--hub", "-x", "--"}));
  EXPECT_TRUE(json);
  EXPECT_EQ(hub, "");
}

TEST_F(FlagsTest, OneDashAloneAndEmptyTextAreArguments) {
  EXPECT_EQ(parse({"-", "", "--json"}).value(), (Words{"-", ""}));
}

TEST_F(FlagsTest, OfAFlagGivenTwiceTheLastCounts) {
  ASSERT_TRUE(parse({"--hub", "a", "--hub", "b"}));
  EXPECT_EQ(hub, "b");
}

TEST_F(FlagsTest, ValueMayLookLikeAFlagOrBeEmpty) {
  ASSERT_TRUE(parse({"--hub", "--json"}));
  EXPECT_EQ(hub, "--json");
  EXPECT_FALSE(json);
  ASSERT_TRUE(parse({"--hub="}));
  EXPECT_EQ(hub, "");
}

TEST_F(FlagsTest, ShortHelpIsHelp) {
  ASSERT_TRUE(parse({"a", "-h"}));
  EXPECT_TRUE(help);
}

TEST_F(FlagsTest, WhatIsWrongIsNamed) {
  EXPECT_EQ(fault({"--nothing"}), "no flag '--nothing' here");
  EXPECT_EQ(fault({"a", "--nothing=1", "b"}), "no flag '--nothing=1' here");
  EXPECT_EQ(fault({"a", "b", "-x"}), "no flag '-x' here");
  EXPECT_EQ(fault({"--hub"}), "flag '--hub' needs a value");
  EXPECT_EQ(fault({"a", "--hub"}), "flag '--hub' needs a value");
  EXPECT_EQ(fault({"--json=yes"}), "no flag '--json=yes' here");
}

TEST_F(FlagsTest, NamesFromOutsideAreShownEscaped) {
  EXPECT_EQ(fault({"--a\x1b[1m"}), R"(no flag '--a\x1b[1m' here)");
}

TEST_F(FlagsTest, ParsingBeginsAnewEachTime) {
  EXPECT_NE(fault({"a", "b", "--nothing"}), "none");
  EXPECT_EQ(parse({"--json", "c"}).value(), Words{"c"});
  EXPECT_TRUE(json);
}

TEST_F(FlagsTest, SecondsAreWholeAndOfADayAtMost) {
  struct Case {
    std::string value;
    std::int64_t ms;  // -1: refused
  };
  for (const Case& one :
       {Case{"0", 0}, Case{"1", 1'000}, Case{"86400", 86'400'000}, Case{"86401", -1},
        Case{"-1", -1}, Case{"", -1}, Case{"1.5", -1}, Case{"1s", -1}, Case{" 1", -1},
        Case{"+1", -1}, Case{"ten", -1}, Case{"99999999999999999999", -1}}) {
    retry_ms = -1;
    const std::string refused = "'" + one.value + "' is no number of seconds from 0 to 86400";
    EXPECT_EQ(fault({"--retry-for", one.value}), one.ms < 0 ? refused : "none");
    EXPECT_EQ(retry_ms, one.ms) << one.value;
  }
}

TEST_F(FlagsTest, HelpIsAlignedOneLineEach) {
  EXPECT_EQ(flags_help(flags()),
            "  --json               one line per thing\n"
            "  --hub HOST:PORT      the hub\n"
            "  --retry-for SECONDS  patience\n"
            "  --help               this\n");
}

}  // namespace
}  // namespace skein::cli
