#include "client/local_tree.h"

#include <cerrno>
#include <cstdlib>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "store/posix_disk.h"

namespace skein::client {

namespace {

Result<std::string> real_path_of(const std::string& argument) {
  const std::unique_ptr<char, decltype(&std::free)> real(realpath(argument.c_str(), nullptr),
                                                         &std::free);
  if (!real) return fail_errno(errno, concat("finding ", quoted(argument)));
  return std::string(real.get());
}

// The last component as typed, else of the real path: "." and "/" have none of their own.
Result<store::Path> own_name(const std::string& argument, const std::string& real_path) {
  std::string_view text = argument;
  while (text.size() > 1 && text.ends_with('/')) text.remove_suffix(1);
  text = text.substr(text.rfind('/') + 1);
  if (text.empty() || text == "." || text == "..") {
    text = std::string_view(real_path).substr(real_path.rfind('/') + 1);
  }
  return store::Path::parse_name(text);
}

void walk(LocalTree& tree, const store::Path& folder, const store::Path& target, int depth) {
  const auto report = [&](const store::Path& at, Error error) {
    tree.problems.push_back({at.is_root() ? target.text() : at.text(), std::move(error)});
  };
  if (depth > limits::kMaxFolderDepth) {
    report(folder, Error(kTooMany, "nested too deeply"));
    return;
  }
  auto reader = tree.disk->read_folder(folder);
  if (!reader) {
    report(folder, std::move(reader).error());
    return;
  }
  while (true) {
    constexpr std::size_t kBatch = 256;
    auto entries = (*reader)->next(kBatch);
    if (!entries) {
      report(folder, std::move(entries).error());
      return;
    }
    if (entries->empty()) return;
    for (store::Entry& entry : *entries) {
      if (store::is_reserved(entry.name)) continue;  // ours: what a get left here
      const store::Path path = folder / store::Path::internal(entry.name);
      const auto name = store::Path::parse_name(entry.name);
      if (!name) {
        report(path, name.error());
        continue;
      }
      LocalItem item{path, target / *name, entry.info, std::move(entry.link_target)};
      if (item.target.text().size() > spec::kMaxPathBytes) {
        report(path, Error(kBadName, "the path is longer than 4095 bytes"));
      } else if (entry.info.kind == store::EntryKind::kOther) {
        report(path, Error(kNotAFile, "is a pipe, device or socket"));
      } else {
        const bool is_folder = entry.info.kind == store::EntryKind::kFolder;
        tree.items.push_back(item);
        if (is_folder) walk(tree, path, item.target, depth + 1);
      }
    }
  }
}

}  // namespace

Result<LocalTree> whole_tree(std::unique_ptr<store::Disk> disk, std::string real_path,
                             store::Path name) {
  LocalTree tree;
  tree.disk = std::move(disk);
  tree.real_path = std::move(real_path);
  TRY_ASSIGN(const store::Info info, tree.disk->info(store::Path()));
  tree.items.push_back({store::Path(), name, info, ""});
  walk(tree, store::Path(), name, 0);
  return tree;
}

Result<LocalTree> find_local(const std::string& argument) {
  LocalTree tree;
  TRY_ASSIGN(const std::string real, real_path_of(argument));
  TRY_ASSIGN(const store::Path name, own_name(argument, real));
  if (auto folder = store::PosixDisk::open(real); folder) {
    return whole_tree(*std::move(folder), real, name);
  } else if (!folder.error().is(kNotAFolder)) {
    return pass(std::move(folder).error());
  }
  const std::size_t slash = real.rfind('/');
  tree.real_path = real.substr(0, std::max<std::size_t>(slash, 1));
  TRY_ASSIGN(tree.disk, store::PosixDisk::open(tree.real_path));
  const store::Path path = store::Path::internal(real.substr(slash + 1));
  TRY_ASSIGN(const store::Info info, tree.disk->info(path));
  if (info.kind != store::EntryKind::kFile) {
    return fail(kNotAFile, concat(quoted(argument), " is a pipe, device or socket"));
  }
  tree.items.push_back({path, name, info, ""});
  return tree;
}

}  // namespace skein::client
