#include "store/disk.h"

#include "base/limits.h"
#include "base/text.h"

namespace skein::store {

namespace {

// From here on a folder is first moved up to the top of what is being removed: deeper there are
// things that no path can name, and recursion has to end somewhere.
constexpr std::size_t kLongPathBytes = 3072;

// True when it was moved, and the top will meet it again. `moved` numbers the names given to such.
Result<bool> moved_up(Disk& disk, const Path& top, const Path& path, int depth, int& moved) {
  if (depth <= limits::kMaxFolderDepth && path.text().size() <= kLongPathBytes) return false;
  if (depth <= 1) return false;  // at the top already
  while (true) {
    const Path up =
        top / Path::internal(concat(kReservedPrefix, "-deep-", std::to_string(moved++)));
    const auto renamed = disk.rename(path, up, Rename::kNoReplace);
    if (renamed) return true;
    if (!renamed.error().is(kExists)) return pass(renamed.error());
  }
}

Result<void> remove_tree_at(Disk& disk, const Path& top, const Path& path, int depth, int& moved) {
  // Whatever vanishes meanwhile, by another's hand, is removed as well.
  const auto gone = [](const auto& result) { return !result && result.error().is(kNotFound); };
  const auto info = disk.info(path);
  if (gone(info)) return {};
  if (!info) return pass(info.error());
  if (info->kind != EntryKind::kFolder) {
    auto removed = disk.remove_file(path);
    if (gone(removed)) return {};
    return removed;
  }
  TRY_ASSIGN(const bool later, moved_up(disk, top, path, depth, moved));
  if (later) return {};
  constexpr std::size_t kBatch = 256;
  while (true) {
    // A reader does not promise what it shows of a folder that changes below it: begin anew
    // after each batch, until none is left.
    const auto reader = disk.read_folder(path);
    if (gone(reader)) return {};
    if (!reader) return pass(reader.error());
    TRY_ASSIGN(const std::vector<Entry> entries, (*reader)->next(kBatch));
    if (entries.empty()) break;
    for (const Entry& entry : entries) {
      TRY(remove_tree_at(disk, top, path / Path::internal(entry.name), depth + 1, moved));
    }
  }
  auto removed = disk.remove_folder(path);
  if (gone(removed)) return {};
  return removed;
}

}  // namespace

Result<void> read_unchanged(File& file, const Info& before, MutableBytes out) {
  TRY_ASSIGN(const std::size_t got, file.read_at(0, out));
  // Looked at after the read: if it is as it was before, so is what was read.
  TRY_ASSIGN(const Info now, file.info());
  if (got == out.size() && now == before) return {};
  return fail(kChanged, "the file changed while it was read");
}

Result<void> remove_tree(Disk& disk, const Path& path) {
  int moved = 0;
  return remove_tree_at(disk, path, path, 0, moved);
}

Result<void> make_folders(Disk& disk, const Path& path, std::uint32_t mode, bool sync) {
  if (path.is_root()) return {};
  const auto look = [&]() -> Result<bool> {
    const auto info = disk.info(path);
    if (!info && info.error().is(kNotFound)) return false;
    if (!info) return pass(info.error());
    if (info->kind == EntryKind::kFolder) return true;
    if (info->kind == EntryKind::kFile) {
      return fail(kNotAFolder, concat(quoted(path.text()), " is a file, not a folder"));
    }
    return fail(kNotAFile, concat(quoted(path.text()), " is a link, pipe, device or socket"));
  };
  TRY_ASSIGN(const bool there, look());
  if (there && !sync) return {};
  TRY(make_folders(disk, path.parent(), mode, sync));
  if (!there) {
    if (const auto made = disk.make_folder(path, mode); !made) {
      if (!made.error().is(kExists)) return pass(made.error());
      TRY(look());  // made by another in between, and perhaps no folder
    }
  }
  // Also one that was there: whoever made it may not have come to its sync.
  if (sync) TRY(disk.sync_folder(path.parent()));
  return {};
}

bool is_same(const Info& there, std::uint64_t size_bytes, const Metadata& metadata) {
  return there.kind == EntryKind::kFile && there.size_bytes == size_bytes &&
         there.mtime_ns == metadata.mtime_ns && there.mode == metadata.mode.value_or(there.mode);
}

}  // namespace skein::store
