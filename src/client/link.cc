#include "client/link.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "base/text.h"

namespace skein::client {

using socketserver::Task;

Link::Link(socketserver::Loop& loop, socketserver::Pool& pool, Random& random, LinkOptions options)
    : loop_(loop),
      pool_(pool),
      random_(random),
      options_(std::move(options)),
      pause_ms_(limits::kFirstRetryMs) {}

Task<void> Link::drop() {
  if (!connection_) co_return;
  last_trouble_ = connection_->trouble();
  co_await connection_->close();
  connection_.reset();
}

Task<Result<Connection*>> Link::connection() {
  if (connection_ && !connection_->broken()) co_return connection_.get();
  const auto turn = co_await dialling_.hold();
  if (connection_ && !connection_->broken()) co_return connection_.get();
  auto dialled = co_await dial();
  co_return dialled;
}

Task<Result<Connection*>> Link::dial() {
  co_await drop();
  while (true) {
    if (was_connected_) {
      auto patient = co_await wait_before_retry();
      if (!patient) co_return pass(std::move(patient).error());
    }
    if (cancelled()) co_return fail(kCancelled, "interrupted");
    auto dialled = co_await Connection::open(loop_, pool_, options_.hub, options_.identity,
                                             cancelled_, options_.dialler);
    if (dialled) {
      connection_ = *std::move(dialled);
      ++dialled_;
      hub_name_ = connection_->hub();
      if (!was_connected_) progress();
      was_connected_ = true;
      tried_since_progress_ = true;
      co_return connection_.get();
    }
    if (!was_connected_ || dialled.error().is(kVersion)) co_return pass(std::move(dialled).error());
    tried_since_progress_ = true;
    last_trouble_ = dialled.error().message();
  }
}

// The first try after progress comes at once. Pauses have jitter, so that many clients do not come
// back in step.
Task<Result<void>> Link::wait_before_retry() {
  const std::int64_t waited_ms = loop_.clock().monotonic_ms() - last_progress_ms_;
  if (waited_ms >= options_.retry_for_ms) {
    co_return std::unexpected(
        Error(kIncomplete, concat("lost the hub at ", options_.hub.text(), ": ", last_trouble_))
            .with_hint("run the same command again: it goes on where it stopped"));
  }
  if (!tried_since_progress_) co_return Result<void>();
  const auto jitter_ms =
      static_cast<std::int64_t>(random_.u64() % static_cast<std::uint64_t>(pause_ms_));
  const std::int64_t pause_ms =
      std::min(pause_ms_ / 2 + jitter_ms, options_.retry_for_ms - waited_ms);
  pause_ms_ = std::min(pause_ms_ * 2, limits::kLastRetryMs);
  static_cast<void>(co_await cancelled_.wait_ms(pause_ms));
  co_return Result<void>();
}

Task<bool> Link::rest(std::int64_t ms) {
  const std::int64_t waited_ms = loop_.clock().monotonic_ms() - last_progress_ms_;
  if (ms > options_.retry_for_ms - waited_ms) co_return false;
  const bool stopped = co_await cancelled_.wait_ms(ms);
  co_return !stopped;
}

bool Link::ends_all(const Error& error) const {
  return cancelled() || error.is(kIncomplete) || error.is(kNoHub) || error.is(kVersion) ||
         error.is(kNoSpace);
}

Task<void> Link::hang_up(std::string why) {
  co_await drop();
  last_trouble_ = std::move(why);
}

void Link::progress() {
  last_progress_ms_ = loop_.clock().monotonic_ms();
  pause_ms_ = limits::kFirstRetryMs;
  tried_since_progress_ = false;
}

void Link::cancel() {
  cancelled_.set();
}

Task<void> Link::close() {
  co_await drop();
}

}  // namespace skein::client
