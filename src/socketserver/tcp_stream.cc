#include "socketserver/tcp_stream.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <array>
#include <cassert>
#include <cerrno>
#include <utility>

namespace socketserver {

skein::Result<std::unique_ptr<TcpStream>> TcpStream::adopt(Loop& loop, skein::Descriptor socket) {
  const int flags = fcntl(socket.get(), F_GETFL);
  if (flags < 0 || fcntl(socket.get(), F_SETFL, flags | O_NONBLOCK) != 0) {
    return skein::fail_errno(errno, "making a socket non-blocking");
  }
  const Address peer = Address::of_peer(socket.get());
  return adopt(loop, std::move(socket), peer);
}

skein::Result<std::unique_ptr<TcpStream>> TcpStream::adopt(Loop& loop, skein::Descriptor socket,
                                                           const Address& peer) {
  std::unique_ptr<TcpStream> stream(new TcpStream(loop, std::move(socket), peer));
  TRY(stream->begin());
  return stream;
}

skein::Result<void> TcpStream::begin() {
  if (peer_.family() == AF_INET || peer_.family() == AF_INET6) {
    // An answer is written in one piece here; Nagle could only hold it back. If it fails the
    // connection is gone, which the first read will say better.
    const int on = 1;
    setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  }
  return loop().watch(socket_.get(), *this);
}

TcpStream::TcpStream(Loop& loop, skein::Descriptor socket, const Address& peer)
    : Stream(loop), Watch(&TcpStream::on_ready), socket_(std::move(socket)), peer_(peer) {}

TcpStream::~TcpStream() {
  close_once(false);
}

Address TcpStream::local_address() const {
  return Address::of_socket(socket_.get());
}

skein::Descriptor TcpStream::release() {
  loop().unwatch(socket_.get(), *this);
  skein::Descriptor socket = std::move(socket_);
  close_once(false);
  return socket;
}

void TcpStream::on_ready(Watch& watch, std::uint32_t events) {
  auto& self = static_cast<TcpStream&>(watch);
  const bool ending = (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  if (ending) self.ending_ = true;
  self.now_ready(ending || (events & EPOLLIN) != 0,
                 (events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0);
}

Attempt TcpStream::failed_attempt(int code, Attempt::State wanted) {
  Attempt tried;
  tried.state = code == EAGAIN ? wanted : Attempt::State::kFailed;
  tried.code = code;
  return tried;
}

Attempt TcpStream::try_peek() {
  std::byte one{};
  ssize_t got = 0;
  do {
    got = ::recv(socket_.get(), &one, 1, MSG_PEEK);
  } while (got < 0 && errno == EINTR);
  if (got >= 0 || errno != EAGAIN) return {};  // an error is for the read that follows to tell
  return failed_attempt(EAGAIN, Attempt::State::kWantRead);
}

ssize_t TcpStream::send_several(std::span<const skein::Bytes> parts) const {
  std::array<iovec, Parts::kMax> vectors{};
  msghdr message{};
  message.msg_iov = vectors.data();
  for (const skein::Bytes part : parts) {
    vectors[message.msg_iovlen++] = {const_cast<std::byte*>(part.data()), part.size()};
  }
  return ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
}

Attempt TcpStream::try_unsent() {
  int unsent = 0;
  if (ioctl(socket_.get(), SIOCOUTQ, &unsent) != 0) {
    return failed_attempt(errno, Attempt::State::kFailed);
  }
  // A reset empties the queue too. The error is asked for second: a reset in between would only
  // come after everything had been acknowledged.
  int code = 0;
  socklen_t size = sizeof(code);
  if (getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &code, &size) == 0 && code != 0) {
    return failed_attempt(code, Attempt::State::kFailed);
  }
  Attempt tried;
  tried.bytes = static_cast<std::size_t>(unsent);
  return tried;
}

skein::Result<void> TcpStream::do_shutdown_write() {
  if (::shutdown(socket_.get(), SHUT_WR) == 0) return {};
  return skein::pass(failure(errno, "ending the connection to"));
}

void TcpStream::do_close(bool by_reset) {
  if (!socket_) return;  // released
  if (by_reset) {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  }
  loop().unwatch(socket_.get(), *this);
  socket_.reset();
}

}  // namespace socketserver
