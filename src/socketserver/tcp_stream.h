// TcpStream: a Stream over a socket's descriptor, TCP or Unix. The loop's thread only.
#pragma once

#include <sys/socket.h>

#include <cassert>
#include <cerrno>
#include <memory>
#include <span>

#include "base/descriptor.h"
#include "base/result.h"
#include "socketserver/address.h"
#include "socketserver/loop.h"
#include "socketserver/stream.h"

namespace socketserver {

class TcpStream : public Stream, private Watch {
 public:
  // Takes a connected socket: makes it non-blocking, sets TCP_NODELAY, registers it with the loop.
  static skein::Result<std::unique_ptr<TcpStream>> adopt(Loop& loop, skein::Descriptor socket);
  // For one that is non-blocking already and whose peer is known: saves two calls.
  static skein::Result<std::unique_ptr<TcpStream>> adopt(Loop& loop, skein::Descriptor socket,
                                                         const Address& peer);
  ~TcpStream() override;

  [[nodiscard]] const Address& peer_address() const override { return peer_; }
  [[nodiscard]] Address local_address() const override;
  [[nodiscard]] int descriptor() const override { return socket_.get(); }

  // Gives the socket up, unregistered, for another Stream over it; this one is closed then.
  [[nodiscard]] skein::Descriptor release();

 protected:
  TcpStream(Loop& loop, skein::Descriptor socket, const Address& peer);
  // What adopt() does to a new one: the options, and the registration with the loop.
  skein::Result<void> begin();

  Attempt try_read(skein::MutableBytes into) override;
  Attempt try_write(std::span<const skein::Bytes> parts) override;
  Attempt try_peek() override;
  Attempt try_unsent() override;
  skein::Result<void> do_shutdown_write() override;
  void do_close(bool by_reset) override;

 private:
  static void on_ready(Watch& watch, std::uint32_t events);
  [[nodiscard]] static Attempt failed_attempt(int code, Attempt::State wanted);
  [[nodiscard]] ssize_t send_several(std::span<const skein::Bytes> parts) const;

  skein::Descriptor socket_;
  // The end, or an error, has been reported: no further report will come, so a short read does
  // not mean that there is nothing more to learn.
  bool ending_ = false;
  Address peer_;
};

// These two are here so that a derived class can have them without a call. A system call leaves the
// processor no memory of where calls came from, so that each return above it is mispredicted: a
// level costs more than what it does.

inline Attempt TcpStream::try_read(skein::MutableBytes into) {
  assert(!into.empty());
  ssize_t got = 0;
  do {
    got = ::recv(socket_.get(), into.data(), into.size(), 0);
  } while (got < 0 && errno == EINTR);
  if (got < 0) return failed_attempt(errno, Attempt::State::kWantRead);
  Attempt tried;
  tried.bytes = static_cast<std::size_t>(got);
  // Whatever arrives after this recv is reported by a new edge, the end too; epoll(7) allows to
  // take a short read for the emptiness that a second recv would report. Not once the end has been
  // reported: no edge would follow, and the read that returns 0 has to be tried.
  tried.drained = tried.bytes < into.size() && !ending_;
  return tried;
}

inline Attempt TcpStream::try_write(std::span<const skein::Bytes> parts) {
  ssize_t put = 0;
  do {
    put = parts.size() == 1 ? ::send(socket_.get(), parts[0].data(), parts[0].size(), MSG_NOSIGNAL)
                            : send_several(parts);
  } while (put < 0 && errno == EINTR);
  if (put < 0) return failed_attempt(errno, Attempt::State::kWantWrite);
  Attempt tried;
  tried.bytes = static_cast<std::size_t>(put);
  return tried;
}

}  // namespace socketserver
