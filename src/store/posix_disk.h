// The real disk: a folder of this machine, every path resolved beneath it by openat2, so that no
// link, mount or race leads a peer's name out of it.
//
// Threads as for Disk: any of the pool's, at the same time.
#pragma once

#include <memory>
#include <string>

#include "base/descriptor.h"
#include "store/disk.h"

namespace skein::store {

class PosixDisk final : public Disk {
 public:
  // `folder` must be there. kNotFound and kNotAFolder name it; kUnsupported when this kernel, or
  // the container it runs in, has no openat2. The folder stays the same one when it is renamed.
  static Result<std::unique_ptr<PosixDisk>> open(const std::string& folder);

  // What a hub needs of its folder, proved by doing it under `.skein/` (made when missing) and
  // removing it again: that it may be written, that names change places in one step, that a rename
  // replaces nothing, that folders sync. kReadOnly, kRefused, kUnsupported, each with a hint.
  Result<void> check_filesystem();

  // For all who keep things under `.skein/` at the same time, hubs and gets, so that none tidies
  // it away under another's feet: join() before laying it (waits while one tidies), and tidy only
  // when left_alone(), the last call. Where the filesystem has no such locks, nobody is alone.
  void join();
  [[nodiscard]] bool left_alone();

  Result<std::unique_ptr<File>> open_file(const Path& path) override;
  Result<std::unique_ptr<File>> open_for_writing(const Path& path) override;
  Result<std::unique_ptr<File>> create_file(const Path& path) override;

  Result<std::unique_ptr<FolderReader>> read_folder(const Path& path) override;
  Result<std::unique_ptr<Folder>> open_folder(const Path& path) override;
  Result<void> make_folder(const Path& path, std::uint32_t mode) override;
  Result<void> set_folder_metadata(const Path& path, const Metadata& metadata) override;
  Result<void> make_link(const Path& path, const std::string& target) override;

  Result<Info> info(const Path& path) override;
  Result<std::string> link_target(const Path& path) override;

  Result<void> rename(const Path& from, const Path& to, Rename how) override;
  Result<void> remove_file(const Path& path) override;
  Result<void> remove_folder(const Path& path) override;

  Result<void> sync_folder(const Path& path) override;
  Result<Space> space() override;
  [[nodiscard]] std::string boot_id() const override { return boot_id_; }

 private:
  PosixDisk(std::string folder, Descriptor root, std::string boot_id);

  std::string folder_;  // as it was given, for messages to whoever starts the hub
  Descriptor root_;
  Descriptor joined_;  // the folder again, for its lock: root_ cannot have one
  std::string boot_id_;
};

}  // namespace skein::store
