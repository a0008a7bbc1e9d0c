#include "socketserver/connection.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>

#include "base/text.h"
#include "socketserver/raise.h"
#include "socketserver/type_name.h"

namespace socketserver {

using skein::concat;

namespace detail {

namespace {

skein::Bytes bytes_of(std::string_view text) {
  return {reinterpret_cast<const std::byte*>(text.data()), text.size()};
}
skein::MutableBytes bytes_of(char* data, std::size_t size) {
  return {reinterpret_cast<std::byte*>(data), size};
}

}  // namespace

// The one coroutine of a connection besides the handler's own: starts at once, and goes away with
// the connection.
struct Connection::Root {
  struct promise_type {
    Root get_return_object() const noexcept { return {}; }
    [[nodiscard]] std::suspend_never initial_suspend() const noexcept { return {}; }
    [[nodiscard]] std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
    static void* operator new(std::size_t size) { return allocate_frame(size); }
    static void operator delete(void* frame, std::size_t size) { free_frame(frame, size); }
  };
};

Connection::Connection(ConnectionOwner& owner, skein::Descriptor socket, const Address& peer)
    : TcpStream(owner.loop(), std::move(socket), peer),
      owner_(owner),
      active_ms_(owner.loop().now_ms()) {}

Connection::~Connection() {
  close_once(false);
}

void Connection::start(ConnectionOwner& owner, StreamSet& set, skein::Descriptor socket,
                       const Address& peer) {
  auto* const self = new Connection(owner, std::move(socket), peer);
  owner.accepted.add(1);
  owner.loop().task_began();
  set.add(*self);
  serve(*self);
}

Connection::Root Connection::serve(Connection& self) {
  ConnectionOwner& owner = self.owner_;
  std::exception_ptr failure;
  bool set_up = false;
  try {
    if (auto begun = self.TcpStream::begin(); !begun) raise(begun.error());
    if (owner.draining()) self.end_by_drain();
    self.arm_life();
    self.handler_ = owner.make_handler();
    AsyncStreamRequestHandler& handler = *self.handler_;
    handler.request = AsyncStream(self);
    handler.client_address = self.peer_address();
    handler.server = owner.core().face;
    const Task<void> setup = handler.setup();
    if (setup) co_await setup;
    set_up = true;
    self.doing_ = "handle";
    const Task<void> handle = handler.handle();
    if (handle) co_await handle;
  } catch (...) {
    failure = std::current_exception();
  }
  if (set_up) {
    try {
      if (!failure) self.doing_ = "finish";
      const Task<void> finish = self.handler_->finish();
      if (finish) co_await finish;
    } catch (...) {
      // Of two the first is told: it is the cause.
      if (!failure) failure = std::current_exception();
    }
  }
  if (self.outgoing_ != nullptr) {
    const Task<void> sent = until_sent(self);
    co_await sent;
  }
  close(self, std::move(failure));
}

void Connection::close(Connection& self, std::exception_ptr failure) {
  ConnectionOwner& owner = self.owner_;
  if (failure && !self.told_already(failure)) {
    owner.failed.add(1);
    std::string doing;
    if (self.handler_ != nullptr) {
      const AsyncStreamRequestHandler& handler = *self.handler_;
      doing = concat(type_name(typeid(handler)), "::", self.doing_);
    }
    owner.tell(std::move(failure), self.peer_address(), doing);
  }
  const Address peer = self.peer_address();
  self.handler_.reset();
  // The end goes out behind what was written. It fails only if nobody is left to be told.
  static_cast<void>(self.Stream::shutdown_write());
  delete &self;
  owner.left(peer);
  owner.loop().task_ended();
}

bool Connection::told_already(const std::exception_ptr& exception) const {
  // An end that the server itself brought about is no failure of the handler.
  if (ended_by_ == EndedBy::kNobody) return false;
  try {
    std::rethrow_exception(exception);
  } catch (const ServerClosed&) {
    return true;
  } catch (const TimeoutError&) {
    return ended_by_ == EndedBy::kIdle || ended_by_ == EndedBy::kFirstByte;
  } catch (...) {
    return false;
  }
}

// ---- the bytes

void Connection::hold(std::string_view bytes) {
  if (bytes.empty()) return;
  if (held_ == nullptr) held_ = std::make_unique<Held>();
  held_->bytes.erase(0, std::exchange(held_->from, 0));
  held_->bytes.append(bytes);
}

std::size_t Connection::take_held(char* into, std::size_t size) {
  if (held_ == nullptr) return 0;
  const std::string_view all = held_->view();
  const std::size_t taken = std::min(size, all.size());
  std::memcpy(into, all.data(), taken);
  held_->from += taken;
  if (taken == all.size()) held_.reset();
  return taken;
}

Chunk Connection::chunk(std::size_t size) {
  has_chunk_ = size > 0;
  return shared(size);
}

Chunk Connection::shared(std::size_t size) const {
  return Chunk(std::span(reinterpret_cast<char*>(loop().scratch().data()), size));
}

// ---- the operations

bool Connection::begin(StreamOp& op) {
  assert(op_ == nullptr && operation_.index() == 0);
  using Kind = StreamOp::Kind;
  got_ = 0;
  found_ = Found::kNothing;
  at_once_ = false;
  if (op.kind_ != Kind::kWrite) {
    // From here on the handler's chunk is no longer good.
    kept_.reset();
    has_chunk_ = false;
  }
  reads_shared_ = op.kind_ == Kind::kReadChunk || op.kind_ == Kind::kReadUntil;
  const skein::MutableBytes scratch = loop().scratch();
  switch (op.kind_) {
    case Kind::kReadChunk:
      got_ = take_held(reinterpret_cast<char*>(scratch.data()), scratch.size());
      if (got_ > 0) return at_once_ = true;
      return operation_.emplace<Read>(*this, op, scratch).await_ready();
    case Kind::kReadSome:
      got_ = take_held(op.data_, op.size_);
      if (got_ > 0 || op.size_ == 0) return at_once_ = true;
      return operation_.emplace<Read>(*this, op, bytes_of(op.data_, op.size_)).await_ready();
    case Kind::kReadExactly:
      got_ = take_held(op.data_, op.size_);
      if (got_ == op.size_) return at_once_ = true;
      return operation_.emplace<Read>(*this, op, bytes_of(op.data_ + got_, op.size_ - got_))
          .await_ready();
    case Kind::kReadUntil:
      if (held_ != nullptr && take_line(static_cast<AsyncStream::ReadUntil&>(op), held_->view())) {
        return at_once_ = true;
      }
      return operation_.emplace<Read>(*this, op, scratch).await_ready();
    case Kind::kWrite:
      if (op.size_ == 0) return at_once_ = true;
      if (outgoing_ != nullptr) {
        check_not_ended();
        // Behind what push() has kept. It is one call's, so it is no more than that much again.
        outgoing_->next.append(op.data_, op.size_);
        return operation_.emplace<PauseOp>(*this, op.ms_).await_ready();
      }
      got_ = first_write(bytes_of(op.data_, op.size_), [this](std::span<const skein::Bytes> parts) {
        return Connection::try_write(parts);
      });
      if (got_ == op.size_) return at_once_ = true;
      return operation_.emplace<Write>(*this, bytes_of(op.data_ + got_, op.size_ - got_), op.ms_)
          .await_ready();
    case Kind::kSleep: return operation_.emplace<PauseOp>(*this, op.ms_).await_ready();
  }
  return true;
}

void Connection::wait(StreamOp& op, std::coroutine_handle<> handle) {
  op_ = &op;
  active_ms_ = loop().now_ms();
  if (auto* const read = std::get_if<Read>(&operation_)) {
    read->await_suspend(handle);
    if (owner_.draining()) end_if_idle();
    return;
  }
  if (auto* const write = std::get_if<Write>(&operation_)) {
    // The next reader would have the buffer with the chunk that the handler may be writing, or be
    // about to: it becomes the connection's own.
    if (has_chunk_ && kept_ == nullptr) kept_ = loop().take_scratch();
    write->await_suspend(handle);
    return;
  }
  std::get<PauseOp>(operation_).await_suspend(handle);
}

std::size_t Connection::end(StreamOp& op) {
  using Kind = StreamOp::Kind;
  op_ = nullptr;
  if (at_once_ && op.kind_ != Kind::kReadUntil) return got_;
  std::size_t done = got_;
  if (!at_once_) {
    skein::Result<std::size_t> result = std::size_t{0};
    bool paused = false;
    if (auto* const read = std::get_if<Read>(&operation_)) {
      result = read->await_resume();
    } else if (auto* const write = std::get_if<Write>(&operation_)) {
      result = write->await_resume();
    } else {
      paused = true;
      if (auto ended = std::get<PauseOp>(operation_).await_resume(); !ended) {
        result = skein::pass(std::move(ended).error());
      }
    }
    operation_.emplace<std::monostate>();
    if (outgoing_ != nullptr && !outgoing_->flushing) begin_flush();
    if (paused && result && op.kind_ == Kind::kWrite) {
      if (outgoing_ != nullptr) {
        throw TimeoutError(ETIMEDOUT, concat(peer(), " has not taken what was written before"));
      }
      check_writable();  // or else it was lost, and not sent
    }
    if (!result) {
      // A timeout takes nothing: what came is there for the next read.
      if (op.kind_ == Kind::kReadExactly && result.error().is(skein::kTimeout)) {
        hold({op.data_, got_});
      }
      throw_error(result.error());
    }
    if (op.kind_ == Kind::kReadChunk || op.kind_ == Kind::kReadSome) done = *result;
  }
  if (op.kind_ == Kind::kReadExactly && got_ > 0 && got_ < op.size_) {
    throw ConnectionClosed(EPIPE, concat(peer(), " ended after ", std::to_string(got_), " of ",
                                         std::to_string(op.size_), " bytes"));
  }
  if (op.kind_ == Kind::kReadUntil && found_ == Found::kTooLong) {
    throw LimitExceeded(EMSGSIZE, concat(peer(), " has sent more than ", std::to_string(op.size_),
                                         " bytes without the delimiter"));
  }
  if (op.kind_ == Kind::kReadUntil && found_ != Found::kLine && held_ != nullptr) {
    throw ConnectionClosed(EPIPE, concat(peer(), " ended before the delimiter"));
  }
  return done;
}

void Connection::throw_error(const skein::Error& error) const {
  if (error.is(skein::kCancelled)) {
    const AsyncOptions& options = owner_.core().options;
    if (ended_by_ == EndedBy::kIdle) {
      throw TimeoutError(ETIMEDOUT, concat(peer(), " has been idle for ",
                                           std::to_string(options.idle_timeout.count()), " ms"));
    }
    if (ended_by_ == EndedBy::kFirstByte) {
      throw TimeoutError(ETIMEDOUT,
                         concat(peer(), " has sent nothing for ",
                                std::to_string(options.first_byte_timeout.count()), " ms"));
    }
  }
  raise(error);
}

bool Connection::Read::more_exactly(Op& self, std::size_t bytes) {
  auto& read = static_cast<Read&>(self);
  read.connection.got_ += bytes;
  read.view_ = read.view_.subspan(bytes);
  return bytes > 0 && !read.view_.empty();
}

bool Connection::Read::more_until(Op& self, std::size_t bytes) {
  auto& read = static_cast<Read&>(self);
  return read.connection.more_of_line(static_cast<AsyncStream::ReadUntil&>(read.op), bytes);
}

bool Connection::take_line(AsyncStream::ReadUntil& op, std::string_view all) {
  // Not again where it was looked for already: got_ bytes are known not to begin one.
  const std::size_t at = all.find(op.delimiter_, std::min(got_, all.size()));
  if ((at == std::string_view::npos && all.size() > op.size_ &&
       all.size() - op.size_ > op.delimiter_.size()) ||
      (at != std::string_view::npos && at > op.size_)) {
    found_ = Found::kTooLong;
    return true;
  }
  if (at == std::string_view::npos) {
    got_ = all.size() - std::min(all.size(), op.delimiter_.size() - 1);
    return false;
  }
  op.line_.emplace(all.substr(0, at));
  found_ = Found::kLine;
  const std::size_t taken = at + op.delimiter_.size();
  if (held_ == nullptr) {
    hold(all.substr(taken));
  } else {
    held_->from += taken;
    if (held_->view().empty()) held_.reset();
  }
  return true;
}

bool Connection::more_of_line(AsyncStream::ReadUntil& op, std::size_t bytes) {
  if (bytes == 0) return false;
  const std::string_view fresh = shared(bytes).text();
  if (held_ != nullptr) {
    hold(fresh);
    return !take_line(op, held_->view());
  }
  // A line that came whole, as most do, is never copied but into the answer.
  if (take_line(op, fresh)) {
    if (found_ == Found::kTooLong) hold(fresh);
    return false;
  }
  hold(fresh);
  return true;
}

// ---- what is kept for a peer that reads slowly

bool Connection::push(Octets bytes) {
  const std::string_view view(bytes.data(), bytes.size());
  const std::size_t limit = owner_.core().options.max_queued_bytes;
  if (view.size() > limit || queued_bytes() > limit - view.size()) return false;
  if (view.empty()) return true;
  check_not_ended();
  std::size_t written = 0;
  if (outgoing_ == nullptr && waiting_writer() == nullptr) {
    auto now = write_now(bytes_of(view));
    if (!now) throw_error(now.error());
    written = *now;
  }
  if (written == view.size()) return true;
  if (outgoing_ == nullptr) {
    outgoing_ = std::make_unique<Outgoing>();
    outgoing_->next = view.substr(written);
    if (waiting_writer() == nullptr) begin_flush();  // else when that one has written
  } else {
    outgoing_->next.append(view);
  }
  return true;
}

std::size_t Connection::queued_bytes() const {
  return outgoing_ == nullptr ? 0 : outgoing_->next.size() + outgoing_->sending.size();
}

void Connection::begin_flush() {
  outgoing_->flushing = true;
  loop().spawn(flush(*this));
}

void Connection::check_writable() {
  if (auto can = write_now(Parts()); !can) throw_error(can.error());
}

void Connection::check_not_ended() const {
  if (outgoing_ == nullptr || !outgoing_->ending) return;
  throw ConnectionClosed(EPIPE, concat("writing to ", peer(), " after shutdown_write()"));
}

void Connection::end_writing() {
  if (outgoing_ != nullptr) {
    outgoing_->ending = true;  // the end goes out behind what is kept
  } else if (auto done = shutdown_write(); !done) {
    throw_error(done.error());
  }
}

Task<void> Connection::flush(Connection& self) {
  Outgoing& outgoing = *self.outgoing_;
  while (!outgoing.next.empty()) {
    outgoing.sending = std::exchange(outgoing.next, {});
    const skein::Bytes bytes = bytes_of(outgoing.sending);
    const auto sent = co_await self.Stream::write_all(bytes, -1);
    outgoing.sending.clear();
    if (!sent) break;  // lost: the handler's next operation will say so
  }
  // Whoever waits to write goes on in the next round, and finds the way free.
  const std::unique_ptr<Outgoing> gone = std::move(self.outgoing_);
  if (gone->ending) static_cast<void>(self.Stream::shutdown_write());  // or it is lost
  if (self.op_ != nullptr && self.op_->kind_ == StreamOp::Kind::kWrite) self.end_pause();
  gone->sent.set();
}

Task<void> Connection::until_sent(Connection& self) {
  co_await self.outgoing_->sent.wait();
}

// ---- its end

void Connection::end_by(EndedBy who) {
  if (ended_by_ == EndedBy::kNobody) ended_by_ = who;
  cancel();
}

void Connection::end_if_idle() {
  using Kind = StreamOp::Kind;
  if (op_ == nullptr || !may_idle_ || held_ != nullptr || got_ > 0) return;
  if (op_->kind_ == Kind::kReadChunk || op_->kind_ == Kind::kReadSome ||
      op_->kind_ == Kind::kReadUntil) {
    end_by(EndedBy::kDrain);
  }
}

bool Connection::waits_for_peer() const {
  return (op_ != nullptr && op_->kind_ != StreamOp::Kind::kSleep) || outgoing_ != nullptr;
}

void Connection::arm_life() {
  const AsyncOptions& options = owner_.core().options;
  const std::int64_t idle_ms = options.idle_timeout.count();
  const std::int64_t first_ms = received_ ? 0 : options.first_byte_timeout.count();
  std::int64_t limit_ms = -1;
  if (idle_ms > 0) limit_ms = active_ms_ + idle_ms;
  if (first_ms > 0 && (limit_ms < 0 || active_ms_ + first_ms < limit_ms)) {
    limit_ms = active_ms_ + first_ms;
  }
  if (limit_ms < 0) return;
  if (life_ == nullptr) life_ = std::make_unique<Life>(*this);
  loop().arm(*life_, limit_ms);
}

void Connection::look_at_life() {
  const AsyncOptions& options = owner_.core().options;
  const std::int64_t quiet_ms = loop().now_ms() - active_ms_;
  const std::int64_t idle_ms = options.idle_timeout.count();
  const std::int64_t first_ms = options.first_byte_timeout.count();
  if (waits_for_peer()) {
    const bool late = !received_ && first_ms > 0 && quiet_ms >= first_ms;
    if (late || (idle_ms > 0 && quiet_ms >= idle_ms)) {
      owner_.timed_out.add(1);
      return end_by(late ? EndedBy::kFirstByte : EndedBy::kIdle);
    }
  } else {
    active_ms_ = loop().now_ms();  // it is the handler that takes its time
  }
  arm_life();
}

// ---- the public awaiters

bool StreamOp::await_ready() {
  return connection_.begin(*this);
}
void StreamOp::await_suspend(std::coroutine_handle<> handle) {
  connection_.wait(*this, handle);
}
std::size_t StreamOp::finish() {
  return connection_.end(*this);
}

}  // namespace detail

Chunk AsyncStream::ReadChunk::await_resume() {
  const std::size_t size = finish();
  return connection_.chunk(size);
}

std::optional<std::string> AsyncStream::ReadUntil::await_resume() {
  finish();
  return std::move(line_);
}

bool AsyncStream::push(Octets bytes) const {
  return connection_->push(bytes);
}
std::size_t AsyncStream::queued_bytes() const {
  return connection_->queued_bytes();
}
void AsyncStream::set_idle(bool idle) const {
  connection_->may_idle(idle);
}
void AsyncStream::cancel() const {
  connection_->end_by_handler();
}
void AsyncStream::shutdown_write() const {
  connection_->end_writing();
}
void AsyncStream::reset() const {
  connection_->reset();
}
Address AsyncStream::peer_address() const {
  return connection_->peer_address();
}
Address AsyncStream::local_address() const {
  return connection_->local_address();
}
int AsyncStream::fileno() const {
  return connection_->descriptor();
}

}  // namespace socketserver
