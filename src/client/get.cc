#include "client/get.h"

#include <optional>
#include <ranges>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "client/get_file.h"
#include "client/get_small.h"
#include "client/requests.h"

namespace skein::client {

using socketserver::Task;

namespace {

// Lists `path`, and what is below it when it is a folder, each folder before what is in it.
Task<Result<void>> find_remote(Link& link, store::Path path, store::Path target, int depth,
                               std::vector<RemoteItem>& items, Tally& tally) {
  if (depth > limits::kMaxFolderDepth) {
    tally.problems.push_back({path.text(), Error(kTooMany, "nested too deeply")});
    co_return Result<void>();
  }
  auto listing = co_await list(link, path);
  if (!listing) {
    const bool is_over = depth == 0 || link.ends_all(listing.error());
    if (is_over) co_return pass(std::move(listing).error());
    tally.problems.push_back({path.text(), std::move(listing).error()});
    co_return Result<void>();
  }
  const bool is_folder = listing->kind == store::EntryKind::kFolder;
  for (transfer::ListedEntry& listed : listing->entries) {
    store::Entry& entry = listed.entry;
    RemoteItem item{path, target, entry.info, std::move(entry.link_target)};
    // What a hub calls a thing is held to the same rules as what a client does.
    const auto name = store::Path::parse_name(entry.name);
    if (is_folder) {
      if (listed.unnamed || !name) {
        tally.problems.push_back(
            {(path / store::Path::internal(entry.name)).text(),
             Error(kBadName, "has a name that the rules refuse: rename it at the hub")});
        continue;
      }
      item.path = path / *name;
      item.target = target / *name;
    }
    if (entry.info.kind == store::EntryKind::kOther) {
      tally.problems.push_back({item.path.text(), Error(kNotAFile, "is a pipe, device or socket")});
      continue;
    }
    if (entry.info.kind == store::EntryKind::kFile) {
      ++tally.files;
      tally.bytes += entry.info.size_bytes;
    }
    items.push_back(item);
    if (entry.info.kind != store::EntryKind::kFolder) continue;
    auto found = co_await find_remote(link, item.path, item.target, depth + 1, items, tally);
    if (!found) co_return found;
  }
  co_return Result<void>();
}

Task<Result<void>> get_item(Link& link, const RemoteItem& item, store::Store& store, Tally& tally) {
  if (item.info.kind == store::EntryKind::kFile) {
    RemoteFile remote{item.path, item.info};
    auto moved = co_await get_file(link, std::move(remote), store, item.target, tally);
    co_return moved;
  }
  auto make = [&]() -> Result<void> {
    if (item.info.kind == store::EntryKind::kFolder) return store.make_folder(item.target, {});
    TRY_ASSIGN(const store::Store::Linked linked, store.make_link(item.target, item.link_target));
    if (linked.replaced) ++tally.replaced;
    return {};
  };
  auto made = co_await link.pool().run(link.loop(), make);
  co_return made;
}

// Folders last and innermost first: what is put into one changes its time.
Task<void> finish_folders(Link& link, const std::vector<const RemoteItem*>& folders,
                          store::Store& store, Tally& tally) {
  for (const RemoteItem* folder : std::views::reverse(folders)) {
    auto finish = [&] {
      return store.make_folder(folder->target, {folder->info.mode, folder->info.mtime_ns});
    };
    auto finished = co_await link.pool().run(link.loop(), finish);
    if (!finished) tally.problems.push_back({folder->path.text(), std::move(finished).error()});
  }
}

// Of what was found, in one pass: its folders, links and small files. The other files come after
// them, each by itself.
struct SortedRemote {
  SmallGets::Items folders;  // that were made
  SmallGets::Items alone;
};

Task<Result<void>> get_in_order(Link& link, const std::vector<RemoteItem>& items,
                                store::Store& store, Tally& tally, SmallGets& small, bool packs,
                                SortedRemote& sorted) {
  std::optional<store::Path> failed;  // the last folder that was not made
  for (const RemoteItem& item : items) {
    // Said once, for the folder, and not of all that would be in it.
    if (failed && failed->contains(item.target)) continue;
    if (packs && link.is_small(item.info)) {
      auto added = co_await small.add(item);
      if (!added) co_return added;
      continue;
    }
    if (item.info.kind == store::EntryKind::kFile) {
      sorted.alone.push_back(&item);
      continue;
    }
    tally.current = item.path.text();
    auto done = co_await get_item(link, item, store, tally);
    const bool is_folder = item.info.kind == store::EntryKind::kFolder;
    if (done && is_folder) sorted.folders.push_back(&item);
    if (done) continue;
    if (is_folder) failed = item.target;
    tally.problems.push_back({item.path.text(), done.error()});
    if (link.ends_all(done.error())) co_return pass(std::move(done).error());
  }
  co_return Result<void>();
}

Task<Result<void>> get_items(Link& link, const std::vector<RemoteItem>& items, store::Store& store,
                             Tally& tally) {
  const auto connection = co_await link.connection();
  if (!connection) co_return pass(connection.error());
  const bool packs = (*connection)->packs();
  SmallGets small(link, store, tally);
  SortedRemote sorted;
  auto begun = co_await get_in_order(link, items, store, tally, small, packs, sorted);
  auto ended = co_await small.finish();
  if (!begun) co_return begun;
  if (!ended) co_return ended;
  for (const SmallGets::Items* part : {&small.others(), &std::as_const(sorted.alone)}) {
    for (const RemoteItem* item : *part) {
      tally.current = item->path.text();
      auto done = co_await get_item(link, *item, store, tally);
      if (done) continue;
      tally.problems.push_back({item->path.text(), done.error()});
      if (link.ends_all(done.error())) co_return pass(std::move(done).error());
    }
  }
  co_await finish_folders(link, sorted.folders, store, tally);
  co_return Result<void>();
}

}  // namespace

Task<Result<void>> get(Link& link, std::vector<store::Path> paths, store::Store& store,
                       Tally& tally) {
  std::vector<RemoteItem> items;
  for (const store::Path& path : paths) {
    const store::Path target = store::Path::internal(std::string(path.name()));
    auto info = co_await list(link, path);
    if (!info) {
      ++tally.files;
      tally.problems.push_back({path.text(), info.error()});
      if (link.ends_all(info.error())) co_return pass(std::move(info).error());
      continue;
    }
    if (info->kind == store::EntryKind::kFolder && !path.is_root()) {
      // Its own time and mode stand in its parent's list.
      auto parent = co_await list(link, path.parent());
      if (!parent) co_return pass(std::move(parent).error());
      for (const transfer::ListedEntry& listed : parent->entries) {
        if (listed.entry.name == path.name())
          items.push_back({path, target, listed.entry.info, ""});
      }
    }
    auto found = co_await find_remote(link, path, target, 0, items, tally);
    if (!found) co_return found;
  }
  tally.counted = true;
  auto done = co_await get_items(link, items, store, tally);
  co_return done;
}

}  // namespace skein::client
