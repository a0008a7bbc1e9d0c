// What a blocking server has open: so that it can be counted, limited, waited for and cut off. Any
// thread.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/descriptor.h"

namespace socketserver::detail {

class Ticket;

class Registry : public std::enable_shared_from_this<Registry> {
 public:
  struct Open {
    int fd;            // -1: a datagram
    std::string host;  // empty: is not counted by its address
  };

  Registry();  // throws Error when out of descriptors

  // Counts it until the ticket is given back, which must be before the descriptor is closed.
  std::shared_ptr<Ticket> enter(Open open);
  [[nodiscard]] std::size_t open() const;
  [[nodiscard]] std::size_t open_of(const std::string& host) const;
  // If so, the next that is closed will wake().
  bool is_full(std::size_t most);
  // Shuts every connection down, both ways: whoever waits for it is woken.
  void shutdown_all();
  // False: `until` came first.
  bool wait_empty(std::optional<std::chrono::steady_clock::time_point> until) const;

  // A descriptor that becomes readable by wake().
  [[nodiscard]] int wake_fd() const { return wake_.get(); }
  void wake() noexcept;  // from a signal's handler too
  void clear_wake() noexcept;

 private:
  friend class Ticket;
  void leave(std::list<Open>::iterator at);

  skein::Descriptor wake_;
  mutable std::mutex mutex_;
  mutable std::condition_variable left_;
  std::list<Open> open_;
  bool wake_on_leave_ = false;
  std::unordered_map<std::string, std::size_t> of_host_;
};

class Ticket {
 public:
  Ticket(std::shared_ptr<Registry> registry, std::list<Registry::Open>::iterator at)
      : registry_(std::move(registry)), at_(at) {}
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;
  ~Ticket() { give_back(); }
  // Any thread; once is enough.
  void give_back() noexcept {
    if (!given_back_.exchange(true)) registry_->leave(at_);
  }

 private:
  std::shared_ptr<Registry> registry_;
  std::list<Registry::Open>::iterator at_;
  std::atomic<bool> given_back_ = false;
};

}  // namespace socketserver::detail
