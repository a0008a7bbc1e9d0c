#include "hub/pack.h"

#include <utility>
#include <vector>

#include "base/text.h"

namespace skein::hub {

using socketserver::Task;

Task<Result<void>> Pack::open(std::uint64_t bytes) {
  written_.set();
  auto job = [this, bytes] { return context_.store.open_batch(bytes); };
  auto batch = co_await context_.pool.run(context_.loop, job);
  if (!batch) co_return pass(std::move(batch).error());
  batch_ = *std::move(batch);
  co_return Result<void>();
}

Task<Result<void>> Pack::piece(Slice slice) {
  co_await written_.wait();
  if (trouble_) co_return pass(*trouble_);
  written_.reset();
  writes_.spawn(context_.loop, write(std::move(slice)));
  co_return Result<void>();
}

// The batch is touched by one side at a time: here while a piece is written, else by the loop.
Task<void> Pack::write(Slice slice) {
  auto job = [this, bytes = slice.bytes] { return take(bytes); };
  auto done = co_await context_.pool.run(context_.loop, job);
  if (!done) trouble_ = std::move(done).error();
  written_.set();
}

// In the pool.
Result<void> Pack::take(Bytes bytes) {
  using Step = transfer::PackDecoder::Step;
  while (true) {
    TRY_ASSIGN(const Step step, decoder_.next(bytes));
    switch (step) {
      case Step::kNeedMore: return {};
      case Step::kFile: {
        const auto path = transfer::packed_path(folder_, decoder_.file());
        skipping_ = !path;
        if (path) {
          if (first_.is_root()) first_ = *path;
          bytes_ += decoder_.file().size_bytes;
          TRY(batch_->begin(*path, decoder_.file().metadata()));
        } else {
          batch_->refuse(path.error());
        }
        break;
      }
      case Step::kPiece:
        if (!skipping_) TRY(batch_->write(decoder_.piece()));
        break;
      case Step::kEnd:
        if (skipping_) break;
        if (decoder_.intact()) {
          TRY(batch_->end());
        } else {
          batch_->refuse(Error(kDigestMismatch, concat(quoted(decoder_.file().path),
                                                       " is not what its digest says")));
        }
        break;
    }
  }
}

Task<Result<void>> Pack::end() {
  co_await written_.wait();
  if (trouble_) co_return pass(*trouble_);
  // An empty file at the end needs no more bytes to be whole, but a look.
  auto job = [this]() -> Result<void> {
    TRY(take({}));
    return decoder_.end();
  };
  auto ended = co_await context_.pool.run(context_.loop, job);
  co_return ended;
}

Task<Result<std::vector<store::Batch::Outcome>>> Pack::commit() {
  auto job = [this] {
    auto outcomes = batch_->commit();
    batch_.reset();
    return outcomes;
  };
  auto outcomes = co_await context_.pool.run(context_.loop, job);
  co_return outcomes;
}

Task<void> Pack::release() {
  co_await writes_.close();
  if (!batch_) co_return;
  auto job = [this] { batch_.reset(); };
  co_await context_.pool.run(context_.loop, job);
}

}  // namespace skein::hub
