#include "hub/intake.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/limits.h"

namespace skein::hub {

using socketserver::Task;

Task<Result<wire::Speech>> Intake::sniff() {
  std::int64_t timeout_ms = -1;
  while (true) {
    auto filled = co_await fill(timeout_ms);
    if (!filled) co_return pass(std::move(filled).error());
    timeout_ms = head_ms_left();
    const wire::Speech speech = wire::sniff(input_);
    if (speech != wire::Speech::kUndecided) co_return speech;
  }
}

// No buffer is held while the peer is silent: so a slow peer costs no memory but its coroutine,
// which is kept small by what is in receive().
Task<Result<void>> Intake::fill(std::int64_t timeout_ms) {
  if (input_.empty()) {
    buffer_.reset();
    auto readable = co_await stream_.wait_readable(timeout_ms);
    if (!readable) co_return pass(std::move(readable).error());
  }
  auto received = co_await receive(timeout_ms);
  co_return received;
}

// Appends to what is left, or replaces what is used up. A buffer that somebody else still needs (a
// piece being written to disk) is left to them.
Task<Result<void>> Intake::receive(std::int64_t timeout_ms) {
  const Bytes rest = input_;
  const std::shared_ptr<std::byte[]> before = buffer_;
  if (buffer_ == nullptr || buffer_.use_count() > 2) {
    // What is left may be of a large one.
    buffer_bytes_ = limits::kReceiveBufferBytes;
    if (!bulk_ && rest.empty()) buffer_bytes_ = limits::kSmallReceiveBufferBytes;
    buffer_ = std::make_shared_for_overwrite<std::byte[]>(buffer_bytes_);
  }
  if (!rest.empty()) std::memmove(buffer_.get(), rest.data(), rest.size());
  input_ = {buffer_.get(), rest.size()};
  const MutableBytes room(buffer_.get() + rest.size(), buffer_bytes_ - rest.size());
  auto got = co_await stream_.read_some(room, timeout_ms);
  if (!got) co_return pass(std::move(got).error());
  if (*got == 0) co_return fail(kClosed, "the peer ended the connection");
  input_ = {buffer_.get(), rest.size() + *got};
  co_return Result<void>();
}

void Intake::drop() {
  input_ = {};
  buffer_.reset();
}

std::int64_t Intake::head_ms_left() {
  const std::int64_t now_ms = stream_.loop().clock().monotonic_ms();
  if (!in_head_) head_deadline_ms_ = now_ms + limits::kFrameTimeoutMs;
  in_head_ = true;
  return std::max<std::int64_t>(head_deadline_ms_ - now_ms, 1);
}

Task<void> Intake::linger() {
  constexpr std::int64_t kLingerMs = 1'000;
  constexpr int kMostReads = 64;
  static_cast<void>(stream_.shutdown_write().has_value());
  for (int i = 0; i < kMostReads; ++i) {
    const auto got = co_await stream_.read_some(stream_.loop().scratch(), kLingerMs);
    if (!got || *got == 0) break;
  }
}

}  // namespace skein::hub
