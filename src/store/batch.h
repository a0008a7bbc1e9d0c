// Many small files received at once and committed together, with few syncs for all of them:
// docs/disk.md, "Many at once". They come one after the other; one that is refused, or whose bytes
// are not what they should be, is left out by itself.
//
// All calls block: pool threads only, one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <vector>

#include "base/error.h"
#include "base/result.h"
#include "store/disk.h"
#include "store/path.h"
#include "store/trash.h"

namespace skein::store {

class Store;

class Batch {
 public:
  Batch(const Batch&) = delete;
  Batch& operator=(const Batch&) = delete;
  // What was not committed goes.
  ~Batch();

  // The next file, then its bytes, then end(). kBadRequest: another of the batch has this path, or
  // lies below it or above. After an error of these the batch cannot be committed.
  Result<void> begin(const Path& path, const Metadata& metadata);
  Result<void> write(Bytes bytes);
  Result<void> end();
  // Instead of begin(), or of end(): the file is left out, because of `why`.
  void refuse(Error why);

  [[nodiscard]] std::size_t count() const { return files_.size(); }

  // Each file gets its name, or its error; what stood there goes to the trash, unless it is the
  // same by size, time and mode. Of those without an error, when this returns, all is on the disk.
  // Parents are made. An error: none has its name.
  struct Outcome {
    std::optional<Error> error;
    bool replaced = false;
  };
  Result<std::vector<Outcome>> commit();

 private:
  friend class Store;
  struct Entry {
    Path path;
    Metadata metadata;
    std::uint64_t bytes = 0;
    Outcome outcome;
  };
  struct Parent {
    std::unique_ptr<Folder> folder;
    std::optional<Error> fault;  // why it cannot be had
    bool changed = false;
  };
  Batch(Store& store, Path staging) : store_(store), staging_path_(std::move(staging)) {}
  Parent& parent_of(const Path& path);
  Result<void> sync_all();
  void place_new(std::vector<std::size_t>& displacing);
  void place_over(const std::vector<std::size_t>& displacing);
  void sync_folders(bool trash);

  Store& store_;
  Path staging_path_;
  std::unique_ptr<Folder> staging_;
  std::vector<Entry> files_;  // the nth is staged under the name n
  std::unique_ptr<File> current_;
  std::unordered_set<std::string> names_;    // of files, and
  std::unordered_set<std::string> folders_;  // of the folders above them
  std::map<Path, Parent> parents_;
  std::vector<std::string> unused_ids_;  // of the trash
  bool spoilt_ = false;
};

}  // namespace skein::store
