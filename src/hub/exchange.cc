#include "hub/exchange.h"

#include <cassert>
#include <utility>

#include "base/limits.h"
#include "base/text.h"

namespace skein::hub {

using socketserver::Task;

Task<Result<std::optional<Slice>>> Exchange::piece() {
  if (read_) co_return std::nullopt;
  const bool ask = request().has_body() && awaits_continue();
  wanted_ = true;
  if (ask) {
    http::Response interim;
    interim.status = 100;
    const std::string head = http::encode_head(interim, true, request().minor);
    const socketserver::Parts parts(as_bytes(head));
    auto sent = co_await write(parts);
    if (!sent) co_return pass(std::move(sent).error());
  }
  const auto step = co_await reader_.next();
  if (!step) {
    // Only the reader knows whether there is somebody to be told.
    broken_ = reader_.status() == 0;
    keep_ = false;
    co_return pass(step.error());
  }
  if (*step == HttpReader::Step::kEnd) {
    read_ = true;
    co_return std::nullopt;
  }
  Slice slice = reader_.piece();
  if (request().length) left_ -= slice.bytes.size();
  co_return slice;
}

Task<Result<std::string>> Exchange::body(std::size_t most) {
  std::string text;
  bool fits = left_ <= most;
  while (fits) {
    auto slice = co_await piece();
    if (!slice) co_return pass(std::move(slice).error());
    if (!*slice) co_return text;
    fits = text.size() + (*slice)->bytes.size() <= most;
    if (fits) text += as_text((*slice)->bytes);
  }
  co_return fail(kTooLarge,
                 concat("the body is over the limit of ", std::to_string(most), " bytes"));
}

// A body that is too long to be skipped, or whose end nobody knows, is not waited for; nor one that
// a client may keep to itself now that it has its answer.
bool Exchange::can_keep() const {
  if (!request().keep_alive) return false;
  if (read_ || !request().has_body()) return true;
  return !request().chunked && left_ <= limits::kSkippedBodyBytes && !awaits_continue();
}

Task<Result<void>> Exchange::write(socketserver::Parts parts) {
  auto sent = co_await stream_.write_all(parts, limits::kStallTimeoutMs);
  if (!sent) {
    broken_ = true;
    stream_.cancel();
    co_return pass(std::move(sent).error());
  }
  co_return Result<void>();
}

Task<Result<void>> Exchange::answer(http::Response head, std::string body) {
  assert(!begun_);
  begun_ = true;
  keep_ = keep_ && can_keep();
  head.length = body.size();
  if (head_only()) body.clear();
  const std::string encoded = http::encode_head(head, keep_, request().minor);
  const socketserver::Parts parts(as_bytes(encoded), as_bytes(body));
  auto sent = co_await write(parts);
  co_return sent;
}

Task<Result<void>> Exchange::begin(http::Response head) {
  assert(!begun_);
  begun_ = true;
  keep_ = keep_ && can_keep();
  chunked_ = !head.length && request().minor > 0;
  if (!head.length && !chunked_) keep_ = false;  // its end tells where the answer ends
  const std::string encoded = http::encode_head(head, keep_, request().minor);
  const socketserver::Parts parts(as_bytes(encoded));
  auto sent = co_await write(parts);
  co_return sent;
}

Task<Result<void>> Exchange::send(Bytes bytes) {
  assert(begun_);
  if (bytes.empty() || head_only()) co_return Result<void>();
  std::string chunk_head;
  std::string_view chunk_end;
  if (chunked_) {
    chunk_head = http::encode_chunk_head(bytes.size());
    chunk_end = http::kChunkEnd;
  }
  const socketserver::Parts parts(as_bytes(chunk_head), bytes, as_bytes(chunk_end));
  auto sent = co_await write(parts);
  co_return sent;
}

Task<Result<void>> Exchange::end() {
  assert(begun_);
  if (!chunked_ || head_only()) co_return Result<void>();
  const socketserver::Parts parts(as_bytes(http::kLastChunk));
  auto sent = co_await write(parts);
  co_return sent;
}

Task<Result<void>> Exchange::begin_endless(http::Response head) {
  keep_ = false;
  head.length.reset();
  client_left_ = head_only();
  auto begun = co_await begin(std::move(head));
  if (begun && !head_only()) {
    intake_.drop();
    watching_.spawn(stream_.loop(), watch_client());
  }
  co_return begun;
}

Task<void> Exchange::watch_client() {
  while (true) {
    const auto readable = co_await stream_.wait_readable(-1);
    if (!readable) break;
    const auto got = co_await stream_.read_some(stream_.loop().scratch(), -1);
    if (!got || *got == 0) break;
  }
  client_left_ = true;
  if (wake_ != nullptr) wake_->set();
}

Task<bool> Exchange::wait(socketserver::Event& event, std::int64_t ms) {
  if (client_left_) co_return true;
  wake_ = &event;
  stream_.set_idle(true);
  const bool happened = co_await event.wait_ms(ms);
  stream_.set_idle(false);
  wake_ = nullptr;
  co_return happened;
}

Task<Result<void>> Exchange::skip_rest() {
  while (!read_) {
    auto skipped = co_await piece();
    if (!skipped) co_return pass(std::move(skipped).error());
  }
  co_return Result<void>();
}

Task<void> Exchange::close() {
  if (watching_.inside() > 0) stream_.cancel();
  co_await watching_.close();
}

}  // namespace skein::hub
