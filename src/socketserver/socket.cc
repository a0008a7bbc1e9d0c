#include "socketserver/socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>

#include "base/text.h"
#include "socketserver/bind.h"
#include "socketserver/error.h"
#include "socketserver/raise.h"
#include "socketserver/registry.h"

namespace socketserver {

using skein::concat;
using std::chrono::milliseconds;

namespace {

bool would_block(int code) {
  return code == EAGAIN || code == EWOULDBLOCK;
}

// Of blocking connect(), which is the one call that has no flag for one time.
void set_send_timeout(int fd, Socket::Timeout timeout) {
  timeval time{};
  if (timeout) {
    // Zero would mean for ever.
    const auto ms = std::max<milliseconds::rep>(timeout->count(), 1);
    time.tv_sec = ms / 1000;
    time.tv_usec = ms % 1000 * 1000;
  }
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &time, sizeof(time));
}

[[noreturn]] void throw_timeout(const char* doing, Socket::Timeout timeout) {
  const std::string words =
      timeout ? concat(" within ", std::to_string(timeout->count()), " ms") : "";
  throw TimeoutError(ETIMEDOUT, concat(doing, " was not done", words));
}

}  // namespace

Socket::Socket() = default;
Socket::Socket(int fd, Timeout timeout) : fd_(fd), timeout_(timeout) {}
Socket::Socket(Socket&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      timeout_(other.timeout_),
      ticket_(std::move(other.ticket_)) {}
Socket& Socket::operator=(Socket&& other) noexcept {
  if (this == &other) return *this;
  close();
  fd_ = std::exchange(other.fd_, -1);
  timeout_ = other.timeout_;
  ticket_ = std::move(other.ticket_);
  return *this;
}
Socket::~Socket() {
  close();
}

Socket Socket::connect(const Address& address, Timeout timeout) {
  const std::string doing = concat("connecting to ", address.text());
  Socket socket(::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, 0), timeout);
  if (!socket.is_open()) throw_system_error(errno, doing);
  const auto until = socket.deadline();
  set_send_timeout(socket.fd_, timeout);
  int code = ::connect(socket.fd_, address.get(), address.size()) == 0 ? 0 : errno;
  if (code == EINTR) {
    // It goes on by itself; the socket is writable when it is over.
    socket.wait(POLLOUT, until, doing.c_str());
    socklen_t size = sizeof(code);
    getsockopt(socket.fd_, SOL_SOCKET, SO_ERROR, &code, &size);
  }
  if (code == EINPROGRESS || would_block(code)) throw_timeout(doing.c_str(), timeout);
  if (code != 0) throw_system_error(code, doing);
  set_send_timeout(socket.fd_, {});
  return socket;
}

Socket Socket::datagram(const Address& near, Timeout timeout) {
  auto bound = bind_socket(near, {.type = SOCK_DGRAM});
  if (!bound) raise(bound.error());
  return Socket(bound->release(), timeout);
}

Socket Socket::connected_datagram(const Address& peer, Timeout timeout) {
  Socket socket(::socket(peer.family(), SOCK_DGRAM | SOCK_CLOEXEC, 0), timeout);
  if (!socket.is_open() || ::connect(socket.fd_, peer.get(), peer.size()) != 0) {
    throw_system_error(errno, concat("connecting to ", peer.text()));
  }
  return socket;
}

Address Socket::local_address() const {
  return Address::of_socket(fd_);
}
Address Socket::peer_address() const {
  return Address::of_peer(fd_);
}

