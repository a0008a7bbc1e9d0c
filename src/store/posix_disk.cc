#include "store/posix_disk.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <limits>
#include <utility>

#include "base/random.h"
#include "base/text.h"

// glibc wraps these since 2.28 only under _GNU_SOURCE, which g++ defines; musl lacks them.
#ifndef RENAME_NOREPLACE
#define RENAME_NOREPLACE (1U << 0U)
#endif
#ifndef RENAME_EXCHANGE
#define RENAME_EXCHANGE (1U << 1U)
#endif

namespace skein::store {

namespace {

constexpr std::uint64_t kReading = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV;
constexpr std::uint64_t kWriting = kReading | RESOLVE_NO_SYMLINKS;

constexpr std::string_view kFitFilesystem =
    "share a folder on a local filesystem: ext4, xfs, btrfs or tmpfs";

// openat2 gives EAGAIN when a rename or mount anywhere on the machine raced with a '..' inside a
// link. Each try is a few microseconds, so a busy neighbour is outlasted and nothing hangs.
constexpr int kAttempts = 256;

// A descriptor, or -errno.
int open_beneath(int root, const char* path, int flags, std::uint64_t resolve,
                 std::uint32_t mode = 0) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.mode = mode;
  how.resolve = resolve;
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    const long fd = syscall(SYS_openat2, root, *path == '\0' ? "." : path, &how, sizeof how);
    if (fd >= 0) return static_cast<int>(fd);
    if (errno != EAGAIN && errno != EINTR) return -errno;
  }
  return -EAGAIN;
}

// The shortest beginning of `path` at which resolving fails with `code`: the link or the mount
// that is to be named. Only for messages; by now it may be another.
Path culprit(int root, const Path& path, std::uint64_t resolve, int code) {
  const std::string& text = path.text();
  for (std::size_t at = text.find('/'); at != std::string::npos; at = text.find('/', at + 1)) {
    Path prefix = Path::internal(text.substr(0, at));
    const Descriptor fd(open_beneath(root, prefix.text().c_str(), O_PATH, resolve));
    if (fd.get() == -code) return prefix;
  }
  return path;
}

std::unexpected<Error> through_link(const Path& path, const Path& link,
                                    std::source_location place) {
  return fail(kRefused,
              concat(shown(path), " is refused: ", shown(link),
                     " is a link, and nothing is changed through links"),
              place);
}

// What a refusal of open_beneath means.
std::unexpected<Error> unresolved(int root, const Path& path, std::uint64_t resolve, int code,
                                  std::string_view doing,
                                  std::source_location place = std::source_location::current()) {
  switch (code) {
    case EXDEV: {
      // The kernel says the same of a way out and of a mount. Without the ban on mounts, only the
      // way out is still refused.
      const Descriptor fd(open_beneath(root, path.text().c_str(), O_PATH,
                                       resolve & ~std::uint64_t{RESOLVE_NO_XDEV}));
      const Path at = culprit(root, path, resolve, EXDEV);
      if (fd.get() == -EXDEV) {
        return fail(kRefused,
                    concat(shown(path), " is refused: the link ", shown(at),
                           " points out of the shared folder"),
                    place);
      }
      return std::unexpected(
          Error(kUnsupported, concat(shown(at), " crosses into another filesystem"), place)
              .with_hint("nothing may be mounted inside a shared folder: unmount it, or share what "
                         "is mounted there by a hub of its own"));
    }
    case ELOOP: {
      if ((resolve & RESOLVE_NO_SYMLINKS) == 0) {
        return fail(kRefused, concat(shown(path), " is refused: it goes through too many links"),
                    place);
      }
      const Path at = culprit(root, path.parent(), resolve, ELOOP);
      const Descriptor last(open_beneath(root, path.text().c_str(), O_PATH | O_NOFOLLOW, resolve));
      struct stat stat{};
      const bool is_link = last.is_open() && fstat(last.get(), &stat) == 0 && S_ISLNK(stat.st_mode);
      if (is_link || path.parent().is_root()) {
        return fail(kNotAFile, concat(shown(path), " is a link"), place);
      }
      return through_link(path, at, place);
    }
    case EAGAIN:
      return fail(kBusy, concat(doing, " ", shown(path), ": held, or changed all the while"),
                  place);
    case ENXIO:  // a socket, or a device without a driver
    case ENODEV: return fail(kNotAFile, concat(shown(path), " is not a regular file"), place);
    default: return fail_errno(code, concat(doing, " ", shown(path)), place);
  }
}

