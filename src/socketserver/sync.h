// What coroutines of one loop wait for among themselves. No locks: the loop's thread only.
// Whoever is woken runs in the loop's next round, never inside set(), release() or leave().
#pragma once

#include <cassert>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "socketserver/loop.h"
#include "socketserver/task.h"

namespace socketserver {

namespace detail {

// What waits in a list: most often a coroutine, to be resumed.
struct Waiter : Work {
  Waiter() : Waiter([](Work& work) { static_cast<Waiter&>(work).handle.resume(); }) {}
  explicit Waiter(Work::Run call) : Work(call) {}
  Waiter* before = nullptr;
  Waiter* after = nullptr;
  Loop* loop = nullptr;
  std::coroutine_handle<> handle;
};

class WaiterList {
 public:
  WaiterList() = default;
  WaiterList(const WaiterList&) = delete;
  WaiterList& operator=(const WaiterList&) = delete;
  ~WaiterList() { assert(first_ == nullptr); }

  [[nodiscard]] Waiter* first() const { return first_; }
  void push(Waiter& waiter, std::coroutine_handle<> handle);
  void remove(Waiter& waiter);
  void wake(Waiter& waiter) {  // takes it out too
    remove(waiter);
    waiter.loop->ready(waiter);
  }

 private:
  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
};

}  // namespace detail

// Something that has happened, or not yet. Many may wait.
class Event {
 public:
  class WaitOp;
  class TimedWaitOp;
  class Hook;

  [[nodiscard]] bool is_set() const { return set_; }
  void set();  // all who wait go on, even if reset() follows at once
  void reset() { set_ = false; }
  [[nodiscard]] WaitOp wait();
  // `const bool happened = co_await event.wait_ms(500);` negative: no limit.
  // On an event that says "stop" this is the sleep that can be cut short.
  [[nodiscard]] TimedWaitOp wait_ms(std::int64_t timeout_ms);

 private:
  bool set_ = false;
  detail::WaiterList waiters_;
};

class [[nodiscard]] Event::WaitOp {
 public:
  explicit WaitOp(Event& event) : event_(event) {}
  [[nodiscard]] bool await_ready() const { return event_.set_; }
  void await_suspend(std::coroutine_handle<> handle) { event_.waiters_.push(waiter_, handle); }
  void await_resume() const {}

 private:
  Event& event_;
  detail::Waiter waiter_;
};

class [[nodiscard]] Event::TimedWaitOp {
 public:
  TimedWaitOp(Event& event, std::int64_t timeout_ms)
      : event_(event), timeout_ms_(timeout_ms), timer_(*this) {}
  [[nodiscard]] bool await_ready() const { return event_.set_; }
  void await_suspend(std::coroutine_handle<> handle);
  [[nodiscard]] bool await_resume() const { return !timed_out_; }

 private:
  struct Limit : Timer {
    explicit Limit(TimedWaitOp& of) : Timer(&TimedWaitOp::expire), op(of) {}
    TimedWaitOp& op;
  };
  static void expire(Timer& timer);

  Event& event_;
  std::int64_t timeout_ms_;
  bool timed_out_ = false;
  detail::Waiter waiter_;
  Limit timer_;
};

// For an operation that waits for something else and is cut short by the event. Called once,
// in the loop's next round after set(), unless unhooked before; hooked to one event at a time.
class Event::Hook {
 public:
  using OnSet = void (*)(Hook&);
  explicit Hook(OnSet on_set) : on_set_(on_set), waiter_(*this) {}
  Hook(const Hook&) = delete;
  Hook& operator=(const Hook&) = delete;

  void hook(Event& event);  // an event that is set calls too
  // False: too late, the call is on its way.
  [[nodiscard]] bool unhook();

 protected:
  ~Hook() = default;

 private:
  struct Called : detail::Waiter {
    explicit Called(Hook& of) : Waiter(&Hook::call), hook(of) {}
    Hook& hook;
  };
  static void call(Work& work);

  OnSet on_set_;
  Event* event_ = nullptr;  // while it waits for it
  Called waiter_;
};

inline Event::WaitOp Event::wait() {
  return WaitOp(*this);
}
inline Event::TimedWaitOp Event::wait_ms(std::int64_t timeout_ms) {
  return TimedWaitOp(*this, timeout_ms);
}

// `n` units of something scarce (bytes in flight, open files). First come, first served: who asks
// for many is not overtaken by those who ask for few.
class Semaphore {
 public:
  class AcquireOp;
  class HoldOp;
  class Guard;

  explicit Semaphore(std::size_t units) : total_(units), free_(units) {}

