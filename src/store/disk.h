// A folder on a disk, as an interface: what the store asks of it, and nothing else. PosixDisk is
// the real one; FakeDisk fails, runs short and crashes on demand.
//
// Every call blocks, so it is made from the pool's threads only; any of them, at the same time.
// Every path is resolved beneath the folder. Reading may pass through links that stay inside;
// everything else passes through none.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "store/path.h"

namespace skein::store {

enum class EntryKind { kFile, kFolder, kLink, kOther };

struct Info {
  EntryKind kind = EntryKind::kFile;
  std::uint64_t size_bytes = 0;
  std::int64_t mtime_ns = 0;  // since 1970 UTC, may be negative
  std::int64_t ctime_ns = 0;
  std::uint32_t mode = 0;  // permission bits only, 0 to 0777
  std::uint64_t inode = 0;
  friend bool operator==(const Info&, const Info&) = default;
};

struct Metadata {
  std::optional<std::uint32_t> mode;
  std::optional<std::int64_t> mtime_ns;
};

// Whether what stands there is a file of this size, time and, if given, mode: it is then taken for
// the same. Without a time nothing is.
[[nodiscard]] bool is_same(const Info& there, std::uint64_t size_bytes, const Metadata& metadata);

// Open until destroyed. Reads and writes at any offset may run at the same time.
class File {
 public:
  virtual ~File() = default;
  // Fewer bytes than asked for only at the end of the file.
  virtual Result<std::size_t> read_at(std::uint64_t offset, MutableBytes out) = 0;
  // All of them or an error; after an error any part may be there.
  virtual Result<void> write_at(std::uint64_t offset, Bytes bytes) = 0;
  virtual Result<void> set_size(std::uint64_t bytes) = 0;
  virtual Result<void> set_metadata(const Metadata& metadata) = 0;
  // Data and metadata are on the disk when this returns. After an error nothing may be assumed
  // of what was written before, and a second sync proves nothing.
  virtual Result<void> sync() = 0;
  virtual Result<Info> info() = 0;
};

struct Entry {
  std::string name;  // exact bytes, perhaps not UTF-8
  Info info;
  std::string link_target;  // of a link
};

class FolderReader {
 public:
  virtual ~FolderReader() = default;
  // Up to `most` further entries in no order, without '.' and '..'; none means the end.
  virtual Result<std::vector<Entry>> next(std::size_t most) = 0;
};

// One folder, found once: what is in it is reached by a name alone, so that of many files none
// costs a look at the whole way. Names are single components, and no link is followed. It stays the
// same folder when it is moved.
class Folder {
 public:
  virtual ~Folder() = default;
  virtual Result<std::unique_ptr<File>> open_file(const std::string& name) = 0;    // as Disk's
  virtual Result<std::unique_ptr<File>> create_file(const std::string& name) = 0;  // as Disk's
  virtual Result<Info> info(const std::string& name) = 0;
  // To `to`, of the same disk; kExists when something stands there.
  virtual Result<void> move(const std::string& name, Folder& to, const std::string& new_name) = 0;
  virtual Result<void> sync() = 0;  // as Disk::sync_folder
  // Everything that was done on the folder's filesystem before, by anybody, is on the disk when
  // this returns. kIo also when anything of it has been lost since this folder was opened, whoever
  // was told of that: so open it before the first write that counts.
  virtual Result<void> sync_all() = 0;
};

enum class Rename {
  kNoReplace,  // kExists when something stands at the target
  kExchange,   // both must be there; they change places in one step
};

class Disk {
 public:
  virtual ~Disk() = default;

  // An existing regular file, to read; kNotAFile for anything else, kIsAFolder for a folder.
  virtual Result<std::unique_ptr<File>> open_file(const Path& path) = 0;
  // An existing regular file, to read and write.
  virtual Result<std::unique_ptr<File>> open_for_writing(const Path& path) = 0;
  // A new one; kExists when something stands there. Mode 0600 until set_metadata.
  virtual Result<std::unique_ptr<File>> create_file(const Path& path) = 0;

  virtual Result<std::unique_ptr<FolderReader>> read_folder(const Path& path) = 0;
  virtual Result<std::unique_ptr<Folder>> open_folder(const Path& path) = 0;  // through no link
  // `mode` less the process's umask. kExists.
  virtual Result<void> make_folder(const Path& path, std::uint32_t mode) = 0;
  virtual Result<void> set_folder_metadata(const Path& path, const Metadata& metadata) = 0;
  virtual Result<void> make_link(const Path& path, const std::string& target) = 0;  // kExists

  // Of the thing itself, a link not followed.
  virtual Result<Info> info(const Path& path) = 0;
  virtual Result<std::string> link_target(const Path& path) = 0;  // kNotFound when it is no link

  virtual Result<void> rename(const Path& from, const Path& to, Rename how) = 0;
  virtual Result<void> remove_file(const Path& path) = 0;    // or link, pipe, …
  virtual Result<void> remove_folder(const Path& path) = 0;  // kExists when not empty

  // The folder's entries (not what is in them) are on the disk when this returns.
  virtual Result<void> sync_folder(const Path& path) = 0;

  struct Space {
    std::uint64_t free_bytes = 0;  // for this user
    std::uint64_t total_bytes = 0;
  };
  virtual Result<Space> space() = 0;

  // Another value after another boot: what was not synced before may be gone.
  [[nodiscard]] virtual std::string boot_id() const = 0;
};

// All of a file whose info() was `before`, into `out` of its size. kChanged when it was changed
// meanwhile, so that what was read may be of two ages.
Result<void> read_unchanged(File& file, const Info& before, MutableBytes out);

// Recursively, links not followed. What is not there counts as removed.
Result<void> remove_tree(Disk& disk, const Path& path);

// The folder and its missing parents, each with `mode`. With `sync` all of them are on the disk
// when this returns, also those that were there: another may have made them a moment ago and not
// synced. When something else stands in the way: kNotAFolder for a file, kNotAFile for a link, ….
Result<void> make_folders(Disk& disk, const Path& path, std::uint32_t mode, bool sync);

}  // namespace skein::store
