#include "store/fake_disk.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <deque>
#include <iterator>
#include <mutex>
#include <set>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/text.h"
#include "store/digest.h"

namespace skein::store {

namespace {

using Inode = std::uint64_t;
constexpr Inode kNone = 0;
constexpr Inode kRoot = 1;

constexpr int kMaxLinks = 40;
constexpr std::uint64_t kRoomy = std::uint64_t{1} << 40U;

// Beside the errno values, which are positive: refusals that have no errno of their own.
constexpr int kOut = -1;          // a link points out
constexpr int kThroughLink = -2;  // a change through a link
constexpr int kManyLinks = -3;    // a ring of links
constexpr int kDots = -4;         // '.' or '..' as the last name of a change
constexpr int kCrashed = -5;

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

std::uint64_t room_of(const Node& node) {
  std::uint64_t room = 0;
  for (const auto& [begin, end] : node.written) room += end - begin;
  return room;
}

// How many of `size` bytes at `offset` can be written when `free` bytes may be taken.
std::uint64_t fitting(const Node& node, std::uint64_t offset, std::uint64_t size,
                      std::uint64_t free) {
  const std::uint64_t end = offset + size;
  auto range = node.written.upper_bound(offset);
  if (range != node.written.begin()) --range;
  std::uint64_t at = offset;
  while (at < end) {
    while (range != node.written.end() && range->second <= at) ++range;
    if (range != node.written.end() && range->first <= at) {  // has its room already
      at = std::min(end, range->second);
      continue;
    }
    const std::uint64_t gap_end = range == node.written.end() ? end : std::min(end, range->first);
    if (gap_end - at > free) return at + free - offset;
    free -= gap_end - at;
    at = gap_end;
  }
  return size;
}

void take_room(Node& node, std::uint64_t begin, std::uint64_t end) {
  if (begin == end) return;
  auto range = node.written.upper_bound(begin);
  if (range != node.written.begin() && std::prev(range)->second >= begin) --range;
  while (range != node.written.end() && range->first <= end) {
    begin = std::min(begin, range->first);
    end = std::max(end, range->second);
    range = node.written.erase(range);
  }
  node.written.emplace(begin, end);
}

void give_room(Node& node, std::uint64_t from) {  // everything from there on
  auto range = node.written.lower_bound(from);
  node.written.erase(range, node.written.end());
  if (!node.written.empty()) {
    auto& end = std::prev(node.written.end())->second;
    end = std::min(end, from);
  }
}

std::vector<std::string> components(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const std::size_t slash = text.find('/');
    if (slash != 0) out.emplace_back(text.substr(0, slash));
    if (slash == std::string_view::npos) break;
    text.remove_prefix(slash + 1);
  }
  return out;
}

std::unexpected<Error> trouble(int code, const std::string& doing,
                               std::source_location place = std::source_location::current()) {
  switch (code) {
    case kOut: return fail(kRefused, concat(doing, ": a link points out"), place);
    case kThroughLink:
      return fail(kRefused, concat(doing, ": nothing is changed through links"), place);
    case kManyLinks: return fail(kRefused, concat(doing, ": too many links"), place);
    case kDots: return fail(kBadName, concat(doing, ": it ends in '.' or '..'"), place);
    case kCrashed: return fail(kIo, concat(doing, ": crashed"), place);
    default: return fail_errno(code, doing, place);
  }
}

enum class Access { kReading, kChanging };
enum class Last { kFollow, kStay };

struct Found {
  int code = 0;          // not 0: nothing below holds
  Inode folder = kNone;  // where the last name stands or would stand; of the root: none
  std::string name{};
  Inode node = kNone;  // what stands there
};

}  // namespace

struct FakeDisk::State {
  std::map<Inode, Node> nodes;
  Inode last_inode = kRoot;
  std::vector<EntryChange> journal;  // oldest first
  std::uint64_t operation = 0;
  std::map<Inode, std::size_t> open;  // how often
  std::size_t collect_above = 1024;   // nodes

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

  State() {
    Node root;
    root.kind = EntryKind::kFolder;
    root.now.mode = 0755;
    root.ctime_ns = root.now.mtime_ns = tick();
    root.durable = root.now;
    nodes.emplace(kRoot, std::move(root));
  }

  // Every change has a time of its own, so that a test sees that one happened.
  std::int64_t tick() { return clock_ns += 1000; }

  Node& at(Inode inode) { return nodes.at(inode); }
  [[nodiscard]] const Node& at(Inode inode) const { return nodes.at(inode); }

  // Counts one; 0 to go on, or why not.
  int step() {
    if (crashed) return kCrashed;
    ++steps;
    if (crash_at && steps >= *crash_at) {
      crashed = true;
      return kCrashed;
    }
    if (const auto found = fail_at.find(steps); found != fail_at.end()) {
      const int code = found->second;
      fail_at.erase(found);
      return code;
    }
    if (fail_from && steps >= fail_from->first) return fail_from->second;
    return 0;
  }

