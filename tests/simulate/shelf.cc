#include "shelf.h"

#include <algorithm>
#include <set>

#include "base/text.h"

namespace skein::simulate {

namespace {

constexpr std::string_view kReserved = ".skein/";
constexpr std::string_view kTrash = ".skein/trash/";
constexpr std::string_view kNameSuffix = ".path";

constexpr std::string_view kNameless = "(nameless)";

struct Trashed {
  std::string path;
  std::string contents;
};

std::vector<Trashed> trash_of(store::FakeDisk& picture) {
  std::vector<Trashed> out;
  for (const auto& [path, what] : picture.tree()) {
    if (!path.starts_with(kTrash) || path.ends_with(kNameSuffix) || !what.starts_with("file")) {
      continue;
    }
    out.push_back({picture.contents(concat(path, kNameSuffix)).value_or(std::string(kNameless)),
                   picture.contents(path).value_or("")});
  }
  return out;
}

}  // namespace

std::unique_ptr<store::FakeDisk> Shelf::picture(Random* random) const {
  auto copy = disk.copy();
  copy->kill();
  if (random != nullptr) copy->power_cycle(random);
  return copy;
}

bool Shelf::stands(store::FakeDisk& picture, const std::string& path, const Version& version) {
  const auto contents = picture.contents(path);
  const auto info = picture.info(store::Path::internal(path));
  return contents && info && *contents == version.contents && info->mode == version.mode &&
         info->mtime_ns == version.mtime_ns;
}

bool Shelf::in_trash(store::FakeDisk& picture, const std::string& path, const Version& version) {
  return std::ranges::any_of(trash_of(picture), [&](const Trashed& item) {
    return item.path == path && item.contents == version.contents;
  });
}

void Shelf::keep(const std::string& path, const Version& version) {
  auto& kept = kept_[path];
  if (std::ranges::find(kept, version.contents) == kept.end()) kept.push_back(version.contents);
}

void Shelf::check(store::FakeDisk& picture, std::string_view when) const {
  const auto fault = [&](std::string_view what, const std::string& path) {
    trace_.fault(concat(name_, ", ", when, ": ", what, " ", quoted(path)));
  };
  const std::vector<Trashed> trash = trash_of(picture);
  for (const auto& [path, what] : picture.tree()) {
    if (path.starts_with(kReserved) || !what.starts_with("file")) continue;
    const auto known = versions_.find(path);
    const bool whole =
        known != versions_.end() && std::ranges::any_of(known->second, [&](const Version& version) {
          return stands(picture, path, version);
        });
    if (!whole) fault("no whole version stands under the name", path);
  }
  for (const Trashed& item : trash) {
    const auto known = versions_.find(item.path);
    if (known == versions_.end()) {
      if (was_small && item.path == kNameless) continue;  // it was being thrown away
      fault("something nameless is in the trash:", item.path);
      continue;
    }
    if (std::ranges::none_of(known->second, [&](const Version& version) {
          return version.contents == item.contents;
        })) {
      fault("what is no whole version is in the trash:", item.path);
    }
  }
  for (const auto& [path, kept] : kept_) {
    const auto standing = picture.contents(path);
    for (const std::string& contents : kept) {
      if (standing == contents) continue;
      if (std::ranges::any_of(trash, [&](const Trashed& item) {
            return item.path == path && item.contents == contents;
          })) {
        continue;
      }
      if (was_small) continue;
      fault("what was safe is lost:", path);
    }
  }
}

}  // namespace skein::simulate
