#include "cli/output.h"

#include <string>

#include "cli/test_support.h"

namespace skein::cli {
namespace {

TEST(Output, EveryKindOfErrorHasItsExitCode) {
  struct Case {
    ErrorKind kind;
    int code;
  };
  for (const Case& one :
       {Case{kUsage, 2},         Case{kIncomplete, 3}, Case{kChanged, 3},   Case{kNoSpace, 3},
        Case{kCancelled, 3},     Case{kClosed, 3},     Case{kTimeout, 3},   Case{kSuperseded, 3},
        Case{kRefused, 4},       Case{kBadName, 4},    Case{kVersion, 4},   Case{kNoHub, 5},
        Case{kNotFound, 1},      Case{kExists, 1},     Case{kIsAFolder, 1}, Case{kNotAFolder, 1},
        Case{kNotAFile, 1},      Case{kIo, 1},         Case{kInternal, 1},  Case{kReadOnly, 1},
        Case{kDigestMismatch, 1}}) {
    EXPECT_EQ(exit_for(one.kind), one.code) << one.kind.name;
  }
}

TEST(Output, ErrorAndHintAreOneLineEachOnStderrAndEscaped) {
  Exit code = kDone;
  const Said said = said_by([&] {
    const Error error = Error(kNotFound, "no file 'a\x1b[31m\nb'").while_doing("getting it");
    code = report(Error(error).with_hint("look\r"));
  });
  EXPECT_EQ(said.out, "");
  EXPECT_EQ(said.err,
            "skein: error: no file 'a\\x1b[31m\\x0ab', while getting it\n"
            "skein: hint: look\\x0d\n");
  EXPECT_EQ(code, kFailed);
}

TEST(Output, WithoutAHintThereIsNoLineForIt) {
  const Said said = said_by([] { report(Error(kBadName, "bad")); });
  EXPECT_EQ(said.err, "skein: error: bad\n");
}

TEST(Output, ColumnsAreThoseOfATerminal) {
  struct Case {
    std::string_view text;
    std::size_t columns;
  };
  for (const Case& one : {Case{"", 0}, Case{"abc", 3}, Case{"é", 1}, Case{"e\u0301", 1},
                          Case{"电影", 4}, Case{"ｱ", 1}, Case{"Ａ", 2}, Case{"한", 2},
                          Case{"😀", 2}, Case{"a\uFE0F", 1}, Case{"\xff\xff", 2}}) {
    EXPECT_EQ(columns_of(one.text), one.columns) << one.text;
  }
}

TEST(Output, TextIsCutAtWholeCharactersAndNeverTooWide) {
  EXPECT_EQ(cut_to_columns("abc", 3), "abc");
  EXPECT_EQ(cut_to_columns("abcd", 3), "ab…");
  EXPECT_EQ(cut_to_columns("abcd", 1), "…");
  EXPECT_EQ(cut_to_columns("abcd", 0), "");
  EXPECT_EQ(cut_to_columns("", 0), "");
  EXPECT_EQ(cut_to_columns("电影院", 6), "电影院");
  EXPECT_EQ(cut_to_columns("电影院", 5), "电影…");
  EXPECT_EQ(cut_to_columns("电影院", 4), "电…");
  const std::string mixed = "a电e\u0301😀\xff影b";
  for (std::size_t columns = 0; columns < 12; ++columns) {
    EXPECT_LE(columns_of(cut_to_columns(mixed, columns)), columns);
  }
}

}  // namespace
}  // namespace skein::cli