  Found find(const Path& path, Access access, Last last) const {
    if (path.text().size() > spec::kMaxPathBytes) return {.code = ENAMETOOLONG};
    std::deque<std::string> rest;
    std::ranges::move(components(path.text()), std::back_inserter(rest));
    std::vector<Inode> stack = {kRoot};
    std::vector<std::string> names = {""};
    int links = 0;
    while (!rest.empty()) {
      std::string name = std::move(rest.front());
      rest.pop_front();
      const Node& folder = at(stack.back());
      if (folder.kind != EntryKind::kFolder) return {.code = ENOTDIR};
      if (name == ".") continue;
      if (name == "..") {
        if (stack.size() == 1) return {.code = kOut};
        stack.pop_back();
        names.pop_back();
        continue;
      }
      if (name.size() > spec::kMaxComponentBytes) return {.code = ENAMETOOLONG};
      const auto entry = folder.now.entries.find(name);
      if (entry == folder.now.entries.end()) {
        if (!rest.empty()) return {.code = ENOENT};
        return {.folder = stack.back(), .name = std::move(name)};
      }
      const Node& node = at(entry->second);
      if (node.kind == EntryKind::kLink && (!rest.empty() || last == Last::kFollow)) {
        if (access == Access::kChanging) return {.code = kThroughLink};
        if (++links > kMaxLinks) return {.code = kManyLinks};
        if (node.target.starts_with('/')) return {.code = kOut};
        const auto target = components(node.target);
        rest.insert(rest.begin(), target.begin(), target.end());
        continue;
      }
      stack.push_back(entry->second);
      names.push_back(std::move(name));
    }
    const Inode folder = stack.size() > 1 ? stack[stack.size() - 2] : kNone;
    return {.folder = folder, .name = std::move(names.back()), .node = stack.back()};
  }

  // The last name of something that is about to be made, moved or removed.
  Found find_name(const Path& path) const {
    if (path.name() == "." || path.name() == "..") return {.code = kDots};
    return find(path, Access::kChanging, Last::kStay);
  }

  // A folder, to sync or set.
  Found find_folder(const Path& path) const {
    Found found = find(path, Access::kChanging, Last::kStay);
    if (found.code == 0 && found.node == kNone) return {.code = ENOENT};
    if (found.code == 0 && at(found.node).kind != EntryKind::kFolder) return {.code = ENOTDIR};
    return found;
  }

  void set_entry(Inode folder, const std::string& name, Inode node) {
    Node& where = at(folder);
    if (node == kNone) {
      where.now.entries.erase(name);
    } else {
      where.now.entries[name] = node;
    }
    where.ctime_ns = where.now.mtime_ns = tick();
    journal.push_back({operation, folder, name, node});
  }

  Inode make(EntryKind kind, std::uint32_t mode) {
    Node node;
    node.kind = kind;
    node.now.mode = mode & 0777U;
    node.ctime_ns = node.now.mtime_ns = tick();
    node.durable = node.now;
    nodes.emplace(++last_inode, std::move(node));
    return last_inode;
  }

  Info info_of(Inode inode) const {
    const Node& node = at(inode);
    Info info;
    info.kind = node.kind;
    info.size_bytes = node.kind == EntryKind::kLink ? node.target.size() : node.now.data.size();
    info.mtime_ns = node.now.mtime_ns;
    info.ctime_ns = node.ctime_ns;
    info.mode = node.now.mode;
    info.inode = inode;
    return info;
  }

  void mark(Inode from, bool durable, std::set<Inode>& seen) const {
    std::vector<Inode> todo = {from};
    while (!todo.empty()) {
      const Inode inode = todo.back();
      todo.pop_back();
      if (!seen.insert(inode).second) continue;
      const Node& node = at(inode);
      for (const auto& entry : (durable ? node.durable : node.now).entries) {
        todo.push_back(entry.second);
      }
    }
  }

  std::uint64_t used() const {
    std::set<Inode> seen;
    mark(kRoot, false, seen);
    for (const auto& file : open) seen.insert(file.first);
    std::uint64_t sum = 0;
    for (const Inode inode : seen) sum += room_of(at(inode));
    return sum;
  }

  // Forgets what neither picture, nor an open file, nor a change that may yet come back holds.
  void collect() {
    std::set<Inode> seen;
    std::vector<Inode> held = {kRoot};
    for (const auto& file : open) held.push_back(file.first);
    for (const EntryChange& change : journal) {
      held.push_back(change.folder);
      if (change.node != kNone) held.push_back(change.node);
    }
    // In both pictures from everything seen in either, until nothing new turns up.
    while (!held.empty()) {
      const Inode inode = held.back();
      held.pop_back();
      if (!seen.insert(inode).second) continue;
      for (const auto& entry : at(inode).now.entries) held.push_back(entry.second);
      for (const auto& entry : at(inode).durable.entries) held.push_back(entry.second);
    }
    std::erase_if(nodes, [&](const auto& node) { return !seen.contains(node.first); });
    collect_above = 2 * nodes.size() + 1024;
  }

