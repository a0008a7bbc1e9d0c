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
#include "store/fake_state.h"

namespace skein::store {

using fake::Access;
using fake::Change;
using fake::EntryChange;
using fake::Found;
using fake::Inode;
using fake::kCrashed;
using fake::kNone;
using fake::kRoot;
using fake::Last;
using fake::Node;

namespace {

constexpr std::uint64_t kRoomy = std::uint64_t{1} << 40U;

std::unexpected<Error> trouble(int code, const std::string& doing,
                               std::source_location place = std::source_location::current()) {
  switch (code) {
    case fake::kOut: return fail(kRefused, concat(doing, ": a link points out"), place);
    case fake::kThroughLink:
      return fail(kRefused, concat(doing, ": nothing is changed through links"), place);
    case fake::kManyLinks: return fail(kRefused, concat(doing, ": too many links"), place);
    case fake::kDots: return fail(kBadName, concat(doing, ": it ends in '.' or '..'"), place);
    case kCrashed: return fail(kIo, concat(doing, ": crashed"), place);
    default: return fail_errno(code, doing, place);
  }
}

}  // namespace

// A copy of a disk has the same state, and a mutex of its own.
struct FakeDisk::Body : fake::State {
  Body() = default;
  explicit Body(const fake::State& state) : State(state) {}
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
  out->body_ = std::make_unique<Body>(static_cast<const fake::State&>(*body_));
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
