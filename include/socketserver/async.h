// Event-driven servers: the handler's shape of the blocking ones, with co_await where those block.
// A few threads, each with an event loop, hold thousands of connections.
//
//     struct Upper : socketserver::AsyncStreamRequestHandler {
//       socketserver::Task<void> handle() override {
//         while (auto chunk = co_await request.read_some()) {
//           for (char& c : chunk) c = upper(c);
//           co_await request.write_all(chunk);
//         }
//       }
//     };
//     socketserver::AsyncTCPServer server({"127.0.0.1", 9999}, socketserver::handler<Upper>);
//     server.serve_forever();
//
// Threads: a handler is made, run and destroyed on one loop's thread, with its request. What is
// not said to be for any thread is for that one. A handler never blocks: it hands what does to
// run_blocking().
//
// Errors are exceptions (error.h). What leaves a handler reaches handle_error(); the server serves
// on.
#pragma once

#include <chrono>
#include <concepts>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <ranges>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "socketserver/address.h"
#include "socketserver/error.h"
#include "socketserver/factory.h"
#include "socketserver/task.h"

namespace socketserver {

class AsyncBaseServer;
namespace detail {
class Connection;
class DatagramJob;
}  // namespace detail

// How long an operation may take: for ever, so long from its call on (rounded up to milliseconds),
// or until a point in time. Reached, the operation throws TimeoutError.
class Deadline {
 public:
  Deadline() = default;  // for ever
  template <class Rep, class Period>
  explicit(false) Deadline(std::chrono::duration<Rep, Period> within)
      : ms_(within > kLongest
                ? -1
                : at_least_zero(std::chrono::ceil<std::chrono::milliseconds>(within).count())) {}
  explicit(false) Deadline(std::chrono::steady_clock::time_point at)
      : Deadline(at - std::chrono::steady_clock::now()) {}

  [[nodiscard]] std::int64_t ms() const { return ms_; }  // from now on; -1: for ever

 private:
  static constexpr std::chrono::hours kLongest{24 * 36'500};  // longer is for ever
  static constexpr std::int64_t at_least_zero(std::int64_t ms) { return ms < 0 ? 0 : ms; }
  std::int64_t ms_ = -1;
};

// Bytes to be written, not owned: of a string, a literal up to its NUL, or any contiguous range of
// bytes or characters.
class Octets {
 public:
  Octets() = default;
  explicit(false) Octets(const char* text) : Octets(std::string_view(text)) {}
  template <std::ranges::contiguous_range Range>
    requires(sizeof(std::ranges::range_value_t<Range>) == 1 &&
             std::is_trivially_copyable_v<std::ranges::range_value_t<Range>> &&
             !std::is_array_v<std::remove_cvref_t<Range>>)
  explicit(false) Octets(const Range& range)
      : data_(reinterpret_cast<const char*>(std::ranges::data(range))),
        size_(std::ranges::size(range)) {}

  [[nodiscard]] const char* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }

 private:
  const char* data_ = nullptr;
  std::size_t size_ = 0;
};

// What a read brought, in a buffer that all connections of the loop share: good until the next
// co_await of anything but writes of the same connection. It may be changed in place. False: the
// peer has ended its side.
struct Chunk : std::span<char> {
  using std::span<char>::span;
  explicit Chunk(std::span<char> bytes) : std::span<char>(bytes) {}
  explicit operator bool() const { return !empty(); }
  [[nodiscard]] std::string_view text() const { return {data(), size()}; }
};

namespace detail {

// One operation of a connection, in the frame of the coroutine that awaits it: no frame of its own,
// no allocation. Awaited at once, where it is made.
class StreamOp {
 public:
  StreamOp(const StreamOp&) = delete;
  StreamOp& operator=(const StreamOp&) = delete;
  [[nodiscard]] bool await_ready();
  void await_suspend(std::coroutine_handle<> handle);

 protected:
  enum class Kind : std::uint8_t {
    kReadChunk,
    kReadSome,
    kReadExactly,
    kReadUntil,
    kWrite,
    kSleep
  };

