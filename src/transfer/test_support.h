// What the tests of this folder share. The test's thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "store/blocks.h"
#include "store/test_support.h"

namespace skein::transfer {

using store::outcome;
using store::text_of;

// Three blocks, the last of them short.
inline constexpr store::BlockPlan kPlan = {.total_bytes = 25, .block_bytes = 10, .seed = 77};

inline std::string_view part_of(std::string_view bytes, const store::BlockPlan& plan,
                                std::uint64_t block) {
  return bytes.substr(plan.offset(block), plan.size(block));
}
inline store::Digest digest_in(std::string_view bytes, const store::BlockPlan& plan,
                               std::uint64_t block) {
  return store::digest_of(part_of(bytes, plan, block), plan.seed_of(block));
}
inline const std::string kContent = "0123456789abcdefghijABCDE";
inline store::Digest digest_at(std::uint64_t block) {  // of kContent
  return digest_in(kContent, kPlan, block);
}
inline store::Claims claims_in(std::string_view bytes, const store::BlockPlan& plan) {
  store::Claims claims;
  for (std::uint64_t block = 0; block < plan.count(); ++block) {
    claims.emplace(block, digest_in(bytes, plan, block));
  }
  return claims;
}

}  // namespace skein::transfer
