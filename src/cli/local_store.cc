#include "cli/local_store.h"

#include <filesystem>
#include <system_error>

#include "base/text.h"

namespace skein::cli {

namespace {
constexpr std::string_view kLockPath = ".skein/lock";  // a hub's, too
}

Result<std::unique_ptr<LocalStore>> LocalStore::open(const std::string& folder, const Clock& clock,
                                                     Random& random) {
  std::error_code code;
  std::filesystem::create_directories(folder, code);
  if (code) return fail_errno(code.value(), concat("making ", quoted(folder)));
  auto local = std::make_unique<LocalStore>();
  TRY_ASSIGN(local->disk_, store::PosixDisk::open(folder));
  local->disk_->join();
  auto opened = local->open_store(folder, clock, random);
  if (!opened) {
    // By the name that the person knows, before our own that is below it.
    return std::unexpected(Error(
        opened.error().kind(), concat(quoted(folder), " cannot be used: ", opened.error().text())));
  }
  local->store_ = *std::move(opened);
  return local;
}

Result<std::unique_ptr<store::Store>> LocalStore::open_store(const std::string& folder,
                                                             const Clock& clock, Random& random) {
  const store::Path reserved = store::Path::internal(std::string(store::kReservedPrefix));
  TRY(store::make_folders(*disk_, reserved, 0700, false));
  auto lock = store::lock_file(concat(folder, "/", kLockPath));
  if (lock) {
    lock_ = *std::move(lock);
  } else if (!lock.error().is(kBusy)) {
    return pass(std::move(lock).error());
  }
  return store::Store::open(*disk_, clock, random, {.alone = lock_.has_value()});
}

void LocalStore::tidy() {
  if (!disk_->left_alone()) return;
  if (lock_) {
    static_cast<void>(
        disk_->remove_file(store::Path::internal(std::string(kLockPath))).has_value());
  }
  store_->tidy();
}

}  // namespace skein::cli