  StreamOp(Connection& connection, Kind kind, char* data, std::size_t size, Deadline deadline)
      : connection_(connection), data_(data), size_(size), ms_(deadline.ms()), kind_(kind) {}
  ~StreamOp() = default;
  std::size_t finish();  // how many bytes; throws

  friend class Connection;
  Connection& connection_;
  char* data_;
  std::size_t size_;
  std::int64_t ms_;
  Kind kind_;
};

}  // namespace detail

// A connection, as its handler has it. One operation at a time. A handle, valid as long as the
// handler.
//
// Every operation throws TimeoutError at its deadline (the connection then is as it was),
// ConnectionReset or ConnectionClosed when the connection is lost, ServerClosed after cancel() or
// when the server ends connections (see AsyncOptions::drain_timeout), and TimeoutError too when the
// server's own limits (idle_timeout, first_byte_timeout) have ended the connection.
class AsyncStream {
 public:
  class ReadChunk;
  class ReadSome;
  class ReadExactly;
  class ReadUntil;
  class Write;
  class Sleep;

  AsyncStream() = default;  // of no connection: for the server to fill in

  // What is there, from 1 byte on; waits for it. Empty: the peer has ended its side.
  [[nodiscard]] ReadChunk read_some(Deadline deadline = {}) const;
  // The same into the caller's own buffer (not empty), which nobody shares; how many: 0 is the end.
  [[nodiscard]] ReadSome read_some(std::span<char> into, Deadline deadline = {}) const;
  // Fills the buffer. False: the peer ended its side before the first byte; ended in the middle, it
  // throws ConnectionClosed. The deadline is for all of it.
  [[nodiscard]] ReadExactly read_exactly(std::span<char> into, Deadline deadline = {}) const;
  // What stands before the next `delimiter` (not empty, and it must outlive the call), which is
  // taken away too. nullopt: the peer ended its side before the first byte; in the middle, it
  // throws ConnectionClosed. More than `limit_bytes` without it: LimitExceeded, and nothing is
  // taken.
  [[nodiscard]] ReadUntil read_until(std::string_view delimiter, std::size_t limit_bytes = 65'536,
                                     Deadline deadline = {}) const;
  // Everything, or it throws; then it is unknown how much went out. Waits while the peer does not
  // take it, and holds up this handler alone. The deadline counts from the last progress.
  [[nodiscard]] Write write_all(Octets bytes, Deadline deadline = {}) const;
  // Does nothing for so long. Ends early, by throwing, with the connection.
  [[nodiscard]] Sleep sleep(std::chrono::milliseconds time) const;

  // Written without waiting; what the system does not take now is kept and goes out as the peer
  // takes it, in order with write_all(). False: so more than AsyncOptions::max_queued_bytes would
  // be kept. Nothing of it was taken then: who reads so slowly had better be left behind.
  [[nodiscard]] bool push(Octets bytes) const;
  [[nodiscard]] std::size_t queued_bytes() const;  // kept by push()

  // Whether it may be ended at once while it waits in read_some() or read_until() with nothing
  // read yet, when the server drains. True at first; false: a handler that is in the middle of
  // something has until the drain's deadline.
  void set_idle(bool idle) const;
  // The operation under way and all later ones throw ServerClosed.
  void cancel() const;
  // Ends our side in an orderly way: the peer reads everything, then the end.
  void shutdown_write() const;
  // Ends the connection at once: the peer sees a reset.
  void reset() const;

  [[nodiscard]] Address peer_address() const;
  [[nodiscard]] Address local_address() const;
  [[nodiscard]] int fileno() const;

