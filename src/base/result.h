// Result<T>: a value or an Error. What peers and disks do wrong comes back as one of these;
// our own bugs assert; exceptions stay at start-up and at a connection's boundary.
#pragma once

#include <expected>
#include <source_location>
#include <string>
#include <utility>

#include "base/error.h"

namespace skein {

// A class of its own and no alias, so that the compiler warns where one is dropped.
template <typename T>
struct [[nodiscard]] Result : std::expected<T, Error> {
  using std::expected<T, Error>::expected;
};

// `return fail(kNotFound, concat("no file ", quoted(path)));`
inline std::unexpected<Error> fail(ErrorKind kind, std::string message,
                                   std::source_location place = std::source_location::current()) {
  return std::unexpected(Error(kind, std::move(message), place));
}

// `return fail_errno(errno, concat("opening ", quoted(path)));`
inline std::unexpected<Error> fail_errno(
    int code, std::string_view doing,
    std::source_location place = std::source_location::current()) {
  return std::unexpected(Error::from_errno(code, doing, place));
}

// Passes an error on unchanged, or with what was being done.
inline std::unexpected<Error> pass(Error error) {
  return std::unexpected(std::move(error));
}
inline std::unexpected<Error> pass(Error error, std::string doing) {
  return std::unexpected(std::move(error).while_doing(std::move(doing)));
}

}  // namespace skein

#define SKEIN_JOIN_(a, b) a##b
#define SKEIN_JOIN(a, b) SKEIN_JOIN_(a, b)
#define SKEIN_TRY_ASSIGN_(name, target, ...)                \
  auto name = (__VA_ARGS__);                                \
  if (!name) return ::skein::pass(std::move(name).error()); \
  target = *std::move(name)

// Leaves the function with the error, or goes on.
//     TRY(file->sync());
//     TRY_ASSIGN(auto info, disk.info(path));
// In a coroutine write the two lines out: `auto r = co_await f(); if (!r) co_return pass(...)`;
// GCC 12.2 miscompiles temporaries that live across a co_await.
#define TRY(...)                                           \
  do {                                                     \
    if (auto try_result = (__VA_ARGS__); !try_result)      \
      return ::skein::pass(std::move(try_result).error()); \
  } while (false)
#define TRY_ASSIGN(target, ...) \
  SKEIN_TRY_ASSIGN_(SKEIN_JOIN(try_result_, __LINE__), target, __VA_ARGS__)
