#include "transfer/fetcher.h"

#include <utility>

#include "base/text.h"

namespace skein::transfer {

Fetcher::Fetcher(store::BlockPlan plan, store::Claims held, std::size_t window, int attempts)
    : plan_(plan), held_(std::move(held)), schedule_(plan.count(), window, attempts) {}

std::optional<Fetcher::Request> Fetcher::next() {
  const auto block = schedule_.next();
  if (!block) return std::nullopt;
  Request request{*block, std::nullopt};
  if (const auto held = held_.find(*block); held != held_.end()) request.held = held->second;
  return request;
}

Result<void> Fetcher::same(std::uint64_t block) {
  if (!held_.contains(block)) {
    return fail(kBadRequest, concat("the hub says that block ", std::to_string(block),
                                    " is the same, but none is held here"));
  }
  schedule_.done(block);
  bytes_done_ += plan_.size(block);
  return {};
}

Result<Fetcher::Arrived> Fetcher::arrived(std::uint64_t block, std::uint64_t size,
                                          const store::Digest& declared,
                                          const store::Digest& actual) {
  if (size != plan_.size(block)) {
    return fail(kBadRequest,
                concat("the hub sent ", std::to_string(size), " bytes for block ",
                       std::to_string(block), ", which has ", std::to_string(plan_.size(block))));
  }
  if (declared == actual) return Arrived{true, held_.erase(block) != 0};
  Error why(kDigestMismatch, concat("block ", std::to_string(block), " arrived with the digest ",
                                    actual.hex(), ", not ", declared.hex()));
  TRY(schedule_.again(block, std::move(why)));
  return Arrived{false, false};
}

void Fetcher::stored(std::uint64_t block) {
  schedule_.done(block);
  bytes_done_ += plan_.size(block);
  bytes_fetched_ += plan_.size(block);
}

}  // namespace skein::transfer
