// The state folder: what a hub and a client keep for themselves, apart from any shared folder:
// keys, tokens, the room log, this device's id. Only its owner may look into it.
//
// For start-up: one thread, blocking. What it returns may move to another thread.
#pragma once

#include <optional>
#include <string>

#include "base/descriptor.h"
#include "base/random.h"
#include "base/result.h"

namespace skein::store {

// Held until destroyed, or until the process ends in whatever way. Moves, does not copy.
class [[nodiscard]] Lock {
 public:
  Lock(Lock&&) noexcept = default;
  Lock& operator=(Lock&& other) noexcept;
  ~Lock();

 private:
  friend Result<Lock> lock_file(const std::string& path);
  explicit Lock(Descriptor fd) : fd_(std::move(fd)) {}
  Descriptor fd_;
};

// Takes the lock that the file at `path` stands for, at once or not at all; the file is made when
// missing and stays. kBusy names the process that has it, be it this one.
Result<Lock> lock_file(const std::string& path);

class StateFolder {
 public:
  // `given` (--state), else $XDG_STATE_HOME/skein, else $HOME/.local/state/skein; made with its
  // missing parents, mode 0700. A wider mode is narrowed; a folder of another user is kRefused.
  static Result<StateFolder> open(const std::optional<std::string>& given);

  [[nodiscard]] const std::string& path() const { return path_; }

  // `hub/lock`: one hub to a state folder, and a second one is refused with kBusy.
  Result<Lock> lock_hub();

  // Where the hub keeps its messages, `hub/rooms.sqlite`; made when missing, empty, mode 0600.
  Result<std::string> room_log();

  // Who this device is: 32 hexadecimal digits, made once and kept in `client/device`. Several
  // clients that start at the same time get the same.
  Result<std::string> device_id(Random& random);

  // What this client is called at the hub of that address ("127.0.0.1:8080"), kept in
  // `client/names`; nothing: that was never said. Any thread. kIo: what is kept is damaged.
  [[nodiscard]] Result<std::optional<std::string>> name_at(const std::string& hub) const;
  // It is called so from now on, also after a crash: a line of text, at most spec::kMaxNameBytes.
  [[nodiscard]] Result<void> keep_name_at(const std::string& hub, const std::string& name) const;

 private:
  explicit StateFolder(std::string path) : path_(std::move(path)) {}
  Result<std::string> subfolder(const char* name) const;  // its path; made when missing

  std::string path_;
};

}  // namespace skein::store
