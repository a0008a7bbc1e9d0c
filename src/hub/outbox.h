// Writes a connection's answers, one whole frame after the other, whoever has one. The loop's
// thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "socketserver/stream.h"
#include "socketserver/sync.h"
#include "socketserver/task.h"
#include "wire/dictionary.h"

namespace skein::hub {

class Outbox {
 public:
  explicit Outbox(socketserver::Stream& stream) : stream_(stream) {}

  // Returns when the system has taken it. `payload` stays the caller's and must live as long;
  // its size is set in the dictionary here. When the peer does not take it within
  // limits::kStallTimeoutMs, or is gone, the connection is cancelled, so that its reader ends too.
  socketserver::Task<Result<void>> send(wire::Dictionary answer, Bytes payload);

  // For one of several answers that are due about now: all that come in this round of the loop go
  // out in one piece in the next. Of how many of them the sending is over, well or not: 0 when
  // another call sends this one along.
  socketserver::Task<std::size_t> send_together(wire::Dictionary answer);

  // As send(), for a part of an answer that is a payload and nothing else.
  socketserver::Task<Result<void>> send_part(std::int64_t id, Bytes payload);

 private:
  socketserver::Task<Result<void>> write(socketserver::Parts parts);

  socketserver::Stream& stream_;
  socketserver::Semaphore turn_{1};
  std::string together_;  // frames that send_together() is about to send
  std::size_t together_count_ = 0;
};

}  // namespace skein::hub
