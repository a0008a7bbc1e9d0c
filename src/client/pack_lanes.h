// What putting and getting small files have in common: how much goes into one request, and several
// requests under way at once. The loop's thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/error.h"
#include "base/result.h"
#include "socketserver/loop.h"
#include "socketserver/sync.h"
#include "socketserver/task.h"

namespace skein::client {

// What is gathered for one request.
class PackSize {
 public:
  // Whether one more file, of such a path and size, may go along.
  [[nodiscard]] bool has_room(std::string_view path, std::uint64_t bytes) const;
  void add(std::string_view path, std::uint64_t bytes);

 private:
  std::size_t files_ = 0;
  std::size_t heads_bytes_ = 0;
  std::uint64_t files_bytes_ = 0;
};

// limits::kPacksInFlight requests at once; the first that fails ends all.
class PackLanes {
 public:
  explicit PackLanes(socketserver::Loop& loop);
  PackLanes(const PackLanes&) = delete;
  PackLanes& operator=(const PackLanes&) = delete;

  // Waits until one more may be under way, and lets it; not when one has failed before.
  socketserver::Task<void> begin(socketserver::Task<Result<void>> request);
  // Returns when nothing is under way. Must be the last call, whatever happened before.
  socketserver::Task<void> finish();
  // Of the first that failed.
  [[nodiscard]] Result<void> outcome() const;

 private:
  socketserver::Task<void> carry(socketserver::Task<Result<void>> request,
                                 socketserver::Semaphore::Guard turn);

  socketserver::Loop& loop_;
  socketserver::Semaphore turns_;
  socketserver::Gate under_way_;
  std::optional<Error> trouble_;
};

}  // namespace skein::client
