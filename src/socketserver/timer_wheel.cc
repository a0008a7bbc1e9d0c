#include "socketserver/timer_wheel.h"

#include <algorithm>
#include <bit>

namespace socketserver {

TimerWheel::~TimerWheel() {
  for (Timer*& slot : slots_) {
    while (slot != nullptr) slot->unlink();
  }
}

void TimerWheel::arm(Timer& timer, std::int64_t deadline_ms) {
  timer.deadline_ms_ = deadline_ms;
  // Where it stands is early enough: it will be looked at in time and put further.
  if (timer.link_ != nullptr && timer.slot_ms_ <= deadline_ms) return;
  timer.unlink();
  link(timer);
}

void TimerWheel::link(Timer& timer) {
  // The slot of now_ms_ itself has been visited, so what is due already goes into the next one.
  timer.slot_ms_ = std::clamp(timer.deadline_ms_, now_ms_ + 1, now_ms_ + kSpanMs);
  const auto index = static_cast<std::size_t>(timer.slot_ms_) % kSlots;
  Timer*& slot = slots_[index];
  timer.next_ = slot;
  timer.link_ = &slot;
  if (slot != nullptr) slot->link_ = &timer.next_;
  slot = &timer;
  used_[index / 64] |= std::uint64_t{1} << (index % 64);
  next_ms_ = std::min(next_ms_, timer.slot_ms_);
}

void TimerWheel::advance(std::int64_t now_ms) {
  if (now_ms < next_ms_) {
    // Nothing stands in the slots in between, so they need no visit.
    now_ms_ = std::max(now_ms_, now_ms);
    return;
  }
  const std::int64_t last_ms = std::min(now_ms, next_ms_ + kSpanMs);
  std::int64_t at_ms = next_ms_;
  now_ms_ = now_ms;  // first: whatever fires arms from here on
  next_ms_ = Timer::kNever;
  for (; at_ms <= last_ms; ++at_ms) {
    const auto index = static_cast<std::size_t>(at_ms) % kSlots;
    const std::uint64_t bit = std::uint64_t{1} << (index % 64);
    if ((used_[index / 64] & bit) == 0) continue;
    used_[index / 64] &= ~bit;
    due_ = slots_[index];
    slots_[index] = nullptr;
    if (due_ != nullptr) due_->link_ = &due_;
    while (due_ != nullptr) {
      Timer& timer = *due_;
      timer.unlink();
      if (timer.deadline_ms_ == Timer::kNever) continue;
      if (timer.deadline_ms_ > now_ms) {
        link(timer);
        continue;
      }
      timer.deadline_ms_ = Timer::kNever;
      timer.fire_(timer);
    }
  }
  find_next();
}

void TimerWheel::find_next() {
  next_ms_ = Timer::kNever;
  const std::int64_t from_ms = now_ms_ + 1;
  for (std::int64_t step = 0; step <= kSpanMs;) {
    const auto index = static_cast<std::size_t>(from_ms + step) % kSlots;
    const std::uint64_t rest = used_[index / 64] >> (index % 64);
    if (rest != 0) {
      next_ms_ = from_ms + step + std::countr_zero(rest);
      return;
    }
    step += 64 - static_cast<std::int64_t>(index % 64);
  }
}

}  // namespace socketserver
