// Frames and their dictionaries (docs/protocol.md): whatever the bytes, and however they are
// split, the decoder says the same.
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "wire/answer.h"
#include "wire/frame.h"
#include "wire/sniff.h"

namespace {

using skein::Bytes;
using skein::wire::Dictionary;
using skein::wire::FrameDecoder;

// All that comes out of the bytes, as text; `most` is the size of the pieces that they come in.
std::string decoded(Bytes bytes, std::size_t most) {
  FrameDecoder decoder;
  std::string out;
  while (!bytes.empty()) {
    Bytes piece = bytes.first(std::min(most, bytes.size()));
    bytes = bytes.subspan(piece.size());
    while (true) {
      const auto step = decoder.next(piece);
      if (!step) return out + "\nerror " + step.error().text();
      if (*step == FrameDecoder::Step::kNeedMore) break;
      switch (*step) {
        case FrameDecoder::Step::kDictionary:
          out += "\n" + decoder.dictionary().to_json() + "\n";
          break;
        case FrameDecoder::Step::kPayload: out += skein::as_text(decoder.piece()); break;
        case FrameDecoder::Step::kEnd: out += "\nend"; break;
        case FrameDecoder::Step::kNeedMore: break;
      }
    }
    assert(piece.empty());
  }
  return out;
}

// What was read and written again reads as the same.
void check_dictionary(std::string_view json) {
  const auto first = Dictionary::parse(json);
  if (!first) return;
  const auto again = Dictionary::parse(first->to_json());
  assert(again && again->to_json() == first->to_json());
  static_cast<void>(skein::wire::check_answer(*first).has_value());
  static_cast<void>(skein::wire::payload_size(*first).has_value());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes = std::as_bytes(std::span(data, size));
  const std::string whole = decoded(bytes, SIZE_MAX);
  assert(decoded(bytes, 1) == whole);
  assert(decoded(bytes, 7) == whole);
  check_dictionary(skein::as_text(bytes));
  static_cast<void>(skein::wire::sniff(bytes.first(std::min<std::size_t>(size, 5))));
  return 0;
}
