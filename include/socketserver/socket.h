// Socket: one blocking socket and its owner. One thread at a time, but for sendto() of a datagram
// socket, which several may call at once.
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "socketserver/address.h"

namespace socketserver {

namespace detail {
class Ticket;
}  // namespace detail

// A datagram as it was received.
struct Datagram {
  std::string data;
  bool truncated = false;  // it was longer than was asked for: data is its beginning
  Address from;            // none: the sender has no address to be answered at
};

class Socket {
 public:
  using Timeout = std::optional<std::chrono::milliseconds>;  // nullopt: wait for ever
  using TimePoint = std::chrono::steady_clock::time_point;

  Socket();
  explicit Socket(int fd, Timeout timeout = {});  // takes ownership
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&& other) noexcept;
  ~Socket();

  // A client's end, TCP or Unix, once it is connected. Throws ConnectionRefused, TimeoutError,
  // another ConnectionError, or AddressError. The timeout stays for later calls.
  static Socket connect(const Address& address, Timeout timeout = {});
  // A datagram socket (UDP or Unix) that is bound to `near`: Address::loopback() for one of this
  // machine's own with a port that the system chooses.
  static Socket datagram(const Address& near, Timeout timeout = {});
  // A datagram socket with one peer, which it sends to and hears of alone. Nothing is sent by it.
  static Socket connected_datagram(const Address& peer, Timeout timeout = {});

  [[nodiscard]] int fileno() const { return fd_; }  // -1: closed
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  [[nodiscard]] Address local_address() const;
  [[nodiscard]] Address peer_address() const;

  // Of every call from now on; reached, it throws TimeoutError. A send counts it anew whenever the
  // peer has taken something.
  void set_timeout(Timeout timeout) { timeout_ = timeout; }
  [[nodiscard]] Timeout timeout() const { return timeout_; }
  // Now and the timeout: when a call that begins now must be done.
  [[nodiscard]] std::optional<TimePoint> deadline() const;

  // What is there, from 1 byte on; waits for it. `into` is not empty. 0: the peer has ended its
  // side. Throws ConnectionReset, TimeoutError, Error.
  std::size_t recv(std::span<char> into) { return recv(into, deadline()); }
  std::size_t recv(std::span<char> into, std::optional<TimePoint> until);
  // The same as text, of at most that many bytes (1 or more); empty: the end.
  std::string recv(std::size_t max_bytes);
  // All of it, or it throws: ConnectionReset, ConnectionClosed (the connection has ended),
  // TimeoutError. Then it is unknown how much of it went.
  void sendall(std::string_view bytes);
  // Ends our side: the peer reads what was sent, then the end.
  void shutdown_write();
  // A TCP connection sends small pieces at once.
  void disable_nagle_algorithm();

  // One datagram, which may be empty; to the connected peer, or to `to`. That nobody is there is no
  // error; one that is told of it by the peer's machine (only a connected socket is) throws
  // ConnectionRefused at a later call. Throws LimitExceeded when it is too large for the path.
  void send(std::string_view datagram);
  void sendto(std::string_view datagram, const Address& to);
  // The next one: never more than one, never a part without `truncated`.
  [[nodiscard]] Datagram recvfrom(std::size_t max_bytes = 65'507);

  void close() noexcept;
  [[nodiscard]] int release() noexcept;  // gives the descriptor up, open

 private:
  friend class BaseServer;

  void wait(short events, std::optional<TimePoint> until, const char* doing) const;
  void send_datagram(std::string_view datagram, const Address* to);

  int fd_ = -1;
  Timeout timeout_;
  // Of a connection that a server counts: given back before the descriptor is closed, or when its
  // request has ended, wherever the socket is then.
  std::shared_ptr<detail::Ticket> ticket_;
};

}  // namespace socketserver
