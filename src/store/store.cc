#include "store/store.h"

#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/text.h"

namespace skein::store {

namespace {

const Path kReserved = Path::internal(".skein");
const Path kPartialFolder = Path::internal(".skein/partial");
const Path kTrashFolder = Path::internal(".skein/trash");
const Path kStagingFolder = Path::internal(".skein/staging");

constexpr std::uint32_t kPrivateMode = 0700;

// Leaves our own names out of a listing.
class VisibleReader final : public FolderReader {
 public:
  explicit VisibleReader(std::unique_ptr<FolderReader> below) : below_(std::move(below)) {}
  Result<std::vector<Entry>> next(std::size_t most) override {
    while (true) {
      TRY_ASSIGN(std::vector<Entry> entries, below_->next(most));
      if (entries.empty()) return entries;
      std::erase_if(entries, [](const Entry& entry) { return is_reserved(entry.name); });
      if (!entries.empty()) return entries;
    }
  }

 private:
  std::unique_ptr<FolderReader> below_;
};

}  // namespace

Store::Placing::Placing(Store& store, const Path& folder) : store_(store) {
  const std::lock_guard lock(store_.settled_mutex_);
  ++store_.placing_;
  ++store_.placings_;
  store_.settled_.erase(folder.text());
}
Store::Placing::~Placing() {
  const std::lock_guard lock(store_.settled_mutex_);
  --store_.placing_;
}

Store::Store(Disk& disk, const Clock& clock, Random& random, StoreOptions options)
    : disk_(disk),
      clock_(clock),
      random_(random),
      options_(options),
      partials_(disk, clock, random, kPartialFolder, options.alone, options.block_bytes),
      trash_(disk, clock, random, kTrashFolder, options.sync) {}

Result<std::unique_ptr<Store>> Store::open(Disk& disk, const Clock& clock, Random& random,
                                           StoreOptions options) {
  auto store = std::unique_ptr<Store>(new Store(disk, clock, random, options));
  TRY(store->lay());
  return store;
}

Result<void> Store::lay() {
  for (const Path& path : {kPartialFolder, kTrashFolder, kStagingFolder}) {
    if (auto made = make_folders(disk_, path, kPrivateMode, options_.sync); !made) {
      return pass(std::move(made).error(), concat("laying ", quoted(path.text())));
    }
  }
  return {};
}

Result<void> Store::synced(const Path& folder) {
  if (!options_.sync) return {};
  return disk_.sync_folder(folder);
}

Result<void> Store::parents_of(const Path& path) {
  return folders(path.parent());
}

Result<void> Store::folders(const Path& path) {
  TRY(trash_.settle());
  return make_folders(disk_, path, kFolderMode, options_.sync);
}

Result<std::unique_ptr<FolderReader>> Store::read_folder(const Path& path) {
  TRY_ASSIGN(auto below, disk_.read_folder(path));
  return std::make_unique<VisibleReader>(std::move(below));
}

bool Store::holds(const Path& path, std::uint64_t size_bytes, const Metadata& metadata) {
  if (!metadata.mtime_ns) return false;
  const auto info = disk_.info(path);
  return info && is_same(*info, size_bytes, metadata) && settled(path.parent());
}

std::vector<std::size_t> Store::missing(const std::vector<Wanted>& files) {
  std::vector<std::size_t> out;
  std::unique_ptr<Folder> folder;
  bool asked = false;    // of the folder,
  bool on_disk = false;  // whether its names are
  const Wanted* last = nullptr;
  for (std::size_t i = 0; i < files.size(); ++i) {
    const Wanted& file = files[i];
    if (last == nullptr || last->path.parent() != file.path.parent()) {
      auto opened = disk_.open_folder(file.path.parent());
      folder = opened ? *std::move(opened) : nullptr;
      asked = on_disk = false;
    }
    last = &file;
    const bool there = folder && [&] {
      const auto info = folder->info(std::string(file.path.name()));
      return info && is_same(*info, file.size_bytes, file.metadata);
    }();
    if (there && !asked) {
      on_disk = settled(file.path.parent());
      asked = true;
    }
    if (!there || !on_disk) out.push_back(i);
  }
  return out;
}

bool Store::settled(const Path& folder) {
  if (!options_.sync) return true;
  constexpr std::size_t kMostFolders = 4096;
  std::uint64_t placings = 0;
  {
    const std::lock_guard lock(settled_mutex_);
    if (settled_.contains(folder.text())) return true;
    placings = placings_;
  }
  if (!folders(folder) || !synced(folder)) return false;
  const std::lock_guard lock(settled_mutex_);
  if (placing_ > 0 || placings != placings_) return true;  // this name is, another may not be
  if (settled_.size() >= kMostFolders) settled_.clear();
  settled_.insert(folder.text());
  return true;
}

Result<std::unique_ptr<Partial>> Store::open_partial(const PartialKey& key,
                                                     std::uint64_t total_bytes) {
  // What cannot be placed in the end is refused before its first byte.
  if (const auto standing = disk_.info(key.target);
      standing && standing->kind == EntryKind::kFolder) {
    return fail(kIsAFolder, concat("a folder stands at ", quoted(key.target.text())));
  }
  TRY(parents_of(key.target));
  return partials_.open(key, total_bytes);
}

Result<bool> Store::commit(Partial& partial, const Metadata& metadata) {
  TRY(parents_of(partial.target()));
  const Placing placing(*this, partial.target().parent());
  bool replaced = false;
  const auto place = [&](const Path& data) -> Result<void> {
    TRY_ASSIGN(replaced, trash_.replace(data, partial.target()));
    return {};
  };
  Metadata whole = metadata;
  if (!whole.mode) whole.mode = kFileMode;
  auto finished = partial.finish(whole, options_.sync, place);
  if (!finished) {
    return pass(std::move(finished).error(), concat("storing ", quoted(partial.target().text())));
  }
  return replaced;
}

Result<std::unique_ptr<Batch>> Store::open_batch(std::uint64_t bytes) {
  TRY_ASSIGN(const Disk::Space space, disk_.space());
  if (bytes > space.free_bytes) {
    return fail(kNoSpace, concat("no space: ", human_bytes(bytes), " to come, ",
                                 human_bytes(space.free_bytes), " free"));
  }
  const Path folder = kStagingFolder / Path::internal(random_.hex(16));
  {
    const std::lock_guard lock(mutex_);
    batches_.insert(folder);
  }
  auto batch = std::unique_ptr<Batch>(new Batch(*this, folder));
  TRY(disk_.make_folder(folder, kPrivateMode));
  // Before anything is written: what is lost from now on is told to its sync_all().
  TRY_ASSIGN(batch->staging_, disk_.open_folder(folder));
  return batch;
}

void Store::drop_staging(const Path& folder) {
  // What cannot be removed now goes with the next purge.
  static_cast<void>(remove_tree(disk_, folder).has_value());
  const std::lock_guard lock(mutex_);
  batches_.erase(folder);
}

Result<void> Store::make_folder(const Path& path, const Metadata& metadata) {
  TRY(folders(path));
  if (!metadata.mode && !metadata.mtime_ns) return {};
  TRY(disk_.set_folder_metadata(path, metadata));
  return synced(path);
}

Result<Store::Linked> Store::make_link(const Path& path, const std::string& target) {
  const auto standing = disk_.info(path);
  if (standing && standing->kind == EntryKind::kLink) {
    TRY_ASSIGN(const std::string there, disk_.link_target(path));
    if (there == target && settled(path.parent())) return Linked{true, false};
  }
  TRY(parents_of(path));
  const Placing placing(*this, path.parent());
  const Path fresh = kStagingFolder / Path::internal(random_.hex(16));
  TRY(disk_.make_link(fresh, target));
  auto placed = trash_.replace(fresh, path);
  if (!placed) {
    static_cast<void>(disk_.remove_file(fresh).has_value());
    return pass(std::move(placed).error());
  }
  return Linked{false, *placed};
}

Result<void> Store::move(const Path& from, const Path& to) {
  if (from.contains(to)) {
    return fail(kBadRequest, concat(quoted(from.text()), " cannot be moved into itself"));
  }
  TRY(parents_of(to));
  const Placing placing(*this, to.parent());
  TRY(disk_.rename(from, to, Rename::kNoReplace));
  // The new name first: a crash in between shows the thing twice rather than nowhere.
  TRY(synced(to.parent()));
  return synced(from.parent());
}

Result<void> Store::remove(const Path& path) {
  auto taken = trash_.take(path);
  if (!taken) return pass(std::move(taken).error(), "removing it");
  return {};
}

Result<bool> Store::restore(const Path& path) {
  const Placing placing(*this, path.parent());
  return trash_.restore(path);
}

// A link or a batch is there for an instant, unless a crash took that.
Result<void> Store::purge_staging() {
  TRY_ASSIGN(const auto reader, disk_.read_folder(kStagingFolder));
  while (true) {
    constexpr std::size_t kBatch = 256;
    TRY_ASSIGN(const std::vector<Entry> entries, reader->next(kBatch));
    if (entries.empty()) return {};
    for (const Entry& entry : entries) {
      const std::int64_t age_ns = clock_.wall_ns() - entry.info.mtime_ns;
      if (age_ns < limits::kKeepUnresumableMs * 1'000'000) continue;
      const Path path = kStagingFolder / Path::internal(entry.name);
      {
        const std::lock_guard lock(mutex_);
        if (batches_.contains(path)) continue;
      }
      TRY(remove_tree(disk_, path));
    }
  }
}

Result<void> Store::purge() {
  TRY(partials_.purge());
  TRY(purge_staging());
  return trash_.purge();
}

void Store::tidy() {
  for (const Path& path : {kPartialFolder, kTrashFolder, kStagingFolder, kReserved}) {
    static_cast<void>(disk_.remove_folder(path).has_value());
  }
}

}  // namespace skein::store
