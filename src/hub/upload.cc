#include "hub/upload.h"

#include <utility>

#include "base/text.h"

namespace skein::hub {

using socketserver::Task;

Upload::Upload(Context& context, std::unique_ptr<store::Partial> partial)
    : context_(context),
      partial_(std::move(partial)),
      receiver_(partial_->plan(), partial_->claims()) {
  written_.set();
}

Task<Result<void>> Upload::begin(std::uint64_t block, std::uint64_t size,
                                 std::optional<store::Digest> declared) {
  if (over_) co_return fail(kBadRequest, "this put was committed or closed already");
  trouble_.reset();
  const auto renounce = receiver_.begin(block, size, declared);
  if (!renounce) co_return pass(renounce.error());
  if (*renounce) {
    auto job = [this, block] { return partial_->renounce(block); };
    auto renounced = co_await context_.pool.run(context_.loop, job);
    if (!renounced) {
      receiver_.abandon();
      co_return pass(std::move(renounced).error());
    }
  }
  co_return Result<void>();
}

// Waits until nothing is being written any more, and says what went wrong.
Task<Result<void>> Upload::settled() {
  co_await written_.wait();
  if (trouble_) co_return pass(*trouble_);
  co_return Result<void>();
}

Task<Result<void>> Upload::piece(Slice slice) {
  auto before = co_await settled();
  if (!before) co_return pass(std::move(before).error());
  written_.reset();
  writes_.spawn(context_.loop, write(std::move(slice)));
  co_return Result<void>();
}

// The receiver is touched by one side at a time: here while a piece is written, else by the loop.
Task<void> Upload::write(Slice slice) {
  auto job = [this, bytes = slice.bytes] {
    const transfer::Receiver::Write write = receiver_.piece(bytes);
    return partial_->write(write.offset, write.bytes);
  };
  auto done = co_await context_.pool.run(context_.loop, job);
  if (!done) trouble_ = std::move(done).error();
  written_.set();
}

Task<Result<void>> Upload::end() {
  auto before = co_await settled();
  if (!before) {
    receiver_.abandon();
    co_return pass(std::move(before).error());
  }
  const std::uint64_t block = receiver_.current_block();
  const bool declared = receiver_.current_declared();
  const auto digest = receiver_.end();
  if (!digest) co_return pass(digest.error());
  // What no sender vouched for is not claimed: a later attempt shall not count it as verified.
  if (!declared) co_return Result<void>();
  auto job = [this, block, digest = *digest] { return partial_->claim(block, digest); };
  auto claimed = co_await context_.pool.run(context_.loop, job);
  if (!claimed) {
    receiver_.forget(block);
    co_return pass(std::move(claimed).error());
  }
  co_return Result<void>();
}

Task<void> Upload::abandon() {
  co_await written_.wait();
  receiver_.abandon();
}

Task<Result<Upload::Outcome>> Upload::commit(store::Metadata metadata) {
  if (!receiver_.complete()) {
    auto look = [this] { return partial_->superseded(); };
    auto ours = co_await context_.pool.run(context_.loop, look);
    if (!ours) co_return pass(std::move(ours).error());
    const std::uint64_t missing = receiver_.plan().count() - receiver_.held().size();
    co_return fail(kIncomplete, concat(counted(missing, "block"), " of ",
                                       quoted(partial_->target().text()), " not received yet"));
  }
  auto job = [this, metadata] { return context_.store.commit(*partial_, metadata); };
  auto replaced = co_await context_.pool.run(context_.loop, job);
  if (!replaced) co_return pass(std::move(replaced).error());
  over_ = true;
  co_return Outcome{*replaced, receiver_.verified_by_digest()};
}

Task<void> Upload::release() {
  co_await writes_.close();
  over_ = true;
  auto job = [this] { partial_->release(); };
  co_await context_.pool.run(context_.loop, job);
}

}  // namespace skein::hub
