#include "transfer/schedule.h"

#include <cassert>
#include <utility>

namespace skein::transfer {

Schedule::Schedule(std::uint64_t count, std::size_t window, int attempts)
    : count_(count), window_(window), attempts_(attempts) {
  assert(window > 0 && attempts > 0);
}

std::optional<std::uint64_t> Schedule::next() {
  if (under_way_.size() >= window_) return std::nullopt;
  std::uint64_t block = 0;
  if (!failed_.empty()) {
    block = failed_.extract(failed_.begin()).value();
  } else if (fresh_ < count_) {
    block = fresh_++;
  } else {
    return std::nullopt;
  }
  under_way_.insert(block);
  return block;
}

void Schedule::done(std::uint64_t block) {
  [[maybe_unused]] const auto erased = under_way_.erase(block);
  assert(erased == 1);
  failures_.erase(block);
  ++done_;
}

Result<void> Schedule::again(std::uint64_t block, Error why) {
  [[maybe_unused]] const auto erased = under_way_.erase(block);
  assert(erased == 1);
  failed_.insert(block);
  if (++failures_[block] >= attempts_) return pass(std::move(why));
  return {};
}

}  // namespace skein::transfer