  // k units, of at most all there are; given back with release(k).
  [[nodiscard]] AcquireOp acquire(std::size_t k = 1);
  // The same, given back by the guard: `auto guard = co_await semaphore.hold(k);`
  [[nodiscard]] HoldOp hold(std::size_t k = 1);
  [[nodiscard]] bool try_acquire(std::size_t k = 1);  // false too while others wait
  void release(std::size_t k = 1);

  [[nodiscard]] std::size_t free() const { return free_; }
  [[nodiscard]] std::size_t total() const { return total_; }

 private:
  struct Request : detail::Waiter {
    std::size_t units = 0;
  };

  std::size_t total_;
  std::size_t free_;
  detail::WaiterList waiters_;
};

class [[nodiscard]] Semaphore::Guard {
 public:
  Guard() = default;
  Guard(Semaphore& of, std::size_t units) : semaphore_(&of), units_(units) {}  // acquired already
  Guard(Guard&& other) noexcept
      : semaphore_(std::exchange(other.semaphore_, nullptr)), units_(other.units_) {}
  Guard& operator=(Guard&& other) noexcept {
    if (this != &other) {
      release();
      semaphore_ = std::exchange(other.semaphore_, nullptr);
      units_ = other.units_;
    }
    return *this;
  }
  ~Guard() { release(); }
  void release() {
    if (semaphore_ != nullptr) std::exchange(semaphore_, nullptr)->release(units_);
  }

 private:
  Semaphore* semaphore_ = nullptr;
  std::size_t units_ = 0;
};

class [[nodiscard]] Semaphore::AcquireOp {
 public:
  AcquireOp(Semaphore& of, std::size_t units) : semaphore_(of) {
    assert(units <= of.total_);
    request_.units = units;
  }
  [[nodiscard]] bool await_ready() { return semaphore_.try_acquire(request_.units); }
  void await_suspend(std::coroutine_handle<> handle) { semaphore_.waiters_.push(request_, handle); }
  void await_resume() const {}

 protected:
  Semaphore& semaphore_;
  Request request_;
};

class [[nodiscard]] Semaphore::HoldOp : public AcquireOp {
 public:
  using AcquireOp::AcquireOp;
  [[nodiscard]] Guard await_resume() const { return Guard(semaphore_, request_.units); }
};

inline Semaphore::AcquireOp Semaphore::acquire(std::size_t k) {
  return AcquireOp(*this, k);
}
inline Semaphore::HoldOp Semaphore::hold(std::size_t k) {
  return HoldOp(*this, k);
}

// Counts those inside, so that their owner can wait until all have left.
class Gate {
 public:
  class Pass;
  class CloseOp;

  Gate() = default;
  Gate(const Gate&) = delete;
  Gate& operator=(const Gate&) = delete;
  ~Gate() { assert(inside_ == 0); }

  // Whoever is inside may let others in even while the gate is closing; after that nobody may.
  [[nodiscard]] Pass enter();
  // Spawns the task on the loop, inside until it ends.
  void spawn(Loop& loop, Task<void> task);
  // `co_await gate.close();` goes on when nobody is inside. More than one may wait.
  [[nodiscard]] CloseOp close();

  [[nodiscard]] std::size_t inside() const { return inside_; }
  [[nodiscard]] bool closing() const { return closing_; }

 private:
  void leave();

  std::size_t inside_ = 0;
  bool closing_ = false;
  detail::WaiterList waiters_;
};

class [[nodiscard]] Gate::Pass {
 public:
  Pass() = default;
  Pass(Pass&& other) noexcept : gate_(std::exchange(other.gate_, nullptr)) {}
  Pass& operator=(Pass&& other) noexcept {
    if (this != &other) {
      leave();
      gate_ = std::exchange(other.gate_, nullptr);
    }
    return *this;
  }
  ~Pass() { leave(); }
  void leave() {
    if (gate_ != nullptr) std::exchange(gate_, nullptr)->leave();
  }

 private:
  friend class Gate;
  explicit Pass(Gate& gate) : gate_(&gate) { ++gate.inside_; }
  Gate* gate_ = nullptr;
};

class [[nodiscard]] Gate::CloseOp {
 public:
  explicit CloseOp(Gate& gate) : gate_(gate) {}
  [[nodiscard]] bool await_ready() const {
    gate_.closing_ = true;
    return gate_.inside_ == 0;
  }
  void await_suspend(std::coroutine_handle<> handle) { gate_.waiters_.push(waiter_, handle); }
  void await_resume() const {}

 private:
  Gate& gate_;
  detail::Waiter waiter_;
};

inline Gate::CloseOp Gate::close() {
  return CloseOp(*this);
}

}  // namespace socketserver
