// What the seed decides, one throw after the other: the same seed, the same run.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/random.h"

namespace skein::simulate {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : random_(seed) {}
  [[nodiscard]] std::uint64_t below(std::uint64_t n) { return random_.u64() % n; }  // n > 0
  // Both included.
  [[nodiscard]] std::uint64_t between(std::uint64_t least, std::uint64_t most) {
    return least + below(most - least + 1);
  }
  [[nodiscard]] bool chance(std::uint64_t of, std::uint64_t in) { return below(in) < of; }
  template <class T>
  [[nodiscard]] const T& one_of(const std::vector<T>& choices) {
    return choices[below(choices.size())];
  }
  [[nodiscard]] std::string bytes(std::size_t size) {
    std::string out(size, '\0');
    random_.fill(std::as_writable_bytes(std::span(out.data(), out.size())));
    return out;
  }
  [[nodiscard]] Random& random() { return random_; }

 private:
  SeededRandom random_;
};

}  // namespace skein::simulate