 private:
  friend class detail::Connection;
  explicit AsyncStream(detail::Connection& connection) : connection_(&connection) {}
  detail::Connection* connection_ = nullptr;
};

class [[nodiscard]] AsyncStream::ReadChunk : public detail::StreamOp {
 public:
  ReadChunk(detail::Connection& connection, Deadline deadline)
      : StreamOp(connection, Kind::kReadChunk, nullptr, 0, deadline) {}
  Chunk await_resume();
};
class [[nodiscard]] AsyncStream::ReadSome : public detail::StreamOp {
 public:
  ReadSome(detail::Connection& connection, std::span<char> into, Deadline deadline)
      : StreamOp(connection, Kind::kReadSome, into.data(), into.size(), deadline) {}
  std::size_t await_resume() { return finish(); }
};
class [[nodiscard]] AsyncStream::ReadExactly : public detail::StreamOp {
 public:
  ReadExactly(detail::Connection& connection, std::span<char> into, Deadline deadline)
      : StreamOp(connection, Kind::kReadExactly, into.data(), into.size(), deadline) {}
  bool await_resume() { return finish() != 0 || size_ == 0; }
};
class [[nodiscard]] AsyncStream::ReadUntil : public detail::StreamOp {
 public:
  ReadUntil(detail::Connection& connection, std::string_view delimiter, std::size_t limit_bytes,
            Deadline deadline)
      : StreamOp(connection, Kind::kReadUntil, nullptr, limit_bytes, deadline),
        delimiter_(delimiter) {}
  std::optional<std::string> await_resume();

 private:
  friend class detail::Connection;
  std::string_view delimiter_;
  std::optional<std::string> line_;
};
class [[nodiscard]] AsyncStream::Write : public detail::StreamOp {
 public:
  Write(detail::Connection& connection, Octets bytes, Deadline deadline)
      : StreamOp(connection, Kind::kWrite, const_cast<char*>(bytes.data()), bytes.size(),
                 deadline) {}
  void await_resume() { finish(); }
};
class [[nodiscard]] AsyncStream::Sleep : public detail::StreamOp {
 public:
  Sleep(detail::Connection& connection, std::chrono::milliseconds time)
      : StreamOp(connection, Kind::kSleep, nullptr, 0, Deadline(time)) {}
  void await_resume() { finish(); }
};

inline AsyncStream::ReadChunk AsyncStream::read_some(Deadline deadline) const {
  return {*connection_, deadline};
}
inline AsyncStream::ReadSome AsyncStream::read_some(std::span<char> into, Deadline deadline) const {
  return {*connection_, into, deadline};
}
inline AsyncStream::ReadExactly AsyncStream::read_exactly(std::span<char> into,
                                                          Deadline deadline) const {
  return {*connection_, into, deadline};
}
inline AsyncStream::ReadUntil AsyncStream::read_until(std::string_view delimiter,
                                                      std::size_t limit_bytes,
                                                      Deadline deadline) const {
  return {*connection_, delimiter, limit_bytes, deadline};
}
inline AsyncStream::Write AsyncStream::write_all(Octets bytes, Deadline deadline) const {
  return {*connection_, bytes, deadline};
}
inline AsyncStream::Sleep AsyncStream::sleep(std::chrono::milliseconds time) const {
  return {*connection_, time};
}

// What the server does for one connection: makes a handler, fills in its three attributes, then
// setup(), handle(), finish(). If setup() throws, the other two are not called; if handle() does,
// finish() is. What either threw goes to handle_error(); the connection is closed after finish().
class AsyncStreamRequestHandler {
 public:
  AsyncStreamRequestHandler() = default;
  AsyncStreamRequestHandler(const AsyncStreamRequestHandler&) = delete;
  AsyncStreamRequestHandler& operator=(const AsyncStreamRequestHandler&) = delete;
  virtual ~AsyncStreamRequestHandler() = default;

  virtual Task<void> setup() { return {}; }  // an empty task: nothing to do
  virtual Task<void> handle() = 0;
  virtual Task<void> finish() { return {}; }

  AsyncStream request;
  Address client_address;
  AsyncBaseServer* server = nullptr;
};

// What the server does for one datagram, as above.
class AsyncDatagramRequestHandler {
 public:
  AsyncDatagramRequestHandler() = default;
  AsyncDatagramRequestHandler(const AsyncDatagramRequestHandler&) = delete;
  AsyncDatagramRequestHandler& operator=(const AsyncDatagramRequestHandler&) = delete;
  virtual ~AsyncDatagramRequestHandler() = default;

  virtual Task<void> setup() { return {}; }
  virtual Task<void> handle() = 0;
  virtual Task<void> finish() { return {}; }

