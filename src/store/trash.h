// The trash: what was replaced or removed, under its own name, until it expires.
// Layout: docs/disk.md, "The trash". All calls block: pool threads only; any of them.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "store/disk.h"
#include "store/path.h"

namespace skein::store {

class Trash {
 public:
  // `folder` (reserved) must exist; the others outlive the trash. Without `sync` nothing waits
  // for the disk.
  Trash(Disk& disk, const Clock& clock, Random& random, Path folder, bool sync);

  // Moves what stands at `path` into the trash, by one rename. kNotFound when nothing does.
  Result<void> take(const Path& path);

  // Moves `fresh` to `path`; what stands there, if anything, goes into the trash by the same
  // step, so that at no time `path` names nothing or less than a whole file. True when something
  // was replaced. kIsAFolder when a folder stands there. After an error either `fresh` is where it
  // was, or it is at `path` (or, if the disk failed to move it back, in the trash) and what is
  // not sure is whether a loss of power would undo that.
  Result<bool> replace(const Path& fresh, const Path& path);

  // The same for many at once, whose syncs are the caller's. First the name of what will be taken
  // from `path`, which must be on the disk before place() is given its id; without an id place()
  // sees to that itself. After place() of what was staged comes sync(), then a sync of the folder
  // of `path`, then renounce() of an id that is left.
  Result<std::string> announce(const Path& path);
  struct Placed {
    bool replaced = false;
    bool staged = false;    // it went by way of the trash
    std::string unused_id;  // if not empty: nothing is under it
  };
  Result<Placed> place(const Path& fresh, const Path& path, std::string id);
  void renounce(const std::string& id);  // it is not taken after all

  // Brings the newest thing taken from `path` back to it; what stands there now is taken in its
  // place. True when something was. kNotFound when the trash has nothing of that path.
  Result<bool> restore(const Path& path);

  // Removes what is older than limits::kKeepTrashMs, then the oldest until at most its share of
  // the disk is used (limits::kTrashDiskShare). What a crash left without a name expires too.
  Result<void> purge();

  // What was displaced is on the disk here when this returns well. Before a folder is synced that
  // something may have come from: else it could, after a failed sync, be on the disk nowhere.
  Result<void> settle();
  Result<void> sync();  // the same, also when nothing was displaced

 private:
  struct Item;
  struct Items;
  [[nodiscard]] Path data_path(const std::string& id) const;
  [[nodiscard]] Path name_path(const std::string& id) const;
  [[nodiscard]] std::int64_t next_ms();
  Result<std::string> write_name(const Path& path, bool sync);
  Result<std::string> prepare(const Path& path);
  void unstage(const std::string& id, const Path& fresh);
  Result<void> swap(const std::string& id, const Path& path);
  Result<void> discard(const Item& item);
  Result<void> forget(const Item& item);
  // The mutex is held for these.
  bool recover(const std::string& id);
  Result<Items> items();

  [[nodiscard]] static Path beside_path(const std::string& id, const Path& path);
  Result<std::string> path_of(const std::string& id);
  Result<Items> list();
  Result<void> synced(const Path& folder);

  Disk& disk_;
  const Clock& clock_;
  Random& random_;
  const Path folder_;
  const bool sync_;
  std::atomic<std::int64_t> last_ms_ = 0;     // of the newest id
  std::atomic<std::uint64_t> displaced_ = 1;  // things; one may be from before a kill
  std::atomic<std::uint64_t> settled_ = 0;    // so many of them are on the disk
  std::mutex mutex_;  // of what a restore has beside its target, and of who looks for such
};

}  // namespace skein::store
