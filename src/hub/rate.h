// Rate: how often somebody may do something: so many at once, and then so many a second. A value;
// its owner's thread.
#pragma once

#include <algorithm>
#include <cstdint>

namespace skein::hub {

class Rate {
 public:
  // Full at first. 0 a second: without a limit.
  Rate(std::int64_t per_second, std::int64_t at_once)
      : per_second_(per_second), full_(at_once * kScale), left_(full_) {}

  // 0: there is one to take. Else there will be in so many milliseconds.
  [[nodiscard]] std::int64_t wait_ms(std::int64_t now_ms) {
    if (per_second_ == 0) return 0;
    if (now_ms > last_ms_) {
      // Not beyond full, nor by a number that could overflow.
      const std::int64_t passed_ms = std::min(now_ms - last_ms_, full_ / per_second_ + 1);
      left_ = std::min(full_, left_ + passed_ms * per_second_);
    }
    last_ms_ = now_ms;
    if (left_ >= kScale) return 0;
    return (kScale - left_ + per_second_ - 1) / per_second_;
  }

  // 0: taken. Else nothing was, and one may try again in so many milliseconds.
  [[nodiscard]] std::int64_t take(std::int64_t now_ms) {
    const std::int64_t wait = wait_ms(now_ms);
    if (wait == 0 && per_second_ != 0) left_ -= kScale;
    return wait;
  }

  [[nodiscard]] std::int64_t last_ms() const { return last_ms_; }  // when it was last asked

 private:
  static constexpr std::int64_t kScale = 1000;  // of one: what one second brings at 1 a second

  std::int64_t per_second_;
  std::int64_t full_;
  std::int64_t left_;
  std::int64_t last_ms_ = 0;
};

}  // namespace skein::hub
