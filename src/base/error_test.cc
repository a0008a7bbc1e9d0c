#include "base/error.h"

#include <gmock/gmock.h>

#include <cerrno>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "base/text.h"

namespace skein {
namespace {

using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

TEST(ErrorTest, CarriesKindMessageAndPlace) {
  const Error error(kNotFound, "no file 'a.txt'");
  const unsigned line = __LINE__ - 1;
  EXPECT_EQ(error.kind(), kNotFound);
  EXPECT_TRUE(error.is(kNotFound));
  EXPECT_FALSE(error.is(kExists));
  EXPECT_EQ(error.message(), "no file 'a.txt'");
  EXPECT_EQ(error.place().line(), line);
  EXPECT_THAT(error.place().file_name(), EndsWith("error_test.cc"));
  EXPECT_THAT(error.hint(), IsEmpty());
  EXPECT_THAT(error.doing(), IsEmpty());
  EXPECT_EQ(error.system_code(), 0);
}

TEST(ErrorTest, AKindIsItsName) {
  constexpr ErrorKind kOutOfPaper{"out_of_paper"};
  const std::string built = "out_of_" + std::string("paper");
  EXPECT_EQ(kOutOfPaper, ErrorKind{built});
  EXPECT_FALSE(kOutOfPaper == kNoSpace);
  EXPECT_TRUE(Error(kOutOfPaper, "the tray is empty").is(kOutOfPaper));
}

TEST(ErrorTest, ChainGoesFromInnermostToOutermost) {
  const Error error = Error(kIo, "disk on fire").while_doing("syncing 'a'").while_doing("putting");
  EXPECT_THAT(error.doing(), ElementsAre("syncing 'a'", "putting"));
  EXPECT_EQ(error.text(), "disk on fire, while syncing 'a', while putting");
  EXPECT_EQ(error.message(), "disk on fire");
}

TEST(ErrorTest, TheLastHintCounts) {
  const Error error = Error(kBusy, "port taken").with_hint("wait").with_hint("choose another");
  EXPECT_EQ(error.hint(), "choose another");
  EXPECT_THAT(error.text(), Not(HasSubstr("choose")));
}

TEST(ErrorTest, ACopyIsApartFromItsOriginal) {
  Error error = Error(kIo, "first").while_doing("one").with_hint("hint");
  Error copy = error;
  copy = std::move(copy).while_doing("two");
  EXPECT_THAT(error.doing(), ElementsAre("one"));
  EXPECT_THAT(copy.doing(), ElementsAre("one", "two"));
  EXPECT_EQ(copy.hint(), "hint");
  EXPECT_EQ(copy.place().line(), error.place().line());

  error = Error(kBusy, "second");
  EXPECT_EQ(copy.message(), "first");
  copy = error;
  EXPECT_EQ(copy.message(), "second");
  EXPECT_EQ(copy.kind(), kBusy);
}

TEST(ErrorTest, AssigningToItselfChangesNothing) {
  Error error(kIo, "still here");
  const Error& same = error;
  error = same;
  EXPECT_EQ(error.message(), "still here");
}

TEST(ErrorTest, MovesAndSwaps) {
  Error a(kIo, "a");
  Error b(kBusy, "b");
  std::swap(a, b);
  EXPECT_EQ(a.message(), "b");
  EXPECT_EQ(b.message(), "a");
  const Error c = std::move(a);
  EXPECT_EQ(c.kind(), kBusy);
  static_assert(std::is_nothrow_move_constructible_v<Error>);
  static_assert(sizeof(Error) == sizeof(void*));
}

TEST(ErrorTest, AMovedFromErrorMayBeAssignedCopiedAndDestroyed) {
  Error a(kIo, "a");
  const Error b = std::move(a);
  const Error copy = a;  // NOLINT(bugprone-use-after-move)
  Error other(kBusy, "other");
  other = a;
  a = b;
  EXPECT_EQ(a.message(), "a");
}

TEST(ErrorTest, ReportIsOneLineWithKindAndPlace) {
  const Error error = Error(kNoSpace, "disk full").while_doing("writing 'x'");
  const std::string line = std::to_string(error.place().line());
  const std::string report = error.report();
  EXPECT_THAT(report,
              StartsWith("disk full, while writing 'x' [no_space at src/base/error_test.cc:"));
  EXPECT_THAT(report, HasSubstr(":" + line + " in "));
  EXPECT_THAT(report, HasSubstr("::TestBody]"));  // without its return type and parameters
  EXPECT_THAT(report, Not(HasSubstr("\n")));
}

TEST(ErrorTest, TextAndReportOfWhatCameFromOutsideStayOneLine) {
  const Error error = Error(kBadName, "bad\nname\x1b[2J").while_doing("putting\r\nit");
  for (const std::string& shown : {error.text(), error.report()}) {
    EXPECT_EQ(shown, escaped(shown));
    EXPECT_THAT(shown, HasSubstr("bad\\x0aname\\x1b[2J"));
  }
}

struct ErrnoCase {
  int code;
  ErrorKind kind;
};
class FromErrno : public testing::TestWithParam<ErrnoCase> {};

TEST_P(FromErrno, PicksTheKindAndKeepsTheCode) {
  const Error error = Error::from_errno(GetParam().code, "opening 'x'");
  EXPECT_EQ(error.kind().name, GetParam().kind.name);
  EXPECT_EQ(error.system_code(), GetParam().code);
  EXPECT_THAT(error.message(), StartsWith("opening 'x': "));
  EXPECT_GT(error.message().size(), std::string("opening 'x': ").size());
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, FromErrno,
    testing::Values(
        ErrnoCase{ENOENT, kNotFound}, ErrnoCase{EEXIST, kExists}, ErrnoCase{ENOTEMPTY, kExists},
        ErrnoCase{ENOTDIR, kNotAFolder}, ErrnoCase{EISDIR, kIsAFolder}, ErrnoCase{ELOOP, kNotAFile},
        ErrnoCase{ENAMETOOLONG, kBadName}, ErrnoCase{EILSEQ, kBadName}, ErrnoCase{EACCES, kRefused},
        ErrnoCase{EPERM, kRefused}, ErrnoCase{EXDEV, kRefused}, ErrnoCase{EROFS, kReadOnly},
        ErrnoCase{ENOSPC, kNoSpace}, ErrnoCase{EDQUOT, kNoSpace}, ErrnoCase{EFBIG, kTooLarge},
        ErrnoCase{EMFILE, kTooMany}, ErrnoCase{ENFILE, kTooMany}, ErrnoCase{ENOMEM, kTooMany},
        ErrnoCase{EBUSY, kBusy}, ErrnoCase{EADDRINUSE, kBusy}, ErrnoCase{ENOSYS, kUnsupported},
        ErrnoCase{EOPNOTSUPP, kUnsupported}, ErrnoCase{ETIMEDOUT, kTimeout},
        ErrnoCase{ECONNRESET, kClosed}, ErrnoCase{EPIPE, kClosed}, ErrnoCase{ECANCELED, kCancelled},
        ErrnoCase{ECONNREFUSED, kNoHub}, ErrnoCase{EHOSTUNREACH, kNoHub}, ErrnoCase{EIO, kIo},
        ErrnoCase{EBADF, kIo}, ErrnoCase{123456, kIo}),
    [](const auto& tested) { return "errno_" + std::to_string(tested.param.code); });

TEST(ErrorTest, TheSystemsWordsBeginInLowerCaseButStayOtherwise) {
  EXPECT_EQ(Error::from_errno(ENOENT, "opening 'X'").message(),
            "opening 'X': no such file or directory");
  EXPECT_EQ(Error::from_errno(EIO, "reading").message(), "reading: input/output error");
}

TEST(ErrorTest, WhenToTryAgainIsCarried) {
  EXPECT_EQ(Error(kBusy, "later").retry_ms(), 0);
  const std::vector<Error> copied(2, Error(kBusy, "later").with_retry_ms(50));
  EXPECT_EQ(copied[0].retry_ms(), 50);
}

TEST(ErrorTest, FromErrnoTakesTheCallersPlace) {
  const Error error = Error::from_errno(EIO, "reading");
  EXPECT_EQ(error.place().line(), static_cast<unsigned>(__LINE__ - 1));
}

// result.h

Result<int> half(int number) {
  if (number % 2 != 0) return fail(kBadRequest, "odd");
  return number / 2;
}
Result<int> quarter(int number) {
  TRY_ASSIGN(const int first, half(number));
  TRY_ASSIGN(const int second, half(first));
  return second;
}
Result<void> must_be_even(int number) {
  TRY(half(number));
  return {};
}
Result<std::string> described(int number) {
  auto result = half(number);
  if (!result) return pass(std::move(result).error(), "halving");
  return std::to_string(*result);
}

TEST(ResultTest, ValuesComeThrough) {
  EXPECT_EQ(quarter(12).value(), 3);
  EXPECT_TRUE(must_be_even(2).has_value());
  EXPECT_EQ(described(8).value(), "4");
}

TEST(ResultTest, ErrorsLeaveAtOnceAndKeepTheirPlace) {
  const auto result = quarter(6);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().message(), "odd");
  EXPECT_THAT(result.error().place().function_name(), HasSubstr("half"));
  EXPECT_FALSE(must_be_even(1).has_value());
}

TEST(ResultTest, PassAddsWhatWasBeingDone) {
  const auto result = described(7);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().text(), "odd, while halving");
}

TEST(ResultTest, FailErrnoNamesTheCallersPlace) {
  const auto failing = []() -> Result<int> { return fail_errno(ENOSPC, "writing"); };
  const auto result = failing();
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().kind(), kNoSpace);
  EXPECT_THAT(result.error().place().file_name(), EndsWith("error_test.cc"));
}

}  // namespace
}  // namespace skein
