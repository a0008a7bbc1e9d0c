// Stream: a connection's two directions of bytes, whatever carries them (TCP, Unix, TLS, a fake).
//
// A read or write is an awaiter in the caller's frame: no coroutine of its own, no allocation, no
// timer of its own. The seam to what carries the bytes is one non-blocking try.
//
// The loop's thread only. One coroutine may read and another write at the same time; two of the
// same side may not.
#pragma once

#include <array>
#include <cassert>
#include <concepts>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/result.h"
#include "socketserver/address.h"
#include "socketserver/loop.h"
#include "socketserver/timer_wheel.h"
#include "socketserver/work.h"

namespace socketserver {

// What one write gathers: a few views, not owned, in order; `write_all({head, payload}, ms)`.
class Parts {
 public:
  static constexpr std::size_t kMax = 4;

  template <std::convertible_to<skein::Bytes>... Views>
    requires(sizeof...(Views) <= kMax)
  explicit(false) Parts(const Views&... views)  // one Bytes is a Parts
      : parts_{skein::Bytes(views)...}, count_(sizeof...(Views)) {
    advance(0);
  }
  explicit Parts(std::span<const skein::Bytes> views);  // at most kMax

  // Empty when all is done; never begins with an empty view.
  [[nodiscard]] std::span<const skein::Bytes> left() const {
    return std::span(parts_).subspan(first_, count_ - first_);
  }
  [[nodiscard]] std::size_t size_bytes() const;
  void advance(std::size_t bytes);  // takes so many off the front

 private:
  std::array<skein::Bytes, kMax> parts_{};
  std::size_t first_ = 0;
  std::size_t count_ = 0;
};

// What one non-blocking try came to.
struct Attempt {
  enum class State : std::uint8_t { kDone, kWantRead, kWantWrite, kFailed };

  State state = State::kDone;
  // kDone of a read: the next try would have to wait, as far as can be told without trying. It
  // saves the second recv after every message; report it only if readiness will be told anew.
  bool drained = false;
  int code = 0;           // kFailed: errno, or what Stream::failure() understands
  std::size_t bytes = 0;  // kDone
};

class StreamSet;

class Stream {
 public:
  class ReadOp;
  class ReadableOp;
  class WriteOp;
  class PauseOp;
  class Op;  // the part that they share

  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;
  virtual ~Stream();  // nobody waits on it

  // All the errors below: kTimeout; kClosed (the peer reset the connection, or close() or reset()
  // was called here); kCancelled (cancel() was); else what the system said. A timeout leaves the
  // stream as it was; after any other error that side stays failed. `timeout_ms` < 0: no limit.

  // `auto got = co_await stream.read_some(buffer, ms);` Result<size_t>: from 1 byte to the whole
  // buffer (which is not empty), or 0: the peer has ended its side in an orderly way.
  [[nodiscard]] ReadOp read_some(skein::MutableBytes into, std::int64_t timeout_ms);
  // Result<void>: read_some would not wait now. So who waits for a peer to speak needs no buffer.
  [[nodiscard]] ReadableOp wait_readable(std::int64_t timeout_ms);
  // Result<void>: the system has taken every byte (not: the peer has). The limit counts from the
  // last progress. After an error it is unknown how much went out.
  [[nodiscard]] WriteOp write_all(Parts parts, std::int64_t timeout_ms);
  // What can be written without waiting: how many bytes, maybe 0.
  skein::Result<std::size_t> write_now(Parts parts);

  // `co_await stream.pause(ms);` Result<void>: a sleep that ends early with the stream (kCancelled,
  // kClosed). It takes the reader's place.
  [[nodiscard]] PauseOp pause(std::int64_t ms);

  // Ends our side in an orderly way: the peer reads everything, then 0.
  skein::Result<void> shutdown_write();
  // Ends the connection at once by RST: the peer sees an error, never a false orderly end.
  void reset();
  // Ends the connection; what was written still goes out. The destructor does it too.
  void close();
  // Those who wait, and all later calls, end with kCancelled. The connection stays up until the
  // owner closes it.
  void cancel();
  [[nodiscard]] bool cancelled() const { return cancelled_; }

  // Written, and not acknowledged by the peer's system yet. An error if the connection is lost, so
  // that 0 always means delivered to the peer's system.
  skein::Result<std::size_t> unsent_bytes();

  // As long as the stream; of no family where there is none.
  [[nodiscard]] virtual const Address& peer_address() const {
    static const Address none;
    return none;
  }
  [[nodiscard]] virtual Address local_address() const { return {}; }
  [[nodiscard]] virtual std::string peer() const { return peer_address().text(); }
  [[nodiscard]] virtual int descriptor() const { return -1; }
  [[nodiscard]] Loop& loop() const { return loop_; }