  // Sends a datagram to the client, with the others of this round: at most 65,507 bytes (else it
  // throws LimitExceeded), copied. That it arrives, nobody promises; see AsyncCounters::lost.
  void reply(Octets datagram) const;
  // `co_await sleep(100ms);` Throws ServerClosed when the server ends what is left.
  class Sleep;
  [[nodiscard]] Sleep sleep(std::chrono::milliseconds time) const;

  // The datagram, the handler's own as long as it lives. Empty is a datagram too.
  std::span<char> packet;
  // It was longer than max_packet_size, and only its beginning is here.
  bool truncated = false;
  Address client_address;
  AsyncBaseServer* server = nullptr;

 private:
  friend class detail::DatagramJob;
  detail::DatagramJob* job_ = nullptr;
};

class [[nodiscard]] AsyncDatagramRequestHandler::Sleep {
 public:
  Sleep(detail::DatagramJob& job, std::int64_t ms) : job_(job), ms_(ms) {}
  [[nodiscard]] bool await_ready() const { return false; }
  bool await_suspend(std::coroutine_handle<> handle);
  void await_resume() const;

 private:
  detail::DatagramJob& job_;
  std::int64_t ms_;
};

// Limits are off when 0, but for those that say what they are.
struct AsyncOptions {
  std::size_t threads = 0;  // each with its loop; 0: one per core
  int request_queue_size = 1024;
  // How many connections at once, of all and of one address (IPv4 or IPv6). More are closed as soon
  // as they come, and counted.
  std::size_t max_connections = 0;
  std::size_t max_connections_per_address = 0;
  // A connection that waits for its peer, and on which nothing has moved for so long, is ended; one
  // that has not sent its first byte after so long too.
  std::chrono::milliseconds idle_timeout{0};
  std::chrono::milliseconds first_byte_timeout{0};
  // What push() may keep for one connection.
  std::size_t max_queued_bytes = 1024 * 1024;
  // After shutdown(): how long handlers may go on until their connections are ended. Negative: for
  // ever.
  std::chrono::milliseconds drain_timeout{10'000};
  std::size_t pool_threads = 4;  // of run_blocking(); started when it is first used
  // Datagrams: what of one is read; how many handlers may be waiting, beyond which no datagram is
  // taken and the system's own queue fills.
  std::size_t max_packet_size = 65'507;
  std::size_t max_pending_datagrams = 1024;
};

// Since the server was made. Read one by one: they need not fit each other to the last.
struct AsyncCounters {
  std::uint64_t accepted = 0;   // connections, or datagrams, handed to a handler
  std::uint64_t open = 0;       // of them, whose handler has not ended
  std::uint64_t refused = 0;    // by a limit, or by verify_request()
  std::uint64_t failed = 0;     // whose handler threw
  std::uint64_t timed_out = 0;  // ended by idle_timeout or first_byte_timeout
  std::uint64_t received_bytes = 0;
  std::uint64_t sent_bytes = 0;
  std::uint64_t truncated = 0;  // datagrams that were longer than max_packet_size
  std::uint64_t lost = 0;       // replies that the system would not take
};

namespace detail {

// What run_blocking() hands to the pool.
class BlockingJob {
 public:
  BlockingJob(const BlockingJob&) = delete;
  BlockingJob& operator=(const BlockingJob&) = delete;
  [[nodiscard]] bool await_ready() const { return false; }
  void await_suspend(std::coroutine_handle<> handle);

 protected:
  explicit BlockingJob(AsyncBaseServer& server) : server_(server) {}
  ~BlockingJob();
  virtual void run() noexcept = 0;

 private:
  struct Core;
  AsyncBaseServer& server_;
  alignas(std::max_align_t) std::byte core_[96];
  bool begun_ = false;
};

template <class Fn>
class [[nodiscard]] BlockingOp final : public BlockingJob {
  using Value = std::invoke_result_t<Fn&>;
  using Stored = std::conditional_t<std::is_void_v<Value>, std::true_type, Value>;

 public:
  template <class From>
  BlockingOp(AsyncBaseServer& server, From&& fn)
      : BlockingJob(server), fn_(std::forward<From>(fn)) {}
  Value await_resume() {
    if (outcome_.index() == 2) std::rethrow_exception(std::get<2>(std::move(outcome_)));
    if constexpr (!std::is_void_v<Value>) return std::get<1>(std::move(outcome_));
  }

