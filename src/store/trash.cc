#include "store/trash.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/text.h"

namespace skein::store {

namespace {

constexpr std::string_view kNameSuffix = ".path";
constexpr int kRenameAttempts = 16;  // of a rename that races with others at the same name

// Sorts by time: milliseconds in 13 digits, then chance.
std::string new_id(std::int64_t time_ms, Random& random) {
  std::array<char, 32> time{};
  std::snprintf(time.data(), time.size(), "%013lld", static_cast<long long>(time_ms));
  return concat(time.data(), "-", random.hex(8));
}

std::int64_t time_ms_of(const std::string& id) {
  return std::strtoll(id.c_str(), nullptr, 10);
}

Result<std::uint64_t> size_of_tree(Disk& disk, const Path& path) {
  TRY_ASSIGN(const Info info, disk.info(path));
  std::uint64_t total = info.size_bytes;
  if (info.kind != EntryKind::kFolder) return total;
  TRY_ASSIGN(auto reader, disk.read_folder(path));
  while (true) {
    constexpr std::size_t kBatch = 256;
    TRY_ASSIGN(const std::vector<Entry> entries, reader->next(kBatch));
    if (entries.empty()) return total;
    for (const Entry& entry : entries) {
      TRY_ASSIGN(const std::uint64_t below, size_of_tree(disk, path / Path::internal(entry.name)));
      total += below;
    }
  }
}

}  // namespace

struct Trash::Item {
  std::string id;
  std::string path;  // where it was
};

struct Trash::Items {
  std::vector<Item> named;            // oldest first
  std::vector<std::string> nameless;  // data without a name, or a name without data
};

Trash::Trash(Disk& disk, const Clock& clock, Random& random, Path folder, bool sync)
    : disk_(disk), clock_(clock), random_(random), folder_(std::move(folder)), sync_(sync) {}

Path Trash::data_path(const std::string& id) const {
  return folder_ / Path::internal(id);
}
Path Trash::name_path(const std::string& id) const {
  return folder_ / Path::internal(concat(id, kNameSuffix));
}

Path Trash::beside_path(const std::string& id, const Path& path) {
  return path.parent() / Path::internal(concat(kReservedPrefix, "-restore-", id));
}

Result<void> Trash::synced(const Path& folder) {
  if (!sync_) return {};
  return disk_.sync_folder(folder);
}

// A later one for each, so that the newest is known within a millisecond too. A clock that was put
// back further is believed: else what is taken from now on would expire as late as it was wrong.
std::int64_t Trash::next_ms() {
  constexpr std::int64_t kAheadMs = 1000;
  std::int64_t last = last_ms_;
  std::int64_t next = 0;
  do {
    next = clock_.wall_ns() / 1'000'000;
    if (next <= last && next > last - kAheadMs) next = last + 1;
  } while (!last_ms_.compare_exchange_weak(last, next));
  return next;
}

// A name without its thing: of something that is not taken after all.
void Trash::renounce(const std::string& id) {
  static_cast<void>(disk_.remove_file(name_path(id)).has_value());
}

Result<std::string> Trash::write_name(const Path& path, bool sync) {
  std::string id = new_id(next_ms(), random_);
  TRY_ASSIGN(auto file, disk_.create_file(name_path(id)));
  auto written = file->write_at(0, as_bytes(path.text()));
  if (written && sync) written = file->sync();
  if (written && sync) written = disk_.sync_folder(folder_);
  if (written) return id;
  renounce(id);
  return pass(std::move(written).error(), "preparing the trash");
}

// The name is on the disk before the thing itself can be: a thing in the trash is never nameless,
// whenever the power fails.
Result<std::string> Trash::prepare(const Path& path) {
  return write_name(path, sync_);
}

Result<std::string> Trash::announce(const Path& path) {
  return write_name(path, false);
}

Result<void> Trash::take(const Path& path) {
  TRY(disk_.info(path));
  TRY_ASSIGN(const std::string id, prepare(path));
  auto moved = disk_.rename(path, data_path(id), Rename::kNoReplace);
  if (!moved) {
    renounce(id);
    return pass(std::move(moved).error());
  }
  ++displaced_;
  // The trash first: a crash in between shows the thing twice rather than nowhere.
  TRY(settle());
  return synced(path.parent());
}

Result<void> Trash::settle() {
  return settled_ >= displaced_ ? Result<void>() : sync();
}

Result<void> Trash::sync() {
  const std::uint64_t displaced = displaced_;
  TRY(synced(folder_));
  std::uint64_t settled = settled_;
  while (settled < displaced && !settled_.compare_exchange_weak(settled, displaced)) {
  }
  return {};
}

// Back to where it was. If even that fails it keeps its name in the trash, where it is found.
void Trash::unstage(const std::string& id, const Path& fresh) {
  if (!disk_.rename(data_path(id), fresh, Rename::kNoReplace)) return;
  // After a loss of power it may be in the trash still, unless that is on the disk.
  if (!synced(folder_)) return;
  renounce(id);
}

Result<bool> Trash::replace(const Path& fresh, const Path& path) {
  TRY_ASSIGN(const Placed placed, place(fresh, path, ""));
  // The trash first, so that what was displaced is on the disk in one of the two, also when a sync
  // fails; the name's folder last, so that after a crash no partial file is also the one under the
  // name.
  if (placed.staged) TRY(sync());
  TRY(synced(fresh.parent()));
  TRY(synced(path.parent()));
  // A name left behind without its thing does no harm, and purge() finds it.
  if (!placed.unused_id.empty()) renounce(placed.unused_id);
  return placed.replaced;
}

Result<Trash::Placed> Trash::place(const Path& fresh, const Path& path, std::string id) {
  bool staged = false;  // in the trash, under the id
  const auto given_up = [&](Error error) {
    if (staged) {
      unstage(id, fresh);
    } else if (!id.empty()) {
      renounce(id);
    }
    return pass(std::move(error));
  };
  for (int attempt = 0; attempt < kRenameAttempts; ++attempt) {
    auto moved = disk_.rename(staged ? data_path(id) : fresh, path, Rename::kNoReplace);
    if (moved) {
      return Placed{.replaced = false, .staged = staged, .unused_id = std::move(id)};
    }
    if (!moved.error().is(kExists)) return given_up(std::move(moved).error());

    const auto standing = disk_.info(path);
    if (standing && standing->kind == EntryKind::kFolder) {
      return given_up(Error(kIsAFolder, concat("a folder stands at ", quoted(path.text()))));
    }
    // The new file goes to its place in the trash first and changes places from there: so what
    // is displaced lands in the trash, under its name, by the very step that displaces it.
    if (id.empty()) {
      TRY_ASSIGN(id, prepare(path));
    }
    if (!staged) {
      auto into_trash = disk_.rename(fresh, data_path(id), Rename::kNoReplace);
      if (!into_trash) return given_up(std::move(into_trash).error());
      staged = true;
    }
    auto exchanged = disk_.rename(data_path(id), path, Rename::kExchange);
    if (exchanged) {
      ++displaced_;
      return Placed{.replaced = true, .staged = true, .unused_id = {}};
    }
    if (!exchanged.error().is(kNotFound)) return given_up(std::move(exchanged).error());
  }
  return given_up(
      Error(kBusy, concat(quoted(path.text()), " is being replaced by others all the time")));
}

Result<bool> Trash::restore(const Path& path) {
  const std::lock_guard lock(mutex_);
  TRY_ASSIGN(const Items found, items());
  const Item* newest = nullptr;
  const Item* around = nullptr;  // a folder above it that was removed as a whole
  for (const Item& item : found.named) {
    if (item.path == path.text()) newest = &item;
    if (path.text().starts_with(item.path + "/")) around = &item;
  }
  if (newest == nullptr) {
    Error error(kNotFound, concat("the trash has nothing of ", quoted(path.text())));
    if (around != nullptr) {
      error = std::move(error).with_hint(
          concat(quoted(around->path), " was removed as a whole: restore that"));
    }
    return pass(std::move(error));
  }
  TRY(make_folders(disk_, path.parent(), 0755, sync_));
  auto moved = disk_.rename(data_path(newest->id), path, Rename::kNoReplace);
  const bool replaced = !moved && moved.error().is(kExists);
  if (replaced) {
    TRY(swap(newest->id, path));
  } else if (!moved) {
    return pass(std::move(moved).error());
  }
  // The target first here: until it is on the disk, the trash must not forget.
  TRY(synced(path.parent()));
  static_cast<void>(forget(*newest).has_value());  // purge() finds it
  TRY(synced(folder_));
  return replaced;
}

// Both things are dear, so they change places within one folder, which one sync makes durable;
// between two folders one of them would for a moment be on the disk in neither.
Result<void> Trash::swap(const std::string& id, const Path& path) {
  // What stands there gets a time of its own, so that it lives as long as what is taken now.
  TRY_ASSIGN(const std::string taken, prepare(path));
  const Path beside = beside_path(taken, path);
  const auto given_up = [&](Error error) {
    renounce(taken);
    return pass(std::move(error));
  };
  auto moved = disk_.rename(data_path(id), beside, Rename::kNoReplace);
  if (!moved) return given_up(std::move(moved).error());
  moved = synced(path.parent());
  if (moved) moved = disk_.rename(beside, path, Rename::kExchange);
  if (!moved) {
    // If it cannot go back, its name shows recover() where to look for it.
    const auto back = disk_.rename(beside, data_path(id), Rename::kNoReplace);
    return back ? given_up(std::move(moved).error()) : pass(std::move(moved).error());
  }
  TRY(synced(path.parent()));
  TRY(disk_.rename(beside, data_path(taken), Rename::kNoReplace));
  return synced(folder_);
}

// A crash may have left a thing beside the place that it was to go to or came from.
bool Trash::recover(const std::string& id) {
  const auto path = path_of(id);
  if (!path) return false;
  const auto parsed = Path::parse(*path);
  if (!parsed) return false;
  if (!disk_.rename(beside_path(id, *parsed), data_path(id), Rename::kNoReplace)) return false;
  // The trash first: a crash in between shows the thing twice rather than nowhere.
  const auto there = synced(folder_);
  return there && synced(parsed->parent());
}

Result<std::string> Trash::path_of(const std::string& id) {
  TRY_ASSIGN(auto file, disk_.open_file(name_path(id)));
  std::string path(spec::kMaxPathBytes, '\0');
  TRY_ASSIGN(const std::size_t size,
             file->read_at(0, std::as_writable_bytes(std::span(path.data(), path.size()))));
  path.resize(size);
  return path;
}

Result<Trash::Items> Trash::items() {
  TRY_ASSIGN(Items found, list());
  bool recovered = false;
  for (const std::string& id : found.nameless) recovered = recover(id) || recovered;
  if (!recovered) return found;
  return list();
}

Result<Trash::Items> Trash::list() {
  std::vector<std::string> names;
  std::vector<std::string> data;
  TRY_ASSIGN(auto reader, disk_.read_folder(folder_));
  while (true) {
    constexpr std::size_t kBatch = 256;
    TRY_ASSIGN(std::vector<Entry> entries, reader->next(kBatch));
    if (entries.empty()) break;
    for (Entry& entry : entries) {
      if (entry.name.ends_with(kNameSuffix)) {
        names.push_back(entry.name.substr(0, entry.name.size() - kNameSuffix.size()));
      } else {
        data.push_back(std::move(entry.name));
      }
    }
  }
  std::ranges::sort(names);
  std::ranges::sort(data);
  Items out;
  for (const std::string& id : names) {
    if (!std::ranges::binary_search(data, id)) {
      out.nameless.push_back(id);
      continue;
    }
    auto path = path_of(id);
    if (!path && path.error().is(kNotFound)) continue;  // restored or purged just now
    if (!path) return pass(std::move(path).error());
    out.named.push_back({id, *std::move(path)});
  }
  std::ranges::set_difference(data, names, std::back_inserter(out.nameless));
  return out;
}

// What there is besides the thing itself.
Result<void> Trash::forget(const Item& item) {
  // After a loss of power the thing may still be beside its place as well; as a rule it is not.
  if (const auto path = Path::parse(item.path); path) {
    static_cast<void>(disk_.remove_file(beside_path(item.id, *path)).has_value());
  }
  return remove_tree(disk_, name_path(item.id));
}

Result<void> Trash::discard(const Item& item) {
  // The thing before its name: in between a crash leaves a name without a thing, which the next
  // purge removes.
  TRY(remove_tree(disk_, data_path(item.id)));
  return forget(item);
}

Result<void> Trash::purge() {
  std::unique_lock lock(mutex_);
  TRY_ASSIGN(const Items found, items());
  lock.unlock();
  const std::int64_t now_ms = clock_.wall_ns() / 1'000'000;
  const auto expired = [&](const std::string& id) {
    return now_ms - time_ms_of(id) >= limits::kKeepTrashMs;
  };
  // A name without a thing may be a take() that is under way just now; old ones are not.
  Result<void> outcome;  // one thing that cannot be removed does not save the others
  const auto discarded = [&](const Item& item) {
    auto done = discard(item);
    const bool well = done.has_value();
    if (!well && outcome) outcome = std::move(done);
    return well;
  };
  for (const std::string& id : found.nameless) {
    if (expired(id)) discarded({id, {}});
  }
  std::uint64_t total = 0;
  std::vector<std::uint64_t> sizes;
  for (const Item& item : found.named) {
    const auto size = size_of_tree(disk_, data_path(item.id));
    sizes.push_back(size ? *size : 0);
    total += sizes.back();
  }
  TRY_ASSIGN(const Disk::Space space, disk_.space());
  const std::uint64_t share = space.total_bytes / limits::kTrashDiskShare;
  for (std::size_t i = 0; i < found.named.size(); ++i) {
    if (!expired(found.named[i].id) && total <= share) break;
    if (discarded(found.named[i])) total -= sizes[i];
  }
  return outcome;
}

}  // namespace skein::store