  void collect_sometimes() {
    if (nodes.size() > collect_above) collect();
  }

  // A folder has one place. Where losing half of a rename left it two, it keeps the first found.
  void keep_folders_once(Inode folder, std::set<Inode>& seen) {
    std::erase_if(at(folder).durable.entries, [&](const auto& entry) {
      return at(entry.second).kind == EntryKind::kFolder && !seen.insert(entry.second).second;
    });
    for (const auto& entry : at(folder).durable.entries) {
      if (at(entry.second).kind == EntryKind::kFolder) keep_folders_once(entry.second, seen);
    }
  }

  void keep_some(Random& random) {
    const auto chance = [&](std::uint64_t of) { return random.u64() % of == 0; };
    // Half of it, or little: what depends on much being there, and one thing not, happens too.
    const std::uint64_t lost_in = std::uint64_t{2} << random.u64() % 3;
    for (auto& [inode, node] : nodes) {
      for (const Change& change : node.pending) {
        if (chance(lost_in)) continue;
        const bool torn = !change.bytes.empty() && chance(lost_in);
        change.apply(node.durable, torn ? random.u64() % change.bytes.size() : std::string::npos);
      }
    }
    for (std::size_t i = 0; i < journal.size();) {
      const std::uint64_t operation_here = journal[i].operation;
      const bool kept = !chance(lost_in);
      for (; i < journal.size() && journal[i].operation == operation_here; ++i) {
        if (!kept) continue;
        auto& entries = at(journal[i].folder).durable.entries;
        if (journal[i].node == kNone) {
          entries.erase(journal[i].name);
        } else {
          entries[journal[i].name] = journal[i].node;
        }
      }
    }
  }

  void list(Inode folder, const std::string& prefix, bool durable, std::set<Inode>& above,
            Tree& out) const {
    const Node& parent = at(folder);
    for (const auto& [name, inode] : (durable ? parent.durable : parent.now).entries) {
      const Node& node = at(inode);
      const std::string path = concat(prefix, name);
      switch (node.kind) {
        case EntryKind::kFile: {
          const std::string& data = (durable ? node.durable : node.now).data;
          out[path] = data.size() <= 64 ? concat("file ", data)
                                        : concat("file ", std::to_string(data.size()), " ",
                                                 digest_of(as_bytes(data), 0).hex());
          break;
        }
        case EntryKind::kFolder:
          out[path] = "folder";
          if (above.insert(inode).second) {
            list(inode, concat(path, "/"), durable, above, out);
            above.erase(inode);
          }
          break;
        case EntryKind::kLink: out[path] = concat("link ", node.target); break;
        case EntryKind::kOther: out[path] = "other"; break;
      }
    }
  }

  std::optional<std::string> contents(std::string_view path, bool durable) const {
    Inode inode = kRoot;
    for (const std::string& name : components(path)) {
      const Node& node = at(inode);
      const auto& entries = (durable ? node.durable : node.now).entries;
      const auto entry = entries.find(name);
      if (entry == entries.end()) return std::nullopt;
      inode = entry->second;
    }
    const Node& node = at(inode);
    if (node.kind != EntryKind::kFile) return std::nullopt;
    return (durable ? node.durable : node.now).data;
  }

  // There in both pictures, its folders too.
  Node& put(std::string_view path, EntryKind kind, std::uint32_t mode) {
    const std::vector<std::string> names = components(path);
    assert(!names.empty());
    Inode inode = kRoot;
    for (std::size_t i = 0; i < names.size(); ++i) {
      const bool last = i + 1 == names.size();
      auto& entries = at(inode).now.entries;
      const auto entry = entries.find(names[i]);
      const Inode child = entry != entries.end() ? entry->second
                          : last                 ? make(kind, mode)
                                                 : make(EntryKind::kFolder, 0755);
      assert(at(child).kind == (last ? kind : EntryKind::kFolder));
      at(inode).now.entries[names[i]] = child;
      at(inode).durable.entries[names[i]] = child;
      std::erase_if(journal, [&](const EntryChange& change) {
        return change.folder == inode && change.name == names[i];
      });
      inode = child;
    }
    return at(inode);
  }
};

// A copy of a disk has the same state, and a mutex of its own.
struct FakeDisk::Body : State {
  Body() = default;
  explicit Body(const State& state) : State(state) {}
  mutable std::mutex mutex;
};

// --- Files and readers

