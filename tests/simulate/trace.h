// What happened in a run: always as one number, so that two runs can be compared; as lines only
// when somebody wants to read them. And what was found wrong.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace skein::simulate {

class Trace {
 public:
  Trace(const Clock& clock, bool print) : clock_(clock), print_(print) {}

  void note(std::string_view who, std::string_view what, std::string_view more = {});
  // A rule is broken. Only the first counts: what follows may come of it.
  void fault(std::string_view what);

  [[nodiscard]] bool prints() const { return print_; }
  [[nodiscard]] std::uint64_t hash() const { return hash_; }
  [[nodiscard]] const std::string& fault() const { return fault_; }

 private:
  void mix(std::string_view text);
  const Clock& clock_;
  bool print_;
  std::uint64_t hash_ = 0xcbf29ce484222325U;
  std::string fault_;
};

}  // namespace skein::simulate