std::optional<Socket::TimePoint> Socket::deadline() const {
  constexpr std::chrono::hours kLongest(24 * 36'500);  // longer is for ever
  if (!timeout_ || *timeout_ > kLongest) return std::nullopt;
  return std::chrono::steady_clock::now() + *timeout_;
}

void Socket::wait(short events, std::optional<TimePoint> until, const char* doing) const {
  pollfd one = {.fd = fd_, .events = events, .revents = 0};
  while (true) {
    int ms = -1;
    if (until) {
      const auto left =
          std::chrono::ceil<milliseconds>(*until - std::chrono::steady_clock::now()).count();
      ms = static_cast<int>(std::clamp<milliseconds::rep>(left, 0, INT_MAX));
    }
    const int ready = ::poll(&one, 1, ms);
    if (ready > 0) return;
    if (ready == 0) throw_timeout(doing, timeout_);
    if (errno != EINTR) throw_system_error(errno, doing);
  }
}

std::size_t Socket::recv(std::span<char> into, std::optional<TimePoint> until) {
  const int flags = until ? MSG_DONTWAIT : 0;
  while (true) {
    const ssize_t got = ::recv(fd_, into.data(), into.size(), flags);
    if (got >= 0) return static_cast<std::size_t>(got);
    if (would_block(errno)) {
      wait(POLLIN, until, "reading");
    } else if (errno != EINTR) {
      throw_system_error(errno, "reading");
    }
  }
}

std::string Socket::recv(std::size_t max_bytes) {
  std::string text(max_bytes, '\0');
  text.resize(recv(std::span(text)));
  return text;
}

void Socket::sendall(std::string_view bytes) {
  auto until = deadline();
  const int flags = MSG_NOSIGNAL | (until ? MSG_DONTWAIT : 0);
  while (!bytes.empty()) {
    const ssize_t put = ::send(fd_, bytes.data(), bytes.size(), flags);
    if (put >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(put));
      if (!bytes.empty()) until = deadline();
    } else if (would_block(errno)) {
      wait(POLLOUT, until, "writing");
    } else if (errno != EINTR) {
      throw_system_error(errno, "writing");
    }
  }
}

void Socket::shutdown_write() {
  if (::shutdown(fd_, SHUT_WR) != 0) throw_system_error(errno, "ending the connection");
}

void Socket::disable_nagle_algorithm() {
  const int on = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

void Socket::send_datagram(std::string_view datagram, const Address* to) {
  const auto until = deadline();
  const int flags = MSG_NOSIGNAL | (until ? MSG_DONTWAIT : 0);
  const sockaddr* const name = to == nullptr ? nullptr : to->get();
  const socklen_t name_size = to == nullptr ? 0 : to->size();
  while (::sendto(fd_, datagram.data(), datagram.size(), flags, name, name_size) < 0) {
    const int code = errno;
    if (would_block(code)) {
      wait(POLLOUT, until, "sending a datagram");
    } else if (code != EINTR) {
      throw_system_error(code,
                         concat("sending a datagram of ", std::to_string(datagram.size()), " bytes",
                                to == nullptr ? "" : " to ", to == nullptr ? "" : to->text()));
    }
  }
}

void Socket::send(std::string_view datagram) {
  send_datagram(datagram, nullptr);
}
void Socket::sendto(std::string_view datagram, const Address& to) {
  send_datagram(datagram, &to);
}

Datagram Socket::recvfrom(std::size_t max_bytes) {
  const auto until = deadline();
  Datagram datagram;
  datagram.data.resize(max_bytes);
  sockaddr_storage from{};
  iovec part = {.iov_base = datagram.data.data(), .iov_len = max_bytes};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  while (true) {
    message.msg_name = &from;
    message.msg_namelen = sizeof(from);
    const ssize_t got = ::recvmsg(fd_, &message, until ? MSG_DONTWAIT : 0);
    if (got >= 0) {
      datagram.data.resize(static_cast<std::size_t>(got));
      datagram.truncated = (message.msg_flags & MSG_TRUNC) != 0;
      datagram.from =
          Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&from), message.msg_namelen);
      return datagram;
    }
    if (would_block(errno)) {
      wait(POLLIN, until, "receiving a datagram");
    } else if (errno != EINTR) {
      throw_system_error(errno, "receiving a datagram");
    }
  }
}

void Socket::close() noexcept {
  if (ticket_) std::exchange(ticket_, nullptr)->give_back();
  const int fd = std::exchange(fd_, -1);
  if (fd >= 0) ::close(fd);
}

int Socket::release() noexcept {
  if (ticket_) std::exchange(ticket_, nullptr)->give_back();
  return std::exchange(fd_, -1);
}

}  // namespace socketserver
