// The sending side of a put: goes through the blocks, compares each with what the receiver holds
// from an earlier attempt, and has only the rest sent. docs/protocol.md, "put".
// Pure: its owner reads, hashes and sends; one thread at a time.
#pragma once

#include <cstdint>
#include <optional>

#include "base/result.h"
#include "store/blocks.h"
#include "transfer/schedule.h"

namespace skein::transfer {

class Sender {
 public:
  Sender(store::BlockPlan plan, store::Claims receiver_has, std::size_t window, int attempts);

  // The next block to read and hash; then comes read().
  std::optional<std::uint64_t> next() { return schedule_.next(); }
  // The block, as it is here, has this digest. True: send it; then comes acknowledged(),
  // refused() or the end. False: the receiver has it; it is done.
  bool read(std::uint64_t block, const store::Digest& digest);
  void acknowledged(std::uint64_t block);
  // The receiver did not take it, because of `why` (a digest that did not match): again, until
  // its attempts are used up.
  Result<void> refused(std::uint64_t block, Error why);

  [[nodiscard]] bool complete() const { return schedule_.complete(); }
  [[nodiscard]] const store::BlockPlan& plan() const { return plan_; }
  [[nodiscard]] std::uint64_t bytes_done() const { return bytes_done_; }  // sent or there already
  [[nodiscard]] std::uint64_t bytes_sent() const { return bytes_sent_; }  // and acknowledged

 private:
  store::BlockPlan plan_;
  store::Claims receiver_has_;
  Schedule schedule_;
  std::uint64_t bytes_done_ = 0;
  std::uint64_t bytes_sent_ = 0;
};

}  // namespace skein::transfer