Result<Descriptor> resolved(int root, const Path& path, int flags, std::uint64_t resolve,
                            std::string_view doing, std::uint32_t mode = 0,
                            std::source_location place = std::source_location::current()) {
  const int fd = open_beneath(root, path.text().c_str(), flags, resolve, mode);
  if (fd < 0) return unresolved(root, path, resolve, -fd, doing, place);
  return Descriptor(fd);
}

// The folder in which a last name is made, moved or removed.
struct Parent {
  Descriptor owned;
  int fd = -1;
  const char* name = nullptr;  // lives as long as the path
};

Result<Parent> parent_of(int root, const Path& path, std::string_view doing) {
  const std::string_view name = path.name();
  // The calls on a last name do not resolve it, so these two would slip by.
  if (name == "." || name == "..") {
    return fail(kBadName, concat(shown(path), " ends in '.' or '..'"));
  }
  Parent parent;
  parent.name = name.data();  // the end of a std::string, so it ends in a NUL
  if (name.size() == path.text().size()) {
    parent.fd = root;
    return parent;
  }
  const int fd = open_beneath(root, path.parent().text().c_str(), O_PATH | O_DIRECTORY, kWriting);
  if (fd == -ELOOP) {
    return through_link(path, culprit(root, path.parent(), kWriting, ELOOP),
                        std::source_location::current());
  }
  if (fd == -EXDEV) return unresolved(root, path.parent(), kWriting, EXDEV, doing);
  if (fd < 0) return unresolved(root, path, kWriting, -fd, doing);
  parent.owned.reset(fd);
  parent.fd = fd;
  return parent;
}

std::int64_t ns_of(const timespec& time) {
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

timespec time_of(std::int64_t ns) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  timespec time{};
  time.tv_sec = ns / kSecond;
  time.tv_nsec = ns % kSecond;
  if (time.tv_nsec < 0) {  // before 1970
    time.tv_nsec += kSecond;
    --time.tv_sec;
  }
  return time;
}

Info info_of(const struct stat& stat) {
  Info info;
  info.kind = S_ISREG(stat.st_mode)   ? EntryKind::kFile
              : S_ISDIR(stat.st_mode) ? EntryKind::kFolder
              : S_ISLNK(stat.st_mode) ? EntryKind::kLink
                                      : EntryKind::kOther;
  info.size_bytes = static_cast<std::uint64_t>(stat.st_size);
  info.mtime_ns = ns_of(stat.st_mtim);
  info.ctime_ns = ns_of(stat.st_ctim);
  info.mode = stat.st_mode & 0777U;
  info.inode = stat.st_ino;
  return info;
}

// 0, or errno. `kept`: bits of the mode that stay.
int apply_metadata(int fd, const Metadata& metadata, mode_t kept) {
  if (metadata.mode && fchmod(fd, kept | (*metadata.mode & 0777U)) != 0) return errno;
  if (metadata.mtime_ns) {
    timespec times[2]{};
    times[0].tv_nsec = UTIME_OMIT;
    times[1] = time_of(*metadata.mtime_ns);
    if (futimens(fd, times) != 0) return errno;
  }
  return 0;
}

// 0, or errno.
int sync_descriptor(int fd) {
  while (fsync(fd) != 0) {
    if (errno != EINTR) return errno;
  }
  return 0;
}

// 0, or errno.
int read_link(int fd, const char* name, std::string& target) {
  for (std::size_t room = 256;; room *= 4) {
    target.resize(room);
    const ssize_t got = readlinkat(fd, name, target.data(), room);
    if (got < 0) return errno;
    if (static_cast<std::size_t>(got) < room) {
      target.resize(static_cast<std::size_t>(got));
      return 0;
    }
  }
}

class PosixFile final : public File {
 public:
  PosixFile(Descriptor fd, std::string name) : fd_(std::move(fd)), name_(std::move(name)) {}

