// Task<T>: a coroutine that starts when it is awaited and hands its value, or its exception, to
// whoever awaited it. It belongs to one loop and runs on that loop's thread only.
//
// What g++ 12.2 needs, everywhere in this tree: no capturing lambda as a coroutine (its captures
// die with the lambda); no `?:` and no owning temporary in an expression with co_await (name it
// first, then std::move it in); parameters by value, or references to what surely lives longer.
#pragma once

#include <cassert>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <type_traits>
#include <utility>
#include <variant>

namespace socketserver {

template <class T = void>
class Task;

namespace detail {

// Coroutine frames from lists of free ones, a list per thread and size, each bounded. Any thread;
// a frame may be freed on another thread than it was made on.
void* allocate_frame(std::size_t size);
void free_frame(void* frame, std::size_t size) noexcept;

struct TaskPromiseBase {
  static void* operator new(std::size_t size) { return allocate_frame(size); }
  static void operator delete(void* frame, std::size_t size) noexcept { free_frame(frame, size); }

  std::coroutine_handle<> awaiter;  // who goes on when this ends; none while it runs in await

  struct FinalAwaiter {
    [[nodiscard]] bool await_ready() const noexcept { return false; }
    template <class Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> self) const noexcept {
      const std::coroutine_handle<> next = self.promise().awaiter;
      if (next) return next;
      return std::noop_coroutine();
    }
    void await_resume() const noexcept {}
  };

  [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
  [[nodiscard]] FinalAwaiter final_suspend() const noexcept { return {}; }
};

template <class T>
struct TaskPromise : TaskPromiseBase {
  std::variant<std::monostate, T, std::exception_ptr> outcome;

  Task<T> get_return_object() noexcept;
  void return_value(T value) { outcome.template emplace<1>(std::move(value)); }
  void unhandled_exception() noexcept { outcome.template emplace<2>(std::current_exception()); }
  T take() {
    if (outcome.index() == 2) std::rethrow_exception(std::get<2>(std::move(outcome)));
    return std::get<1>(std::move(outcome));
  }
};

template <>
struct TaskPromise<void> : TaskPromiseBase {
  std::exception_ptr escaped;

  Task<void> get_return_object() noexcept;
  void return_void() const noexcept {}
  void unhandled_exception() noexcept { escaped = std::current_exception(); }
  void take() {
    if (escaped) std::rethrow_exception(std::move(escaped));
  }
};

}  // namespace detail

template <class T>
class [[nodiscard]] Task {
 public:
  using promise_type = detail::TaskPromise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  // Empty. A Task<void> that is awaited is then over at once; another one must not be.
  Task() = default;
  explicit Task(Handle handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      if (handle_) handle_.destroy();
      handle_ = std::exchange(other.handle_, {});
    }
    return *this;
  }
  // Before its start or after its end only: whoever would resume it in between knows nothing of it.
  ~Task() {
    if (handle_) handle_.destroy();
  }

  explicit operator bool() const { return static_cast<bool>(handle_); }

  // Awaited once. What is awaited must live until then (a temporary in the expression does).
  [[nodiscard]] auto operator co_await() const noexcept {
    struct Awaiter {
      Handle child;
      [[nodiscard]] bool await_ready() const noexcept { return !child; }
      // The child runs nested in here until it first has to wait, and only then learns who awaits
      // it. Handing it the thread by symmetric transfer instead would grow the stack with every
      // child that never waits: g++ 12 makes no tail call of it without optimisation, nor under a
      // sanitizer. The way back, from FinalAwaiter, is symmetric: its depth is that of the chain.
      [[nodiscard]] bool await_suspend(std::coroutine_handle<> parent) const {
        child.resume();
        if (child.done()) return false;
        child.promise().awaiter = parent;
        return true;
      }
      T await_resume() const {
        if constexpr (std::is_void_v<T>) {
          if (!child) return;
        }
        return child.promise().take();
      }
    };
    assert(handle_ || std::is_void_v<T>);
    return Awaiter{handle_};
  }

 private:
  Handle handle_;
};

namespace detail {

template <class T>
Task<T> TaskPromise<T>::get_return_object() noexcept {
  return Task<T>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}
inline Task<void> TaskPromise<void>::get_return_object() noexcept {
  return Task<void>(std::coroutine_handle<TaskPromise>::from_promise(*this));
}

}  // namespace detail
}  // namespace socketserver
