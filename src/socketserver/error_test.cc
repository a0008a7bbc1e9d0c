#include "socketserver/error.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "base/error.h"
#include "socketserver/raise.h"

namespace socketserver {
namespace {

struct OutOfInk : Error {
  using Error::Error;
};

std::exception_ptr thrown(void (*what)()) {
  try {
    what();
  } catch (...) {
    return std::current_exception();
  }
  return nullptr;
}

TEST(Error, OfOnesOwnHasKindMessageAndPlace) {
  const auto line = static_cast<std::uint_least32_t>(__LINE__) + 2;
  try {
    throw OutOfInk("tray 2 is empty");
  } catch (const Error& error) {
    EXPECT_NE(error.kind().find("OutOfInk"), std::string::npos) << error.kind();
    EXPECT_STREQ(error.what(), "tray 2 is empty");
    EXPECT_EQ(error.place().line(), line);
    EXPECT_NE(error.report().find("error_test.cc:" + std::to_string(line)), std::string::npos)
        << error.report();
    EXPECT_EQ(error.code().value(), 0);
  }
}

TEST(Error, IsCaughtAsASystemErrorWithItsCode) {
  try {
    throw_system_error(ECONNRESET, "reading from 127.0.0.1:5");
  } catch (const std::system_error& error) {
    EXPECT_EQ(error.code(), std::errc::connection_reset);
    EXPECT_STREQ(error.what(), "reading from 127.0.0.1:5: connection reset by peer");
  }
}

TEST(Error, TheCodePicksTheClass) {
  EXPECT_THROW(throw_system_error(EADDRINUSE, "x"), AddressInUse);
  EXPECT_THROW(throw_system_error(EADDRNOTAVAIL, "x"), AddressNotOurs);
  EXPECT_THROW(throw_system_error(EACCES, "x"), PermissionDenied);
  EXPECT_THROW(throw_system_error(ECONNRESET, "x"), ConnectionReset);
  EXPECT_THROW(throw_system_error(ECONNREFUSED, "x"), ConnectionRefused);
  EXPECT_THROW(throw_system_error(EPIPE, "x"), ConnectionClosed);
  EXPECT_THROW(throw_system_error(ETIMEDOUT, "x"), TimeoutError);
  EXPECT_THROW(throw_system_error(EMSGSIZE, "x"), LimitExceeded);
  EXPECT_THROW(throw_system_error(EHOSTUNREACH, "x"), ConnectionError);
  EXPECT_THROW(throw_system_error(EIO, "x"), Error);
  EXPECT_THROW(raise(skein::Error(skein::kTimeout, "x")), TimeoutError);
  EXPECT_THROW(raise(skein::Error(skein::kCancelled, "x")), ServerClosed);
  EXPECT_THROW(raise(skein::Error(skein::kNoHub, "x")), NameNotFound);
}

TEST(Error, KeepsThePlaceAndTheHintOfAnErrorFromInside) {
  const auto inside =
      skein::Error(skein::kBusy, "127.0.0.1:80 is taken").with_hint("choose another");
  try {
    raise(inside);
  } catch (const AddressInUse& error) {
    EXPECT_EQ(error.place().line(), inside.place().line());
    EXPECT_EQ(error.message(), "127.0.0.1:80 is taken; choose another");
  }
}

TEST(Error, CopyingCannotThrow) {
  EXPECT_TRUE(std::is_nothrow_copy_constructible_v<Error>);
  EXPECT_TRUE(std::is_nothrow_copy_constructible_v<OutOfInk>);
}

TEST(RequestFailure, TellsTypeMessagePlaceAndPeer) {
  const auto failure =
      RequestFailure::from(thrown([] { throw TimeoutError(ETIMEDOUT, "no line\nin 5 s"); }),
                           {"127.0.0.1", 5}, "Upper::handle");
  EXPECT_EQ(failure.type, "socketserver::TimeoutError");
  EXPECT_EQ(failure.message, "no line\\x0ain 5 s");
  EXPECT_GT(failure.place.line(), 0U);
  EXPECT_EQ(failure.peer.text(), "127.0.0.1:5");
  EXPECT_TRUE(failure.text().starts_with(
      "127.0.0.1:5: Upper::handle: socketserver::TimeoutError: no line\\x0ain 5 s (src/"))
      << failure.text();
}

TEST(RequestFailure, OfAnythingThatCanBeThrown) {
  const auto standard = RequestFailure::from(thrown([] { throw std::out_of_range("row"); }), {});
  EXPECT_EQ(standard.text(), "unknown: std::out_of_range: row");
  const auto number = RequestFailure::from(thrown([] { throw 5; }), {});
  EXPECT_EQ(number.type, "");
  EXPECT_NE(number.message, "");
  const auto inside =
      RequestFailure::from(thrown([] { throw skein::Error(skein::kIo, "no disk"); }), {});
  EXPECT_EQ(inside.message, "no disk");
  EXPECT_GT(inside.place.line(), 0U);
  EXPECT_THROW(std::rethrow_exception(standard.exception), std::out_of_range);
}

}  // namespace
}  // namespace socketserver