  Result<std::size_t> read_at(std::uint64_t offset, MutableBytes out) override {
    std::size_t done = 0;
    while (done < out.size()) {
      const ssize_t got =
          pread(fd_.get(), out.data() + done, out.size() - done, static_cast<off_t>(offset + done));
      if (got == 0) break;
      if (got > 0) {
        done += static_cast<std::size_t>(got);
      } else if (errno != EINTR) {
        return fail_errno(errno, concat("reading ", quoted(name_)));
      }
    }
    return done;
  }

  Result<void> write_at(std::uint64_t offset, Bytes bytes) override {
    if (offset > kMostBytes || bytes.size() > kMostBytes - offset) return too_large();
    while (!bytes.empty()) {
      const ssize_t put = pwrite(fd_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
      if (put > 0) {
        bytes = bytes.subspan(static_cast<std::size_t>(put));
        offset += static_cast<std::uint64_t>(put);
      } else if (put == 0) {
        return fail(kIo, concat("writing ", quoted(name_), ": the disk takes no bytes"));
      } else if (errno != EINTR) {
        return fail_errno(errno, concat("writing ", quoted(name_)));
      }
    }
    return {};
  }

  Result<void> set_size(std::uint64_t bytes) override {
    if (bytes > kMostBytes) return too_large();
    while (ftruncate(fd_.get(), static_cast<off_t>(bytes)) != 0) {
      if (errno != EINTR) return fail_errno(errno, concat("resizing ", quoted(name_)));
    }
    return {};
  }

  Result<void> set_metadata(const Metadata& metadata) override {
    // A file of ours never has set-user-id and its like.
    if (const int code = apply_metadata(fd_.get(), metadata, 0); code != 0) {
      return fail_errno(code, concat("setting mode or time of ", quoted(name_)));
    }
    return {};
  }

  Result<void> sync() override {
    if (const int code = sync_descriptor(fd_.get()); code != 0) {
      return fail_errno(code, concat("syncing ", quoted(name_)));
    }
    return {};
  }

  Result<Info> info() override {
    struct stat stat{};
    if (fstat(fd_.get(), &stat) != 0) {
      return fail_errno(errno, concat("looking at ", quoted(name_)));
    }
    return info_of(stat);
  }

 private:
  static constexpr std::uint64_t kMostBytes = std::numeric_limits<std::int64_t>::max();

  std::unexpected<Error> too_large() const {
    return fail(kTooLarge, concat(quoted(name_), " is larger than a file can be"));
  }

  Descriptor fd_;
  std::string name_;
};

class PosixFolderReader final : public FolderReader {
 public:
  PosixFolderReader(DIR* stream, std::string name) : stream_(stream), name_(std::move(name)) {}
  ~PosixFolderReader() override { closedir(stream_); }
  PosixFolderReader(const PosixFolderReader&) = delete;
  PosixFolderReader& operator=(const PosixFolderReader&) = delete;

  Result<std::vector<Entry>> next(std::size_t most) override {
    std::vector<Entry> entries;
    while (entries.size() < most) {
      errno = 0;
      const dirent* const raw = readdir(stream_);
      if (raw == nullptr) {
        if (errno != 0) return fail_errno(errno, concat("reading folder ", name_));
        break;
      }
      Entry entry;
      entry.name = raw->d_name;
      if (entry.name == "." || entry.name == "..") continue;
      const int code = look_at(entry);
      if (code == ENOENT) continue;  // removed since it was read
      if (code != 0) {
        return fail_errno(code, concat("looking at ", quoted(entry.name), " in ", name_));
      }
      entries.push_back(std::move(entry));
    }
    return entries;
  }

 private:
  // 0, or errno.
  int look_at(Entry& entry) {
    const int fd = dirfd(stream_);
    while (true) {
      struct stat stat{};
      if (fstatat(fd, entry.name.c_str(), &stat, AT_SYMLINK_NOFOLLOW) != 0) return errno;
      entry.info = info_of(stat);
      if (entry.info.kind != EntryKind::kLink) return 0;
      const int code = read_link(fd, entry.name.c_str(), entry.link_target);
      if (code != EINVAL) return code;
      entry.link_target.clear();  // no longer a link: look again
    }
  }