  // Idle: nothing would be lost by ending this connection now. A server that drains cancels it at
  // once, and when it becomes idle later. False at first.
  void set_idle(bool idle);
  [[nodiscard]] bool idle() const { return idle_; }

  // For a stream that is put in place of another (TLS over the same descriptor): it takes over the
  // set (StreamSet) and the idle mark.
  void take_place_of(Stream& other);

 protected:
  explicit Stream(Loop& loop);

  // The seam. None of them waits, none of them resumes anybody.
  virtual Attempt try_read(skein::MutableBytes into) = 0;
  // Takes part of it, or all.
  virtual Attempt try_write(std::span<const skein::Bytes> parts) = 0;
  // kDone: try_read would not wait. Consumes nothing.
  virtual Attempt try_peek() = 0;
  virtual Attempt try_unsent() = 0;  // kDone: how many; kFailed: the connection is lost
  virtual skein::Result<void> do_shutdown_write() = 0;
  virtual void do_close(bool by_reset) = 0;  // called once; also by derived destructors
  [[nodiscard]] virtual skein::Error failure(int code, std::string_view doing) const;

  // How much one try writes, before anything is made that could wait: most writes need no more. 0
  // also when it may not be tried, and after an error, which an awaiter then reports. `try_it`
  // calls try_write() as its own class has it, not by the table.
  template <class Try>
  std::size_t first_write(skein::Bytes bytes, Try try_it);

  // How a derived class looks at what waits: nullptr if nobody does.
  [[nodiscard]] const Op* waiting_reader() const { return reader_; }
  [[nodiscard]] const Op* waiting_writer() const { return writer_; }
  // Whoever pauses goes on in the loop's next round.
  void end_pause();

  // For the derived class, from the loop and never from within a try: this may be possible now.
  // Resumes coroutines, which may destroy the stream: touch nothing of it afterwards.
  void now_ready(bool readable, bool writable);
  [[nodiscard]] bool closed() const { return closed_; }
  void close_once(bool by_reset);

 private:
  friend class StreamSet;
  struct Limit : Timer {
    explicit Limit(Stream& of) : Timer(&Stream::expired), stream(of) {}
    Stream& stream;
  };

  // Awaiters of this many tries in a row that never had to wait let the other connections go first.
  static constexpr std::uint8_t kStreak = 16;

  [[nodiscard]] bool begin(Op& op);
  void suspend(Op& op, std::coroutine_handle<> handle);
  void attempt(Op& op);
  void attempt_write(Op& op);
  [[nodiscard]] bool useful(const Op* op) const;
  [[nodiscard]] std::coroutine_handle<> take_done(Op* op);
  // Asked before every try, so it costs nothing: refusal() says why.
  [[nodiscard]] bool refuses(bool writing) const {
    return cancelled_ || closed_ || (writing ? write_failed_ : read_failed_) != 0;
  }
  // Why nothing can be done on that side any more; nullopt: something can.
  [[nodiscard, gnu::cold]] std::optional<skein::Error> refusal(bool writing) const;
  [[gnu::cold]] void refuse(Op& op) const;
  [[gnu::cold]] skein::Error failed(bool writing, int code);
  void detach(Op& op);
  void end_waiting(bool by_cancel);
  static void expired(Timer& timer);

  Loop& loop_;
  Op* reader_ = nullptr;
  Op* writer_ = nullptr;
  Stream* before_ = nullptr;  // in the set
  Stream* after_ = nullptr;
  StreamSet* set_ = nullptr;
  Limit read_limit_;
  Limit write_limit_;
  int read_failed_ = 0;  // the code, for ever: the system tells a reset once, then says "end"
  int write_failed_ = 0;
  bool can_read_ = false;  // watch() says so if it holds from the start
  bool can_write_ = true;
  bool cancelled_ = false;
  bool closed_ = false;
  bool idle_ = false;
  std::uint8_t read_streak_ = 0;
  std::uint8_t write_streak_ = 0;
};

// The part that all awaiters share.
class Stream::Op : private Work {
 public:
  [[nodiscard]] bool await_ready() { return stream_.begin(*this); }
  void await_suspend(std::coroutine_handle<> handle) { stream_.suspend(*this, handle); }

