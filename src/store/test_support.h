// What the tests of this folder, and of those above it, share. The test's thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "store/digest.h"
#include "store/path.h"

namespace skein::store {

inline Path at(std::string_view text) {
  return Path::internal(std::string(text));
}

// What a call came to: "ok", or the name of the error's kind.
template <typename T>
std::string outcome(const Result<T>& result) {
  return result ? std::string("ok") : std::string(result.error().kind().name);
}

inline Digest digest_of(std::string_view text, std::uint64_t seed) {
  return digest_of(as_bytes(text), seed);
}

// Text that repeats nowhere nearby, another one for each seed.
inline std::string text_of(std::size_t bytes, std::uint64_t seed) {
  std::string out(bytes, '\0');
  SeededRandom(seed).fill(std::as_writable_bytes(std::span(out.data(), out.size())));
  return out;
}

}  // namespace skein::store
