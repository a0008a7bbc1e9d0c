// Intake: what a connection has received and nobody has taken apart yet, whatever the peer speaks.
// The loop's thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/result.h"
#include "socketserver/stream.h"
#include "socketserver/task.h"
#include "wire/sniff.h"

namespace skein::hub {

// Part of what was received, kept as long as anybody needs it.
struct Slice {
  std::shared_ptr<const void> owner;
  Bytes bytes;
};

class Intake {
 public:
  explicit Intake(socketserver::Stream& stream) : stream_(stream) {}
  Intake(const Intake&) = delete;
  Intake& operator=(const Intake&) = delete;

  // What the first bytes say the peer speaks; they stay in input(). Waits for ever for the first
  // of them, limits::kFrameTimeoutMs for the others. kClosed when the peer leaves before.
  socketserver::Task<Result<wire::Speech>> sniff();

  // Received, in order; a decoder takes from its front.
  [[nodiscard]] Bytes& input() { return input_; }
  // More of it. kTimeout; kClosed when the peer has ended the connection.
  socketserver::Task<Result<void>> fill(std::int64_t timeout_ms);
  // What comes is much, or little: so large pieces are read, or small ones that cost less.
  void expect_bulk(bool bulk) { bulk_ = bulk; }
  // Of what input() was, since the last fill().
  [[nodiscard]] Slice slice(Bytes part) const { return {buffer_, part}; }
  // Forgets what was received: nothing of it will be taken.
  void drop();

  // What begins a request (a dictionary, a head) has limits::kFrameTimeoutMs from its first byte
  // to its last: counted from the first call since head_done(); at least 1.
  [[nodiscard]] std::int64_t head_ms_left();
  void head_done() { in_head_ = false; }

  // Ends our side, and gives the peer a moment to take what it was told and leave: closing with
  // unread bytes would reset the connection and lose the answer.
  socketserver::Task<void> linger();

 private:
  socketserver::Task<Result<void>> receive(std::int64_t timeout_ms);

  socketserver::Stream& stream_;
  std::shared_ptr<std::byte[]> buffer_;
  std::size_t buffer_bytes_ = 0;
  Bytes input_;  // of the buffer
  bool bulk_ = true;
  bool in_head_ = false;
  std::int64_t head_deadline_ms_ = 0;
};

}  // namespace skein::hub
