// Packs and lists of files (docs/protocol.md, "Packs"): however they are split the same comes out
// of them, and what came out whole makes the same record again.
#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "transfer/pack.h"

namespace {

using skein::Bytes;
using skein::transfer::PackDecoder;

// The records that are whole and intact, made again; then whether it went well to the end.
std::string decoded(Bytes pack, std::size_t step) {
  PackDecoder decoder(PackDecoder::What::kFiles);
  std::string out;
  std::string record;
  do {
    Bytes input = pack.first(std::min(step, pack.size()));
    pack = pack.subspan(input.size());
    while (true) {
      const auto next = decoder.next(input);
      if (!next) return out + "error";
      if (*next == PackDecoder::Step::kNeedMore) break;
      if (*next == PackDecoder::Step::kFile) {
        record.clear();
        append_packed_head(record, decoder.file());
      } else if (*next == PackDecoder::Step::kPiece) {
        record += skein::as_text(decoder.piece());
      } else if (decoder.intact()) {
        skein::transfer::seal_packed(std::as_writable_bytes(std::span(record)));
        out += record;
      } else {
        out += "damaged";
      }
    }
    assert(input.empty());
  } while (!pack.empty());
  return out + (decoder.end() ? "end" : "cut");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes = std::as_bytes(std::span(data, size));
  const std::string whole = decoded(bytes, size == 0 ? 1 : size);
  const std::size_t step = size == 0 ? 1 : 1 + data[0] % 64;
  assert(decoded(bytes, step) == whole);
  const bool plain = whole.ends_with("end") && !whole.contains("damaged");
  if (plain) assert(whole == std::string(skein::as_text(bytes)) + "end");
  if (const auto files = skein::transfer::decode_packed_heads(bytes)) {
    std::string again;
    for (const auto& file : *files) append_packed_head(again, file);
    assert(again.size() == size);
  }
  static_cast<void>(skein::transfer::decode_packed_outcomes(bytes).has_value());
  static_cast<void>(skein::transfer::decode_indexes(bytes, 256).has_value());
  return 0;
}
