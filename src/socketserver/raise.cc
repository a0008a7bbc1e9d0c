#include "socketserver/raise.h"

#include <cerrno>
#include <string>

#include "base/text.h"
#include "socketserver/error.h"

namespace socketserver {

namespace {

// With a code of the system's the code tells; a kind without one stands for the nearest code.
int code_of(const skein::Error& error) {
  if (error.system_code() != 0) return error.system_code();
  if (error.is(skein::kTimeout)) return ETIMEDOUT;
  if (error.is(skein::kBusy)) return EADDRINUSE;
  if (error.is(skein::kClosed)) return EPIPE;
  return 0;
}

}  // namespace

void raise(const skein::Error& error) {
  const std::string message =
      error.hint().empty() ? error.text() : skein::concat(error.text(), "; ", error.hint());
  const int code = code_of(error);
  const auto place = error.place();
  if (error.is(skein::kTimeout)) throw TimeoutError(code, message, place);
  if (error.is(skein::kTooLarge) || error.is(skein::kTooMany)) {
    throw LimitExceeded(code, message, place);
  }
  if (error.is(skein::kCancelled)) throw ServerClosed(code, message, place);
  switch (code) {
    case EADDRINUSE: throw AddressInUse(code, message, place);
    case EADDRNOTAVAIL: throw AddressNotOurs(code, message, place);
    case EACCES:
    case EPERM: throw PermissionDenied(code, message, place);
    case ECONNREFUSED: throw ConnectionRefused(code, message, place);
    case ECONNRESET: throw ConnectionReset(code, message, place);
    case EPIPE:
    case ENOTCONN:
    case ECONNABORTED:
    case ESHUTDOWN: throw ConnectionClosed(code, message, place);
    case ETIMEDOUT: throw TimeoutError(code, message, place);
    case EMSGSIZE: throw LimitExceeded(code, message, place);
    // What is wrong with the path of a Unix socket.
    case ENOENT:
    case ENOTDIR:
    case ELOOP:
    case EROFS:
    case ENAMETOOLONG: throw AddressError(code, message, place);
    case EHOSTUNREACH:
    case ENETUNREACH:
    case ENETDOWN: throw ConnectionError(code, message, place);
    default: break;
  }
  if (error.is(skein::kNoHub)) throw NameNotFound(code, message, place);
  if (error.is(skein::kUsage)) throw AddressError(code, message, place);
  throw Error(code, message, place);
}

}  // namespace socketserver
