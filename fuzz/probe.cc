// Datagrams that begin with a NUL (docs/protocol.md, "Probes"): whatever the bytes, what is read
// from them is what they say.
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "wire/probe.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const skein::Bytes datagram = std::as_bytes(std::span(data, size));
  const auto probe = skein::wire::decode_probe(datagram);
  if (!probe) return 0;
  assert(skein::wire::looks_like_probe(datagram));
  // Nothing of the head but its three unused bytes may get lost.
  std::vector<std::byte> again(datagram.begin(), datagram.end());
  skein::wire::encode_probe(*probe, again);
  constexpr std::size_t kUnused[] = {5, 6, 7};
  for (const std::size_t at : kUnused) again[at] = datagram[at];
  assert(skein::as_text(again) == skein::as_text(datagram));
  return 0;
}
