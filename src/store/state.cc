#include "store/state.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "base/limits.h"
#include "base/text.h"

namespace skein::store {

namespace {

constexpr std::size_t kIdBytes = 16;
constexpr const char* kNames = "client/names";

// The process that wrote itself into a lock file; empty when that cannot be told.
std::string pid_in(int fd) {
  char text[32];
  const ssize_t got = pread(fd, text, sizeof text, 0);
  if (got <= 0) return {};
  const std::string_view said(text, static_cast<std::size_t>(got));
  const std::size_t end = said.find('\n');
  const std::string_view pid = said.substr(0, end);
  const bool digits = end != std::string_view::npos && !pid.empty() &&
                      pid.find_first_not_of("0123456789") == std::string_view::npos;
  return digits ? std::string(pid) : std::string();
}

Result<std::string> chosen_path(const std::optional<std::string>& given) {
  constexpr std::string_view kHint = "say which folder is the state folder: --state DIR";
  if (given) {
    if (given->empty() || given->contains('\0')) {
      return std::unexpected(
          Error(kUsage, "the state folder's name is empty").with_hint(std::string(kHint)));
    }
    return *given;
  }
  const auto variable = [](const char* name) -> std::string_view {
    const char* const value = std::getenv(name);
    // A relative path here would be another folder in every folder; it counts as not set.
    return value != nullptr && value[0] == '/' ? value : "";
  };
  if (const auto base = variable("XDG_STATE_HOME"); !base.empty()) return concat(base, "/skein");
  if (const auto home = variable("HOME"); !home.empty()) return concat(home, "/.local/state/skein");
  return std::unexpected(
      Error(kUsage, "no state folder: neither $XDG_STATE_HOME nor $HOME is an absolute path")
          .with_hint(std::string(kHint)));
}

Result<void> make_folders(const std::string& path) {
  if (mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return {};
  if (errno != ENOENT) return fail_errno(errno, concat("making folder ", quoted(path)));
  std::string_view parent = path;
  while (parent.ends_with('/')) parent.remove_suffix(1);
  const std::size_t slash = parent.rfind('/');
  if (slash == std::string_view::npos || slash == 0) {
    return fail_errno(ENOENT, concat("making folder ", quoted(path)));
  }
  TRY(make_folders(std::string(parent.substr(0, slash))));
  if (mkdir(path.c_str(), 0700) == 0 || errno == EEXIST) return {};
  return fail_errno(errno, concat("making folder ", quoted(path)));
}

// Ours alone when this returns.
Result<void> make_private(const std::string& path) {
  TRY(make_folders(path));
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.is_open()) return fail_errno(errno, concat("opening folder ", quoted(path)));
  struct stat stat{};
  if (fstat(fd.get(), &stat) != 0) return fail_errno(errno, concat("looking at ", quoted(path)));
  if (stat.st_uid != geteuid()) {
    return std::unexpected(
        Error(kRefused, concat("the state folder ", quoted(path),
                               " belongs to another user, number ", std::to_string(stat.st_uid)))
            .with_hint("use one of your own: --state DIR"));
  }
  if ((stat.st_mode & 077U) != 0 && fchmod(fd.get(), 0700) != 0) {
    return fail_errno(errno, concat("closing ", quoted(path), " to other users"));
  }
  return {};
}

// The file's beginning, at most so many bytes; nothing when there is no such file.
Result<std::optional<std::string>> read_beginning(const std::string& path, std::size_t most) {
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd.is_open()) {
    if (errno == ENOENT) return std::nullopt;
    return fail_errno(errno, concat("opening ", quoted(path)));
  }
  std::string text(most, '\0');
  ssize_t got = 0;
  do {
    got = read(fd.get(), text.data(), text.size());
  } while (got < 0 && errno == EINTR);
  if (got < 0) return fail_errno(errno, concat("reading ", quoted(path)));
  text.resize(static_cast<std::size_t>(got));
  return text;
}

// The id in the file; nothing when there is no such file.
Result<std::optional<std::string>> read_id(const std::string& path) {
  TRY_ASSIGN(auto id, read_beginning(path, 2 * kIdBytes + 2));
  if (!id) return id;
  if (id->ends_with('\n')) id->pop_back();
  std::byte raw[kIdBytes];
  if (!from_hex(*id, raw)) {
    return std::unexpected(
        Error(kIo, concat(quoted(path), " is damaged: it is not 32 hexadecimal digits"))
            .with_hint("remove it: this device gets another id, and unfinished transfers start "
                       "again"));
  }
  return id;
}

// Errors by errno; 0 is done.
int write_synced(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t put = write(fd, text.data(), text.size());
    if (put > 0) {
      text.remove_prefix(static_cast<std::size_t>(put));
    } else if (put == 0) {
      return EIO;
    } else if (errno != EINTR) {
      return errno;
    }
  }
  while (fsync(fd) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

Result<void> sync_folder(const std::string& folder) {
  const Descriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // A filesystem that cannot sync a folder answers EINVAL, and this is all that can be done.
  if (!fd.is_open() || (fsync(fd.get()) != 0 && errno != EINVAL)) {
    return fail_errno(errno, concat("syncing folder ", quoted(folder)));
  }
  return {};
}

// An address as the name of a file; nothing for what no host is called.
std::optional<std::string> file_name_of(std::string_view address) {
  constexpr std::string_view kTaken =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz.:[]%_-";
  if (address.empty() || address.starts_with('.') || address.size() > spec::kMaxComponentBytes ||
      address.find_first_not_of(kTaken) != std::string_view::npos) {
    return std::nullopt;
  }
  return std::string(address);
}

// Gives the file its name unless that is taken: 0, EEXIST or why not. The file may keep its first
// name too.
int name_once(const std::string& from, const std::string& to) {
  if (syscall(SYS_renameat2, AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) {
    return 0;
  }
  if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP) return errno;
  // NFS knows no flags, but links; and homes are often on NFS.
  return link(from.c_str(), to.c_str()) == 0 ? 0 : errno;
}

}  // namespace

Lock& Lock::operator=(Lock&& other) noexcept {
  if (this != &other) {
    const Lock before(std::move(*this));
    fd_ = std::move(other.fd_);
  }
  return *this;
}

Lock::~Lock() {
  // Whoever takes it next writes its own number a moment after; until then it is nobody's.
  if (fd_.is_open()) (void)!ftruncate(fd_.get(), 0);
}

Result<Lock> lock_file(const std::string& path) {
  Descriptor fd(::open(path.c_str(),
                       O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK, 0600));
  if (!fd.is_open()) return fail_errno(errno, concat("opening lock ", quoted(path)));
  // flock and not fcntl: it belongs to this opening of the file, so it is not lost when another
  // part of the process closes the same file, and a second taker in this process is refused too.
  while (flock(fd.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return fail_errno(errno, concat("locking ", quoted(path)));
    const std::string pid = pid_in(fd.get());
    return fail(kBusy, concat(quoted(path), " is held by ",
                              pid.empty() ? "another process" : concat("process ", pid)));
  }
  const std::string pid = concat(std::to_string(getpid()), "\n");
  // Only for the message above, so a full disk does not keep anyone from starting.
  if (ftruncate(fd.get(), 0) == 0) (void)!pwrite(fd.get(), pid.data(), pid.size(), 0);
  return Lock(std::move(fd));
}

Result<StateFolder> StateFolder::open(const std::optional<std::string>& given) {
  TRY_ASSIGN(std::string path, chosen_path(given));
  while (path.size() > 1 && path.ends_with('/')) path.pop_back();
  TRY(make_private(path));
  return StateFolder(std::move(path));
}

Result<std::string> StateFolder::subfolder(const char* name) const {
  std::string path = concat(path_, "/", name);
  TRY(make_private(path));
  return path;
}

Result<Lock> StateFolder::lock_hub() {
  TRY_ASSIGN(const std::string folder, subfolder("hub"));
  auto lock = lock_file(concat(folder, "/lock"));
  if (!lock && lock.error().is(kBusy)) {
    return std::unexpected(
        Error(kBusy, concat("another hub runs on this state folder: ", lock.error().message()))
            .with_hint("stop it, or give this one a state folder of its own: --state DIR"));
  }
  return lock;
}

Result<std::string> StateFolder::room_log() {
  TRY_ASSIGN(const std::string folder, subfolder("hub"));
  std::string path = concat(folder, "/rooms.sqlite");
  // What SQLite makes itself has the mode that the umask leaves; beside it, that of the file.
  const Descriptor fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd.is_open()) return fail_errno(errno, concat("opening ", quoted(path)));
  return path;
}

Result<std::string> StateFolder::device_id(Random& random) {
  TRY_ASSIGN(const std::string folder, subfolder("client"));
  const std::string path = concat(folder, "/device");
  TRY_ASSIGN(auto id, read_id(path));
  if (id) return *std::move(id);

  std::string temporary = concat(path, ".XXXXXX");
  Descriptor fd(mkostemp(temporary.data(), O_CLOEXEC));  // mode 0600
  if (!fd.is_open()) return fail_errno(errno, concat("making a file in ", quoted(folder)));
  int code = write_synced(fd.get(), concat(random.hex(kIdBytes), "\n"));
  if (code == 0) code = name_once(temporary, path);
  (void)unlink(temporary.c_str());  // gone already when it was renamed
  if (code != 0 && code != EEXIST) return fail_errno(code, concat("writing ", quoted(path)));

  TRY(sync_folder(folder));
  // What is there now, ours or that of a client that was faster.
  TRY_ASSIGN(id, read_id(path));
  if (!id) return fail(kIo, concat(quoted(path), " vanished as soon as it was written"));
  return *std::move(id);
}

Result<std::optional<std::string>> StateFolder::name_at(const std::string& hub) const {
  const auto file = file_name_of(hub);
  if (!file) return std::nullopt;
  const std::string path = concat(path_, "/", kNames, "/", *file);
  TRY_ASSIGN(auto name, read_beginning(path, spec::kMaxNameBytes + 2));
  if (!name) return name;
  // A line, and nothing else.
  if (name->find('\n') != name->size() - 1 || name->size() < 2) {
    return std::unexpected(Error(kIo, concat(quoted(path), " is damaged: it is not one line"))
                               .with_hint("remove it, or say --name NAME"));
  }
  name->pop_back();
  return name;
}

Result<void> StateFolder::keep_name_at(const std::string& hub, const std::string& name) const {
  const auto file = file_name_of(hub);
  if (!file) return fail(kBadName, concat("no name can be kept for a hub called ", quoted(hub)));
  TRY_ASSIGN(const std::string folder, subfolder(kNames));
  const std::string path = concat(folder, "/", *file);
  std::string temporary = concat(folder, "/.XXXXXX");
  const Descriptor fd(mkostemp(temporary.data(), O_CLOEXEC));  // mode 0600
  if (!fd.is_open()) return fail_errno(errno, concat("making a file in ", quoted(folder)));
  int code = write_synced(fd.get(), concat(name, "\n"));
  if (code == 0 && rename(temporary.c_str(), path.c_str()) != 0) code = errno;
  if (code != 0) {
    (void)unlink(temporary.c_str());
    return fail_errno(code, concat("writing ", quoted(path)));
  }
  return sync_folder(folder);
}

}  // namespace skein::store
