// Loop: what waits for descriptors, deadlines and other threads, and runs the coroutines that
// wait for them. One loop, one thread: everything here and everything that stands on a loop
// (Stream, Server, Event, ...) is for that thread alone, except stop(), post() and wake(), which
// any thread may call.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <atomic>
#include <cassert>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <variant>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/descriptor.h"
#include "base/result.h"
#include "socketserver/task.h"
#include "socketserver/timer_wheel.h"
#include "socketserver/work.h"

namespace socketserver {

// Whom the loop tells that a descriptor is ready; `events` as epoll has them.
class Watch {
 public:
  using OnReady = void (*)(Watch&, std::uint32_t events);
  explicit Watch(OnReady on_ready) : on_ready_(on_ready) {}
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

 protected:
  ~Watch() = default;

 private:
  friend class Loop;
  OnReady on_ready_;
};

class Loop {
 public:
  static constexpr std::size_t kMaxPosted = 4096;  // functions, not Work
  static constexpr std::size_t kScratchBytes = 64 * 1024;

  // `clock` outlives the loop. After turning a FakeClock from outside the loop, call wake().
  static skein::Result<std::unique_ptr<Loop>> create(const skein::Clock& clock);
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop();  // no task may be left

  // Returns when stop() was called and all spawned tasks have ended. It does not end them: that
  // is for whoever spawned them (Server::drain, Stream::cancel, Event::set). May be run again.
  void run();
  // Any thread. Before run(): that run() then returns as soon as no task is left.
  void stop();

  // Any thread. Calls `work` on the loop's thread; it must stay alive until then.
  void post(Work& work);
  // Any thread. False: kMaxPosted functions wait already, and this one was not taken.
  bool post(std::function<void()> function);
  // Any thread. Looks at the clock and the deadlines anew.
  void wake();

  // Starts the task from the loop (never from within this call) and counts it until it has ended.
  // On the loop's thread, or before run().
  void spawn(Task<void> task);
  // Spawned and not yet ended. Any thread.
  [[nodiscard]] std::size_t tasks() const { return tasks_.load(std::memory_order_relaxed); }
  // Told of an exception that escapes a spawned task. Without one: std::terminate, as it is a bug.
  void on_escape(std::function<void(std::exception_ptr)> handler) {
    on_escape_ = std::move(handler);
  }

  // `co_await loop.sleep_ms(100);` cannot be cut short: for that see Event::wait_ms.
  class SleepOp;
  [[nodiscard]] SleepOp sleep_ms(std::int64_t ms);
  // `co_await loop.yield();` lets everything else that is ready go first.
  class YieldOp;
  [[nodiscard]] YieldOp yield();

  // For a simulator, before the loop runs: descriptors are looked at no more. Whenever nothing is
  // ready `idle` is called instead, with the next deadline (-1: there is none; it may be early), to
  // turn the clock or to bring something about.
  void on_idle(std::function<void(std::int64_t next_ms)> idle) { on_idle_ = std::move(idle); }

  // The loop that runs on this thread, or nullptr.
  [[nodiscard]] static Loop* current();
  [[nodiscard]] const skein::Clock& clock() const { return clock_; }
  // As of the last return of epoll_wait: for deadlines, at no cost.
  [[nodiscard]] std::int64_t now_ms() const { return now_ms_; }

  // One receive buffer for all coroutines of this loop, so that an idle connection holds none.
  // What a read put there is good until the coroutine's next co_await: copy what is kept, and
  // never hand it to a write that may wait (Stream::write_now does not wait).
  [[nodiscard]] skein::MutableBytes scratch() {
    if (scratch_ == nullptr) make_scratch();
    return {scratch_.get(), kScratchBytes};
  }
  // For who has to keep what is in it across a wait: the buffer becomes theirs, and the loop makes
  // itself another when it needs one.
  [[nodiscard]] std::unique_ptr<std::byte[]> take_scratch() { return std::move(scratch_); }

  // --- for those who make awaitables ---

  // Runs `work` in the loop's next round.
  void ready(Work& work) { ready_.push(work); }
  // Takes back what ready() was given and what did not run yet.
  void forget(Work& work);

  // For a root coroutine that is no Task: between the two it counts as spawned.
  void task_began() { tasks_.fetch_add(1, std::memory_order_relaxed); }
  void task_ended() { tasks_.fetch_sub(1, std::memory_order_relaxed); }

