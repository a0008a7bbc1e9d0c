// Deadlines by the thousand. Every wait for a peer has one and hardly any is ever reached, so
// what must cost nothing is moving a deadline later or dropping it: both are a single store. The
// entry stays in the slot where it stands, and is looked at again when that slot comes round.
//
// One thread: the loop's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>

namespace socketserver {

class Timer {
 public:
  using Fire = void (*)(Timer&);

  explicit Timer(Fire fire) : fire_(fire) {}
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  ~Timer() { unlink(); }

  [[nodiscard]] bool armed() const { return deadline_ms_ != kNever; }

 private:
  friend class TimerWheel;
  static constexpr std::int64_t kNever = std::numeric_limits<std::int64_t>::max();

  void unlink() {
    if (link_ == nullptr) return;
    *link_ = next_;
    if (next_ != nullptr) next_->link_ = link_;
    link_ = nullptr;
    next_ = nullptr;
  }

  Fire fire_;
  Timer* next_ = nullptr;
  Timer** link_ = nullptr;  // what points at this entry; nullptr: in no slot
  std::int64_t deadline_ms_ = kNever;
  std::int64_t slot_ms_ = 0;  // when its slot comes round; never after the deadline
};

class TimerWheel {
 public:
  // `now_ms` is the time from which it counts; time never goes back.
  explicit TimerWheel(std::int64_t now_ms) : now_ms_(now_ms) {}
  TimerWheel(const TimerWheel&) = delete;
  TimerWheel& operator=(const TimerWheel&) = delete;
  ~TimerWheel();  // entries still in it are let go, not fired

  // Fires once, at the first advance() to `deadline_ms` or later; replaces an earlier deadline.
  void arm(Timer& timer, std::int64_t deadline_ms);
  static void disarm(Timer& timer) { timer.deadline_ms_ = Timer::kNever; }

  // Fires what is due. An entry may arm, disarm or destroy any entry, itself too, while it fires.
  void advance(std::int64_t now_ms);

  // When advance() should be called next, or -1: no entry at all. May be earlier than any deadline.
  [[nodiscard]] std::int64_t next_ms() const { return next_ms_ == Timer::kNever ? -1 : next_ms_; }

 private:
  // One slot per millisecond. A deadline beyond the wheel goes into its farthest slot and is put
  // further when that comes round: a visit per entry every four seconds is cheaper than levels.
  static constexpr std::size_t kSlots = 4096;
  static constexpr std::int64_t kSpanMs = static_cast<std::int64_t>(kSlots) - 1;

  void link(Timer& timer);
  void find_next();

  std::int64_t now_ms_;
  std::int64_t next_ms_ = Timer::kNever;
  Timer* due_ = nullptr;  // the slot at work, detached so that entries can be linked anew
  std::array<Timer*, kSlots> slots_{};
  std::array<std::uint64_t, kSlots / 64> used_{};  // a set bit may be stale, an unset one is not
};

}  // namespace socketserver
