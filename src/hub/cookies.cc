#include "hub/cookies.h"

#include <bit>
#include <string>

#include "base/limits.h"

namespace skein::hub {

namespace {

struct Sip {
  std::uint64_t v0, v1, v2, v3;
  void rounds(int count) {
    for (int i = 0; i < count; ++i) {
      v0 += v1;
      v1 = std::rotl(v1, 13) ^ v0;
      v0 = std::rotl(v0, 32);
      v2 += v3;
      v3 = std::rotl(v3, 16) ^ v2;
      v0 += v3;
      v3 = std::rotl(v3, 21) ^ v0;
      v2 += v1;
      v1 = std::rotl(v1, 17) ^ v2;
      v2 = std::rotl(v2, 32);
    }
  }
  void take(std::uint64_t word) {
    v3 ^= word;
    rounds(2);
    v0 ^= word;
  }
};

}  // namespace

std::uint64_t keyed_hash(Bytes key, Bytes bytes) {
  const auto k0 = load_le<std::uint64_t>(key.data());
  const auto k1 = load_le<std::uint64_t>(key.data() + 8);
  Sip sip{k0 ^ 0x736f6d6570736575ULL, k1 ^ 0x646f72616e646f6dULL, k0 ^ 0x6c7967656e657261ULL,
          k1 ^ 0x7465646279746573ULL};
  std::uint64_t last = static_cast<std::uint64_t>(bytes.size()) << 56U;
  for (; bytes.size() >= 8; bytes = bytes.subspan(8)) {
    sip.take(load_le<std::uint64_t>(bytes.data()));
  }
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    last |= static_cast<std::uint64_t>(bytes[i]) << (8 * i);
  }
  sip.take(last);
  sip.v2 ^= 0xff;
  sip.rounds(4);
  return sip.v0 ^ sip.v1 ^ sip.v2 ^ sip.v3;
}

Cookies::Cookies(const Clock& clock, Random& random) : clock_(clock), key_{} {
  random.fill(key_);
}

std::uint64_t Cookies::period() const {
  return static_cast<std::uint64_t>(clock_.monotonic_ms() / spec::kCookieMs);
}

wire::ProbeCookie Cookies::make(const socketserver::Address& of, std::uint64_t period) const {
  std::string hashed = of.text();
  append_le(hashed, period);
  wire::ProbeCookie cookie{};
  store_le(cookie.data(), period);
  store_le(&cookie[8], keyed_hash(key_, as_bytes(hashed)));
  return cookie;
}

wire::ProbeCookie Cookies::make(const socketserver::Address& of) const {
  return make(of, period());
}

bool Cookies::is_good(const wire::ProbeCookie& cookie, const socketserver::Address& from) const {
  const std::uint64_t now = period();
  const auto of = load_le<std::uint64_t>(cookie.data());
  if (of != now && of + 1 != now) return false;
  // In the same time whatever differs, so that nobody can guess it byte by byte.
  const wire::ProbeCookie right = make(from, of);
  unsigned difference = 0;
  for (std::size_t i = 0; i < right.size(); ++i) {
    difference |= static_cast<unsigned>(right[i] ^ cookie[i]);
  }
  return difference == 0;
}

}  // namespace skein::hub