 protected:
  enum class Kind : std::uint8_t { kRead, kReadable, kWrite, kPause };
  // For a kRead that needs more than one read: called with what each of them brought (0: the end),
  // it sets `view_` for the next; false: that was enough.
  using More = bool (*)(Op& op, std::size_t bytes);

  Op(Stream& stream, Kind kind, std::int64_t timeout_ms)
      : Work(&Op::run_again),
        stream_(stream),
        timeout_ms_(timeout_ms),
        kind_(kind),
        wants_write_(kind == Kind::kWrite) {}
  ~Op() = default;

  skein::Result<std::size_t> result_ = std::size_t{0};
  // kRead: what to read into. kWrite of one view: what is left of it, and then nothing is written
  // into it.
  skein::MutableBytes view_;
  More more_ = nullptr;     // kRead
  Parts* parts_ = nullptr;  // kWrite of several views

 private:
  friend class Stream;
  static void run_again(Work& work);

  Stream& stream_;
  std::coroutine_handle<> handle_;
  std::int64_t timeout_ms_;
  Kind kind_;
  bool wants_write_;  // which readiness it waits for
  bool done_ = false;
  bool again_ = false;  // it could go on, but the others come first
};

class [[nodiscard]] Stream::ReadOp : public Op {
 public:
  ReadOp(Stream& stream, skein::MutableBytes into, std::int64_t timeout_ms)
      : Op(stream, Kind::kRead, timeout_ms) {
    view_ = into;
  }
  [[nodiscard]] skein::Result<std::size_t> await_resume() { return std::move(result_); }
};

class [[nodiscard]] Stream::ReadableOp : public Op {
 public:
  ReadableOp(Stream& stream, std::int64_t timeout_ms) : Op(stream, Kind::kReadable, timeout_ms) {}
  [[nodiscard]] skein::Result<void> await_resume() {
    if (!result_) return skein::pass(std::move(result_).error());
    return {};
  }
};

class [[nodiscard]] Stream::WriteOp : public Op {
 public:
  WriteOp(Stream& stream, Parts parts, std::int64_t timeout_ms)
      : Op(stream, Kind::kWrite, timeout_ms), own_(parts) {
    parts_ = &own_;
  }
  [[nodiscard]] skein::Result<void> await_resume() {
    if (!result_) return skein::pass(std::move(result_).error());
    return {};
  }

 private:
  Parts own_;
};

class [[nodiscard]] Stream::PauseOp : public Op {
 public:
  PauseOp(Stream& stream, std::int64_t ms) : Op(stream, Kind::kPause, ms) {}
  [[nodiscard]] skein::Result<void> await_resume() {
    if (!result_) return skein::pass(std::move(result_).error());
    return {};
  }
};

template <class Try>
std::size_t Stream::first_write(skein::Bytes bytes, Try try_it) {
  assert(writer_ == nullptr);
  if (!can_write_ || write_streak_ >= kStreak || refuses(true)) return 0;
  const Attempt tried = try_it(std::span(&bytes, 1));
  if (tried.state != Attempt::State::kDone) {
    if (tried.state == Attempt::State::kFailed) static_cast<void>(failed(true, tried.code));
    return 0;
  }
  ++write_streak_;
  return tried.bytes;
}

inline Stream::PauseOp Stream::pause(std::int64_t ms) {
  return {*this, ms};
}
inline Stream::ReadOp Stream::read_some(skein::MutableBytes into, std::int64_t timeout_ms) {
  return ReadOp(*this, into, timeout_ms);
}
inline Stream::ReadableOp Stream::wait_readable(std::int64_t timeout_ms) {
  return ReadableOp(*this, timeout_ms);
}
inline Stream::WriteOp Stream::write_all(Parts parts, std::int64_t timeout_ms) {
  return WriteOp(*this, parts, timeout_ms);
}

// The streams that somebody has to end some day, without owning them.
class StreamSet {
 public:
  StreamSet() = default;
  StreamSet(const StreamSet&) = delete;
  StreamSet& operator=(const StreamSet&) = delete;
  ~StreamSet();

  void add(Stream& stream);  // it leaves by itself when it is destroyed
  // From now on whatever is idle, or becomes so, is cancelled.
  void cancel_idle();
  void cancel_all();  // and whatever is added later
  // None of them may leave meanwhile.
  template <class Function>
  void for_each(Function function) {
    for (Stream* stream = first_; stream != nullptr; stream = stream->after_) function(*stream);
  }

 private:
  friend class Stream;
  void remove(Stream& stream);

  Stream* first_ = nullptr;
  bool cancel_idle_ = false;
  bool cancel_all_ = false;
};

}  // namespace socketserver
