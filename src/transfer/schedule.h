// Which blocks are still to be moved, which are under way, which failed and are to be tried
// again: the order of a transfer, the same for a sender and for one who fetches.
// Pure: no I/O, no clock; one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>

#include "base/result.h"

namespace skein::transfer {

class Schedule {
 public:
  // Of `count` blocks, at most `window` under way at once, each tried `attempts` times.
  Schedule(std::uint64_t count, std::size_t window, int attempts);

  // The next block to begin: it is under way from now on. Nothing when the window is full or
  // every block is under way or done.
  std::optional<std::uint64_t> next();

  void done(std::uint64_t block);  // must be under way
  // It came to nothing, because of `why`: it is given out again, first of all; `why` comes back
  // when it has had its attempts.
  Result<void> again(std::uint64_t block, Error why);

  [[nodiscard]] bool complete() const { return done_ == count_; }
  [[nodiscard]] std::uint64_t blocks_done() const { return done_; }
  [[nodiscard]] std::size_t under_way() const { return under_way_.size(); }

 private:
  const std::uint64_t count_;
  const std::size_t window_;
  const int attempts_;
  std::uint64_t fresh_ = 0;  // from here on no block was given out yet
  std::uint64_t done_ = 0;
  std::set<std::uint64_t> under_way_;
  std::set<std::uint64_t> failed_;
  std::map<std::uint64_t, int> failures_;
};

}  // namespace skein::transfer
