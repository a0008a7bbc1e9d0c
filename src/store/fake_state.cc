#include "store/fake_state.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <deque>
#include <iterator>

#include "base/limits.h"
#include "base/text.h"
#include "store/digest.h"

namespace skein::store::fake {

namespace {

constexpr int kMaxLinks = 40;

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

}  // namespace

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

State::State() {
  Node root;
  root.kind = EntryKind::kFolder;
  root.now.mode = 0755;
  root.ctime_ns = root.now.mtime_ns = tick();
  root.durable = root.now;
  nodes.emplace(kRoot, std::move(root));
}

int State::step() {
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

Found State::find(const Path& path, Access access, Last last) const {
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

Found State::find_name(const Path& path) const {
  if (path.name() == "." || path.name() == "..") return {.code = kDots};
  return find(path, Access::kChanging, Last::kStay);
}

Found State::find_folder(const Path& path) const {
  Found found = find(path, Access::kChanging, Last::kStay);
  if (found.code == 0 && found.node == kNone) return {.code = ENOENT};
  if (found.code == 0 && at(found.node).kind != EntryKind::kFolder) return {.code = ENOTDIR};
  return found;
}

void State::set_entry(Inode folder, const std::string& name, Inode node) {
  Node& where = at(folder);
  if (node == kNone) {
    where.now.entries.erase(name);
  } else {
    where.now.entries[name] = node;
  }
  where.ctime_ns = where.now.mtime_ns = tick();
  journal.push_back({operation, folder, name, node});
}

Inode State::make(EntryKind kind, std::uint32_t mode) {
  Node node;
  node.kind = kind;
  node.now.mode = mode & 0777U;
  node.ctime_ns = node.now.mtime_ns = tick();
  node.durable = node.now;
  nodes.emplace(++last_inode, std::move(node));
  return last_inode;
}

Info State::info_of(Inode inode) const {
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

void State::mark(Inode from, bool durable, std::set<Inode>& seen) const {
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

std::uint64_t State::used() const {
  std::set<Inode> seen;
  mark(kRoot, false, seen);
  for (const auto& file : open) seen.insert(file.first);
  std::uint64_t sum = 0;
  for (const Inode inode : seen) sum += room_of(at(inode));
  return sum;
}

void State::collect() {
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

void State::collect_sometimes() {
  if (nodes.size() > collect_above) collect();
}

void State::keep_folders_once(Inode folder, std::set<Inode>& seen) {
  std::erase_if(at(folder).durable.entries, [&](const auto& entry) {
    return at(entry.second).kind == EntryKind::kFolder && !seen.insert(entry.second).second;
  });
  for (const auto& entry : at(folder).durable.entries) {
    if (at(entry.second).kind == EntryKind::kFolder) keep_folders_once(entry.second, seen);
  }
}

void State::keep_some(Random& random) {
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

void State::list(Inode folder, const std::string& prefix, bool durable, std::set<Inode>& above,
                 std::map<std::string, std::string>& out) const {
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

std::optional<std::string> State::contents(std::string_view path, bool durable) const {
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

Node& State::put(std::string_view path, EntryKind kind, std::uint32_t mode) {
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

}  // namespace skein::store::fake
