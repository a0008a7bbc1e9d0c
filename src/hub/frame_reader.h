// Reads a connection's frames: buffers, limits in time, and the codec. The loop's thread only.
#pragma once

#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/result.h"
#include "socketserver/stream.h"
#include "socketserver/task.h"
#include "wire/frame.h"
#include "wire/sniff.h"

namespace skein::hub {

// Part of what was received, kept as long as anybody needs it.
struct Slice {
  std::shared_ptr<const void> owner;
  Bytes bytes;
};

class FrameReader {
 public:
  explicit FrameReader(socketserver::Stream& stream) : stream_(stream) {}

  // What the first bytes say the peer speaks; they are kept for next(). Waits for ever for the
  // first of them, limits::kFrameTimeoutMs for the whole first dictionary. kClosed when the peer
  // leaves before.
  socketserver::Task<Result<wire::Speech>> sniff();

  using Step = wire::FrameDecoder::Step;
  // The next event, never kNeedMore. Between frames it waits `rest_ms` for a first byte (negative:
  // for ever; kTimeout after that); a dictionary has limits::kFrameTimeoutMs from its first byte
  // to its last, a payload limits::kStallTimeoutMs from one read to the next. kClosed when the
  // peer ended the connection, in good order when between_frames().
  socketserver::Task<Result<Step>> next(std::int64_t rest_ms);

  [[nodiscard]] const wire::Dictionary& dictionary() const { return decoder_.dictionary(); }
  [[nodiscard]] Slice piece() const { return {buffer_, decoder_.piece()}; }
  [[nodiscard]] std::uint64_t payload_left() const { return decoder_.payload_left(); }
  [[nodiscard]] bool between_frames() const { return decoder_.between_frames() && input_.empty(); }

 private:
  socketserver::Task<Result<void>> fill(std::int64_t timeout_ms);
  std::int64_t dictionary_ms_left();

  socketserver::Stream& stream_;
  wire::FrameDecoder decoder_;
  std::shared_ptr<std::byte[]> buffer_;  // of limits::kReceiveBufferBytes
  Bytes input_;                          // of the buffer: received, not yet decoded
  bool in_dictionary_ = false;
  std::int64_t dictionary_deadline_ms_ = 0;
};

}  // namespace skein::hub
