// A file as blocks: where each lies, and which of them are known to be there with which digest.
// Pure values.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>

#include "store/digest.h"

namespace skein::store {

struct BlockPlan {
  std::uint64_t total_bytes = 0;
  std::uint32_t block_bytes = 1;  // of every block but the last
  std::uint64_t seed = 0;         // two partials never share one

  [[nodiscard]] std::uint64_t count() const {
    return total_bytes / block_bytes + (total_bytes % block_bytes != 0 ? 1 : 0);
  }
  [[nodiscard]] std::uint64_t offset(std::uint64_t block) const { return block * block_bytes; }
  // Of the block's digest: no block can be taken for another one, wherever its number got lost.
  [[nodiscard]] std::uint64_t seed_of(std::uint64_t block) const { return seed + block; }
  [[nodiscard]] std::uint32_t size(std::uint64_t block) const {  // block < count()
    return static_cast<std::uint32_t>(
        std::min<std::uint64_t>(block_bytes, total_bytes - offset(block)));
  }
  friend bool operator==(const BlockPlan&, const BlockPlan&) = default;
};

// Block index to digest, of blocks whose bytes were verified when they were written.
using Claims = std::map<std::uint64_t, Digest>;

}  // namespace skein::store
