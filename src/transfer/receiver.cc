#include "transfer/receiver.h"

#include <cassert>
#include <utility>

#include "base/text.h"

namespace skein::transfer {

Receiver::Receiver(store::BlockPlan plan, store::Claims claimed)
    : plan_(plan), held_(std::move(claimed)) {}

Result<bool> Receiver::begin(std::uint64_t block, std::uint64_t size,
                             std::optional<store::Digest> declared) {
  assert(!current_);
  if (block >= plan_.count()) {
    return fail(kBadRequest,
                concat("block ", std::to_string(block), " is outside the file: it has ",
                       counted(plan_.count(), "block")));
  }
  if (size != plan_.size(block)) {
    return fail(kBadRequest,
                concat("block ", std::to_string(block), " has ", std::to_string(plan_.size(block)),
                       " bytes, not ", std::to_string(size)));
  }
  current_ = Current{block, 0, declared};
  hasher_.restart(plan_.seed_of(block));
  return held_.erase(block) != 0;
}

Receiver::Write Receiver::piece(Bytes bytes) {
  assert(current_ && bytes.size() <= plan_.size(current_->block) - current_->received);
  const Write write{plan_.offset(current_->block) + current_->received, bytes};
  hasher_.update(bytes);
  current_->received += bytes.size();
  return write;
}

Result<store::Digest> Receiver::end() {
  assert(current_ && current_->received == plan_.size(current_->block));
  const Current ended = *std::exchange(current_, std::nullopt);
  const store::Digest digest = hasher_.digest();
  if (ended.declared && *ended.declared != digest) {
    return fail(kDigestMismatch, concat("block ", std::to_string(ended.block), " has the digest ",
                                        digest.hex(), ", not ", ended.declared->hex()));
  }
  if (!ended.declared) verified_by_digest_ = false;
  held_.insert_or_assign(ended.block, digest);
  return digest;
}

void Receiver::abandon() {
  current_.reset();
}

}  // namespace skein::transfer
