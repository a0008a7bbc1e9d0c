// The receiving side of a get, which asks for what it lacks: the roles of put turned round.
// docs/protocol.md, "get".
// Pure: its owner asks, writes and claims; one thread at a time.
#pragma once

#include <cstdint>
#include <optional>

#include "base/result.h"
#include "store/blocks.h"
#include "transfer/schedule.h"

namespace skein::transfer {

class Fetcher {
 public:
  Fetcher(store::BlockPlan plan, store::Claims held, std::size_t window, int attempts);

  struct Request {
    std::uint64_t block = 0;
    std::optional<store::Digest> held;  // from an earlier attempt: sent only if it differs
  };
  std::optional<Request> next();

  // The answer to the request for `block` came: what is held of it is still so.
  Result<void> same(std::uint64_t block);
  // Or its bytes. Nothing: they are as declared, to be written and claimed with this digest, over
  // what was held when `renounce`. kDigestMismatch: asked again by itself, until its attempts are
  // used up; kBadRequest: they are no such block at all.
  struct Arrived {
    bool matches = false;
    bool renounce = false;
  };
  Result<Arrived> arrived(std::uint64_t block, std::uint64_t size, const store::Digest& declared,
                          const store::Digest& actual);
  // Written and claimed.
  void stored(std::uint64_t block);

  [[nodiscard]] bool complete() const { return schedule_.complete(); }
  [[nodiscard]] const store::BlockPlan& plan() const { return plan_; }
  [[nodiscard]] std::uint64_t bytes_done() const { return bytes_done_; }
  [[nodiscard]] std::uint64_t bytes_fetched() const { return bytes_fetched_; }

 private:
  store::BlockPlan plan_;
  store::Claims held_;
  Schedule schedule_;
  std::uint64_t bytes_done_ = 0;
  std::uint64_t bytes_fetched_ = 0;
};

}  // namespace skein::transfer
