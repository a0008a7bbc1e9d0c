// Blocking servers: one request at a time, or one thread for each (Threading...).
//
//     socketserver::ThreadingTCPServer server({"127.0.0.1", 9999}, socketserver::handler<Upper>);
//     server.serve_forever();
//
// Threads: serve_forever() and handle_request() on one thread at a time; shutdown(), counters(),
// stopping() on any; server_close() on any but a handler's. Everything thrown is of error.h.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "socketserver/address.h"
#include "socketserver/error.h"
#include "socketserver/handler.h"
#include "socketserver/socket.h"

namespace socketserver {

// Attributes of a server. Given to its constructor, as { .request_queue_size = 5 }, or set later,
// but not while it serves.
struct ServerSettings {
  // --- read by the constructor ---
  // False: the address is not bound, so that a class that overrides server_bind() or
  // server_activate() can call them when it is complete: a constructor does not call overrides.
  bool bind_and_activate = true;
  // An address whose last connections the system still remembers can be had. nullopt: yes for TCP,
  // no for UDP, where it would let two servers have one port.
  std::optional<bool> allow_reuse_address{};
  // Several servers that all say so share the port, and the system deals the requests out.
  bool allow_reuse_port = false;
  int request_queue_size = 128;  // connections that wait in the system to be accepted

  // --- while serving ---
  Socket::Timeout timeout{};             // how long handle_request() waits; nullopt: for ever
  std::size_t max_packet_size = 65'507;  // bytes of a datagram that are kept
  // How long one read or write of a request may wait for its peer, unless its handler says
  // otherwise; nullopt: for ever. Of a datagram server: as it was when it was bound.
  Socket::Timeout request_timeout{};
  // Requests, and so threads, at once; 0: no limit. While there are as many, newcomers wait in the
  // system's queue, and datagrams in its buffer as long as there is room.
  std::size_t max_connections = 1024;
  // Connections of one IP address; more are closed at once and counted as refused. 0: no limit.
  std::size_t max_connections_per_address = 0;

  // --- server_close() ---
  // How long it waits for handlers to end by themselves; then it shuts their connections down,
  // which ends what they read and write, and waits for them to notice. nullopt: for ever.
  Socket::Timeout drain_timeout{std::chrono::seconds(10)};
  bool daemon_threads = false;  // handlers get no such time: as if drain_timeout were 0
  bool block_on_close = true;   // false: not server_close() waits for threads, but the destructor
};

// Since the server was made. Read one by one: they need not fit each other to the last.
struct ServerStatistics {
  std::uint64_t accepted = 0;   // connections or datagrams that came in
  std::uint64_t open = 0;       // of them, not closed yet
  std::uint64_t refused = 0;    // by verify_request() or max_connections_per_address
  std::uint64_t failed = 0;     // whose handler threw
  std::uint64_t truncated = 0;  // datagrams that were longer than max_packet_size
  std::uint64_t troubles = 0;   // accept() that failed: see handle_trouble()
};

class BaseServer : public ServerSettings {
 public:
  // Makes the handler of one request; called on the thread that serves it.
  using Factory = std::function<std::unique_ptr<BaseRequestHandler>()>;

  BaseServer(const BaseServer&) = delete;
  BaseServer& operator=(const BaseServer&) = delete;
  // Does server_close(), whatever block_on_close says. Handlers may run until then: a class of
  // yours that overrides what they call (finish_request() to handle_error()) calls server_close()
  // in its own destructor, with block_on_close.
  virtual ~BaseServer();

  // Serves until shutdown(). Calls service_actions() after every request, and at least once every
  // `poll_interval`. Throws ServerClosed after server_close().
  void serve_forever(std::chrono::milliseconds poll_interval = std::chrono::milliseconds(500));
  // Serves one request; waits for it as long as `timeout` says, then calls handle_timeout().
  void handle_request();
  // serve_forever() returns after the request that it is at; does not wait for it. Called before
  // it, that one returns at once, and so it goes with handle_request(). Any thread, any handler,
  // and from a signal's handler too.
  void shutdown() noexcept;
  // shutdown(); then gives the address up, removes the Unix socket's file, and ends what still
  // runs: see drain_timeout. Nothing happens if it was done before.
  virtual void server_close();

  // Where it listens: port 0 became a number. Unchanged after server_close().
  [[nodiscard]] const Address& server_address() const;
  [[nodiscard]] int fileno() const;  // -1: not bound, or closed
  [[nodiscard]] int address_family() const { return server_address().family(); }
  [[nodiscard]] int socket_type() const;  // SOCK_STREAM or SOCK_DGRAM
  // Of a datagram server: any handler may sendto() by it.
  [[nodiscard]] Socket& socket();
  [[nodiscard]] ServerStatistics counters() const;
  // After shutdown(): for handlers that work long without their connection.
  [[nodiscard]] bool stopping() const;