class FakeDisk::OpenFile final : public File {
 public:
  OpenFile(Body& body, Inode inode, bool writable, std::string name)  // under the mutex
      : body_(body),
        inode_(inode),
        generation_(body.generation),
        writable_(writable),
        name_(std::move(name)) {
    ++body_.open[inode_];
  }
  ~OpenFile() override {
    const std::lock_guard guard(body_.mutex);
    const auto open = body_.open.find(inode_);
    if (--open->second == 0) body_.open.erase(open);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;

  Result<std::size_t> read_at(std::uint64_t offset, MutableBytes out) override {
    const std::lock_guard guard(body_.mutex);
    TRY(check("reading", false));
    const std::string& data = body_.at(inode_).now.data;
    if (offset >= data.size()) return std::size_t{0};
    const std::size_t part = std::min(out.size(), data.size() - offset);
    std::ranges::copy(as_bytes(data).subspan(offset, part), out.begin());
    return part;
  }

  Result<void> write_at(std::uint64_t offset, Bytes bytes) override {
    const std::lock_guard guard(body_.mutex);
    TRY(check("writing", true));
    const std::string doing = concat("writing ", quoted(name_));
    if (offset > kMostBytes || bytes.size() > kMostBytes - offset) return trouble(EFBIG, doing);
    if (const int code = body_.step(); code != 0) {
      write(offset, bytes.first(bytes.size() / 2));
      return trouble(code, doing);
    }
    std::uint64_t part = bytes.size();
    if (body_.capacity) {
      const std::uint64_t used = body_.used();
      const std::uint64_t free = *body_.capacity > used ? *body_.capacity - used : 0;
      part = fitting(body_.at(inode_), offset, bytes.size(), free);
    }
    write(offset, bytes.first(part));
    if (part < bytes.size()) return trouble(ENOSPC, doing);
    return {};
  }

  Result<void> set_size(std::uint64_t bytes) override {
    const std::lock_guard guard(body_.mutex);
    TRY(check("resizing", true));
    const std::string doing = concat("resizing ", quoted(name_));
    if (bytes > kMostBytes) return trouble(EFBIG, doing);
    if (const int code = body_.step(); code != 0) return trouble(code, doing);
    Change change;
    change.size = bytes;
    change.metadata.mtime_ns = body_.tick();
    give_room(body_.at(inode_), bytes);
    add(std::move(change));
    return {};
  }

  Result<void> set_metadata(const Metadata& metadata) override {
    const std::lock_guard guard(body_.mutex);
    TRY(check("setting mode or time of", false));
    if (const int code = body_.step(); code != 0) {
      return trouble(code, concat("setting mode or time of ", quoted(name_)));
    }
    Change change;
    change.metadata = metadata;
    if (metadata.mode) change.metadata.mode = *metadata.mode & 0777U;
    add(std::move(change));
    return {};
  }

  Result<void> sync() override {
    const std::lock_guard guard(body_.mutex);
    TRY(check("syncing", false));
    Node& node = body_.at(inode_);
    if (const int code = body_.step(); code != 0) {
      if (code != kCrashed) {
        node.pending.clear();
        ++body_.losses;
      }
      return trouble(code, concat("syncing ", quoted(name_)));
    }
    if (std::exchange(node.lost, false)) return trouble(EIO, concat("syncing ", quoted(name_)));
    for (const Change& change : node.pending) change.apply(node.durable);
    node.pending.clear();
    return {};
  }

  Result<Info> info() override {
    const std::lock_guard guard(body_.mutex);
    TRY(check("looking at", false));
    return body_.info_of(inode_);
  }

 private:
  static constexpr std::uint64_t kMostBytes = std::uint64_t{1} << 62U;

  Result<void> check(std::string_view doing, bool writes) {
    if (body_.crashed) return trouble(kCrashed, concat(doing, " ", quoted(name_)));
    if (generation_ != body_.generation) {
      return fail(kIo, concat(doing, " ", quoted(name_), ": it was opened before the crash"));
    }
    if (writes && !writable_) return trouble(EBADF, concat(doing, " ", quoted(name_)));
    return {};
  }

  void write(std::uint64_t offset, Bytes bytes) {
    if (bytes.empty()) return;
    Change change;
    change.offset = offset;
    change.bytes = as_text(bytes);
    change.metadata.mtime_ns = body_.tick();
    take_room(body_.at(inode_), offset, offset + bytes.size());
    add(std::move(change));
  }

  void add(Change change) {
    Node& node = body_.at(inode_);
    change.apply(node.now);
    node.ctime_ns = body_.tick();
    node.pending.push_back(std::move(change));
  }

  Body& body_;
  Inode inode_;
  std::uint64_t generation_;
  bool writable_;
  std::string name_;
};

class FakeDisk::OpenFolder final : public FolderReader {
 public:
  OpenFolder(Body& body, Inode inode, std::string name)  // under the mutex
      : body_(body), inode_(inode), generation_(body.generation), name_(std::move(name)) {
    ++body_.open[inode_];
    // In no order that anyone may come to rely on; so not in that of the names.
    for (const auto& entry : body.at(inode).now.entries) names_.push_back(entry.first);
  }
  ~OpenFolder() override {
    const std::lock_guard guard(body_.mutex);
    const auto open = body_.open.find(inode_);
    if (--open->second == 0) body_.open.erase(open);
  }
  OpenFolder(const OpenFolder&) = delete;
  OpenFolder& operator=(const OpenFolder&) = delete;

