#include "trace.h"

#include <cstdio>

#include "base/text.h"

namespace skein::simulate {

void Trace::mix(std::string_view text) {
  for (const char c : text) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  hash_ = (hash_ ^ 0xffU) * 0x100000001b3U;
}

void Trace::note(std::string_view who, std::string_view what, std::string_view more) {
  const std::string at = std::to_string(clock_.monotonic_ms());
  mix(at);
  mix(who);
  mix(what);
  mix(more);
  if (!print_) return;
  const std::string line =
      concat(at, " ms  ", who, ": ", what, more.empty() ? "" : " ", escaped(more));
  std::puts(line.c_str());
}

void Trace::fault(std::string_view what) {
  note("FAULT", what);
  if (fault_.empty()) fault_ = what;
}

}  // namespace skein::simulate
