// Reads a connection's requests of HTTP: limits in time, and the decoder. The loop's thread only.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "http/decoder.h"
#include "hub/intake.h"
#include "socketserver/task.h"

namespace skein::hub {

class HttpReader {
 public:
  explicit HttpReader(Intake& intake) : intake_(intake) {}

  using Step = http::RequestDecoder::Step;
  // The next event, never kNeedMore. Between requests it waits limits::kHttpIdleMs for a first
  // byte; a head has limits::kFrameTimeoutMs from its first byte to its last, a body
  // limits::kStallTimeoutMs from one read to the next: kTimeout. kClosed when the peer ended the
  // connection. Any error is final, and in good order when between_requests().
  socketserver::Task<Result<Step>> next();

  // The last head's; until the next one.
  [[nodiscard]] const http::Request& request() const { return decoder_.request(); }
  [[nodiscard]] Slice piece() const { return intake_.slice(decoder_.piece()); }
  // Something of the next part is here, so the peer does not wait to be asked for it.
  [[nodiscard]] bool has_more() const { return !intake_.input().empty(); }
  [[nodiscard]] bool between_requests() const {
    return decoder_.between_requests() && intake_.input().empty();
  }
  // After an error: the status that tells the peer of it; 0 when there is nobody to tell.
  [[nodiscard]] int status() const { return status_; }

 private:
  Intake& intake_;
  http::RequestDecoder decoder_;
  bool in_body_ = false;
  int status_ = 0;
};

}  // namespace skein::hub
