// Reads a connection's frames: limits in time, and the codec. The loop's thread only.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "hub/intake.h"
#include "socketserver/task.h"
#include "wire/frame.h"

namespace skein::hub {

class FrameReader {
 public:
  explicit FrameReader(Intake& intake) : intake_(intake) {}

  using Step = wire::FrameDecoder::Step;
  // The next event, never kNeedMore. Between frames it waits `rest_ms` for a first byte (negative:
  // for ever; kTimeout after that); a dictionary has limits::kFrameTimeoutMs from its first byte
  // to its last, a payload limits::kStallTimeoutMs from one read to the next. kClosed when the
  // peer ended the connection, in good order when between_frames().
  socketserver::Task<Result<Step>> next(std::int64_t rest_ms);

  [[nodiscard]] const wire::Dictionary& dictionary() const { return decoder_.dictionary(); }
  [[nodiscard]] wire::Dictionary take_dictionary() { return decoder_.take_dictionary(); }
  [[nodiscard]] Slice piece() const { return intake_.slice(decoder_.piece()); }
  [[nodiscard]] std::uint64_t payload_left() const { return decoder_.payload_left(); }
  [[nodiscard]] bool between_frames() const {
    return decoder_.between_frames() && intake_.input().empty();
  }

 private:
  Intake& intake_;
  wire::FrameDecoder decoder_;
};

}  // namespace skein::hub
