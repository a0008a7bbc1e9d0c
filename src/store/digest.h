// XXH3-128 of a block, with the seed of its transfer. Pure; a Hasher belongs to one thread at a
// time.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"

namespace skein::store {

// In the canonical (big-endian) order in which xxh128sum prints it.
struct Digest {
  std::array<std::byte, 16> bytes{};
  friend auto operator<=>(const Digest&, const Digest&) = default;

  [[nodiscard]] std::string hex() const { return to_hex(bytes); }
  static std::optional<Digest> from_hex(std::string_view hex);
};
static_assert(sizeof(Digest) == 16);

[[nodiscard]] Digest digest_of(Bytes bytes, std::uint64_t seed);

// The same for bytes that come in pieces.
class Hasher {
 public:
  Hasher();
  ~Hasher();
  Hasher(Hasher&&) noexcept;
  Hasher& operator=(Hasher&&) noexcept;

  void restart(std::uint64_t seed);  // must come first
  void update(Bytes bytes);
  [[nodiscard]] Digest digest() const;  // of what came since restart

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// 32 bits that tell a torn or foreign record of our own files from a whole one; no secret.
[[nodiscard]] std::uint32_t checksum_of(Bytes bytes);

}  // namespace skein::store
