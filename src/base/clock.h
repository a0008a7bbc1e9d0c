// Time, as an interface, so that tests can turn it by hand. Any thread may read a clock.
#pragma once

#include <atomic>
#include <cstdint>

namespace skein {

class Clock {
 public:
  virtual ~Clock() = default;
  // For measuring and for timeouts; never goes back; its zero means nothing.
  [[nodiscard]] virtual std::int64_t monotonic_ms() const = 0;
  // Nanoseconds since 1970 UTC; may jump either way.
  [[nodiscard]] virtual std::int64_t wall_ns() const = 0;
};

class SystemClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t monotonic_ms() const override;
  [[nodiscard]] std::int64_t wall_ns() const override;
};

class FakeClock final : public Clock {
 public:
  [[nodiscard]] std::int64_t monotonic_ms() const override { return ms_; }
  [[nodiscard]] std::int64_t wall_ns() const override { return wall_start_ns_ + ms_ * 1'000'000; }
  void advance_ms(std::int64_t ms) { ms_ += ms; }
  void set_wall_ns(std::int64_t ns) { wall_start_ns_ = ns - ms_ * 1'000'000; }

 private:
  std::atomic<std::int64_t> ms_ = 1'000;
  std::atomic<std::int64_t> wall_start_ns_ = 1'700'000'000'000'000'000;
};

}  // namespace skein