  Result<std::vector<Entry>> next(std::size_t most) override {
    const std::lock_guard guard(body_.mutex);
    if (body_.crashed) return trouble(kCrashed, concat("reading folder ", name_));
    if (generation_ != body_.generation) {
      return fail(kIo, concat("reading folder ", name_, ": it was opened before the crash"));
    }
    std::vector<Entry> out;
    const auto& entries = body_.at(inode_).now.entries;
    while (out.size() < most && !names_.empty()) {
      Entry entry;
      entry.name = std::move(names_.back());
      names_.pop_back();
      const auto there = entries.find(entry.name);
      if (there == entries.end()) continue;
      entry.info = body_.info_of(there->second);
      entry.link_target = body_.at(there->second).target;
      out.push_back(std::move(entry));
    }
    return out;
  }

 private:
  Body& body_;
  Inode inode_;
  std::uint64_t generation_;
  std::string name_;
  std::vector<std::string> names_;  // still to come, from the back
};

// By its path, which is looked up each time.
class FakeDisk::FoundFolder final : public Folder {
 public:
  FoundFolder(FakeDisk& disk, Path path)  // under the mutex
      : disk_(disk),
        path_(std::move(path)),
        generation_(disk.body_->generation),
        losses_told_(disk.body_->losses) {}

  Result<std::unique_ptr<File>> open_file(const std::string& name) override {
    TRY(check());
    TRY_ASSIGN(const Info there, disk_.info(below(name)));
    if (there.kind == EntryKind::kLink) return fail(kNotAFile, concat(quoted(name), " is a link"));
    return disk_.open_file(below(name));
  }
  Result<std::unique_ptr<File>> create_file(const std::string& name) override {
    TRY(check());
    return disk_.create_file(below(name));
  }
  Result<Info> info(const std::string& name) override {
    TRY(check());
    return disk_.info(below(name));
  }
  Result<void> move(const std::string& name, Folder& to, const std::string& new_name) override {
    TRY(check());
    const Path target = static_cast<FoundFolder&>(to).below(new_name);
    return disk_.rename(below(name), target, Rename::kNoReplace);
  }
  Result<void> sync() override {
    TRY(check());
    return disk_.sync_folder(path_);
  }
  Result<void> sync_all() override {
    TRY(check());
    return disk_.sync_all(losses_told_);
  }

 private:
  [[nodiscard]] Path below(const std::string& name) const { return path_ / Path::internal(name); }
  Result<void> check() const {
    const std::lock_guard guard(disk_.body_->mutex);
    if (generation_ == disk_.body_->generation) return {};
    return fail(kIo, concat("folder ", shown(path_), " was opened before the crash"));
  }