 private:
  void run() noexcept override {
    try {
      if constexpr (std::is_void_v<Value>) {
        fn_();
        outcome_.template emplace<1>();
      } else {
        outcome_.template emplace<1>(fn_());
      }
    } catch (...) {
      outcome_.template emplace<2>(std::current_exception());
    }
  }

  Fn fn_;
  std::variant<std::monostate, Stored, std::exception_ptr> outcome_;
};

}  // namespace detail

// What all event-driven servers are.
class AsyncBaseServer {
 public:
  AsyncBaseServer(const AsyncBaseServer&) = delete;
  AsyncBaseServer& operator=(const AsyncBaseServer&) = delete;
  // Not while serve_forever() runs.
  virtual ~AsyncBaseServer();

  // Serves on this thread, and on threads - 1 of its own, until shutdown(); then stops accepting,
  // ends the connections that are idle, waits for the other handlers as long as drain_timeout says,
  // ends the rest, and returns when the last handler has ended. May be called again.
  void serve_forever();
  // Asks serve_forever() to return, and does not wait for it. Called before it, that one returns at
  // once. Any thread, any handler, and from a signal's handler too.
  void shutdown() noexcept;
  // Gives the address up; the destructor does it too. While serve_forever() runs it throws Error.
  void server_close();

  // Where it listens: port 0 became a number.
  [[nodiscard]] Address server_address() const;
  [[nodiscard]] int fileno() const;              // -1: closed
  [[nodiscard]] AsyncCounters counters() const;  // any thread
  [[nodiscard]] const AsyncOptions& options() const;
  // How many connections each loop has open; any thread.
  [[nodiscard]] std::vector<std::size_t> open_per_thread() const;

  // `auto row = co_await server->run_blocking(query);` calls it on a thread of the pool, and goes
  // on, with its value or its exception, on the handler's own thread. The function is moved into
  // the coroutine's frame; what it refers to must outlive the co_await. It cannot be cut short.
  template <class Fn>
  [[nodiscard]] detail::BlockingOp<std::decay_t<Fn>> run_blocking(Fn&& fn) {
    return {*this, std::forward<Fn>(fn)};
  }

  // --- to be overridden; they must not block ---

  // Whether to serve this client. By default everyone. On the accepting thread, for connections; on
  // the loop's, for datagrams.
  virtual bool verify_request(const Address& client_address);
  // What left a handler, on its thread. By default printed to standard error.
  virtual void handle_error(const RequestFailure& failure);
  // Trouble of the server itself: connections turned away and accept() that failed, each at most
  // once a second. By default printed to standard error.
  virtual void handle_trouble(const std::string& message);
  // About every half second while it serves, on the thread of serve_forever().
  virtual void service_actions();

  class Core;

 protected:
  explicit AsyncBaseServer(std::unique_ptr<Core> core);

 private:
  friend class Core;
  friend class detail::BlockingJob;
  std::unique_ptr<Core> core_;
};

class AsyncTCPServer : public AsyncBaseServer {
 public:
  using Factory = std::function<std::unique_ptr<AsyncStreamRequestHandler>()>;
  // Listens at once. Throws AddressInUse (the message says who has it, where that can be known),
  // AddressNotOurs, PermissionDenied, Error. `factory` is called on the loops' threads.
  AsyncTCPServer(const Address& address, Factory factory, const AsyncOptions& options = {});
};

class AsyncUnixStreamServer : public AsyncBaseServer {
 public:
  using Factory = AsyncTCPServer::Factory;
  // The path of the socket's file, which is removed at the end. One that nobody listens on any
  // more is replaced.
  AsyncUnixStreamServer(const std::string& path, Factory factory, const AsyncOptions& options = {});
};

class AsyncUDPServer : public AsyncBaseServer {
 public:
  using Factory = std::function<std::unique_ptr<AsyncDatagramRequestHandler>()>;
  AsyncUDPServer(const Address& address, Factory factory, const AsyncOptions& options = {});
};

}  // namespace socketserver
