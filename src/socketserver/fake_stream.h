// A pair of streams connected in memory, with a link that does what real ones do at bad times.
// For tests. The loop's thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "base/result.h"
#include "socketserver/loop.h"
#include "socketserver/stream.h"

namespace socketserver {

class FakeStream;

// One direction of the link. All of it may be changed at any time.
struct FakeLink {
  static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

  std::size_t max_read_bytes = std::numeric_limits<std::size_t>::max();   // of one read
  std::size_t max_write_bytes = std::numeric_limits<std::size_t>::max();  // of one write
  std::size_t capacity_bytes = 64 * 1024;  // on the way; then writes wait
  std::uint64_t flip_at = kNever;          // the byte at this offset arrives with its lowest bit
                                           // turned
  std::uint64_t cut_after = kNever;        // after so many bytes both ends are reset; they still
                                           // arrive
};

class FakePair {
 public:
  explicit FakePair(Loop& loop, FakeLink a_to_b = {}, FakeLink b_to_a = {});
  FakePair(FakePair&&) = default;
  FakePair& operator=(FakePair&&) = default;
  ~FakePair();

  std::unique_ptr<Stream> a;  // to be moved out
  std::unique_ptr<Stream> b;

  [[nodiscard]] FakeLink& a_to_b();
  [[nodiscard]] FakeLink& b_to_a();
  [[nodiscard]] std::uint64_t sent_a_to_b() const;  // bytes that were written
  [[nodiscard]] std::uint64_t sent_b_to_a() const;
  // True: nothing moves, either way, and nobody is told. False: it goes on.
  void stall(bool on);
  // As if the cable were pulled: both ends are reset.
  void cut();

 private:
  struct Wire;
  friend class FakeStream;
  std::shared_ptr<Wire> wire_;
};

}  // namespace socketserver
