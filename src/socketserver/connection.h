// Connection: one client of an event-driven stream server: its stream, its handler, and the one
// operation that the handler awaits. The loop's thread only.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "base/descriptor.h"
#include "base/result.h"
#include "socketserver/async.h"
#include "socketserver/async_core.h"
#include "socketserver/stream.h"
#include "socketserver/sync.h"
#include "socketserver/tcp_stream.h"

namespace socketserver::detail {

class Connection;

// What a Connection needs from whoever holds it.
class ConnectionOwner : public AsyncWorker {
 public:
  using AsyncWorker::AsyncWorker;
  [[nodiscard]] virtual std::unique_ptr<AsyncStreamRequestHandler> make_handler() = 0;
  virtual void left(const Address& peer) = 0;
};

class Connection final : public TcpStream {
 public:
  // Serves the client until its handler has ended, and destroys itself.
  static void start(ConnectionOwner& owner, StreamSet& set, skein::Descriptor socket,
                    const Address& peer);

  ~Connection() override;  // by itself alone

  // --- for the public awaiters ---
  bool begin(StreamOp& op);
  void wait(StreamOp& op, std::coroutine_handle<> handle);
  std::size_t end(StreamOp& op);  // throws
  [[nodiscard]] Chunk chunk(std::size_t size);

  bool push(Octets bytes);
  [[nodiscard]] std::size_t queued_bytes() const;
  void end_writing();  // throws
  void may_idle(bool may) { may_idle_ = may; }
  void end_by_handler() { end_by(EndedBy::kHandler); }
  // Of a drain: if nothing would be lost by ending it now.
  void end_if_idle();
  void end_by_drain() { end_by(EndedBy::kDrain); }

 protected:
  Attempt try_read(skein::MutableBytes into) override;
  Attempt try_write(std::span<const skein::Bytes> parts) override;

 private:
  enum class EndedBy : std::uint8_t { kNobody, kHandler, kDrain, kIdle, kFirstByte };
  enum class Found : std::uint8_t { kNothing, kLine, kTooLong, kEnd };

  struct Root;
  struct Read : ReadOp {
    Read(Connection& of, StreamOp& by, skein::MutableBytes into)
        : ReadOp(of, into, by.ms_), connection(of), op(by) {
      if (by.kind_ == StreamOp::Kind::kReadExactly) more_ = &Read::more_exactly;
      if (by.kind_ == StreamOp::Kind::kReadUntil) more_ = &Read::more_until;
    }
    static bool more_exactly(Op& self, std::size_t bytes);
    static bool more_until(Op& self, std::size_t bytes);
    Connection& connection;
    StreamOp& op;
  };
  struct Write : Op {
    Write(Connection& of, skein::MutableBytes bytes, std::int64_t ms) : Op(of, Kind::kWrite, ms) {
      view_ = bytes;
    }
    [[nodiscard]] skein::MutableBytes& left() { return view_; }
    [[nodiscard]] skein::Result<std::size_t> await_resume() { return std::move(result_); }
  };
  struct Life : Timer {
    explicit Life(Connection& of)
        : Timer([](Timer& timer) { static_cast<Life&>(timer).connection.look_at_life(); }),
          connection(of) {}
    Connection& connection;
  };
  // Read, and not taken yet by any operation.
  struct Held {
    std::string bytes;
    std::size_t from = 0;
    [[nodiscard]] std::string_view view() const { return std::string_view(bytes).substr(from); }
  };
  // What push() has kept, and the coroutine that sends it.
  struct Outgoing {
    std::string next;
    std::string sending;
    Event sent;
    bool flushing = false;
    bool ending = false;  // shutdown_write() was called: the end comes behind it
  };

  Connection(ConnectionOwner& owner, skein::Descriptor socket, const Address& peer);
  static Root serve(Connection& self);
  static Task<void> flush(Connection& self);
  void begin_flush();
  // Tells what escaped, and ends the connection.
  static void close(Connection& self, std::exception_ptr failure);
  static Task<void> until_sent(Connection& self);

  void end_by(EndedBy who);
  void look_at_life();
  void arm_life();
  [[nodiscard]] bool waits_for_peer() const;
  [[nodiscard]] bool told_already(const std::exception_ptr& exception) const;
  void check_writable();         // throws
  void check_not_ended() const;  // throws
  [[noreturn]] void throw_error(const skein::Error& error) const;

  // What was just read into the buffer that all share.
  [[nodiscard]] Chunk shared(std::size_t size) const;
  void hold(std::string_view bytes);
  std::size_t take_held(char* into, std::size_t size);
  // In what is held, or in `fresh` if nothing is; `from`: where it cannot begin earlier.
  [[nodiscard]] bool take_line(AsyncStream::ReadUntil& op, std::string_view all);
  bool more_of_line(AsyncStream::ReadUntil& op, std::size_t bytes);

  ConnectionOwner& owner_;
  std::unique_ptr<AsyncStreamRequestHandler> handler_;
  std::unique_ptr<Held> held_;
  std::unique_ptr<Outgoing> outgoing_;
  std::unique_ptr<std::byte[]> kept_;  // the buffer with the handler's chunk, once a write waited
  StreamOp* op_ = nullptr;             // that waits
  std::int64_t active_ms_;             // when something moved, or began to be waited for
  std::size_t got_ = 0;                // by the operation under way
  EndedBy ended_by_ = EndedBy::kNobody;
  Found found_ = Found::kNothing;
  bool may_idle_ = true;
  bool received_ = false;
  bool has_chunk_ = false;       // the handler has a chunk of the buffer that all share
  bool reads_shared_ = false;    // the operation under way reads into that buffer
  bool at_once_ = false;         // the operation was over before it touched the stream
  const char* doing_ = "setup";  // or what threw
  std::unique_ptr<Life> life_;   // if the server has such limits
  // In here and not in the handler's frame, which would hold one for each place that awaits.
  std::variant<std::monostate, Read, Write, PauseOp> operation_;
};

inline Attempt Connection::try_read(skein::MutableBytes into) {
  // It may be another one by now than when the operation began to wait.
  if (reads_shared_) into = loop().scratch();
  const Attempt tried = TcpStream::try_read(into);
  if (tried.state == Attempt::State::kDone && tried.bytes > 0) {
    owner_.received_bytes.add(tried.bytes);
    received_ = true;
    active_ms_ = loop().now_ms();
  }
  return tried;
}

inline Attempt Connection::try_write(std::span<const skein::Bytes> parts) {
  const Attempt tried = TcpStream::try_write(parts);
  if (tried.state == Attempt::State::kDone && tried.bytes > 0) {
    owner_.sent_bytes.add(tried.bytes);
    active_ms_ = loop().now_ms();
  }
  return tried;
}

}  // namespace socketserver::detail
