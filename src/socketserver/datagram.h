// DatagramSocket: datagrams on a loop, many to a system call, UDP or Unix. The loop's thread only.
//
// A datagram arrives whole or not at all, maybe twice, maybe out of order; an empty one is one.
// Nothing here waits but wait_readable() and wait_writable(): wait, then receive_now() or
// send_now() until they say 0.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/bytes.h"
#include "base/descriptor.h"
#include "base/result.h"
#include "socketserver/address.h"
#include "socketserver/loop.h"
#include "socketserver/timer_wheel.h"
#include "socketserver/work.h"

namespace socketserver {

// What one receive_now() brought. It owns the room for it, which is good until the next receive.
class DatagramBatch {
 public:
  static constexpr std::size_t kMaxDatagrams = 64;  // of one batch
  static constexpr std::size_t kMaxBytes = 65'507;  // of a datagram over IPv4; IPv6: 20 more

  // Room for `datagrams` (at most kMaxDatagrams) of `max_bytes` each. A longer one is cut, and said
  // to be.
  explicit DatagramBatch(std::size_t datagrams = 32, std::size_t max_bytes = kMaxBytes);
  DatagramBatch(const DatagramBatch&) = delete;
  DatagramBatch& operator=(const DatagramBatch&) = delete;

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] skein::Bytes bytes(std::size_t i) const {
    return {bytes_.get() + i * max_bytes_, std::min<std::size_t>(heads_[i].msg_len, max_bytes_)};
  }
  // It was longer than the room for it: bytes() is its beginning, sent_bytes() its own length.
  [[nodiscard]] bool truncated(std::size_t i) const { return sent_bytes(i) > max_bytes_; }
  [[nodiscard]] std::size_t sent_bytes(std::size_t i) const { return heads_[i].msg_len; }
  [[nodiscard]] Address peer(std::size_t i) const;
  // The same as the system has it, for an answer without a copy: see DatagramOut.
  [[nodiscard]] const sockaddr* peer_name(std::size_t i) const {
    return reinterpret_cast<const sockaddr*>(&names_[i]);
  }
  [[nodiscard]] socklen_t peer_name_bytes(std::size_t i) const {
    return heads_[i].msg_hdr.msg_namelen;
  }

 private:
  friend class DatagramSocket;
  std::size_t max_bytes_;
  std::size_t size_ = 0;
  std::unique_ptr<std::byte[]> bytes_;
  std::vector<iovec> vectors_;
  std::vector<sockaddr_storage> names_;
  std::vector<mmsghdr> heads_;
};

// One to be sent: views, not owned. No address (nullptr): to the peer of a connected socket.
struct DatagramOut {
  skein::Bytes bytes;
  const sockaddr* to = nullptr;
  socklen_t to_bytes = 0;

  static DatagramOut to_address(skein::Bytes bytes, const Address& to) {
    return {bytes, to.get(), to.size()};
  }
};

class DatagramSocket : private Watch {
 public:
  class WaitOp;

  // Bound to an address of this machine. kBusy if it is taken, with the address in the message.
  static skein::Result<std::unique_ptr<DatagramSocket>> bind(Loop& loop, const Address& near);
  // Talks to `peer` alone, and so learns what the network says about it: after a datagram that
  // found nobody, a later send or receive fails once with system_code() ECONNREFUSED (EHOSTUNREACH,
  // ...).
  static skein::Result<std::unique_ptr<DatagramSocket>> connect(Loop& loop, const Address& peer);
  // Takes any datagram socket: makes it non-blocking, registers it with the loop.
  static skein::Result<std::unique_ptr<DatagramSocket>> adopt(Loop& loop, skein::Descriptor socket);
  DatagramSocket(const DatagramSocket&) = delete;
  DatagramSocket& operator=(const DatagramSocket&) = delete;
  ~DatagramSocket();  // nobody waits on it

  // How many came: 0, none is here now. An error is of the past (see connect()): the socket lives
  // on, and the next call may do.
  skein::Result<std::size_t> receive_now(DatagramBatch& into);
  // How many of the first kMaxDatagrams the system took, in order: 0, it has no room now. An error
  // is about the first and nothing was sent: kTooLarge for one that is too long; else as above.
  // Between Unix sockets that are not connected 0 also means that the receiver's queue is full, and
  // nothing ever tells when it is not: wait with a limit, or drop.
  skein::Result<std::size_t> send_now(std::span<const DatagramOut> datagrams);
  // The same for one datagram to the peer of a connected socket. False: no room now.
  skein::Result<bool> send_now(skein::Bytes datagram);

  // `auto can = co_await socket.wait_readable(ms);` Result<void>: kTimeout (`timeout_ms` < 0: no
  // limit), kCancelled, kClosed. What it promises may be gone by then: be ready for a 0.
  [[nodiscard]] WaitOp wait_readable(std::int64_t timeout_ms);
  [[nodiscard]] WaitOp wait_writable(std::int64_t timeout_ms);

  // Those who wait, and all later waits, end with kCancelled.
  void cancel();
  [[nodiscard]] bool cancelled() const { return cancelled_; }
  // Those who wait end with kClosed. The destructor does it too.
  void close();

  // From now on what does not fit one packet on its way is not sent in pieces: send_now() says
  // kTooLarge where the system knows, and elsewhere such a datagram never arrives.
  skein::Result<void> forbid_fragments();
  // The system gives at most what it is set up to give.
  void ask_for_buffers(int bytes);

  [[nodiscard]] Address local_address() const { return Address::of_socket(socket_.get()); }
  [[nodiscard]] Address peer_address() const { return Address::of_peer(socket_.get()); }
  [[nodiscard]] int descriptor() const { return socket_.get(); }
  [[nodiscard]] Loop& loop() const { return loop_; }

 private:
  // Waits that never had to wait, in a row, before the others get their turn.
  static constexpr std::uint8_t kStreak = 16;

  DatagramSocket(Loop& loop, skein::Descriptor socket);
  static void on_ready(Watch& watch, std::uint32_t events);
  [[nodiscard]] skein::Error failure(int code, std::string_view doing) const;
  void end_waiting();

  Loop& loop_;
  skein::Descriptor socket_;
  WaitOp* reader_ = nullptr;
  WaitOp* writer_ = nullptr;
  bool connected_;
  bool can_read_ = false;  // watch() says so if it holds from the start
  bool can_write_ = true;
  bool cancelled_ = false;
  std::uint8_t streak_ = 0;
};

class [[nodiscard]] DatagramSocket::WaitOp : private Work, private Timer {
 public:
  WaitOp(DatagramSocket& socket, bool writing, std::int64_t timeout_ms);
  WaitOp(const WaitOp&) = delete;
  WaitOp& operator=(const WaitOp&) = delete;
  ~WaitOp() = default;

  [[nodiscard]] bool await_ready();
  void await_suspend(std::coroutine_handle<> handle);
  [[nodiscard]] skein::Result<void> await_resume();

 private:
  friend class DatagramSocket;
  enum class End : std::uint8_t { kReady, kTimeout, kClosed, kCancelled };

  void finish(End end);  // resumes in the loop's next round

  DatagramSocket& socket_;
  std::coroutine_handle<> handle_;
  std::int64_t timeout_ms_;
  bool writing_;
  End end_ = End::kReady;
};

inline DatagramSocket::WaitOp DatagramSocket::wait_readable(std::int64_t timeout_ms) {
  return {*this, false, timeout_ms};
}
inline DatagramSocket::WaitOp DatagramSocket::wait_writable(std::int64_t timeout_ms) {
  return {*this, true, timeout_ms};
}

}  // namespace socketserver
