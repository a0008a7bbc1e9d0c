// Requests of HTTP: whatever the bytes, and however they are split, the decoder says the same; and
// whatever it lets pass, the target and the guard can judge.
#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/text.h"
#include "http/decoder.h"
#include "http/guard.h"
#include "http/target.h"

namespace {

using skein::Bytes;
using skein::http::RequestDecoder;

std::string described(const skein::http::Request& request) {
  std::string out = skein::concat("\n", request.method, " ", request.target, "\n");
  for (const auto& [name, value] : request.fields) out += skein::concat(name, ": ", value, "\n");
  assert(out.size() <= 2 * skein::spec::kMaxHttpHeadBytes);
  assert(!request.chunked || !request.length);
  if (const auto target = skein::http::parse_target(request.target)) out += target->path;
  out += check_local(request) ? " local" : " not local";
  return out += request.keep_alive ? " kept\n" : " closed\n";
}

// All that comes out of the bytes, which come in one piece of `first`, then in pieces of `most`.
std::string decoded(Bytes bytes, std::size_t first, std::size_t most) {
  RequestDecoder decoder;
  std::string out;
  while (!bytes.empty()) {
    Bytes piece = bytes.first(std::min(first, bytes.size()));
    bytes = bytes.subspan(piece.size());
    first = most;
    while (true) {
      const auto step = decoder.next(piece);
      if (!step) return out + "\nerror " + step.error().text() + std::to_string(decoder.status());
      if (*step == RequestDecoder::Step::kNeedMore) break;
      if (*step == RequestDecoder::Step::kHead) out += described(decoder.request());
      if (*step == RequestDecoder::Step::kBody) out += skein::as_text(decoder.piece());
      if (*step == RequestDecoder::Step::kEnd) out += "\nend";
    }
    assert(piece.empty());
  }
  return out + (decoder.between_requests() ? " between" : " within");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const Bytes bytes = std::as_bytes(std::span(data, size));
  const std::string whole = decoded(bytes, SIZE_MAX, SIZE_MAX);
  assert(decoded(bytes, 1, 1) == whole);
  const std::size_t split = size == 0 ? 0 : data[size - 1] * size / 256;
  assert(decoded(bytes, std::max<std::size_t>(split, 1), SIZE_MAX) == whole);
  return 0;
}
