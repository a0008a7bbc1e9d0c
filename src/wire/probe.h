// Probes over UDP: datagrams that begin with a NUL, by which a client measures its path to a hub.
// Specified in docs/protocol.md, "Probes". Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace skein::wire {

// A client's are odd and a hub's even, so no hub ever answers another, nor itself.
enum class ProbeKind : std::uint8_t {
  kKnock = 1,   // may I?
  kCookie = 2,  // yes, with this
  kEcho = 3,    // did you get it?
  kEchoed = 4,  // yes, so many bytes
  kPull = 5,    // send me `count` datagrams of `bytes` each
  kPulled = 6,  // one of them, number `count`
};

using ProbeCookie = std::array<std::byte, 16>;

// The head of every probe, 40 bytes, little-endian; filler follows.
struct Probe {
  ProbeKind kind = ProbeKind::kKnock;
  std::uint64_t sequence = 0;  // the client's choice; the answers repeat it
  ProbeCookie cookie{};        // zeros in a knock
  std::uint32_t count = 0;
  std::uint32_t bytes = 0;
};

inline constexpr std::string_view kProbeMark{"\0sk1", 4};
inline constexpr std::size_t kProbeHeadBytes = 40;
static_assert(kProbeHeadBytes == kProbeMark.size() + 4 + sizeof(std::uint64_t) +
                                     sizeof(ProbeCookie) + 2 * sizeof(std::uint32_t));

// True for what is a probe or wants to be one: whatever begins with a NUL is no person's text.
[[nodiscard]] inline bool looks_like_probe(Bytes datagram) {
  return !datagram.empty() && datagram[0] == std::byte{0};
}

// Nothing if it is too short, of another version or of an unknown kind.
[[nodiscard]] std::optional<Probe> decode_probe(Bytes datagram);

// Into `out`, which has at least kProbeHeadBytes; what follows them there is filler.
void encode_probe(const Probe& probe, MutableBytes out);
// The head alone.
[[nodiscard]] std::array<std::byte, kProbeHeadBytes> encode_probe(const Probe& probe);

}  // namespace skein::wire
