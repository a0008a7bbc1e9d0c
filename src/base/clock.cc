#include "base/clock.h"

#include <time.h>

namespace skein {

namespace {
std::int64_t read_ns(clockid_t which) {
  timespec now{};
  clock_gettime(which, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}
}  // namespace

std::int64_t SystemClock::monotonic_ms() const {
  return read_ns(CLOCK_MONOTONIC) / 1'000'000;
}
std::int64_t SystemClock::wall_ns() const {
  return read_ns(CLOCK_REALTIME);
}

}  // namespace skein