  FakeDisk& disk_;
  Path path_;
  std::uint64_t generation_;
  std::uint64_t losses_told_;
};

// --- Trouble

FakeDisk::FakeDisk() : body_(std::make_unique<Body>()) {}
FakeDisk::~FakeDisk() {
  assert(body_->open.empty());  // a file outlives its disk
}

std::uint64_t FakeDisk::steps() const {
  const std::lock_guard guard(body_->mutex);
  return body_->steps;
}
void FakeDisk::fail_at(std::uint64_t step, int code) {
  const std::lock_guard guard(body_->mutex);
  body_->fail_at[step] = code;
}
void FakeDisk::fail_from(std::uint64_t step, int code) {
  const std::lock_guard guard(body_->mutex);
  body_->fail_from = std::pair(step, code);
}
void FakeDisk::fail_never() {
  const std::lock_guard guard(body_->mutex);
  body_->fail_at.clear();
  body_->fail_from.reset();
}
void FakeDisk::crash_at(std::uint64_t step) {
  const std::lock_guard guard(body_->mutex);
  body_->crash_at = step;
}
bool FakeDisk::crashed() const {
  const std::lock_guard guard(body_->mutex);
  return body_->crashed;
}

void FakeDisk::power_cycle(Random* random) {
  const std::lock_guard guard(body_->mutex);
  Body& body = *body_;
  if (random != nullptr) body.keep_some(*random);
  body.journal.clear();
  std::set<Inode> seen = {kRoot};
  body.keep_folders_once(kRoot, seen);
  for (auto& [inode, node] : body.nodes) {
    node.pending.clear();
    node.lost = false;
    node.now = node.durable;
    node.written.clear();
    take_room(node, 0, node.now.data.size());
  }
  body.collect();
  body.crashed = false;
  body.crash_at.reset();
  ++body.boots;
  ++body.generation;
}

void FakeDisk::kill() {
  const std::lock_guard guard(body_->mutex);
  body_->crashed = false;
  body_->crash_at.reset();
  ++body_->generation;
}

std::unique_ptr<FakeDisk> FakeDisk::copy() const {
  const std::lock_guard guard(body_->mutex);
  auto out = std::make_unique<FakeDisk>();
  out->body_ = std::make_unique<Body>(static_cast<const State&>(*body_));
  out->body_->open.clear();
  ++out->body_->generation;
  out->body_->collect();
  return out;
}

void FakeDisk::set_capacity(std::optional<std::uint64_t> bytes) {
  const std::lock_guard guard(body_->mutex);
  body_->capacity = bytes;
}

// --- Setting up and looking

void FakeDisk::put_file(std::string_view path, std::string_view bytes) {
  const std::lock_guard guard(body_->mutex);
  Node& node = body_->put(path, EntryKind::kFile, 0644);
  node.ctime_ns = node.now.mtime_ns = body_->tick();
  node.now.data = bytes;
  node.durable = node.now;
  node.pending.clear();
  node.written.clear();
  take_room(node, 0, bytes.size());
}
void FakeDisk::put_folder(std::string_view path) {
  const std::lock_guard guard(body_->mutex);
  body_->put(path, EntryKind::kFolder, 0755);
}
void FakeDisk::put_other(std::string_view path) {
  const std::lock_guard guard(body_->mutex);
  body_->put(path, EntryKind::kOther, 0644);
}

std::optional<std::string> FakeDisk::contents(std::string_view path) const {
  const std::lock_guard guard(body_->mutex);
  return body_->contents(path, false);
}
std::optional<std::string> FakeDisk::durable_contents(std::string_view path) const {
  const std::lock_guard guard(body_->mutex);
  return body_->contents(path, true);
}

FakeDisk::Tree FakeDisk::tree() const {
  const std::lock_guard guard(body_->mutex);
  Tree out;
  std::set<Inode> above = {kRoot};
  body_->list(kRoot, "", false, above, out);
  return out;
}
FakeDisk::Tree FakeDisk::durable_tree() const {
  const std::lock_guard guard(body_->mutex);
  Tree out;
  std::set<Inode> above = {kRoot};
  body_->list(kRoot, "", true, above, out);
  return out;
}

std::size_t FakeDisk::open_files() const {
  const std::lock_guard guard(body_->mutex);
  std::size_t count = 0;
  for (const auto& file : body_->open) count += file.second;
  return count;
}

// --- Disk

Result<std::unique_ptr<File>> FakeDisk::open_file(const Path& path) {
  const std::lock_guard guard(body_->mutex);
  const std::string doing = concat("opening ", shown(path));
  if (body_->crashed) return trouble(kCrashed, doing);
  const Found found = body_->find(path, Access::kReading, Last::kFollow);
  if (found.code != 0) return trouble(found.code, doing);
  if (found.node == kNone) return trouble(ENOENT, doing);
  const EntryKind kind = body_->at(found.node).kind;
  if (kind == EntryKind::kFolder) return fail(kIsAFolder, concat(shown(path), " is a folder"));
  if (kind != EntryKind::kFile) {
    return fail(kNotAFile, concat(shown(path), " is not a regular file"));
  }
  return std::make_unique<OpenFile>(*body_, found.node, false, path.text());
}

Result<std::unique_ptr<File>> FakeDisk::open_for_writing(const Path& path) {
  const std::lock_guard guard(body_->mutex);
  const std::string doing = concat("opening ", shown(path));
  if (body_->crashed) return trouble(kCrashed, doing);
  const Found found = body_->find(path, Access::kChanging, Last::kStay);
  if (found.code != 0) return trouble(found.code, doing);
  if (found.node == kNone) return trouble(ENOENT, doing);
  const EntryKind kind = body_->at(found.node).kind;
  if (kind == EntryKind::kFolder) return fail(kIsAFolder, concat(shown(path), " is a folder"));
  if (kind == EntryKind::kLink) return fail(kNotAFile, concat(shown(path), " is a link"));
  if (kind != EntryKind::kFile) {
    return fail(kNotAFile, concat(shown(path), " is not a regular file"));
  }
  return std::make_unique<OpenFile>(*body_, found.node, true, path.text());
}

Result<std::unique_ptr<File>> FakeDisk::create_file(const Path& path) {
  const std::lock_guard guard(body_->mutex);
  const std::string doing = concat("creating ", shown(path));
  if (const int code = body_->step(); code != 0) return trouble(code, doing);
  const Found found = body_->find_name(path);
  if (found.code != 0) return trouble(found.code, doing);
  if (found.node != kNone) return trouble(EEXIST, doing);
  ++body_->operation;
  const Inode inode = body_->make(EntryKind::kFile, 0600);
  body_->set_entry(found.folder, found.name, inode);
  return std::make_unique<OpenFile>(*body_, inode, true, path.text());
}

Result<std::unique_ptr<FolderReader>> FakeDisk::read_folder(const Path& path) {
  const std::lock_guard guard(body_->mutex);
  const std::string doing = concat("reading folder ", shown(path));
  if (body_->crashed) return trouble(kCrashed, doing);
  const Found found = body_->find(path, Access::kReading, Last::kFollow);
  if (found.code != 0) return trouble(found.code, doing);
  if (found.node == kNone) return trouble(ENOENT, doing);
  if (body_->at(found.node).kind != EntryKind::kFolder) return trouble(ENOTDIR, doing);
  return std::make_unique<OpenFolder>(*body_, found.node, shown(path));
}

Result<std::unique_ptr<Folder>> FakeDisk::open_folder(const Path& path) {
  const std::lock_guard guard(body_->mutex);
  const std::string doing = concat("opening folder ", shown(path));
  if (body_->crashed) return trouble(kCrashed, doing);
  const Found found = body_->find_folder(path);
  if (found.code != 0) return trouble(found.code, doing);
  return std::make_unique<FoundFolder>(*this, path);
}

Result<void> FakeDisk::make_folder(const Path& path, std::uint32_t mode) {
  const std::lock_guard guard(body_->mutex);
  const std::string doing = concat("making folder ", shown(path));
  if (const int code = body_->step(); code != 0) return trouble(code, doing);
  const Found found = body_->find_name(path);
  if (found.code != 0) return trouble(found.code, doing);
  if (found.node != kNone) return trouble(EEXIST, doing);
  ++body_->operation;
  body_->set_entry(found.folder, found.name, body_->make(EntryKind::kFolder, mode));
  return {};
}

Result<void> FakeDisk::set_folder_metadata(const Path& path, const Metadata& metadata) {
  const std::lock_guard guard(body_->mutex);
  const std::string doing = concat("setting mode or time of ", shown(path));
  if (const int code = body_->step(); code != 0) return trouble(code, doing);
  const Found found = body_->find_folder(path);
  if (found.code != 0) return trouble(found.code, doing);
  Node& node = body_->at(found.node);
  if (metadata.mode) node.now.mode = *metadata.mode & 0777U;
  if (metadata.mtime_ns) node.now.mtime_ns = *metadata.mtime_ns;
  node.ctime_ns = body_->tick();
  return {};
}

Result<void> FakeDisk::make_link(const Path& path, const std::string& target) {
  const std::lock_guard guard(body_->mutex);
  const std::string doing = concat("making link ", shown(path));
  if (const int code = body_->step(); code != 0) return trouble(code, doing);
  if (target.contains('\0')) return fail(kBadName, concat(doing, ": a NUL in its target"));
  const Found found = body_->find_name(path);
  if (found.code != 0) return trouble(found.code, doing);
  if (found.node != kNone) return trouble(EEXIST, doing);
  if (target.empty()) return trouble(ENOENT, doing);
  ++body_->operation;
  const Inode inode = body_->make(EntryKind::kLink, 0777);
  body_->at(inode).target = target;
  body_->set_entry(found.folder, found.name, inode);
  return {};
}

Result<Info> FakeDisk::info(const Path& path) {
  const std::lock_guard guard(body_->mutex);
  const std::string doing = concat("looking at ", shown(path));
  if (body_->crashed) return trouble(kCrashed, doing);
  const Found found = body_->find(path, Access::kReading, Last::kStay);
  if (found.code != 0) return trouble(found.code, doing);
  if (found.node == kNone) return trouble(ENOENT, doing);
  return body_->info_of(found.node);
}

Result<std::string> FakeDisk::link_target(const Path& path) {
  const std::lock_guard guard(body_->mutex);
  const std::string doing = concat("reading link ", shown(path));
  if (body_->crashed) return trouble(kCrashed, doing);
  const Found found = body_->find(path, Access::kReading, Last::kStay);
  if (found.code != 0) return trouble(found.code, doing);
  if (found.node == kNone) return trouble(ENOENT, doing);
  const Node& node = body_->at(found.node);
  if (node.kind != EntryKind::kLink) {
    return fail(kNotFound, concat(shown(path), " is not a link"));
  }
  return node.target;
}

Result<void> FakeDisk::rename(const Path& from, const Path& to, Rename how) {
  const std::lock_guard guard(body_->mutex);
  const std::string doing = concat("renaming ", shown(from), " to ", shown(to));
  if (const int code = body_->step(); code != 0) return trouble(code, doing);
  if (from.is_root() || to.is_root()) {
    return fail(kBadRequest, concat(doing, ": the shared folder itself stays where it is"));
  }
  const bool inwards =
      from != to && (from.contains(to) || (how == Rename::kExchange && to.contains(from)));
  if (inwards) return fail(kBadRequest, concat(doing, ": a folder cannot go into itself"));
  const Found source = body_->find_name(from);
  if (source.code != 0) return trouble(source.code, doing);
  const Found target = body_->find_name(to);
  if (target.code != 0) return trouble(target.code, doing);
  if (source.node == kNone) return trouble(ENOENT, doing);
  if (how == Rename::kNoReplace && target.node != kNone) return trouble(EEXIST, doing);
  if (how == Rename::kExchange && target.node == kNone) return trouble(ENOENT, doing);
  if (source.node == target.node) return {};
  ++body_->operation;
  body_->set_entry(source.folder, source.name, target.node);
  body_->set_entry(target.folder, target.name, source.node);
  body_->at(source.node).ctime_ns = body_->tick();
  if (target.node != kNone) body_->at(target.node).ctime_ns = body_->tick();
  return {};
}

Result<void> FakeDisk::remove_file(const Path& path) {
  const std::lock_guard guard(body_->mutex);
  const std::string doing = concat("removing ", shown(path));
  if (const int code = body_->step(); code != 0) return trouble(code, doing);
  const Found found = body_->find_name(path);
  if (found.code != 0) return trouble(found.code, doing);
  if (found.node == kNone) return trouble(ENOENT, doing);
  if (body_->at(found.node).kind == EntryKind::kFolder) return trouble(EISDIR, doing);
  ++body_->operation;
  body_->set_entry(found.folder, found.name, kNone);
  body_->collect_sometimes();
  return {};
}

Result<void> FakeDisk::remove_folder(const Path& path) {
  const std::lock_guard guard(body_->mutex);
  const std::string doing = concat("removing folder ", shown(path));
  if (const int code = body_->step(); code != 0) return trouble(code, doing);
  if (path.is_root()) return fail(kBadRequest, concat(doing, ": it stays where it is"));
  const Found found = body_->find_name(path);
  if (found.code != 0) return trouble(found.code, doing);
  if (found.node == kNone) return trouble(ENOENT, doing);
  const Node& node = body_->at(found.node);
  if (node.kind != EntryKind::kFolder) return trouble(ENOTDIR, doing);
  if (!node.now.entries.empty()) return trouble(ENOTEMPTY, doing);
  ++body_->operation;
  body_->set_entry(found.folder, found.name, kNone);
  body_->collect_sometimes();
  return {};
}

Result<void> FakeDisk::sync_folder(const Path& path) {
  const std::lock_guard guard(body_->mutex);
  const std::string doing = concat("syncing folder ", shown(path));
  if (const int code = body_->step(); code != 0) return trouble(code, doing);
  const Found found = body_->find_folder(path);
  if (found.code != 0) return trouble(found.code, doing);
  Node& node = body_->at(found.node);
  node.durable = node.now;
  std::erase_if(body_->journal,
                [&](const EntryChange& change) { return change.folder == found.node; });
  return {};
}

Result<void> FakeDisk::sync_all(std::uint64_t& losses_told) {
  const std::lock_guard guard(body_->mutex);
  const std::string doing = "syncing the filesystem";
  if (const int code = body_->step(); code != 0) {
    if (code == kCrashed) return trouble(code, doing);
    for (auto& [inode, node] : body_->nodes) {
      node.lost = node.lost || !node.pending.empty();
      node.pending.clear();
    }
    losses_told = ++body_->losses;
    return trouble(code, doing);
  }
  for (auto& [inode, node] : body_->nodes) {
    if (node.kind == EntryKind::kFolder) node.durable = node.now;
    for (const Change& change : node.pending) change.apply(node.durable);
    node.pending.clear();
  }
  body_->journal.clear();
  if (std::exchange(losses_told, body_->losses) != body_->losses) return trouble(EIO, doing);
  return {};
}

Result<Disk::Space> FakeDisk::space() {
  const std::lock_guard guard(body_->mutex);
  if (body_->crashed) return trouble(kCrashed, "asking for free space");
  const std::uint64_t total = body_->capacity.value_or(kRoomy);
  const std::uint64_t used = body_->used();
  return Space{.free_bytes = total > used ? total - used : 0, .total_bytes = total};
}

std::string FakeDisk::boot_id() const {
  const std::lock_guard guard(body_->mutex);
  return concat("boot-", std::to_string(body_->boots));
}

}  // namespace skein::store
