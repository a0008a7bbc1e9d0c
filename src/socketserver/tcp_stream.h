// TcpStream: a Stream over a socket's descriptor, TCP or Unix. The loop's thread only.
#pragma once

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

  [[nodiscard]] Address peer_address() const override { return peer_; }
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

  skein::Descriptor socket_;
  // The end, or an error, has been reported: no further report will come, so a short read does
  // not mean that there is nothing more to learn.
  bool ending_ = false;
  Address peer_;
};

}  // namespace socketserver
