#include "client/put.h"

#include <optional>
#include <ranges>
#include <set>
#include <utility>

#include "base/text.h"
#include "client/local_tree.h"
#include "client/put_file.h"
#include "client/put_small.h"
#include "client/requests.h"
#include "wire/protocol.h"

namespace skein::client {

using socketserver::Task;

namespace {

// `fresh` becomes true for a folder that was not there before.
Task<Result<void>> put_item(Link& link, const LocalTree& tree, const LocalItem& item,
                            store::Path target, Tally& tally, bool& fresh) {
  switch (item.info.kind) {
    case store::EntryKind::kFile: {
      const std::string real = concat(tree.real_path, "/", item.path.text());
      const LocalFile file{*tree.disk, item.path, source_of(real)};
      auto moved = co_await put_file(link, file, std::move(target), tally);
      co_return moved;
    }
    case store::EntryKind::kFolder: {
      // Its own time and mode come at the end: what is put into it would change them.
      const store::Metadata none;
      const auto was_there = co_await make_folder(link, std::move(target), none);
      if (!was_there) co_return pass(was_there.error());
      fresh = !*was_there;
      co_return Result<void>();
    }
    default: {
      const std::string shown = target.text();
      auto made = co_await make_link(link, std::move(target), item.link_target);
      if (!made) co_return pass(std::move(made).error());
      const auto replaced = made->flag(wire::field::kReplaced);
      if (replaced && *replaced) {
        ++tally.replaced;
        tally.last_replaced = shown;
      }
      co_return Result<void>();
    }
  }
}

// Of a tree, in one pass: its folders, links and small files. The other files come after them, each
// by itself.
struct SortedLocal {
  std::vector<const LocalItem*> folders;  // that were made
  std::vector<const LocalItem*> alone;
};

Task<Result<void>> put_items(Link& link, const LocalTree& tree, const store::Path& to, Tally& tally,
                             SmallFiles& small, bool packs, SortedLocal& sorted) {
  std::optional<store::Path> failed;  // the last folder that was not made
  std::set<store::Path> fresh;        // folders that were not there before
  for (const LocalItem& item : tree.items) {
    // Said once, for the folder, and not of all that would be in it.
    if (failed && failed->contains(item.target)) continue;
    const bool is_folder = item.info.kind == store::EntryKind::kFolder;
    if (packs && link.is_small(item.info)) {
      const bool is_fresh = fresh.contains(item.target.parent());
      auto added = co_await small.add(item, is_fresh);
      if (!added) co_return added;
      continue;
    }
    if (item.info.kind == store::EntryKind::kFile) {
      sorted.alone.push_back(&item);
      continue;
    }
    tally.current = item.target.text();
    bool is_fresh = false;
    auto done = co_await put_item(link, tree, item, to / item.target, tally, is_fresh);
    if (done && is_fresh) fresh.insert(item.target);
    if (done && is_folder) sorted.folders.push_back(&item);
    if (done) continue;
    if (is_folder) failed = item.target;
    tally.problems.push_back({item.target.text(), done.error()});
    if (link.ends_all(done.error())) co_return pass(std::move(done).error());
  }
  co_return Result<void>();
}

Task<Result<void>> put_tree(Link& link, LocalTree tree, store::Path to, Tally& tally) {
  const auto connection = co_await link.connection();
  if (!connection) co_return pass(connection.error());
  const bool packs = (*connection)->packs();
  SmallFiles small(link, tree, to, tally);
  SortedLocal sorted;
  auto begun = co_await put_items(link, tree, to, tally, small, packs, sorted);
  auto ended = co_await small.finish();
  if (!begun) co_return begun;
  if (!ended) co_return ended;
  for (const LocalItem* item : sorted.alone) {
    tally.current = item->target.text();
    bool is_fresh = false;
    auto done = co_await put_item(link, tree, *item, to / item->target, tally, is_fresh);
    if (done) continue;
    tally.problems.push_back({item->target.text(), done.error()});
    if (link.ends_all(done.error())) co_return pass(std::move(done).error());
  }
  for (const LocalItem* folder : std::views::reverse(sorted.folders)) {
    const store::Metadata metadata{folder->info.mode, folder->info.mtime_ns};
    auto done = co_await make_folder(link, to / folder->target, metadata);
    if (done) continue;
    tally.problems.push_back({folder->target.text(), done.error()});
    if (link.ends_all(done.error())) co_return pass(std::move(done).error());
  }
  co_return Result<void>();
}

}  // namespace

Task<Result<void>> put(Link& link, std::vector<std::string> paths, store::Path to, Tally& tally) {
  std::vector<LocalTree> trees;
  for (const std::string& path : paths) {
    auto find = [&path] { return find_local(path); };
    auto tree = co_await link.pool().run(link.loop(), find);
    if (!tree) {
      ++tally.files;
      tally.problems.push_back({path, std::move(tree).error()});
      continue;
    }
    trees.push_back(*std::move(tree));
  }
  auto done = co_await put(link, std::move(trees), std::move(to), tally);
  co_return done;
}

Task<Result<void>> put(Link& link, std::vector<LocalTree> trees, store::Path to, Tally& tally) {
  for (LocalTree& tree : trees) {
    for (Problem& problem : tree.problems) tally.problems.push_back(std::move(problem));
    for (const LocalItem& item : tree.items) {
      if (item.info.kind != store::EntryKind::kFile) continue;
      ++tally.files;
      tally.bytes += item.info.size_bytes;
    }
    tally.targets.push_back((to / tree.items.front().target).text());
  }
  tally.counted = true;
  for (LocalTree& tree : trees) {
    auto done = co_await put_tree(link, std::move(tree), to, tally);
    if (!done) co_return done;
  }
  co_return Result<void>();
}

}  // namespace skein::client
