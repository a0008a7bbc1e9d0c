// The frame: length (4 bytes, unsigned, little-endian) | dictionary | payload.
// Specified in docs/protocol.md, "The frame". Pure: bytes in, events out; no sockets, no clock.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/dictionary.h"

namespace skein::wire {

// How many payload bytes follow `dictionary`: `size` (a Skein frame, at most
// spec::kMaxPayloadBytes) or `file_size` (the tutorial's upload, at most spec::kMaxInteger).
// kBadFrame when both are there, the one that is there is no such number, or an upload has none:
// after that nobody can say where the next frame begins.
[[nodiscard]] Result<std::uint64_t> payload_size(const Dictionary& dictionary);

// The tutorial's upload: it has a file_name or a file_size, and no op.
[[nodiscard]] bool is_tutorial_upload(const Dictionary& dictionary);

// Length and dictionary, ready to send in front of the payload. The dictionary must fit in
// spec::kMaxDictionaryBytes (asserted: who builds a dictionary bounds what goes into it).
[[nodiscard]] std::string encode_frame(const Dictionary& dictionary);

// Takes frames apart, whatever way the bytes were split. Holds at most one dictionary, and its
// bytes only until they are all there; payloads are handed through in pieces and never held. One
// connection's reader owns one.
class FrameDecoder {
 public:
  enum class Step {
    kNeedMore,    // `input` is used up
    kDictionary,  // dictionary() is complete; payload_left() bytes follow
    kPayload,     // piece() is the next part of the payload
    kEnd,         // the frame is complete
  };

  // Takes from the front of `input` up to the next event. Errors are kBadFrame, and final.
  Result<Step> next(Bytes& input);

  [[nodiscard]] const Dictionary& dictionary() const { return dictionary_; }
  // The same for who keeps it; here it is empty from then on.
  [[nodiscard]] Dictionary take_dictionary() { return std::exchange(dictionary_, {}); }
  [[nodiscard]] Bytes piece() const { return piece_; }  // valid as long as the input it came from
  [[nodiscard]] std::uint64_t payload_left() const { return payload_left_; }

  // For a caller that reads payload bytes straight from the stream to where they belong:
  // `bytes` of them, at most payload_left(), will not come through next().
  void skip_payload(std::uint64_t bytes);

  // True until the first byte of a frame came, and again after its last: here a connection may
  // rest as long as it likes, and may end in good order.
  [[nodiscard]] bool between_frames() const;

 private:
  enum class State { kLength, kDictionary, kPayload };
  Result<void> take(std::string_view json);
  State state_ = State::kLength;
  std::string held_;  // length bytes, then dictionary bytes
  std::uint32_t length_ = 0;
  std::uint64_t payload_left_ = 0;
  Dictionary dictionary_;
  Bytes piece_;
};

}  // namespace skein::wire
