#include <condition_variable>
#include <list>
#include <mutex>
#include <thread>
#include <utility>

#include "socketserver/server.h"

namespace socketserver::detail {

struct ThreadGroup::State {
  mutable std::mutex mutex;
  std::condition_variable ended;
  std::list<std::thread> running;
  std::list<std::thread> finished;
};

ThreadGroup::ThreadGroup() : state_(std::make_unique<State>()) {}

ThreadGroup::~ThreadGroup() {
  join_all();
}

void ThreadGroup::start(std::function<void()> body) {
  // Held until the thread is in its place, so that it cannot leave it before.
  const std::lock_guard lock(state_->mutex);
  const auto place = state_->running.emplace(state_->running.end());
  try {
    *place = std::thread([state = state_.get(), place, body = std::move(body)]() mutable {
      body();
      body = nullptr;  // what it holds is gone before anybody can have joined the thread
      const std::lock_guard ending(state->mutex);
      state->finished.splice(state->finished.end(), state->running, place);
      state->ended.notify_all();
    });
  } catch (...) {
    state_->running.erase(place);
    throw;
  }
}

void ThreadGroup::join_finished() {
  std::list<std::thread> finished;
  {
    const std::lock_guard lock(state_->mutex);
    finished.swap(state_->finished);
  }
  for (std::thread& thread : finished) thread.join();
}

void ThreadGroup::join_all() {
  {
    std::unique_lock lock(state_->mutex);
    state_->ended.wait(lock, [this] { return state_->running.empty(); });
  }
  join_finished();
}

std::size_t ThreadGroup::size() const {
  const std::lock_guard lock(state_->mutex);
  return state_->running.size() + state_->finished.size();
}

}  // namespace socketserver::detail
