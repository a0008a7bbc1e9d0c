// What a connection speaks, told by its first five bytes. Specified in docs/protocol.md,
// "One port". Pure.
#pragma once

#include "base/bytes.h"

namespace skein::wire {

inline constexpr std::size_t kSniffBytes = 5;

enum class Speech {
  kUndecided,  // fewer than kSniffBytes so far
  kFrames,     // a length within the limit, then '{'
  kTls,        // a handshake record of TLS 1.0 or later
  kHttp,       // a method
  kUnknown,
};

[[nodiscard]] Speech sniff(Bytes first);

}  // namespace skein::wire
