#include "store/batch.h"

#include <cassert>
#include <list>
#include <utility>

#include "base/text.h"
#include "store/store.h"

namespace skein::store {

Batch::~Batch() {
  current_.reset();
  staging_.reset();
  store_.drop_staging(staging_path_);
}

Result<void> Batch::begin(const Path& path, const Metadata& metadata) {
  assert(!current_);
  spoilt_ = true;  // until end()
  if (!names_.insert(path.text()).second) {
    return fail(kBadRequest, concat(quoted(path.text()), " is named twice"));
  }
  if (folders_.contains(path.text())) {
    return fail(kBadRequest, concat(quoted(path.text()), " is a file, and another lies below it"));
  }
  for (Path above = path.parent(); !above.is_root(); above = above.parent()) {
    if (names_.contains(above.text())) {
      return fail(kBadRequest,
                  concat(quoted(path.text()), " lies below ", quoted(above.text()), ", a file"));
    }
    if (!folders_.insert(above.text()).second) break;  // so are those above it
  }
  TRY_ASSIGN(current_, staging_->create_file(std::to_string(files_.size())));
  files_.push_back({path, metadata, 0, {}});
  return {};
}

Result<void> Batch::write(Bytes bytes) {
  Entry& file = files_.back();
  TRY(current_->write_at(file.bytes, bytes));
  file.bytes += bytes.size();
  return {};
}

Result<void> Batch::end() {
  Metadata& metadata = files_.back().metadata;
  if (!metadata.mode) metadata.mode = Store::kFileMode;
  TRY(current_->set_metadata(metadata));
  current_.reset();
  spoilt_ = false;
  return {};
}

void Batch::refuse(Error why) {
  if (current_) {
    current_.reset();
    files_.back().outcome.error = std::move(why);
  } else {
    files_.push_back({Path(), {}, 0, {.error = std::move(why)}});
  }
  spoilt_ = false;
}

// Found or made, once for all files in it.
Batch::Parent& Batch::parent_of(const Path& path) {
  const auto [found, fresh] = parents_.try_emplace(path.parent());
  Parent& parent = found->second;
  if (!fresh) return parent;
  auto folder = store_.disk_.open_folder(found->first);
  if (!folder) {
    // It says best what is in the way. Its entries are on the disk by sync_all().
    const auto made = make_folders(store_.disk_, found->first, Store::kFolderMode, false);
    folder = made ? store_.disk_.open_folder(found->first) : pass(made.error());
  }
  if (folder) {
    parent.folder = *std::move(folder);
  } else {
    parent.fault = std::move(folder).error();
  }
  return parent;
}

Result<void> Batch::sync_all() {
  if (!store_.options_.sync) return {};
  // Else, when it fails, what was displaced before could be on the disk in neither place.
  TRY(store_.trash_.settle());
  return staging_->sync_all();
}

Result<std::vector<Batch::Outcome>> Batch::commit() {
  if (spoilt_) return fail(kIo, "something went wrong while the files were received");
  for (Entry& file : files_) {
    if (file.outcome.error) continue;
    const Parent& parent = parent_of(file.path);
    if (parent.fault) file.outcome.error = *parent.fault;
  }
  TRY(sync_all());
  std::list<Store::Placing> placings;
  for (const auto& [path, parent] : parents_) placings.emplace_back(store_, path);
  std::vector<std::size_t> displacing;
  place_new(displacing);
  if (!displacing.empty()) place_over(displacing);
  sync_folders(!displacing.empty());
  // A name left behind without its thing does no harm, and purge() finds it.
  for (const std::string& id : unused_ids_) store_.trash_.renounce(id);
  std::vector<Outcome> outcomes;
  outcomes.reserve(files_.size());
  for (Entry& file : files_) outcomes.push_back(std::move(file.outcome));
  return outcomes;
}

// Those with nothing in their place get their names; those that displace something come back.
void Batch::place_new(std::vector<std::size_t>& displacing) {
  for (std::size_t i = 0; i < files_.size(); ++i) {
    Entry& file = files_[i];
    if (file.outcome.error) continue;
    Parent& parent = parent_of(file.path);
    const std::string name(file.path.name());
    auto moved = staging_->move(std::to_string(i), *parent.folder, name);
    if (!moved && !moved.error().is(kExists)) {
      file.outcome.error = std::move(moved).error();
      continue;
    }
    parent.changed = true;
    if (moved) continue;
    // The same may have come meanwhile, by a batch whose answer was lost: nothing is displaced
    // then.
    const auto there = parent.folder->info(name);
    if (!there || !is_same(*there, file.bytes, file.metadata)) displacing.push_back(i);
  }
}

void Batch::place_over(const std::vector<std::size_t>& displacing) {
  std::map<std::size_t, std::string> announced;
  for (const std::size_t i : displacing) {
    auto id = store_.trash_.announce(files_[i].path);
    if (id) {
      announced.emplace(i, *std::move(id));
    } else {
      files_[i].outcome.error = std::move(id).error();
    }
  }
  const auto synced = sync_all();
  for (const auto& [i, id] : announced) {
    Outcome& outcome = files_[i].outcome;
    if (!synced) {
      store_.trash_.renounce(id);
      outcome.error = synced.error();
      continue;
    }
    const Path fresh = staging_path_ / Path::internal(std::to_string(i));
    const auto placed = store_.trash_.place(fresh, files_[i].path, id);
    if (placed) {
      outcome.replaced = placed->replaced;
      if (!placed->unused_id.empty()) unused_ids_.push_back(placed->unused_id);
      parent_of(files_[i].path).changed = true;
    } else {
      outcome.error = placed.error();
    }
  }
}

// The trash before the names' folders, so that what was displaced is on the disk in one of the two.
void Batch::sync_folders(bool trash) {
  if (!store_.options_.sync) return;
  Result<void> synced;
  if (trash) synced = store_.trash_.sync();
  for (auto& [path, parent] : parents_) {
    if (!parent.changed) continue;
    // Else a loss of power could leave what was displaced in neither of the two.
    auto own = synced ? parent.folder->sync() : synced;
    if (own) continue;
    for (Entry& file : files_) {
      if (!file.outcome.error && file.path.parent() == path) file.outcome.error = own.error();
    }
  }
}

}  // namespace skein::store
