#include "client/pack_lanes.h"

#include <utility>

#include "base/limits.h"
#include "transfer/pack.h"

namespace skein::client {

using socketserver::Task;

bool PackSize::has_room(std::string_view path, std::uint64_t bytes) const {
  return files_ < spec::kMaxPackedFiles &&
         heads_bytes_ + transfer::packed_head_bytes(path) <= spec::kMaxHeadsBytes &&
         files_bytes_ + bytes <= spec::kMaxFetchedBytes;
}

void PackSize::add(std::string_view path, std::uint64_t bytes) {
  ++files_;
  heads_bytes_ += transfer::packed_head_bytes(path);
  files_bytes_ += bytes;
}

PackLanes::PackLanes(socketserver::Loop& loop) : loop_(loop), turns_(limits::kPacksInFlight) {}

Task<void> PackLanes::begin(Task<Result<void>> request) {
  auto turn = co_await turns_.hold();
  if (trouble_) co_return;
  under_way_.spawn(loop_, carry(std::move(request), std::move(turn)));
}

Task<void> PackLanes::carry(Task<Result<void>> request, socketserver::Semaphore::Guard turn) {
  const Task<Result<void>> own = std::move(request);
  auto done = co_await own;
  if (!done && !trouble_) trouble_ = std::move(done).error();
  turn.release();
}

Task<void> PackLanes::finish() {
  co_await under_way_.close();
}

Result<void> PackLanes::outcome() const {
  if (trouble_) return pass(*trouble_);
  return {};
}

}  // namespace skein::client
