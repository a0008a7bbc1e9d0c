#include "socketserver/registry.h"

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <utility>

#include "socketserver/error.h"

namespace socketserver::detail {

Registry::Registry() : wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (!wake_) throw_system_error(errno, "making a server");
}

std::shared_ptr<Ticket> Registry::enter(Open open) {
  const std::lock_guard lock(mutex_);
  if (!open.host.empty()) ++of_host_[open.host];
  open_.push_front(std::move(open));
  return std::make_shared<Ticket>(shared_from_this(), open_.begin());
}

void Registry::leave(std::list<Open>::iterator at) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = of_host_.find(at->host); found != of_host_.end()) {
      if (--found->second == 0) of_host_.erase(found);
    }
    open_.erase(at);
    left_.notify_all();
    if (!std::exchange(wake_on_leave_, false)) return;
  }
  wake();
}

bool Registry::is_full(std::size_t most) {
  const std::lock_guard lock(mutex_);
  wake_on_leave_ = open_.size() >= most;
  return wake_on_leave_;
}

std::size_t Registry::open() const {
  const std::lock_guard lock(mutex_);
  return open_.size();
}

std::size_t Registry::open_of(const std::string& host) const {
  const std::lock_guard lock(mutex_);
  const auto found = of_host_.find(host);
  return found == of_host_.end() ? 0 : found->second;
}

void Registry::shutdown_all() {
  // Under the lock, so that none of the descriptors can be closed, and be another's, meanwhile.
  const std::lock_guard lock(mutex_);
  for (const Open& one : open_) {
    if (one.fd >= 0) (void)::shutdown(one.fd, SHUT_RDWR);
  }
}

bool Registry::wait_empty(std::optional<std::chrono::steady_clock::time_point> until) const {
  std::unique_lock lock(mutex_);
  const auto empty = [this] { return open_.empty(); };
  if (until) return left_.wait_until(lock, *until, empty);
  left_.wait(lock, empty);
  return true;
}

void Registry::wake() noexcept {
  const int before = errno;  // the program that a signal interrupts must not notice
  const std::uint64_t one = 1;
  (void)!::write(wake_.get(), &one, sizeof(one));
  errno = before;
}

void Registry::clear_wake() noexcept {
  std::uint64_t count = 0;
  (void)!::read(wake_.get(), &count, sizeof(count));
}

}  // namespace socketserver::detail
