#include "socketserver/pool.h"

#include <cassert>

namespace socketserver {

Pool::Pool(std::size_t threads, std::size_t max_queued) : max_queued_(max_queued) {
  assert(threads > 0);
  threads_.reserve(threads);
  for (std::size_t i = 0; i < threads; ++i) {
    try {
      threads_.emplace_back([this] { work(); });
    } catch (...) {
      // Out of threads. With one the pool does its work, only later.
      if (threads_.empty()) throw;
      break;
    }
  }
}

Pool::~Pool() {
  {
    const std::scoped_lock lock(mutex_);
    ending_ = true;
  }
  something_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

std::size_t Pool::queued() const {
  const std::scoped_lock lock(mutex_);
  return queued_;
}

void Pool::submit(Work& job) {
  {
    const std::scoped_lock lock(mutex_);
    assert(!ending_);
    jobs_.push(job);
    ++queued_;
  }
  something_.notify_one();
}

void Pool::work() {
  std::unique_lock lock(mutex_);
  while (true) {
    something_.wait(lock, [this] { return ending_ || !jobs_.empty(); });
    Work* const job = jobs_.pop();
    if (job == nullptr) return;
    --queued_;
    lock.unlock();
    job->run();
    lock.lock();
  }
}

}  // namespace socketserver
