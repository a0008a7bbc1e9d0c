// The puts and gets that are open on one connection, by handle. The loop's thread only.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <variant>

#include "base/limits.h"
#include "base/result.h"
#include "hub/context.h"
#include "hub/upload.h"
#include "socketserver/sync.h"
#include "socketserver/task.h"
#include "store/blocks.h"
#include "store/disk.h"

namespace skein::hub {

// A file going out.
struct Download {
  std::unique_ptr<store::File> file;
  store::Info info;  // when it was opened: any other, and the file has changed
  store::BlockPlan plan;
};

struct Put {
  std::shared_ptr<Upload> upload;
  store::Metadata metadata;
};

class Transfers {
 public:
  explicit Transfers(Context& context) : context_(context), reads_(kReadUnits) {}

  // kTooMany when spec::kMaxOpenTransfers are open; ask before opening the file.
  [[nodiscard]] Result<void> room() const;
  std::int64_t add(Put put);
  std::int64_t add(std::shared_ptr<Download> download);

  // kBadRequest when there is no such handle, or it is of the other sort.
  [[nodiscard]] Result<Put> put(std::int64_t handle) const;
  [[nodiscard]] Result<std::shared_ptr<Download>> download(std::int64_t handle) const;

  // Forgets the handle; what can be resumed stays on the disk.
  socketserver::Task<Result<void>> close(std::int64_t handle);
  // At the end of the connection, when no request is open any more.
  socketserver::Task<void> close_all();

  // Blocks that are read and not yet taken by the peer, in kReadUnitBytes: bounds what a
  // connection that asks for much and reads slowly makes the hub hold.
  [[nodiscard]] socketserver::Semaphore& reads() { return reads_; }
  // Packs that are received or committed: a peer that sends faster than the disk writes waits.
  [[nodiscard]] socketserver::Semaphore& packs() { return packs_; }
  [[nodiscard]] static std::size_t read_units(std::uint32_t block_bytes);

 private:
  static constexpr std::size_t kReadUnitBytes = 64 * 1024;
  static constexpr std::size_t kReadUnits = spec::kMaxBlockBytes / kReadUnitBytes;
  using Open = std::variant<Put, std::shared_ptr<Download>>;

  Context& context_;
  std::map<std::int64_t, Open> open_;
  std::int64_t last_ = 0;
  socketserver::Semaphore reads_;
  socketserver::Semaphore packs_{limits::kPacksInFlight};
};

}  // namespace skein::hub
