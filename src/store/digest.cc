#include "store/digest.h"

#include <xxhash.h>

#include <new>

namespace skein::store {

namespace {
Digest canonical(XXH128_hash_t hash) {
  XXH128_canonical_t out;
  XXH128_canonicalFromHash(&out, hash);
  Digest digest;
  static_assert(sizeof out.digest == sizeof digest.bytes);
  for (std::size_t i = 0; i < digest.bytes.size(); ++i) {
    digest.bytes[i] = static_cast<std::byte>(out.digest[i]);
  }
  return digest;
}
}  // namespace

struct Hasher::State {
  State() : xxh(XXH3_createState()) {
    if (xxh == nullptr) throw std::bad_alloc();
  }
  ~State() { XXH3_freeState(xxh); }
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  XXH3_state_t* xxh;
};

std::optional<Digest> Digest::from_hex(std::string_view hex) {
  Digest digest;
  if (!skein::from_hex(hex, digest.bytes)) return std::nullopt;
  return digest;
}

Digest digest_of(Bytes bytes, std::uint64_t seed) {
  return canonical(XXH3_128bits_withSeed(bytes.data(), bytes.size(), seed));
}

Hasher::Hasher() : state_(std::make_unique<State>()) {}
Hasher::~Hasher() = default;
Hasher::Hasher(Hasher&&) noexcept = default;
Hasher& Hasher::operator=(Hasher&&) noexcept = default;

void Hasher::restart(std::uint64_t seed) {
  XXH3_128bits_reset_withSeed(state_->xxh, seed);
}
void Hasher::update(Bytes bytes) {
  XXH3_128bits_update(state_->xxh, bytes.data(), bytes.size());
}
Digest Hasher::digest() const {
  return canonical(XXH3_128bits_digest(state_->xxh));
}

std::uint32_t checksum_of(Bytes bytes) {
  return static_cast<std::uint32_t>(XXH3_64bits(bytes.data(), bytes.size()));
}

}  // namespace skein::store
