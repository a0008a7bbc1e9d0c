// The system's files as SQLite reaches them, failing on demand. Each write, change of size and sync
// of any file is a step, whether it succeeds or not; steps are numbered from 1. A sync that
// succeeds does nothing: no test loses power, and they make thousands.
//
// The test's thread. Connections that use it must not outlive it.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <limits>
#include <string>

namespace skein::chat {

class FaultyVfs {
 public:
  FaultyVfs() : vfs_(*sqlite3_vfs_find(nullptr), *this) { sqlite3_vfs_register(&vfs_, 0); }
  ~FaultyVfs() { sqlite3_vfs_unregister(&vfs_); }
  FaultyVfs(const FaultyVfs&) = delete;
  FaultyVfs& operator=(const FaultyVfs&) = delete;

  [[nodiscard]] std::string name() const { return vfs_.zName; }
  [[nodiscard]] std::uint64_t steps() const { return steps_; }
  // That step and all after it fail with this code of SQLite's; a write writes half of it first.
  void fail_from(std::uint64_t step, int code) {
    fail_from_ = step;
    code_ = code;
  }
  void fail_never() { fail_from_ = kNever; }

 private:
  static constexpr auto kNever = std::numeric_limits<std::uint64_t>::max();
  struct Vfs : sqlite3_vfs {
    Vfs(const sqlite3_vfs& systems, FaultyVfs& its_owner) : sqlite3_vfs(systems), owner(its_owner) {
      zName = "skein-faulty";
      szOsFile += static_cast<int>(sizeof(File));
      xOpen = open;
    }
    FaultyVfs& owner;
  };
  // Behind it lies the system's own.
  struct File : sqlite3_file {
    FaultyVfs* owner;
  };
  static sqlite3_file* real(sqlite3_file* file) {
    return reinterpret_cast<sqlite3_file*>(static_cast<File*>(file) + 1);
  }
  // The code that this step fails with; SQLITE_OK when it does not.
  static int step(sqlite3_file* file) {
    FaultyVfs& owner = *static_cast<File*>(file)->owner;
    ++owner.steps_;
    const bool fails = owner.steps_ >= owner.fail_from_;
    return fails ? owner.code_ : SQLITE_OK;
  }

  static int open(sqlite3_vfs* vfs, const char* name, sqlite3_file* file, int flags, int* out) {
    sqlite3_vfs* const systems = sqlite3_vfs_find(nullptr);
    const int code = systems->xOpen(systems, name, real(file), flags, out);
    file->pMethods = real(file)->pMethods != nullptr ? &kMethods : nullptr;
    static_cast<File*>(file)->owner = &static_cast<Vfs*>(vfs)->owner;
    return code;
  }
  static int write(sqlite3_file* file, const void* from, int bytes, sqlite3_int64 at) {
    const int fault = step(file);
    if (fault != SQLITE_OK) bytes /= 2;
    const int code = real(file)->pMethods->xWrite(real(file), from, bytes, at);
    return fault != SQLITE_OK ? fault : code;
  }
  static int truncate(sqlite3_file* file, sqlite3_int64 bytes) {
    if (const int fault = step(file); fault != SQLITE_OK) return fault;
    return real(file)->pMethods->xTruncate(real(file), bytes);
  }
  static int sync(sqlite3_file* file, int /*flags*/) { return step(file); }
  // The others, handed on as they are.
  using Methods = sqlite3_io_methods;
  template <auto kMethod>
  struct PassOn;
  template <typename R, typename... Arguments, R (*Methods::*kMethod)(sqlite3_file*, Arguments...)>
  struct PassOn<kMethod> {
    static R call(sqlite3_file* file, Arguments... arguments) {
      return (real(file)->pMethods->*kMethod)(real(file), arguments...);
    }
  };
  static constexpr Methods kMethods = {
      .iVersion = 2,
      .xClose = PassOn<&Methods::xClose>::call,
      .xRead = PassOn<&Methods::xRead>::call,
      .xWrite = write,
      .xTruncate = truncate,
      .xSync = sync,
      .xFileSize = PassOn<&Methods::xFileSize>::call,
      .xLock = PassOn<&Methods::xLock>::call,
      .xUnlock = PassOn<&Methods::xUnlock>::call,
      .xCheckReservedLock = PassOn<&Methods::xCheckReservedLock>::call,
      .xFileControl = PassOn<&Methods::xFileControl>::call,
      .xSectorSize = PassOn<&Methods::xSectorSize>::call,
      .xDeviceCharacteristics = PassOn<&Methods::xDeviceCharacteristics>::call,
      .xShmMap = PassOn<&Methods::xShmMap>::call,
      .xShmLock = PassOn<&Methods::xShmLock>::call,
      .xShmBarrier = PassOn<&Methods::xShmBarrier>::call,
      .xShmUnmap = PassOn<&Methods::xShmUnmap>::call,
      .xFetch = nullptr,
      .xUnfetch = nullptr,
  };

  Vfs vfs_;
  std::uint64_t steps_ = 0;
  std::uint64_t fail_from_ = kNever;
  int code_ = SQLITE_OK;
};

}  // namespace skein::chat
