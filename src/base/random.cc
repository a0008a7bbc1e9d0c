#include "base/random.h"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <vector>

namespace skein {

std::uint64_t Random::u64() {
  std::byte raw[8];
  fill(raw);
  return load_le<std::uint64_t>(raw);
}

std::string Random::hex(std::size_t bytes) {
  std::vector<std::byte> raw(bytes);
  fill(raw);
  return to_hex(raw);
}

void SystemRandom::fill(MutableBytes out) {
  while (!out.empty()) {
    const ssize_t got = getrandom(out.data(), out.size(), 0);
    if (got > 0) {
      out = out.subspan(static_cast<std::size_t>(got));
    } else if (got < 0 && errno != EINTR) {
      std::abort();  // a kernel without getrandom: nothing that needs secrets can go on
    }
  }
}

void SeededRandom::fill(MutableBytes out) {
  while (!out.empty()) {
    state_ += 0x9E3779B97F4A7C15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
    z ^= z >> 31U;
    std::byte raw[8];
    store_le(raw, z);
    const std::size_t part = std::min(out.size(), sizeof raw);
    std::copy_n(raw, part, out.begin());
    out = out.subspan(part);
  }
}

}  // namespace skein
