#include "socketserver/datagram.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <utility>

#include "base/text.h"

namespace socketserver {

using skein::concat;

namespace {

skein::Result<skein::Descriptor> open_socket(const Address& for_address, std::string_view doing) {
  skein::Descriptor socket(
      ::socket(for_address.family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return skein::fail_errno(errno, concat(doing, " ", for_address.text()));
  return socket;
}

}  // namespace

DatagramBatch::DatagramBatch(std::size_t datagrams, std::size_t max_bytes)
    : max_bytes_(max_bytes),
      bytes_(std::make_unique_for_overwrite<std::byte[]>(datagrams * max_bytes)),
      vectors_(datagrams),
      names_(datagrams),
      heads_(datagrams) {
  assert(datagrams > 0 && datagrams <= kMaxDatagrams && max_bytes > 0);
  for (std::size_t i = 0; i < datagrams; ++i) {
    vectors_[i] = {bytes_.get() + i * max_bytes, max_bytes};
    msghdr& head = heads_[i].msg_hdr;
    head.msg_iov = &vectors_[i];
    head.msg_iovlen = 1;
    head.msg_name = &names_[i];
    head.msg_namelen = sizeof(sockaddr_storage);
  }
}

Address DatagramBatch::peer(std::size_t i) const {
  if (peer_name_bytes(i) < sizeof(sa_family_t)) return {};  // an unnamed Unix socket
  return Address::from_sockaddr(peer_name(i), peer_name_bytes(i));
}

skein::Result<std::unique_ptr<DatagramSocket>> DatagramSocket::bind(Loop& loop,
                                                                    const Address& near) {
  TRY_ASSIGN(skein::Descriptor socket, open_socket(near, "taking the datagram address"));
  if (near.family() == AF_INET6) {
    const int off = 0;
    setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
  }
  if (::bind(socket.get(), near.get(), near.size()) != 0) {
    if (errno == EADDRINUSE) {
      return skein::pass(
          skein::Error(skein::kBusy, concat("datagrams to ", near.text(), " are taken already"))
              .with_hint("choose another port, or end the program that has this one"));
    }
    return skein::fail_errno(errno, concat("taking the datagram address ", near.text()));
  }
  return adopt(loop, std::move(socket));
}

skein::Result<std::unique_ptr<DatagramSocket>> DatagramSocket::connect(Loop& loop,
                                                                       const Address& peer) {
  TRY_ASSIGN(skein::Descriptor socket, open_socket(peer, "sending datagrams to"));
  if (::connect(socket.get(), peer.get(), peer.size()) != 0) {
    return skein::fail_errno(errno, concat("sending datagrams to ", peer.text()));
  }
  return adopt(loop, std::move(socket));
}

skein::Result<std::unique_ptr<DatagramSocket>> DatagramSocket::adopt(Loop& loop,
                                                                     skein::Descriptor socket) {
  const int flags = fcntl(socket.get(), F_GETFL);
  if (flags < 0 || fcntl(socket.get(), F_SETFL, flags | O_NONBLOCK) != 0) {
    return skein::fail_errno(errno, "making a datagram socket non-blocking");
  }
  std::unique_ptr<DatagramSocket> made(new DatagramSocket(loop, std::move(socket)));
  // No EPOLLRDHUP: a datagram socket has no end to tell of.
  if (auto watched = loop.watch(made->socket_.get(), *made, EPOLLIN | EPOLLOUT); !watched) {
    made->socket_.reset();  // never watched
    return skein::pass(std::move(watched).error());
  }
  return made;
}

DatagramSocket::DatagramSocket(Loop& loop, skein::Descriptor socket)
    : Watch(&DatagramSocket::on_ready),
      loop_(loop),
      socket_(std::move(socket)),
      connected_(peer_address().family() != AF_UNSPEC) {}

DatagramSocket::~DatagramSocket() {
  close();
  assert(reader_ == nullptr && writer_ == nullptr);
}

void DatagramSocket::on_ready(Watch& watch, std::uint32_t events) {
  auto& self = static_cast<DatagramSocket&>(watch);
  const bool error = (events & (EPOLLERR | EPOLLHUP)) != 0;
  if (error || (events & EPOLLIN) != 0) self.can_read_ = true;
  if (error || (events & EPOLLOUT) != 0) self.can_write_ = true;
  // Both are taken before either goes on: who goes on may destroy this.
  WaitOp* const reader = self.can_read_ ? std::exchange(self.reader_, nullptr) : nullptr;
  WaitOp* const writer = self.can_write_ ? std::exchange(self.writer_, nullptr) : nullptr;
  for (WaitOp* const op : {reader, writer}) {
    if (op != nullptr) Loop::disarm(*op);
  }
  if (reader != nullptr && writer != nullptr) {
    self.loop_.ready(*writer);
    reader->handle_.resume();
  } else if (reader != nullptr) {
    reader->handle_.resume();
  } else if (writer != nullptr) {
    writer->handle_.resume();
  }
}

skein::Error DatagramSocket::failure(int code, std::string_view doing) const {
  if (code == EMSGSIZE) {
    return {skein::kTooLarge, concat(doing, ": the datagram is too long for its way")};
  }
  return skein::Error::from_errno(code, doing);
}

skein::Result<std::size_t> DatagramSocket::receive_now(DatagramBatch& into) {
  into.size_ = 0;
  if (!socket_) return skein::fail(skein::kClosed, "the datagram socket was closed here");
  for (mmsghdr& head : into.heads_) head.msg_hdr.msg_namelen = sizeof(sockaddr_storage);
  int got = 0;
  do {
    got = ::recvmmsg(socket_.get(), into.heads_.data(), static_cast<unsigned>(into.heads_.size()),
                     MSG_DONTWAIT | MSG_TRUNC, nullptr);
  } while (got < 0 && errno == EINTR);
  if (got < 0) {
    if (errno != EAGAIN) return skein::pass(failure(errno, "receiving datagrams"));
    can_read_ = false;
    return std::size_t{0};
  }
  into.size_ = static_cast<std::size_t>(got);
  // Fewer than there was room for: the queue was empty then, and what comes later is told anew. Not
  // on a connected socket, where an error ends a batch as well, and waits to be fetched in silence.
  if (into.size_ < into.heads_.size() && !connected_) can_read_ = false;
  return into.size_;
}

skein::Result<std::size_t> DatagramSocket::send_now(std::span<const DatagramOut> datagrams) {
  if (!socket_) return skein::fail(skein::kClosed, "the datagram socket was closed here");
  if (datagrams.empty()) return std::size_t{0};
  const std::size_t count = std::min(datagrams.size(), DatagramBatch::kMaxDatagrams);
  // Filled as far as they are used, and no further: this stands in every server's way.
  std::array<iovec, DatagramBatch::kMaxDatagrams> vectors;
  std::array<mmsghdr, DatagramBatch::kMaxDatagrams> heads;
  for (std::size_t i = 0; i < count; ++i) {
    const DatagramOut& out = datagrams[i];
    vectors[i] = {const_cast<std::byte*>(out.bytes.data()), out.bytes.size()};
    heads[i] = {};
    heads[i].msg_hdr.msg_name = const_cast<sockaddr*>(out.to);
    heads[i].msg_hdr.msg_namelen = out.to_bytes;
    heads[i].msg_hdr.msg_iov = &vectors[i];
    heads[i].msg_hdr.msg_iovlen = 1;
  }
  int sent = 0;
  do {
    sent = ::sendmmsg(socket_.get(), heads.data(), static_cast<unsigned>(count),
                      MSG_DONTWAIT | MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent >= 0) return static_cast<std::size_t>(sent);
  if (errno == EAGAIN) {
    can_write_ = false;
    return std::size_t{0};
  }
  return skein::pass(failure(errno, "sending a datagram"));
}

skein::Result<bool> DatagramSocket::send_now(skein::Bytes datagram) {
  const DatagramOut out{datagram};
  TRY_ASSIGN(const std::size_t sent, send_now(std::span(&out, 1)));
  return sent == 1;
}

void DatagramSocket::end_waiting() {
  for (WaitOp* const op : {std::exchange(reader_, nullptr), std::exchange(writer_, nullptr)}) {
    if (op != nullptr) op->finish(cancelled_ ? WaitOp::End::kCancelled : WaitOp::End::kClosed);
  }
}

void DatagramSocket::cancel() {
  cancelled_ = true;
  end_waiting();
}

void DatagramSocket::close() {
  if (!socket_) return;
  end_waiting();
  loop_.unwatch(socket_.get(), *this);
  socket_.reset();
}

skein::Result<void> DatagramSocket::forbid_fragments() {
  const bool six = local_address().family() == AF_INET6;
  // PROBE and not DO: what the system believes about the way is what is to be found out.
  const int probe = six ? IPV6_PMTUDISC_PROBE : IP_PMTUDISC_PROBE;
  if (setsockopt(socket_.get(), six ? IPPROTO_IPV6 : IPPROTO_IP,
                 six ? IPV6_MTU_DISCOVER : IP_MTU_DISCOVER, &probe, sizeof(probe)) == 0) {
    return {};
  }
  return skein::fail_errno(errno, "forbidding fragments");
}

void DatagramSocket::ask_for_buffers(int bytes) {
  setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
  setsockopt(socket_.get(), SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

DatagramSocket::WaitOp::WaitOp(DatagramSocket& socket, bool writing, std::int64_t timeout_ms)
    : Work([](Work& work) { static_cast<WaitOp&>(work).handle_.resume(); }),
      Timer([](Timer& timer) {
        auto& self = static_cast<WaitOp&>(timer);
        (self.writing_ ? self.socket_.writer_ : self.socket_.reader_) = nullptr;
        self.finish(End::kTimeout);
      }),
      socket_(socket),
      timeout_ms_(timeout_ms),
      writing_(writing) {}

bool DatagramSocket::WaitOp::await_ready() {
  assert((writing_ ? socket_.writer_ : socket_.reader_) == nullptr);
  const bool possible = writing_ ? socket_.can_write_ : socket_.can_read_;
  if (socket_.cancelled_ || !socket_.socket_) {
    end_ = socket_.cancelled_ ? End::kCancelled : End::kClosed;
    return true;
  }
  return possible && socket_.streak_++ < kStreak;
}

void DatagramSocket::WaitOp::await_suspend(std::coroutine_handle<> handle) {
  handle_ = handle;
  const bool possible = writing_ ? socket_.can_write_ : socket_.can_read_;
  socket_.streak_ = 0;
  if (possible) {  // only to let the others go first
    socket_.loop_.ready(*this);
    return;
  }
  (writing_ ? socket_.writer_ : socket_.reader_) = this;
  if (timeout_ms_ >= 0) socket_.loop_.arm(*this, socket_.loop_.now_ms() + timeout_ms_);
}

void DatagramSocket::WaitOp::finish(End end) {
  Loop::disarm(*this);
  end_ = end;
  socket_.loop_.ready(*this);
}

skein::Result<void> DatagramSocket::WaitOp::await_resume() {
  switch (end_) {
    case End::kReady: return {};
    case End::kTimeout:
      return skein::fail(skein::kTimeout, concat(writing_ ? "there was no room for a datagram for "
                                                          : "no datagram came for ",
                                                 std::to_string(timeout_ms_), " ms"));
    case End::kClosed: return skein::fail(skein::kClosed, "the datagram socket was closed here");
    case End::kCancelled: break;
  }
  return skein::fail(skein::kCancelled, "the datagram socket is being closed");
}

}  // namespace socketserver
