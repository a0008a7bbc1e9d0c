#include "socketserver/stream.h"

#include <cassert>
#include <cerrno>
#include <utility>

#include "base/text.h"

namespace socketserver {

using skein::concat;

Parts::Parts(std::span<const skein::Bytes> views) : count_(views.size()) {
  assert(views.size() <= kMax);
  for (std::size_t i = 0; i < views.size(); ++i) parts_[i] = views[i];
  advance(0);
}

std::size_t Parts::size_bytes() const {
  std::size_t sum = 0;
  for (const skein::Bytes part : left()) sum += part.size();
  return sum;
}

void Parts::advance(std::size_t bytes) {
  while (first_ < count_ && bytes >= parts_[first_].size()) {
    bytes -= parts_[first_].size();
    ++first_;
  }
  if (first_ < count_) parts_[first_] = parts_[first_].subspan(bytes);
}

Stream::Stream(Loop& loop) : loop_(loop), read_limit_(*this), write_limit_(*this) {}

Stream::~Stream() {
  assert(reader_ == nullptr && writer_ == nullptr);
  if (set_ != nullptr) set_->remove(*this);
}

bool Stream::begin(Op& op) {
  const bool writing = op.kind_ == Op::Kind::kWrite;
  assert((writing ? writer_ : reader_) == nullptr);
  if (op.kind_ == Op::Kind::kPause || !(writing ? can_write_ : can_read_) ||
      (writing ? write_streak_ : read_streak_) >= kStreak) {
    if (refuses(writing)) refuse(op);
    return op.done_;
  }
  attempt(op);
  if (op.done_) ++(writing ? write_streak_ : read_streak_);
  return op.done_;
}

void Stream::suspend(Op& op, std::coroutine_handle<> handle) {
  const bool writing = op.kind_ == Op::Kind::kWrite;
  op.handle_ = handle;
  (writing ? writer_ : reader_) = &op;
  if (op.timeout_ms_ >= 0) {
    loop_.arm(writing ? write_limit_ : read_limit_, loop_.now_ms() + op.timeout_ms_);
  }
  auto& streak = writing ? write_streak_ : read_streak_;
  if ((streak >= kStreak && op.kind_ != Op::Kind::kPause) || op.again_) loop_.ready(op);
  op.again_ = false;
  // Both: a coroutine that reads and writes has let the others go, whichever side made it wait.
  read_streak_ = write_streak_ = 0;
}

void Stream::attempt(Op& op) {
  const bool writing = op.kind_ == Op::Kind::kWrite;
  if (refuses(writing)) return refuse(op);
  if (writing) return attempt_write(op);
  for (std::uint8_t tries = 0; tries < kStreak; ++tries) {
    const Attempt tried = op.kind_ == Op::Kind::kRead ? try_read(op.view_) : try_peek();
    switch (tried.state) {
      case Attempt::State::kDone:
        if (tried.drained) can_read_ = false;
        op.result_ = tried.bytes;
        op.done_ = op.more_ == nullptr || !op.more_(op, tried.bytes);
        op.wants_write_ = false;
        if (op.done_ || !can_read_) return;
        break;  // once more
      case Attempt::State::kWantRead:
        can_read_ = false;
        op.wants_write_ = false;
        return;
      case Attempt::State::kWantWrite:
        can_write_ = false;
        op.wants_write_ = true;
        return;
      case Attempt::State::kFailed:
        op.result_ = skein::pass(failed(writing, tried.code));
        op.done_ = true;
        return;
    }
  }
  op.again_ = true;
}

void Stream::attempt_write(Op& op) {
  bool progress = false;
  while (op.parts_ != nullptr ? !op.parts_->left().empty() : !op.view_.empty()) {
    const skein::Bytes one = op.view_;
    Attempt tried = try_write(op.parts_ != nullptr ? op.parts_->left() : std::span(&one, 1));
    if (tried.state == Attempt::State::kDone && tried.bytes == 0) {
      tried.state = Attempt::State::kWantWrite;
    }
    if (tried.state == Attempt::State::kDone) {
      if (op.parts_ != nullptr) {
        op.parts_->advance(tried.bytes);
      } else {
        op.view_ = op.view_.subspan(tried.bytes);
      }
      progress = true;
      continue;
    }
    if (tried.state == Attempt::State::kFailed) {
      op.result_ = skein::pass(failed(true, tried.code));
      op.done_ = true;
      return;
    }
    op.wants_write_ = tried.state == Attempt::State::kWantWrite;
    (op.wants_write_ ? can_write_ : can_read_) = false;
    // Before the first wait suspend() arms it; from then on only progress moves it.
    if (progress && op.handle_ && op.timeout_ms_ >= 0) {
      loop_.arm(write_limit_, loop_.now_ms() + op.timeout_ms_);
    }
    return;
  }
  op.done_ = true;
}

void Stream::refuse(Op& op) const {
  op.result_ = skein::pass(*refusal(op.kind_ == Op::Kind::kWrite));
  op.done_ = true;
}

std::optional<skein::Error> Stream::refusal(bool writing) const {
  if (cancelled_) return skein::Error(skein::kCancelled, "the connection is being ended");
  if (closed_) return skein::Error(skein::kClosed, "the connection was closed here");
  const int code = writing ? write_failed_ : read_failed_;
  if (code != 0) return failure(code, writing ? "writing to" : "reading from");
  return std::nullopt;
}

skein::Error Stream::failed(bool writing, int code) {
  // The system tells a reset once, to whoever asks first; after that a read would report an
  // orderly end that never was. EPIPE is about our own side: what the peer sent may still be read.
  if (writing) write_failed_ = code;
  if (!writing || code != EPIPE) read_failed_ = write_failed_ = code;
  return failure(code, writing ? "writing to" : "reading from");
}

skein::Error Stream::failure(int code, std::string_view doing) const {
  return skein::Error::from_errno(code, concat(doing, " ", peer()));
}

bool Stream::useful(const Op* op) const {
  return op != nullptr && !op->done_ && !op->queued() && op->kind_ != Op::Kind::kPause &&
         (op->wants_write_ ? can_write_ : can_read_);
}

std::coroutine_handle<> Stream::take_done(Op* op) {
  if (op == nullptr || !op->done_ || op->queued()) return {};
  detach(*op);
  return op->handle_;
}

void Stream::detach(Op& op) {
  const bool writing = op.kind_ == Op::Kind::kWrite;
  (writing ? writer_ : reader_) = nullptr;
  Loop::disarm(writing ? write_limit_ : read_limit_);
}

void Stream::now_ready(bool readable, bool writable) {
  can_read_ = can_read_ || readable;
  can_write_ = can_write_ || writable;
  if (useful(reader_)) attempt(*reader_);
  if (useful(writer_)) attempt(*writer_);
  if (reader_ != nullptr && std::exchange(reader_->again_, false)) loop_.ready(*reader_);
  const std::coroutine_handle<> reader = take_done(reader_);
  const std::coroutine_handle<> writer = take_done(writer_);
  if (reader) reader.resume();
  if (writer) writer.resume();
}

void Stream::Op::run_again(Work& work) {
  auto& op = static_cast<Op&>(work);
  Stream& stream = op.stream_;
  if (stream.useful(&op)) stream.attempt(op);
  if (std::exchange(op.again_, false)) return stream.loop_.ready(op);
  if (const std::coroutine_handle<> handle = stream.take_done(&op)) handle.resume();
}

void Stream::expired(Timer& timer) {
  Stream& stream = static_cast<Limit&>(timer).stream;
  const bool writing = &timer == &stream.write_limit_;
  Op* const op = writing ? stream.writer_ : stream.reader_;
  if (op == nullptr || op->done_) return;
  if (op->kind_ == Op::Kind::kPause) {
    op->done_ = true;
    if (const std::coroutine_handle<> handle = stream.take_done(op)) handle.resume();
    return;
  }
  const std::string ms = std::to_string(op->timeout_ms_);
  op->result_ = skein::fail(skein::kTimeout,
                            writing ? concat(stream.peer(), " has taken nothing for ", ms, " ms")
                                    : concat(stream.peer(), " has sent nothing for ", ms, " ms"));
  op->done_ = true;
  if (const std::coroutine_handle<> handle = stream.take_done(op)) handle.resume();
}

void Stream::end_pause() {
  if (reader_ == nullptr || reader_->kind_ != Op::Kind::kPause || reader_->done_) return;
  reader_->done_ = true;
  if (!reader_->queued()) loop_.ready(*reader_);
}

void Stream::end_waiting(bool by_cancel) {
  for (Op* const op : {reader_, writer_}) {
    if (op == nullptr || op->done_) continue;
    op->result_ = by_cancel ? skein::fail(skein::kCancelled, "the connection is being ended")
                            : skein::fail(skein::kClosed, "the connection was closed here");
    op->done_ = true;
    if (!op->queued())
      loop_.ready(*op);  // not from in here: the caller may be in a list of streams
  }
}

skein::Result<std::size_t> Stream::write_now(Parts parts) {
  assert(writer_ == nullptr);
  if (auto refused = refusal(true)) return skein::pass(*std::move(refused));
  std::size_t written = 0;
  while (can_write_ && !parts.left().empty()) {
    const Attempt tried = try_write(parts.left());
    if (tried.state == Attempt::State::kFailed) return skein::pass(failed(true, tried.code));
    if (tried.state == Attempt::State::kWantWrite) can_write_ = false;
    if (tried.state != Attempt::State::kDone || tried.bytes == 0) break;
    parts.advance(tried.bytes);
    written += tried.bytes;
  }
  return written;
}

skein::Result<std::size_t> Stream::unsent_bytes() {
  if (auto refused = refusal(true)) return skein::pass(*std::move(refused));
  const Attempt tried = try_unsent();
  if (tried.state == Attempt::State::kFailed) return skein::pass(failed(true, tried.code));
  return tried.bytes;
}

skein::Result<void> Stream::shutdown_write() {
  if (auto refused = refusal(true)) return skein::pass(*std::move(refused));
  return do_shutdown_write();
}

void Stream::close_once(bool by_reset) {
  if (closed_) return;
  closed_ = true;
  end_waiting(false);
  do_close(by_reset);
}

void Stream::close() {
  close_once(false);
}
void Stream::reset() {
  close_once(true);
}

void Stream::cancel() {
  if (cancelled_) return;
  cancelled_ = true;
  end_waiting(true);
}

void Stream::set_idle(bool idle) {
  idle_ = idle;
  if (idle && set_ != nullptr && set_->cancel_idle_) cancel();
}

void Stream::take_place_of(Stream& other) {
  StreamSet* const set = other.set_;
  idle_ = other.idle_;
  if (set == nullptr) return;
  set->remove(other);
  set->add(*this);
}

StreamSet::~StreamSet() {
  while (first_ != nullptr) remove(*first_);
}

void StreamSet::add(Stream& stream) {
  assert(stream.set_ == nullptr);
  stream.set_ = this;
  stream.after_ = first_;
  if (first_ != nullptr) first_->before_ = &stream;
  first_ = &stream;
  if (cancel_all_ || (cancel_idle_ && stream.idle_)) stream.cancel();
}

void StreamSet::remove(Stream& stream) {
  (stream.before_ == nullptr ? first_ : stream.before_->after_) = stream.after_;
  if (stream.after_ != nullptr) stream.after_->before_ = stream.before_;
  stream.before_ = stream.after_ = nullptr;
  stream.set_ = nullptr;
}

void StreamSet::cancel_idle() {
  cancel_idle_ = true;
  for (Stream* stream = first_; stream != nullptr; stream = stream->after_) {
    if (stream->idle_) stream->cancel();
  }
}

void StreamSet::cancel_all() {
  cancel_idle_ = cancel_all_ = true;
  for (Stream* stream = first_; stream != nullptr; stream = stream->after_) stream->cancel();
}

}  // namespace socketserver
