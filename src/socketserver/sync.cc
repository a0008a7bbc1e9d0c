#include "socketserver/sync.h"

#include <utility>

namespace socketserver {

namespace detail {

void WaiterList::push(Waiter& waiter, std::coroutine_handle<> handle) {
  waiter.handle = handle;
  waiter.loop = Loop::current();
  assert(waiter.loop != nullptr);
  waiter.before = last_;
  waiter.after = nullptr;
  (last_ == nullptr ? first_ : last_->after) = &waiter;
  last_ = &waiter;
}

void WaiterList::remove(Waiter& waiter) {
  (waiter.before == nullptr ? first_ : waiter.before->after) = waiter.after;
  (waiter.after == nullptr ? last_ : waiter.after->before) = waiter.before;
  waiter.before = waiter.after = nullptr;
}

}  // namespace detail

void Event::set() {
  set_ = true;
  while (detail::Waiter* const waiter = waiters_.first()) waiters_.wake(*waiter);
}

void Event::Hook::hook(Event& event) {
  event_ = &event;
  event.waiters_.push(waiter_, {});
  if (event.set_) event.waiters_.wake(waiter_);
}

bool Event::Hook::unhook() {
  if (waiter_.queued()) return false;
  if (event_ != nullptr) std::exchange(event_, nullptr)->waiters_.remove(waiter_);
  return true;
}

void Event::Hook::call(Work& work) {
  Hook& hook = static_cast<Called&>(work).hook;
  hook.event_ = nullptr;
  hook.on_set_(hook);
}

void Event::TimedWaitOp::await_suspend(std::coroutine_handle<> handle) {
  event_.waiters_.push(waiter_, handle);
  if (timeout_ms_ >= 0) waiter_.loop->arm(timer_, waiter_.loop->now_ms() + timeout_ms_);
}

void Event::TimedWaitOp::expire(Timer& timer) {
  TimedWaitOp& op = static_cast<Limit&>(timer).op;
  if (op.waiter_.queued()) return;  // set in this very round: it goes on by that
  op.event_.waiters_.remove(op.waiter_);
  op.timed_out_ = true;
  op.waiter_.handle.resume();
}

bool Semaphore::try_acquire(std::size_t k) {
  if (waiters_.first() != nullptr || free_ < k) return false;
  free_ -= k;
  return true;
}

void Semaphore::release(std::size_t k) {
  free_ += k;
  assert(free_ <= total_);
  while (detail::Waiter* const waiter = waiters_.first()) {
    const std::size_t units = static_cast<Request*>(waiter)->units;
    if (free_ < units) return;
    free_ -= units;
    waiters_.wake(*waiter);
  }
}

Gate::Pass Gate::enter() {
  assert(!closing_ || inside_ > 0);
  return Pass(*this);
}

void Gate::leave() {
  --inside_;
  if (inside_ > 0 || !closing_) return;
  while (detail::Waiter* const waiter = waiters_.first()) waiters_.wake(*waiter);
}

namespace {

Task<void> run_inside([[maybe_unused]] Gate::Pass pass, Task<void> task) {
  // Ends before the pass is given back, when this frame goes.
  const Task<void> own = std::move(task);
  co_await own;
}

}  // namespace

void Gate::spawn(Loop& loop, Task<void> task) {
  Pass pass = enter();
  loop.spawn(run_inside(std::move(pass), std::move(task)));
}

}  // namespace socketserver