  DIR* stream_;
  std::string name_;  // as shown
};

Result<std::unique_ptr<File>> regular(Descriptor fd, const Path& path) {
  struct stat stat{};
  if (fstat(fd.get(), &stat) != 0) return fail_errno(errno, concat("looking at ", shown(path)));
  if (S_ISDIR(stat.st_mode)) return fail(kIsAFolder, concat(shown(path), " is a folder"));
  if (!S_ISREG(stat.st_mode)) {
    return fail(kNotAFile, concat(shown(path), " is not a regular file"));
  }
  return std::make_unique<PosixFile>(std::move(fd), path.text());
}

Error no_folder_sync(const Path& path) {
  return Error(kUnsupported,
               concat("syncing folder ", shown(path), ": this filesystem cannot sync a folder"))
      .with_hint(std::string(kFitFilesystem));
}

// What a rename came to that failed with `code`.
std::unexpected<Error> not_renamed(int code, const std::string& doing, bool exchange) {
  switch (code) {
    case EINVAL:
    case ENOSYS:
    case EOPNOTSUPP:
      return std::unexpected(
          Error(kUnsupported,
                concat(doing, exchange ? ": this filesystem cannot exchange two names in one step"
                                       : ": this filesystem cannot rename without replacing"))
              .with_hint(std::string(kFitFilesystem)));
    case EXDEV:  // a subvolume, a quota project, a lower layer of an overlay: no mount, yet apart
      return std::unexpected(
          Error(kUnsupported, concat(doing, ": this crosses into another filesystem"))
              .with_hint(std::string(kFitFilesystem)));
    default: return fail_errno(code, doing);
  }
}

class PosixFolder final : public Folder {
 public:
  PosixFolder(Descriptor fd, Path path) : fd_(std::move(fd)), path_(std::move(path)) {}

  Result<std::unique_ptr<File>> open_file(const std::string& name) override {
    TRY_ASSIGN(Descriptor fd,
               opened(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW, "opening", 0));
    return regular(std::move(fd), below(name));
  }

  Result<std::unique_ptr<File>> create_file(const std::string& name) override {
    TRY_ASSIGN(Descriptor fd,
               opened(name, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, "creating", 0600));
    return std::make_unique<PosixFile>(std::move(fd), name);
  }

  Result<Info> info(const std::string& name) override {
    struct stat stat{};
    if (fstatat(fd_.get(), name.c_str(), &stat, AT_SYMLINK_NOFOLLOW) != 0) {
      return fail_errno(errno, concat("looking at ", shown(below(name))));
    }
    return info_of(stat);
  }

  Result<void> move(const std::string& name, Folder& to, const std::string& new_name) override {
    const auto& target = static_cast<const PosixFolder&>(to);
    if (syscall(SYS_renameat2, fd_.get(), name.c_str(), target.fd_.get(), new_name.c_str(),
                RENAME_NOREPLACE) == 0) {
      return {};
    }
    return not_renamed(errno, concat("storing ", shown(target.below(new_name))), false);
  }

  Result<void> sync() override {
    const int code = sync_descriptor(fd_.get());
    if (code == EINVAL) return pass(no_folder_sync(path_));
    if (code != 0) return fail_errno(code, concat("syncing folder ", shown(path_)));
    return {};
  }

  // Since Linux 5.8 each open file is told once of what the filesystem has lost since its opening.
  Result<void> sync_all() override {
    while (syncfs(fd_.get()) != 0) {
      if (errno != EINTR) return fail_errno(errno, "syncing the filesystem");
    }
    return {};
  }

 private:
  Path below(const std::string& name) const { return path_ / Path::internal(name); }

  // A single name leads nowhere else but through a link or a mount, and those are refused.
  Result<Descriptor> opened(const std::string& name, int flags, std::string_view doing,
                            std::uint32_t mode) const {
    const int fd = open_beneath(fd_.get(), name.c_str(), flags, kWriting, mode);
    if (fd == -ELOOP) return fail(kNotAFile, concat(shown(below(name)), " is a link"));
    if (fd < 0) return unresolved(fd_.get(), Path::internal(name), kWriting, -fd, doing);
    return Descriptor(fd);
  }

