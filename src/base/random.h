// Randomness, as an interface, so that tests and the simulator repeat exactly.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"

namespace skein {

class Random {
 public:
  virtual ~Random() = default;
  virtual void fill(MutableBytes out) = 0;

  [[nodiscard]] std::uint64_t u64();
  [[nodiscard]] std::string hex(std::size_t bytes);  // lower case, twice `bytes` long
};

// The kernel's getrandom: fit for secrets. Any thread.
class SystemRandom final : public Random {
 public:
  void fill(MutableBytes out) override;
};

// The same sequence for the same seed (splitmix64). For tests only; one thread.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}
  void fill(MutableBytes out) override;

 private:
  std::uint64_t state_;
};

}  // namespace skein
