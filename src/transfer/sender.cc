#include "transfer/sender.h"

#include <utility>

namespace skein::transfer {

Sender::Sender(store::BlockPlan plan, store::Claims receiver_has, std::size_t window, int attempts)
    : plan_(plan),
      receiver_has_(std::move(receiver_has)),
      schedule_(plan.count(), window, attempts) {}

bool Sender::read(std::uint64_t block, const store::Digest& digest) {
  const auto there = receiver_has_.find(block);
  if (there == receiver_has_.end() || there->second != digest) return true;
  schedule_.done(block);
  bytes_done_ += plan_.size(block);
  return false;
}

void Sender::acknowledged(std::uint64_t block) {
  schedule_.done(block);
  bytes_done_ += plan_.size(block);
  bytes_sent_ += plan_.size(block);
}

Result<void> Sender::refused(std::uint64_t block, Error why) {
  // What it held of this block it gave up when the new one came.
  receiver_has_.erase(block);
  return schedule_.again(block, std::move(why));
}

}  // namespace skein::transfer