  // --- to be overridden ---

  virtual void server_bind();
  virtual void server_activate();
  // The next one, with the client's address; nullopt: it went away. Throws Error.
  virtual std::optional<std::pair<Request, Address>> get_request() = 0;
  // Whether to serve it; false: it is closed, and counted.
  virtual bool verify_request(const Request& request, const Address& client_address);
  // Sees to it that serve_request() is called, here or elsewhere.
  virtual void process_request(Request request, const Address& client_address);
  // Makes the handler and runs it, throwing what it throws.
  virtual void finish_request(Request& request, const Address& client_address);
  // Ends the connection in an orderly way, then close_request().
  virtual void shutdown_request(Request& request);
  virtual void close_request(Request& request);
  // What left a handler. By default printed to standard error, as one line.
  virtual void handle_error(const RequestFailure& failure);
  // Trouble of the server itself, out of descriptors for example, at most once a second. It serves
  // on. By default printed to standard error.
  virtual void handle_trouble(const Error& error);
  virtual void handle_timeout() {}
  virtual void service_actions() {}

 protected:
  BaseServer(const Address& address, int type, Factory factory, const ServerSettings& settings);
  // For the constructors of servers that can: what bind_and_activate stands for.
  void bind_and_listen();
  // finish_request(), handle_error() if it throws, shutdown_request(). Throws nothing.
  void serve_request(Request& request, const Address& client_address) noexcept;
  // For get_request(): takes the connection over and counts it, as long as it is open; nullopt when
  // its address has too many already, and then it is closed.
  std::optional<Request> admit(int fd, const Address& client_address);
  Request admit_datagram(std::string packet, bool truncated);

 private:
  struct Core;

  enum class Woken : std::uint8_t { kRequest, kTime, kStop };
  Woken wait_for_request(std::optional<Socket::TimePoint> until);
  void handle_one() noexcept;
  void tell_trouble(const Error& error) noexcept;
  void tell_failure(std::exception_ptr exception, const Address& peer,
                    const std::string& step) noexcept;

  std::unique_ptr<Core> core_;
};

class TCPServer : public BaseServer {
 public:
  // Listens at once. Throws AddressInUse (the message says who has it, where that can be known),
  // AddressNotOurs, PermissionDenied, Error.
  TCPServer(const Address& address, Factory factory, const ServerSettings& settings = {});

  std::optional<std::pair<Request, Address>> get_request() override;
};

class UDPServer : public BaseServer {
 public:
  UDPServer(const Address& address, Factory factory, const ServerSettings& settings = {});

  std::optional<std::pair<Request, Address>> get_request() override;

 private:
  std::string buffer_;
};

// The path of the socket's file. One that nobody listens on any more is replaced, one of a living
// server is AddressInUse. It is removed by server_close().
class UnixStreamServer : public TCPServer {
 public:
  UnixStreamServer(std::string_view path, Factory factory, const ServerSettings& settings = {});
};

class UnixDatagramServer : public UDPServer {
 public:
  UnixDatagramServer(std::string_view path, Factory factory, const ServerSettings& settings = {});
};

namespace detail {

// Threads that are all joined. start() and join_finished() on one thread at a time.
class ThreadGroup {
 public:
  ThreadGroup();
  ThreadGroup(const ThreadGroup&) = delete;
  ThreadGroup& operator=(const ThreadGroup&) = delete;
  ~ThreadGroup();  // joins all

  void start(std::function<void()> body);  // throws std::system_error when there can be no more
  void join_finished();
  void join_all();
  [[nodiscard]] std::size_t size() const;  // any thread; those that ended and were not joined too

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace detail

// Makes any of the servers serve each request on a thread of its own: at most max_connections, all
// of them joined, none detached.
template <class Server>
class ThreadingMixIn : public Server {
 public:
  using Server::Server;
  ~ThreadingMixIn() override {
    this->block_on_close = true;
    ThreadingMixIn::server_close();
  }

  void process_request(Request request, const Address& client_address) override {
    threads_.join_finished();
    auto shared = std::make_shared<Request>(std::move(request));
    threads_.start([this, shared = std::move(shared), client_address] {
      this->serve_request(*shared, client_address);
    });
  }
  void server_close() override {
    Server::server_close();
    if (this->block_on_close) threads_.join_all();
  }
  // Threads that were started and not joined yet; any thread.
  [[nodiscard]] std::size_t threads() const { return threads_.size(); }

 private:
  detail::ThreadGroup threads_;
};

using ThreadingTCPServer = ThreadingMixIn<TCPServer>;
using ThreadingUDPServer = ThreadingMixIn<UDPServer>;
using ThreadingUnixStreamServer = ThreadingMixIn<UnixStreamServer>;
using ThreadingUnixDatagramServer = ThreadingMixIn<UnixDatagramServer>;

}  // namespace socketserver
