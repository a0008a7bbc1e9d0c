// Server: accepts connections on one loop and runs one coroutine for each, behind one boundary
// where everything that a handler throws ends. The loop's thread only, except counters().
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <string>

#include "base/descriptor.h"
#include "base/result.h"
#include "socketserver/acceptor.h"
#include "socketserver/endpoint.h"
#include "socketserver/loop.h"
#include "socketserver/stream.h"
#include "socketserver/sync.h"
#include "socketserver/task.h"

namespace socketserver {

// What escaped a handler, as an Error: a skein::Error as it is, a std::system_error by its code,
// anything else kInternal with its type and message.
skein::Error error_from(std::exception_ptr exception);

struct ServerOptions {
  int backlog = 1024;
  std::size_t max_connections = 4096;
  // Told of what escapes a handler; and, at most once a second each, of connections turned away
  // (kTooMany) and of an accept() that failed. `peer` may be empty.
  std::function<void(const skein::Error& error, const std::string& peer)> on_error;
};

struct ServerCounters {
  std::uint64_t accepted = 0;  // handed to a handler
  std::uint64_t open = 0;      // of them, whose handler has not ended
  std::uint64_t refused = 0;   // closed at once: max_connections
  std::uint64_t failed = 0;    // whose handler threw
};

class Server {
 public:
  // Owns the connection; when the task ends, it is over. The Server outlives every task and keeps
  // the handler as long, so its captures live long enough; its parameters are the coroutine's.
  using Handler = std::function<Task<void>(std::unique_ptr<Stream>)>;

  // Listens at once, and accepts as soon as the loop runs. Errors: see listen_on().
  static skein::Result<std::unique_ptr<Server>> listen(Loop& loop, const Endpoint& endpoint,
                                                       Handler handler, ServerOptions options = {});
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  ~Server();  // drained, or no connection is open

  // Where it really listens: port 0 became a number.
  [[nodiscard]] Address address() const { return address_; }

  // Stops accepting at once and cancels idle streams (Stream::set_idle); waits until all handlers
  // have ended, after `timeout_ms` (< 0: no limit) cancels every stream, and waits for the rest.
  Task<void> drain(std::int64_t timeout_ms);
  [[nodiscard]] bool draining() const { return stopping_.is_set(); }
  // Set when drain() begins: for handlers that wait for something else than their stream.
  [[nodiscard]] Event& stopping() { return stopping_; }

  // Any thread.
  [[nodiscard]] ServerCounters counters() const;

 private:
  Server(Loop& loop, skein::Descriptor listener, Handler handler, ServerOptions options);
  void take(skein::Descriptor socket, const Address& peer);
  Task<void> serve(Gate::Pass pass, std::unique_ptr<Stream> stream, Address peer);
  void tell(const skein::Error& error, const std::string& peer);

  Loop& loop_;
  Address address_;
  Handler handler_;
  ServerOptions options_;
  Acceptor acceptor_;
  StreamSet streams_;
  Gate gate_;
  Event stopping_;
  Event all_left_;
  std::atomic<std::uint64_t> accepted_ = 0;
  std::atomic<std::uint64_t> open_ = 0;
  std::atomic<std::uint64_t> refused_ = 0;
  std::atomic<std::uint64_t> failed_ = 0;
};

}  // namespace socketserver
