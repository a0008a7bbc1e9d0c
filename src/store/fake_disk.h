// A disk in memory that fails, runs short, fills up, crashes and loses power on demand; for tests
// and the simulator. It keeps two pictures: what running programs see, and what is durable.
//
// What becomes durable, and when, is the worst that POSIX allows:
//   - a file's data and metadata by File::sync of that file;
//   - a folder's entries and metadata by sync_folder of that folder, so a rename between two
//     folders needs both: with only one synced, the file may be at both names or at none;
//   - a file whose entry is durable and whose data is not is there, empty;
//   - everything at once by sync_all of any folder.
// Permissions are kept and not enforced: a test plays a user who may do everything.
//
// Any thread, one mutex. Files and readers must not outlive the disk.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"
#include "store/disk.h"

namespace skein::store {

class FakeDisk final : public Disk {
 public:
  FakeDisk();
  ~FakeDisk() override;

  // --- Trouble, on demand. Each call that changes or syncs something is a step, whether it
  // succeeds or not; steps are numbered from 1. A failing write_at writes half of its bytes first.

  [[nodiscard]] std::uint64_t steps() const;     // so many were made
  void fail_at(std::uint64_t step, int code);    // that one fails, with this errno
  void fail_from(std::uint64_t step, int code);  // that one and all after it
  void fail_never();                             // forgets both
  // That step and every call after it, reading too, fails with kIo, "crashed", until power_cycle
  // or kill. Step n of a crash does nothing; crash_at(n + 1) is the crash just after it.
  void crash_at(std::uint64_t step);
  [[nodiscard]] bool crashed() const;

  // The machine lost power: back to the durable picture, another boot id, open files invalid.
  // With `random`, any part of what was not synced may have reached the disk all the same: single
  // writes, whole or torn, and folder operations, each as a whole.
  void power_cycle(Random* random = nullptr);
  // Only the process ended: everything stays as it was seen, open files invalid.
  void kill();

  // Another disk that holds the same in both pictures and has nothing open: what a crash, right
  // now, would leave can be tried on it.
  [[nodiscard]] std::unique_ptr<FakeDisk> copy() const;

  void set_capacity(std::optional<std::uint64_t> bytes);  // of all files' data; then kNoSpace

  // A File::sync that fails loses for ever what it was to make durable, as Linux marks such pages
  // clean: running programs go on seeing it, a later sync that succeeds does not bring it back. A
  // sync_all that fails loses that of all files, and the next sync of each tells. A sync_all tells
  // too of what a sync has lost since its folder was opened.

  // --- Setting up and looking. No steps, and not subject to trouble. Paths as in Path::internal.

  // There and durable, with missing parents; replaces a file's contents.
  void put_file(std::string_view path, std::string_view bytes);
  void put_folder(std::string_view path);
  void put_other(std::string_view path);  // a pipe, socket or device

  // Of a file; nothing when there is none at that very name.
  [[nodiscard]] std::optional<std::string> contents(std::string_view path) const;
  [[nodiscard]] std::optional<std::string> durable_contents(std::string_view path) const;

  // Path to "folder", "file CONTENTS" (above 64 bytes "file SIZE DIGEST"), "link TARGET", "other".
  using Tree = std::map<std::string, std::string>;
  [[nodiscard]] Tree tree() const;
  [[nodiscard]] Tree durable_tree() const;

  [[nodiscard]] std::size_t open_files() const;  // files and readers not yet destroyed

  // --- Disk

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
  [[nodiscard]] std::string boot_id() const override;

 private:
  struct Body;
  class OpenFile;
  class OpenFolder;
  class FoundFolder;
  Result<void> sync_all(std::uint64_t& losses_told);
  std::unique_ptr<Body> body_;
};

}  // namespace skein::store