  void arm(Timer& timer, std::int64_t deadline_ms) { wheel_.arm(timer, deadline_ms); }
  static void disarm(Timer& timer) { TimerWheel::disarm(timer); }

  // Edge-triggered, for reading and writing, once per descriptor. If it is ready already, the
  // first report says so. The descriptor stays the caller's, who calls unwatch() before closing it.
  skein::Result<void> watch(int fd, Watch& watch,
                            std::uint32_t events = EPOLLIN | EPOLLOUT | EPOLLRDHUP);
  void unwatch(int fd, Watch& watch);

  // run() until `done` holds, whatever stop() and other tasks say. `done` is turned by a task.
  void run_until(const bool& done);

 private:
  struct Spawned;
  struct PostedFunction;

  Loop(const skein::Clock& clock, skein::Descriptor epoll, skein::Descriptor event);
  static Spawned run_spawned(Loop& loop, Task<void> task);
  void escape(std::exception_ptr exception);
  template <class Finished>
  void rounds(Finished finished);
  void one_round();
  void run_posted();
  [[gnu::cold]] void make_scratch();
  [[nodiscard]] int wait_ms();

  const skein::Clock& clock_;
  skein::Descriptor epoll_;
  skein::Descriptor event_;
  std::int64_t now_ms_;
  TimerWheel wheel_;
  WorkQueue ready_;
  WorkQueue running_;  // of this round
  std::function<void(std::exception_ptr)> on_escape_;
  std::function<void(std::int64_t)> on_idle_;
  std::unique_ptr<std::byte[]> scratch_;
  std::atomic<std::size_t> tasks_ = 0;

  std::array<epoll_event, 128> events_{};
  int event_count_ = 0;
  int event_next_ = 0;

  std::atomic<Work*> posted_ = nullptr;  // last in first; turned round when taken
  std::atomic<std::size_t> posted_functions_ = 0;
  std::atomic<std::size_t> callers_ = 0;  // other threads inside post(), stop() or wake()
  std::atomic<bool> stop_ = false;
  std::atomic<std::thread::id> thread_{};
};

class [[nodiscard]] Loop::SleepOp : private Timer {
 public:
  SleepOp(Loop& loop, std::int64_t ms)
      : Timer([](Timer& timer) { static_cast<SleepOp&>(timer).handle_.resume(); }),
        loop_(loop),
        ms_(ms) {}
  [[nodiscard]] bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    handle_ = handle;
    // The clock itself, not now_ms(): nobody may wake too early.
    loop_.arm(*this, loop_.clock().monotonic_ms() + ms_);
  }
  void await_resume() const {}

 private:
  Loop& loop_;
  std::int64_t ms_;
  std::coroutine_handle<> handle_;
};

class [[nodiscard]] Loop::YieldOp {
 public:
  explicit YieldOp(Loop& loop) : loop_(loop) {}
  [[nodiscard]] bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    resumption_.handle = handle;
    loop_.ready(resumption_);
  }
  void await_resume() const {}

 private:
  Loop& loop_;
  Resumption resumption_;
};

inline Loop::SleepOp Loop::sleep_ms(std::int64_t ms) {
  return SleepOp(*this, ms);
}
inline Loop::YieldOp Loop::yield() {
  return YieldOp(*this);
}

namespace detail {

template <class T>
using Outcome =
    std::variant<std::monostate, std::conditional_t<std::is_void_v<T>, std::true_type, T>,
                 std::exception_ptr>;

template <class T>
Task<void> finish_into(Task<T> task, Outcome<T>& outcome, bool& done) {
  try {
    if constexpr (std::is_void_v<T>) {
      co_await task;
      outcome.template emplace<1>();
    } else {
      auto value = co_await task;
      outcome.template emplace<1>(std::move(value));
    }
  } catch (...) {
    outcome.template emplace<2>(std::current_exception());
  }
  done = true;
}

}  // namespace detail

// Runs the loop on this thread until `task` has ended; its value, or its exception. For a main.
template <class T>
T run_until_done(Loop& loop, Task<T> task) {
  detail::Outcome<T> outcome;
  bool done = false;
  loop.spawn(detail::finish_into<T>(std::move(task), outcome, done));
  loop.run_until(done);
  if (outcome.index() == 2) std::rethrow_exception(std::get<2>(outcome));
  if constexpr (!std::is_void_v<T>) return std::get<1>(std::move(outcome));
}

}  // namespace socketserver
