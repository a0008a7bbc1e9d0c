// Pool: a few threads for what blocks (disks, the resolver), so that no loop ever does.
// run() from any loop's thread; the rest from any thread.
#pragma once

#include <condition_variable>
#include <coroutine>
#include <cstddef>
#include <exception>
#include <mutex>
#include <thread>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "socketserver/loop.h"
#include "socketserver/work.h"

namespace socketserver {

class Pool {
 public:
  template <class Fn>
  class RunOp;

  // `max_queued`: from so many waiting jobs on full() says so. Whoever runs one all the same waits
  // behind them, first come first served. The queue is made of the callers' own coroutine frames:
  // it is as bounded as they are, and allocates nothing.
  Pool(std::size_t threads, std::size_t max_queued);
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  // Waits for every job. The loops that await them must still exist.
  virtual ~Pool();

  // `auto value = co_await pool.run(loop, fn);`, on the loop that it names, calls fn() on a thread
  // of the pool, and gives its value, or throws its exception, on the loop's thread. fn is moved
  // into the coroutine's frame (so g++ 12 wants a closure with owning captures named first and
  // std::moved in here) and is destroyed on the loop's thread. References in it must outlive the
  // co_await, as they do.
  template <class Fn>
  [[nodiscard]] RunOp<std::decay_t<Fn>> run(Loop& loop, Fn&& fn) {
    return RunOp<std::decay_t<Fn>>(*this, loop, std::forward<Fn>(fn));
  }

  [[nodiscard]] std::size_t queued() const;  // jobs that no thread has begun
  [[nodiscard]] bool full() const { return queued() >= max_queued_; }
  [[nodiscard]] std::size_t threads() const { return threads_.size(); }

 protected:
  // Without threads, for who overrides submit(): a simulator, which decides when a job is run.
  explicit Pool(std::size_t max_queued) : max_queued_(max_queued) {}
  virtual void submit(Work& job);  // calls job.run() once, some day

 private:
  void work();

  const std::size_t max_queued_;
  mutable std::mutex mutex_;
  std::condition_variable something_;
  WorkQueue jobs_;
  std::size_t queued_ = 0;
  bool ending_ = false;
  std::vector<std::thread> threads_;  // last: they use what stands above
};

template <class Fn>
class [[nodiscard]] Pool::RunOp : private Work {
  using Value = std::invoke_result_t<Fn&>;
  using Stored = std::conditional_t<std::is_void_v<Value>, std::true_type, Value>;

 public:
  template <class From>
  RunOp(Pool& pool, Loop& loop, From&& fn)
      : Work(&RunOp::execute), pool_(pool), loop_(loop), fn_(std::forward<From>(fn)) {}

  [[nodiscard]] bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> handle) {
    done_.handle = handle;
    pool_.submit(*this);  // from here on this may be gone at any time
  }
  Value await_resume() {
    if (outcome_.index() == 2) std::rethrow_exception(std::get<2>(std::move(outcome_)));
    if constexpr (!std::is_void_v<Value>) return std::get<1>(std::move(outcome_));
  }

 private:
  static void execute(Work& work) {  // on a thread of the pool
    auto& self = static_cast<RunOp&>(work);
    try {
      if constexpr (std::is_void_v<Value>) {
        self.fn_();
        self.outcome_.template emplace<1>();
      } else {
        self.outcome_.template emplace<1>(self.fn_());
      }
    } catch (...) {
      self.outcome_.template emplace<2>(std::current_exception());
    }
    self.loop_.post(self.done_);  // from here on self may be gone at any time
  }

  Pool& pool_;
  Loop& loop_;
  Fn fn_;
  std::variant<std::monostate, Stored, std::exception_ptr> outcome_;
  Resumption done_;
};

}  // namespace socketserver
