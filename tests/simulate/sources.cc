#include "sources.h"

#include <utility>

#include "base/text.h"

namespace skein::simulate {

namespace {

// A tree owns its disk; this one stays its owner's.
class Borrowed final : public store::Disk {
 public:
  explicit Borrowed(store::Disk& disk) : disk_(disk) {}
  using Path = store::Path;
  Result<std::unique_ptr<store::File>> open_file(const Path& path) override {
    return disk_.open_file(path);
  }
  Result<std::unique_ptr<store::File>> open_for_writing(const Path& path) override {
    return disk_.open_for_writing(path);
  }
  Result<std::unique_ptr<store::File>> create_file(const Path& path) override {
    return disk_.create_file(path);
  }
  Result<std::unique_ptr<store::FolderReader>> read_folder(const Path& path) override {
    return disk_.read_folder(path);
  }
  Result<std::unique_ptr<store::Folder>> open_folder(const Path& path) override {
    return disk_.open_folder(path);
  }
  Result<void> make_folder(const Path& path, std::uint32_t mode) override {
    return disk_.make_folder(path, mode);
  }
  Result<void> set_folder_metadata(const Path& path, const store::Metadata& metadata) override {
    return disk_.set_folder_metadata(path, metadata);
  }
  Result<void> make_link(const Path& path, const std::string& target) override {
    return disk_.make_link(path, target);
  }
  Result<store::Info> info(const Path& path) override { return disk_.info(path); }
  Result<std::string> link_target(const Path& path) override { return disk_.link_target(path); }
  Result<void> rename(const Path& from, const Path& to, store::Rename how) override {
    return disk_.rename(from, to, how);
  }
  Result<void> remove_file(const Path& path) override { return disk_.remove_file(path); }
  Result<void> remove_folder(const Path& path) override { return disk_.remove_folder(path); }
  Result<void> sync_folder(const Path& path) override { return disk_.sync_folder(path); }
  Result<Space> space() override { return disk_.space(); }
  [[nodiscard]] std::string boot_id() const override { return disk_.boot_id(); }

 private:
  store::Disk& disk_;
};

}  // namespace

Sources::Sources(Dice& dice, std::string root, std::int64_t first_mtime_ns, Versions& known)
    : dice_(dice), root_(std::move(root)), mtime_ns_(first_mtime_ns), known_(known) {}

std::string Sources::target(const std::string& path) const {
  return concat(root_, "/", path);
}

std::uint64_t Sources::total_bytes() const {
  std::uint64_t sum = 0;
  for (const auto& [path, versions] : had_) sum += versions.back().contents.size();
  return sum;
}

void Sources::write(const std::string& path, std::string contents) {
  Version version{std::move(contents), static_cast<std::uint32_t>(0600 + dice_.below(64)),
                  mtime_ns_ += 1'000'003};
  disk_.put_file(path, version.contents);
  const auto file = disk_.open_for_writing(store::Path::internal(path)).value();
  file->set_metadata({version.mode, version.mtime_ns}).value();
  file->sync().value();
  known_[target(path)].push_back(version);
  had_[path].push_back(std::move(version));
}

void Sources::add_file(const std::string& path, std::size_t size) {
  write(path, dice_.bytes(size));
}

void Sources::change_one(bool back) {
  auto file = had_.begin();
  std::advance(file, static_cast<std::ptrdiff_t>(dice_.below(had_.size())));
  std::string contents = file->second.back().contents;
  const std::size_t before = file->second.size();
  if (back && before > 1) {
    write(file->first, file->second[before - 2].contents);
    return;
  }
  switch (back ? 0 : dice_.below(4)) {
    case 0: contents = dice_.bytes(contents.size()); break;
    case 1: contents += dice_.bytes(dice_.between(1, 600)); break;
    case 2: contents.resize(contents.size() / 2); break;
    default:
      if (!contents.empty()) contents[dice_.below(contents.size())] ^= 1;
  }
  write(file->first, std::move(contents));
}

client::LocalTree Sources::tree() {
  return client::whole_tree(std::make_unique<Borrowed>(disk_), "/home/lin",
                            store::Path::internal(root_))
      .value();
}

}  // namespace skein::simulate
