// What a FakeDisk holds: things in two pictures, as running programs see them and as they are on
// the disk, and what is to go wrong. It only remembers; what an operation of a disk does with it is
// in fake_disk.cc. One thread at a time: the disk has the mutex.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/random.h"
#include "store/disk.h"
#include "store/path.h"

namespace skein::store::fake {

using Inode = std::uint64_t;
inline constexpr Inode kNone = 0;
inline constexpr Inode kRoot = 1;

// Beside the errno values, which are positive: refusals that have no errno of their own.
inline constexpr int kOut = -1;          // a link points out
inline constexpr int kThroughLink = -2;  // a change through a link
inline constexpr int kManyLinks = -3;    // a ring of links
inline constexpr int kDots = -4;         // '.' or '..' as the last name of a change
inline constexpr int kCrashed = -5;

// What one picture, the seen or the durable one, holds of a thing.
struct Picture {
  std::string data;                      // of a file
  std::map<std::string, Inode> entries;  // of a folder
  std::uint32_t mode = 0;
  std::int64_t mtime_ns = 0;
};

// Something done to a file and not yet synced.
struct Change {
  std::optional<std::uint64_t> size;
  std::uint64_t offset = 0;
  std::string bytes;
  Metadata metadata;

  void apply(Picture& to, std::size_t most = std::string::npos) const {
    if (size) to.data.resize(*size);
    if (const std::size_t part = std::min(most, bytes.size()); part > 0) {
      if (to.data.size() < offset + part) to.data.resize(offset + part);
      to.data.replace(offset, part, bytes, 0, part);
    }
    if (metadata.mode) to.mode = *metadata.mode;
    if (metadata.mtime_ns) to.mtime_ns = *metadata.mtime_ns;
  }
};

// One name of one folder set to a thing, or to nothing; not yet synced. An operation is one or
// several of these (a rename has two), and shares its number.
struct EntryChange {
  std::uint64_t operation = 0;
  Inode folder = kNone;
  std::string name{};
  Inode node = kNone;
};

struct Node {
  EntryKind kind = EntryKind::kFile;
  std::string target;  // of a link; there as soon as its name is
  std::int64_t ctime_ns = 0;
  Picture now;
  Picture durable;
  std::vector<Change> pending;  // oldest first
  bool lost = false;            // by another's sync, and nobody was told of it here
  std::map<std::uint64_t, std::uint64_t> written;  // ranges that take room, from begin to end
};

// Bytes of the disk's capacity that a file takes: what was written to it, not its holes.
std::uint64_t room_of(const Node& node);
// How many of `size` bytes at `offset` can be written when `free` bytes may be taken.
std::uint64_t fitting(const Node& node, std::uint64_t offset, std::uint64_t size,
                      std::uint64_t free);
void take_room(Node& node, std::uint64_t begin, std::uint64_t end);
void give_room(Node& node, std::uint64_t from);  // everything from there on

enum class Access { kReading, kChanging };
enum class Last { kFollow, kStay };

struct Found {
  int code = 0;          // not 0: nothing below holds
  Inode folder = kNone;  // where the last name stands or would stand; of the root: none
  std::string name{};
  Inode node = kNone;  // what stands there
};

struct State {
  std::map<Inode, Node> nodes;
  Inode last_inode = kRoot;
  std::vector<EntryChange> journal;  // oldest first
  std::uint64_t operation = 0;
  std::map<Inode, std::size_t> open;  // how often
  std::size_t collect_above = 1024;   // nodes

  // what is to go wrong, as the disk's calls of these names say
  std::uint64_t steps = 0;
  std::map<std::uint64_t, int> fail_at;
  std::optional<std::pair<std::uint64_t, int>> fail_from;
  std::optional<std::uint64_t> crash_at;
  bool crashed = false;
  std::optional<std::uint64_t> capacity;
  std::uint64_t boots = 1;
  std::uint64_t generation = 1;  // of open files
  std::uint64_t losses = 0;      // syncs that failed
  std::int64_t clock_ns = 1'700'000'000'000'000'000;

  State();  // a root, empty and durable
  // Every change has a time of its own, so that a test sees that one happened.
  std::int64_t tick() { return clock_ns += 1000; }
  Node& at(Inode inode) { return nodes.at(inode); }
  [[nodiscard]] const Node& at(Inode inode) const { return nodes.at(inode); }
  // Counts one; 0 to go on, or why not.
  int step();
  Found find(const Path& path, Access access, Last last) const;
  // The last name of something that is about to be made, moved or removed.
  Found find_name(const Path& path) const;
  // A folder, to sync or set.
  Found find_folder(const Path& path) const;
  void set_entry(Inode folder, const std::string& name, Inode node);
  Inode make(EntryKind kind, std::uint32_t mode);
  Info info_of(Inode inode) const;
  // Adds to `seen` what can be reached.
  void mark(Inode from, bool durable, std::set<Inode>& seen) const;
  std::uint64_t used() const;  // of the capacity
  // Forgets what neither picture, nor an open file, nor a change that may yet come back holds.
  void collect();
  void collect_sometimes();
  // A folder has one place. Where losing half of a rename left it two, it keeps the first found.
  void keep_folders_once(Inode folder, std::set<Inode>& seen);
  // Makes durable any part of what is not.
  void keep_some(Random& random);
  void list(Inode folder, const std::string& prefix, bool durable, std::set<Inode>& above,
            std::map<std::string, std::string>& out) const;
  std::optional<std::string> contents(std::string_view path, bool durable) const;
  // There in both pictures, its folders too.
  Node& put(std::string_view path, EntryKind kind, std::uint32_t mode);
};

}  // namespace skein::store::fake
