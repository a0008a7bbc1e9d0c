// Partial files: what is being received, kept under a name of ours until it is whole, and found
// again by whoever sends the same file to the same place.
//
// All calls block: pool threads only. A Partial is used by one task at a time; Partials by any.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/limits.h"
#include "base/random.h"
#include "base/result.h"
#include "store/blocks.h"
#include "store/disk.h"
#include "store/journal.h"
#include "store/path.h"

namespace skein::store {

// Who is resuming what. Without a device or a source nobody can resume: the partial then lives
// only as long as its transfer.
struct PartialKey {
  std::string device;
  std::string source;
  Path target;
  [[nodiscard]] bool resumable() const { return !device.empty() && !source.empty(); }
};

class Partials;

// One session's hold on a partial file. A later open of the same key supersedes it: every call
// then ends with kSuperseded and changes nothing.
class Partial {
 public:
  Partial(const Partial&) = delete;
  Partial& operator=(const Partial&) = delete;
  ~Partial();  // does no I/O; release() first

  [[nodiscard]] const BlockPlan& plan() const { return journal_.header.plan; }
  // As found when it was opened: verified by an earlier session.
  [[nodiscard]] const Claims& claims() const { return journal_.claims; }
  [[nodiscard]] std::uint64_t generation() const { return generation_; }
  [[nodiscard]] const Path& target() const { return target_; }

  Result<void> write(std::uint64_t offset, Bytes bytes);
  // From here on the block's bytes are in doubt, whatever was claimed; before writing over it.
  Result<void> renounce(std::uint64_t block);
  // The block's bytes were verified to have this digest and all of them were written.
  Result<void> claim(std::uint64_t block, const Digest& digest);

  // kSuperseded, or what ended it, as any other call would say.
  [[nodiscard]] Result<void> superseded() const;

  // Metadata and data on the disk (when `sync`), then `place` moves the file at the given path
  // to where it belongs; then the journal goes. Nobody supersedes in between.
  // When this returns well the transfer is over. So it is after a failed sync, for then what the
  // disk holds is unknown, and when `place` failed but had moved the file: every later call ends
  // with the same error, and the next open begins anew. After any other error it may be repeated.
  template <typename Place>
  Result<void> finish(const Metadata& metadata, bool sync, Place place);

  // Ends the hold. Removes the partial if nobody could resume it.
  void release();

 private:
  friend class Partials;
  struct Slot;
  Partial(Partials& owner, std::shared_ptr<Slot> slot, std::string name, Path target);
  Result<void> still_ours() const;  // the slot's lock is held
  [[nodiscard]] Error explain(Error error) const;
  Result<void> append(const std::string& record);
  Result<void> settle(const Metadata& metadata, bool sync);
  [[nodiscard]] bool in_place() const;
  void end(Error answer);

  Partials& owner_;
  std::shared_ptr<Slot> slot_;
  std::string name_;
  Path target_;
  std::uint64_t generation_ = 0;
  bool resumable_ = false;
  std::optional<Error> ended_;  // and why: what every call answers from then on
  bool released_ = false;
  Journal journal_;
  std::unique_ptr<File> data_;
  std::unique_ptr<File> log_;
  std::uint64_t log_bytes_ = 0;
};

class Partials {
 public:
  // `folder` (reserved) is where they lie; it must exist. Disk, clock and randomness outlive it.
  // `alone`: no other program has the folder for its partials. Else none is resumable, and each
  // has a name that no other program would choose. `block_bytes`: of all but the largest files.
  Partials(Disk& disk, const Clock& clock, Random& random, Path folder, bool alone,
           std::uint32_t block_bytes = limits::kSmallBlockBytes);

  // Finds the partial of this key again, or begins one. Claims made before another boot are read
  // and hashed before they count. kNoSpace when what is missing would not fit.
  Result<std::unique_ptr<Partial>> open(const PartialKey& key, std::uint64_t total_bytes);

  // Removes what nobody can resume any more: older than limits::kKeepPartialsMs, without a
  // journal, or not resumable at all. Before the first open(), or any time later.
  Result<void> purge();

 private:
  friend class Partial;
  [[nodiscard]] Path data_path(std::string_view name) const;
  [[nodiscard]] Path journal_path(std::string_view name) const;
  std::shared_ptr<Partial::Slot> slot_of(const std::string& name);
  [[nodiscard]] Result<bool> worth_keeping(const std::string& name, std::int64_t mtime_ns);
  [[nodiscard]] std::uint32_t block_bytes_for(std::uint64_t total_bytes) const;
  Result<bool> adopt(Partial& partial, const JournalHeader& wanted);
  Result<void> verify_claims(Partial& partial);
  Result<void> begin(Partial& partial);
  Result<void> discard(std::string_view name);
  Result<void> rewrite_journal(Partial& partial);
  Result<void> promise(Partial& partial);
  void distrust(const std::string& name);
  [[nodiscard]] bool distrusts(const std::string& name);

  Disk& disk_;
  const Clock& clock_;
  Random& random_;
  const Path folder_;
  const bool alone_;
  const std::uint32_t block_bytes_;
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<Partial::Slot>, std::less<>> slots_;
  std::set<std::string, std::less<>> distrusted_;  // whose journals outlived a failed sync
  std::uint64_t promised_bytes_ = 0;               // of open partials, not yet written
};

// Serializes the sessions that want one partial file.
struct Partial::Slot {
  std::mutex mutex;
  std::uint64_t generation = 0;

  // Under the mutex of Partials: its part of what is promised, and to which generation.
  std::uint64_t promised_bytes = 0;
  std::uint64_t promised_to = 0;
};

template <typename Place>
Result<void> Partial::finish(const Metadata& metadata, bool sync, Place place) {
  const std::lock_guard lock(slot_->mutex);
  TRY(still_ours());
  TRY(settle(metadata, sync));
  Result<void> placed = place(owner_.data_path(name_));
  if (placed) {
    end(Error(kBadRequest, "this transfer was committed already"));
  } else if (!in_place()) {
    end(placed.error());
  }
  return placed;
}

}  // namespace skein::store
