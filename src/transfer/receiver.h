// The receiving side of a transfer: takes blocks in pieces, in any order, and says what is to be
// written where, what may be claimed, and when all is there. docs/protocol.md, "block".
//
// Pure: it moves no byte itself; who owns it carries the writes out, in order, before it claims.
// One thread at a time.
#pragma once

#include <cstdint>
#include <optional>

#include "base/result.h"
#include "store/blocks.h"

namespace skein::transfer {

class Receiver {
 public:
  // `claimed`: what an earlier session verified.
  Receiver(store::BlockPlan plan, store::Claims claimed);

  // A block of `size` bytes begins, said to have the digest `declared`. kBadRequest when there is
  // no such block or it has another size. True: it was there already, and the claim to it has to
  // be renounced before the first write.
  Result<bool> begin(std::uint64_t block, std::uint64_t size,
                     std::optional<store::Digest> declared);

  struct Write {
    std::uint64_t offset = 0;
    Bytes bytes;
  };
  // The block's next bytes, never more than its size (asserted: frames bound them).
  Write piece(Bytes bytes);

  // All of it came: its digest, to be claimed once the writes are carried out. kDigestMismatch
  // when it is not the one declared; the block is then as missing as before.
  Result<store::Digest> end();
  // The block will not be completed: its connection or the disk failed.
  void abandon();
  // The claim to a block that end() was well with could not be written down.
  void forget(std::uint64_t block) { held_.erase(block); }

  // Between begin() and end() only.
  [[nodiscard]] std::uint64_t current_block() const { return current_->block; }
  [[nodiscard]] bool current_declared() const { return current_->declared.has_value(); }

  [[nodiscard]] const store::BlockPlan& plan() const { return plan_; }
  [[nodiscard]] const store::Claims& held() const { return held_; }
  [[nodiscard]] bool complete() const { return held_.size() == plan_.count(); }
  // True when no block came without a digest of its sender's.
  [[nodiscard]] bool verified_by_digest() const { return verified_by_digest_; }

 private:
  struct Current {
    std::uint64_t block = 0;
    std::uint64_t received = 0;
    std::optional<store::Digest> declared;
  };
  store::BlockPlan plan_;
  store::Claims held_;
  std::optional<Current> current_;
  store::Hasher hasher_;
  bool verified_by_digest_ = true;
};

}  // namespace skein::transfer
