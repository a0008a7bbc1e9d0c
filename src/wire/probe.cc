#include "wire/probe.h"

#include <algorithm>
#include <cassert>

namespace skein::wire {

namespace {

constexpr std::size_t kKindAt = 4;  // three bytes for later follow it
constexpr std::size_t kSequenceAt = 8;
constexpr std::size_t kCookieAt = 16;
constexpr std::size_t kCountAt = 32;
constexpr std::size_t kBytesAt = 36;

}  // namespace

std::optional<Probe> decode_probe(Bytes datagram) {
  if (datagram.size() < kProbeHeadBytes) return std::nullopt;
  if (as_text(datagram.first(kProbeMark.size())) != kProbeMark) return std::nullopt;
  const auto kind = static_cast<std::uint8_t>(datagram[kKindAt]);
  if (kind < static_cast<std::uint8_t>(ProbeKind::kKnock) ||
      kind > static_cast<std::uint8_t>(ProbeKind::kPulled)) {
    return std::nullopt;
  }
  Probe probe;
  probe.kind = static_cast<ProbeKind>(kind);
  probe.sequence = load_le<std::uint64_t>(&datagram[kSequenceAt]);
  std::ranges::copy(datagram.subspan(kCookieAt, probe.cookie.size()), probe.cookie.begin());
  probe.count = load_le<std::uint32_t>(&datagram[kCountAt]);
  probe.bytes = load_le<std::uint32_t>(&datagram[kBytesAt]);
  return probe;
}

void encode_probe(const Probe& probe, MutableBytes out) {
  assert(out.size() >= kProbeHeadBytes);
  std::ranges::copy(as_bytes(kProbeMark), out.begin());
  store_le(&out[kKindAt], static_cast<std::uint32_t>(probe.kind));
  store_le(&out[kSequenceAt], probe.sequence);
  std::ranges::copy(probe.cookie, out.begin() + kCookieAt);
  store_le(&out[kCountAt], probe.count);
  store_le(&out[kBytesAt], probe.bytes);
}

std::array<std::byte, kProbeHeadBytes> encode_probe(const Probe& probe) {
  std::array<std::byte, kProbeHeadBytes> out{};
  encode_probe(probe, out);
  return out;
}

}  // namespace skein::wire
