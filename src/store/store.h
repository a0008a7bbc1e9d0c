// The store: a shared folder with everything that keeps it whole. Whatever way a file comes in or
// goes out, it does so through here.
//
// All calls block: pool threads only; any of them, at the same time. Paths come from Path::parse.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/limits.h"
#include "base/random.h"
#include "base/result.h"
#include "store/batch.h"
#include "store/disk.h"
#include "store/partial.h"
#include "store/path.h"
#include "store/trash.h"

namespace skein::store {

struct StoreOptions {
  bool sync = true;   // false: answers do not wait for the disk, and say so
  bool alone = true;  // false: another program receives into this folder; see Partials
  std::uint32_t block_bytes = limits::kSmallBlockBytes;  // of all but the largest files
};

class Store {
 public:
  // Lays the reserved folder, if it is not there. Disk, clock and randomness outlive the store.
  static Result<std::unique_ptr<Store>> open(Disk& disk, const Clock& clock, Random& random,
                                             StoreOptions options);

  [[nodiscard]] bool durable() const { return options_.sync; }

  // reading
  Result<std::unique_ptr<File>> open_file(const Path& path) { return disk_.open_file(path); }
  Result<std::unique_ptr<FolderReader>> read_folder(const Path& path);
  Result<Info> info(const Path& path) { return disk_.info(path); }
  struct Wanted {
    Path path;
    std::uint64_t size_bytes = 0;
    Metadata metadata;
  };
  // Which of them holds() would not say, by their places; cheap for many in one folder.
  [[nodiscard]] std::vector<std::size_t> missing(const std::vector<Wanted>& files);
  // True when a file of this size, time and, if given, mode stands there: nothing is to be moved.
  // Without a time nothing counts as the same. With `sync` the name is on the disk when this says
  // true: it may have come by a commit that failed at its last step, or whose hub was killed there.
  [[nodiscard]] bool holds(const Path& path, std::uint64_t size_bytes, const Metadata& metadata);
  Result<std::string> link_target(const Path& path) { return disk_.link_target(path); }
  Result<Disk::Space> space() { return disk_.space(); }

  // receiving
  Result<std::unique_ptr<Partial>> open_partial(const PartialKey& key, std::uint64_t total_bytes);
  // The whole partial gets its name; what stood there goes to trash, and true comes back. When
  // this returns well, all is on the disk. Parents are made.
  Result<bool> commit(Partial& partial, const Metadata& metadata);

  // For files of at most so many bytes in all: kNoSpace at once when there is no room.
  Result<std::unique_ptr<Batch>> open_batch(std::uint64_t bytes);

  // changing
  // Parents are made; an existing folder is well and gets the metadata.
  Result<void> make_folder(const Path& path, const Metadata& metadata);
  struct Linked {
    bool same = false;      // it was there already, and was left alone
    bool replaced = false;  // something else stood there; it is in the trash
  };
  Result<Linked> make_link(const Path& path, const std::string& target);
  // kExists when something stands there, kBadRequest for a folder into itself.
  Result<void> move(const Path& from, const Path& to);
  Result<void> remove(const Path& path);   // into the trash
  Result<bool> restore(const Path& path);  // true when something was replaced

  // Expires partials and trash, and what a crash left of links and batches. At start, and from time
  // to time.
  Result<void> purge();

  // Takes the reserved folder away again where it is empty: for a folder that only received.
  void tidy();

 private:
  friend class Batch;
  static constexpr std::uint32_t kFolderMode = 0755;
  static constexpr std::uint32_t kFileMode = 0644;  // of a file whose sender says nothing of it

  Store(Disk& disk, const Clock& clock, Random& random, StoreOptions options);
  Result<void> lay();
  Result<void> synced(const Path& folder);
  Result<void> parents_of(const Path& path);
  Result<void> folders(const Path& path);
  Result<void> purge_staging();
  void drop_staging(const Path& folder);

  // Makes sure that the names which are seen in the folder are on the disk; once is enough, as long
  // as nothing is placed there.
  [[nodiscard]] bool settled(const Path& folder);
  // While it lives something is being given a name in that folder; whether it is on the disk
  // afterwards, settled() finds out.
  class Placing {
   public:
    Placing(Store& store, const Path& folder);
    Placing(const Placing&) = delete;
    Placing& operator=(const Placing&) = delete;
    ~Placing();

   private:
    Store& store_;
  };

  Disk& disk_;
  const Clock& clock_;
  Random& random_;
  const StoreOptions options_;

  std::mutex settled_mutex_;
  std::set<std::string> settled_;  // folders, in this process's time
  std::size_t placing_ = 0;        // so many things are being given their names
  std::uint64_t placings_ = 0;     // so many were begun
  Partials partials_;
  Trash trash_;
  std::mutex mutex_;
  std::set<Path> batches_;  // folders of staging that are in use
};

}  // namespace skein::store