  Descriptor fd_;
  Path path_;
};

// The machine's, or where it cannot be read one that differs each time: then what was claimed
// before is verified once too often, never once too rarely.
std::string read_boot_id() {
  const Descriptor fd(::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
  char text[64];
  const ssize_t got = fd.is_open() ? read(fd.get(), text, sizeof text) : -1;
  if (got <= 0) return concat("unknown-", SystemRandom().hex(16));
  std::string_view id(text, static_cast<std::size_t>(got));
  while (id.ends_with('\n')) id.remove_suffix(1);
  return std::string(id);
}

}  // namespace

PosixDisk::PosixDisk(std::string folder, Descriptor root, std::string boot_id)
    : folder_(std::move(folder)), root_(std::move(root)), boot_id_(std::move(boot_id)) {}

Result<std::unique_ptr<PosixDisk>> PosixDisk::open(const std::string& folder) {
  Descriptor root(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.is_open()) {
    const int code = errno;
    Error error = Error::from_errno(code, concat("opening folder ", quoted(folder)));
    if (code == ENOENT) error = std::move(error).with_hint("make it first: mkdir -p FOLDER");
    return pass(std::move(error));
  }
  if (const Descriptor probe(open_beneath(root.get(), ".", O_PATH, kWriting)); !probe.is_open()) {
    switch (const int code = -probe.get()) {
      case ENOSYS:
      case EPERM:   // what older containers answer to a call they do not know
      case EINVAL:  // flags that this kernel does not know
      case E2BIG:
        return std::unexpected(
            Error(kUnsupported, concat("folder ", quoted(folder),
                                       " cannot be shared safely: the system call openat2 does "
                                       "not work here"))
                .with_hint("it needs Linux 5.6 or newer; in a container, a seccomp profile that "
                           "allows openat2"));
      default: return fail_errno(code, concat("opening folder ", quoted(folder)));
    }
  }
  return std::unique_ptr<PosixDisk>(new PosixDisk(folder, std::move(root), read_boot_id()));
}

void PosixDisk::join() {
  joined_.reset(openat(root_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  while (flock(joined_.get(), LOCK_SH) != 0 && errno == EINTR) {
  }
}

bool PosixDisk::left_alone() {
  return flock(joined_.get(), LOCK_EX | LOCK_NB) == 0;
}

Result<std::unique_ptr<File>> PosixDisk::open_file(const Path& path) {
  // Opening a pipe to read must not wait for its writer, and a terminal must not become ours.
  TRY_ASSIGN(Descriptor fd,
             resolved(root_.get(), path, O_RDONLY | O_NONBLOCK | O_NOCTTY, kReading, "opening"));
  return regular(std::move(fd), path);
}

Result<std::unique_ptr<File>> PosixDisk::open_for_writing(const Path& path) {
  TRY_ASSIGN(Descriptor fd, resolved(root_.get(), path, O_RDWR | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW,
                                     kWriting, "opening"));
  return regular(std::move(fd), path);
}

Result<std::unique_ptr<File>> PosixDisk::create_file(const Path& path) {
  if (path.is_root()) return fail_errno(EEXIST, concat("creating ", shown(path)));
  TRY_ASSIGN(Descriptor fd, resolved(root_.get(), path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW,
                                     kWriting, "creating", 0600));
  return std::make_unique<PosixFile>(std::move(fd), path.text());
}

Result<std::unique_ptr<FolderReader>> PosixDisk::read_folder(const Path& path) {
  TRY_ASSIGN(Descriptor fd,
             resolved(root_.get(), path, O_RDONLY | O_DIRECTORY, kReading, "reading folder"));
  DIR* const stream = fdopendir(fd.get());
  if (stream == nullptr) return fail_errno(errno, concat("reading folder ", shown(path)));
  (void)fd.release();  // the stream's from here on
  return std::make_unique<PosixFolderReader>(stream, shown(path));
}

Result<std::unique_ptr<Folder>> PosixDisk::open_folder(const Path& path) {
  TRY_ASSIGN(Descriptor fd, resolved(root_.get(), path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
                                     kWriting, "opening folder"));
  return std::make_unique<PosixFolder>(std::move(fd), path);
}

Result<void> PosixDisk::make_folder(const Path& path, std::uint32_t mode) {
  if (path.is_root()) return fail_errno(EEXIST, concat("making folder ", shown(path)));
  TRY_ASSIGN(const Parent parent, parent_of(root_.get(), path, "making folder"));
  if (mkdirat(parent.fd, parent.name, mode & 0777U) != 0) {
    return fail_errno(errno, concat("making folder ", shown(path)));
  }
  return {};
}

Result<void> PosixDisk::set_folder_metadata(const Path& path, const Metadata& metadata) {
  constexpr std::string_view kDoing = "setting mode or time of";
  TRY_ASSIGN(const Descriptor fd,
             resolved(root_.get(), path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, kWriting, kDoing));
  struct stat stat{};
  if (fstat(fd.get(), &stat) != 0) return fail_errno(errno, concat(kDoing, " ", shown(path)));
  // What a folder hands down to what is made in it (set-group-id, sticky) is its owner's choice.
  if (const int code = apply_metadata(fd.get(), metadata, stat.st_mode & 07000U); code != 0) {
    return fail_errno(code, concat(kDoing, " ", shown(path)));
  }
  return {};
}

Result<void> PosixDisk::make_link(const Path& path, const std::string& target) {
  if (path.is_root()) return fail_errno(EEXIST, concat("making link ", shown(path)));
  if (target.contains('\0')) {
    return fail(kBadName, concat("making link ", shown(path), ": a NUL in its target"));
  }
  TRY_ASSIGN(const Parent parent, parent_of(root_.get(), path, "making link"));
  if (symlinkat(target.c_str(), parent.fd, parent.name) != 0) {
    return fail_errno(errno, concat("making link ", shown(path)));
  }
  return {};
}

Result<Info> PosixDisk::info(const Path& path) {
  TRY_ASSIGN(const Descriptor fd,
             resolved(root_.get(), path, O_PATH | O_NOFOLLOW, kReading, "looking at"));
  struct stat stat{};
  if (fstat(fd.get(), &stat) != 0) return fail_errno(errno, concat("looking at ", shown(path)));
  return info_of(stat);
}

Result<std::string> PosixDisk::link_target(const Path& path) {
  TRY_ASSIGN(const Descriptor fd,
             resolved(root_.get(), path, O_PATH | O_NOFOLLOW, kReading, "reading link"));
  std::string target;
  switch (const int code = read_link(fd.get(), "", target)) {
    case 0: return target;
    case ENOENT:
    case EINVAL: return fail(kNotFound, concat(shown(path), " is not a link"));
    default: return fail_errno(code, concat("reading link ", shown(path)));
  }
}

Result<void> PosixDisk::rename(const Path& from, const Path& to, Rename how) {
  const auto doing = [&] { return concat("renaming ", shown(from), " to ", shown(to)); };
  if (from.is_root() || to.is_root()) {
    return fail(kBadRequest, concat(doing(), ": the shared folder itself stays where it is"));
  }
  const bool inwards =
      from != to && (from.contains(to) || (how == Rename::kExchange && to.contains(from)));
  if (inwards) return fail(kBadRequest, concat(doing(), ": a folder cannot go into itself"));
  TRY_ASSIGN(const Parent source, parent_of(root_.get(), from, "renaming"));
  TRY_ASSIGN(const Parent target, parent_of(root_.get(), to, "renaming to"));
  const unsigned flags = how == Rename::kExchange ? RENAME_EXCHANGE : RENAME_NOREPLACE;
  // By number: the same call on every C library.
  if (syscall(SYS_renameat2, source.fd, source.name, target.fd, target.name, flags) == 0) return {};
  return not_renamed(errno, doing(), how == Rename::kExchange);
}

Result<void> PosixDisk::remove_file(const Path& path) {
  if (path.is_root()) return fail_errno(EISDIR, concat("removing ", shown(path)));
  TRY_ASSIGN(const Parent parent, parent_of(root_.get(), path, "removing"));
  if (unlinkat(parent.fd, parent.name, 0) != 0) {
    return fail_errno(errno, concat("removing ", shown(path)));
  }
  return {};
}

Result<void> PosixDisk::remove_folder(const Path& path) {
  if (path.is_root()) {
    return fail(kBadRequest, concat("removing ", shown(path), ": it stays where it is"));
  }
  TRY_ASSIGN(const Parent parent, parent_of(root_.get(), path, "removing folder"));
  if (unlinkat(parent.fd, parent.name, AT_REMOVEDIR) != 0) {
    return fail_errno(errno, concat("removing folder ", shown(path)));
  }
  return {};
}

Result<void> PosixDisk::sync_folder(const Path& path) {
  TRY_ASSIGN(const Descriptor fd, resolved(root_.get(), path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
                                           kWriting, "syncing folder"));
  const int code = sync_descriptor(fd.get());
  if (code == EINVAL) return pass(no_folder_sync(path));
  if (code != 0) return fail_errno(code, concat("syncing folder ", shown(path)));
  return {};
}

Result<Disk::Space> PosixDisk::space() {
  struct statvfs stat{};
  if (fstatvfs(root_.get(), &stat) != 0) return fail_errno(errno, "asking for free space");
  return Space{.free_bytes = std::uint64_t{stat.f_bavail} * stat.f_frsize,
               .total_bytes = std::uint64_t{stat.f_blocks} * stat.f_frsize};
}

namespace {

Result<void> prove_renames(Disk& disk, const Path& scratch) {
  const Path a = scratch / Path::internal("a");
  const Path b = scratch / Path::internal("b");
  TRY(disk.make_folder(scratch, 0700));
  TRY_ASSIGN(const auto file_a, disk.create_file(a));
  TRY_ASSIGN(const auto file_b, disk.create_file(b));
  TRY(file_a->write_at(0, as_bytes("a")));
  TRY(file_a->sync());
  TRY_ASSIGN(const Info info_a, file_a->info());
  TRY_ASSIGN(const Info info_b, file_b->info());

  TRY(disk.rename(a, b, Rename::kExchange));
  TRY_ASSIGN(const Info now_a, disk.info(a));
  TRY_ASSIGN(const Info now_b, disk.info(b));
  if (now_a.inode != info_b.inode || now_b.inode != info_a.inode) {
    return fail(kUnsupported, "this filesystem exchanges two names in one step, but wrongly");
  }
  if (const auto replaced = disk.rename(a, b, Rename::kNoReplace); replaced) {
    return fail(kUnsupported, "this filesystem replaces where it was told not to");
  } else if (!replaced.error().is(kExists)) {
    return pass(replaced.error());
  }
  TRY(disk.rename(a, scratch / Path::internal("c"), Rename::kNoReplace));
  return disk.sync_folder(scratch);
}

}  // namespace

Result<void> PosixDisk::check_filesystem() {
  const auto unfit = [&](const Error& error) {
    Error said(error.kind(),
               concat("folder ", quoted(folder_), " cannot be shared: ", error.message()),
               error.place());
    if (error.is(kReadOnly)) {
      said = std::move(said).with_hint("it is mounted read-only: remount it, or share another");
    } else if (error.is(kRefused)) {
      said =
          std::move(said).with_hint("give the hub's user the right to write there: chown, chmod");
    } else if (error.is(kUnsupported)) {
      said = std::move(said).with_hint(error.hint().empty() ? std::string(kFitFilesystem)
                                                            : error.hint());
    } else {
      said = std::move(said).with_hint(error.hint());
    }
    return std::unexpected(std::move(said));
  };

  if (faccessat(root_.get(), ".", W_OK | X_OK, AT_EACCESS) != 0) {
    return unfit(Error::from_errno(errno, "writing in it"));
  }
  const Path reserved = Path::internal(std::string(kReservedPrefix));
  if (const auto made = make_folder(reserved, 0700); !made && !made.error().is(kExists)) {
    return unfit(made.error());
  }
  const auto there = info(reserved);
  if (!there) return unfit(there.error());
  if (there->kind != EntryKind::kFolder) {
    return unfit(Error(kNotAFolder, concat("its ", quoted(kReservedPrefix), " is not a folder"))
                     .with_hint("that name is for the hub's own files: move what is there away"));
  }
  const Path scratch = reserved / Path::internal(concat("probe-", SystemRandom().hex(8)));
  const auto proved = prove_renames(*this, scratch);
  const auto removed = remove_tree(*this, scratch);
  if (!proved) return unfit(proved.error());
  if (!removed) return unfit(removed.error());
  return {};
}

}  // namespace skein::store
