// What is behind the event-driven servers (socketserver/async.h): the loops with their threads, and
// how they begin and end together. Any thread where it says so, else the one that serves.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/descriptor.h"
#include "socketserver/async.h"
#include "socketserver/loop.h"
#include "socketserver/pool.h"
#include "socketserver/timer_wheel.h"
#include "socketserver/work.h"

namespace socketserver::detail {

// One thread writes, any may read: no locked instruction.
class Counter {
 public:
  void add(std::uint64_t more) {
    value_.store(value_.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_ = 0;
};

// One loop, and what it serves. Its own thread, or that of the core while no loop runs.
class AsyncWorker {
 public:
  explicit AsyncWorker(AsyncBaseServer::Core& core);
  AsyncWorker(const AsyncWorker&) = delete;
  AsyncWorker& operator=(const AsyncWorker&) = delete;
  virtual ~AsyncWorker() = default;

  [[nodiscard]] AsyncBaseServer::Core& core() const { return core_; }
  [[nodiscard]] Loop& loop() const { return *loop_; }
  [[nodiscard]] bool draining() const { return draining_; }
  // The last way out of a handler; never throws.
  void tell(std::exception_ptr exception, const Address& peer, const std::string& doing) const;

  // Before the loop runs.
  virtual void begin() { draining_ = false; }
  // Any thread: ends what is idle, then, at the limit, the rest; then the loop's run() returns.
  void ask_to_drain() { loop_->post(drain_); }
  void drain();
  // After run(): nobody is served any more.
  void ended() { Loop::disarm(limit_); }

  std::atomic<std::size_t> open = 0;  // counted up by who accepts
  Counter accepted;
  Counter refused;
  Counter failed;
  Counter timed_out;
  Counter received_bytes;
  Counter sent_bytes;
  Counter truncated;
  Counter lost;

 protected:
  virtual void end_idle() = 0;
  virtual void end_all() = 0;

 private:
  struct Drain : Work {
    explicit Drain(AsyncWorker& of)
        : Work([](Work& work) { static_cast<Drain&>(work).worker.drain(); }), worker(of) {}
    AsyncWorker& worker;
  };
  struct Limit : Timer {
    explicit Limit(AsyncWorker& of)
        : Timer([](Timer& timer) { static_cast<Limit&>(timer).worker.end_all(); }), worker(of) {}
    AsyncWorker& worker;
  };

  AsyncBaseServer::Core& core_;
  std::unique_ptr<Loop> loop_;
  Drain drain_;
  Limit limit_;
  bool draining_ = false;
};

}  // namespace socketserver::detail

namespace socketserver {

class AsyncBaseServer::Core {
 public:
  explicit Core(const AsyncOptions& wanted);
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;
  virtual ~Core() = default;

  void serve_forever();
  void shutdown() noexcept;  // any thread, and a signal's handler
  virtual void close() = 0;
  [[nodiscard]] virtual Address address() const = 0;
  [[nodiscard]] virtual int descriptor() const = 0;
  [[nodiscard]] bool serving() const { return serving_.load(); }  // any thread
  [[nodiscard]] AsyncCounters counters() const;                   // any thread
  [[nodiscard]] Pool& pool();                                     // any thread

  // The public face, for its hooks. Set by its constructor.
  AsyncBaseServer* face = nullptr;
  const AsyncOptions options;

  [[nodiscard]] const std::vector<std::unique_ptr<detail::AsyncWorker>>& workers() const {
    return workers_;
  }
  // How many of them run: fewer than there are if the system has no more threads.
  [[nodiscard]] std::size_t running() const { return running_; }

 protected:
  virtual void begin() = 0;  // on the serving thread, before the loops run
  virtual void pause() = 0;  // on the first loop's thread: takes nobody new

  std::vector<std::unique_ptr<detail::AsyncWorker>> workers_;

 private:
  struct Stop : Work {
    explicit Stop(Core& of)
        : Work([](Work& work) { static_cast<Stop&>(work).core.stop(); }), core(of) {}
    Core& core;
  };
  struct Tick : Timer {
    explicit Tick(Core& of)
        : Timer([](Timer& timer) { static_cast<Tick&>(timer).core.tick(); }), core(of) {}
    Core& core;
  };

  void stop();
  void tick();

  std::atomic<bool> stopping_ = false;
  std::atomic<bool> serving_ = false;
  std::exception_ptr escaped_;  // of service_actions()
  std::size_t running_ = 1;
  Stop stop_;
  Tick tick_;
  std::once_flag pool_made_;
  std::unique_ptr<Pool> pool_;
};

}  // namespace socketserver
