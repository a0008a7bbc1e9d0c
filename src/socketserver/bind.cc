#include "socketserver/bind.h"

#include <dirent.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <initializer_list>
#include <memory>
#include <sstream>
#include <utility>
#include <vector>

#include "base/text.h"

namespace socketserver {

using skein::concat;

namespace {

using Folder = std::unique_ptr<DIR, int (*)(DIR*)>;

Folder open_folder(const std::string& path) {
  return {opendir(path.c_str()), &closedir};
}

std::vector<std::string> fields_of(const std::string& line) {
  std::istringstream words(line);
  std::vector<std::string> fields;
  for (std::string word; words >> word;) fields.push_back(word);
  return fields;
}

// As the kernel's tables have them: number, near address, far address, state, queues, timer,
// retransmits, user, timeout, inode.
std::vector<std::string> sockets_on_port(std::uint16_t port, int type) {
  const bool stream = type == SOCK_STREAM;
  const auto tables = stream ? std::array{"/proc/net/tcp", "/proc/net/tcp6"}
                             : std::array{"/proc/net/udp", "/proc/net/udp6"};
  std::vector<std::string> found;
  for (const char* const table : tables) {
    std::ifstream file(table);
    std::string line;
    std::getline(file, line);
    while (std::getline(file, line)) {
      const std::vector<std::string> field = fields_of(line);
      if (field.size() < 10) continue;
      const std::size_t colon = field[1].find(':');
      if (colon == std::string::npos || (stream && field[3] != "0A")) continue;
      if (std::stoul(field[1].substr(colon + 1), nullptr, 16) != port) continue;
      found.push_back(concat("socket:[", field[9], "]"));
    }
  }
  return found;
}

// number, references, protocol, flags, type, state, inode, path
std::vector<std::string> sockets_on_path(std::string path) {
  if (path[0] == '\0') path[0] = '@';
  std::ifstream file("/proc/net/unix");
  std::vector<std::string> found;
  std::string line;
  std::getline(file, line);
  while (std::getline(file, line)) {
    const std::vector<std::string> field = fields_of(line);
    if (field.size() < 8 || !line.ends_with(concat(" ", path))) continue;
    found.push_back(concat("socket:[", field[6], "]"));
  }
  return found;
}

bool holds_one_of(const std::string& process, const std::vector<std::string>& sockets) {
  const std::string path = concat("/proc/", process, "/fd");
  const Folder folder = open_folder(path);
  if (folder == nullptr) return false;  // not ours to look into
  while (const dirent* const entry = readdir(folder.get())) {
    std::array<char, 64> target{};
    const ssize_t size =
        readlinkat(dirfd(folder.get()), entry->d_name, target.data(), target.size() - 1);
    if (size > 0 && std::find(sockets.begin(), sockets.end(), target.data()) != sockets.end()) {
      return true;
    }
  }
  return false;
}

skein::Error explain(skein::Error error, const Address& address, int type) {
  switch (error.system_code()) {
    case EADDRINUSE: {
      const std::string holder = who_holds(address, type);
      return skein::Error(skein::kBusy, concat(address.text(), " is taken",
                                               holder.empty() ? "" : concat(" by ", holder)))
          .with_hint(address.family() == AF_UNIX
                         ? "choose another path, or end the program that has this one"
                         : "choose another port, or end the program that has this one");
    }
    case EACCES:
      if (address.family() == AF_UNIX) {
        return std::move(error).with_hint("its folder may not be entered or written by this user");
      }
      return std::move(error).with_hint("ports below 1024 need privileges; choose a higher one");
    case EADDRNOTAVAIL:
      return std::move(error).with_hint("this machine does not have that address");
    case ENOENT:
    case ENOTDIR:
      return std::move(error).with_hint("the folder of a Unix socket's file must exist");
    default: return error;
  }
}

// Whether somebody is behind the file of a Unix socket: 0, or why it could not be called.
int call_unix(const Address& address, int type) {
  const skein::Descriptor caller(::socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!caller) return errno;
  return ::connect(caller.get(), address.get(), address.size()) == 0 ? 0 : errno;
}

// Takes the file of a server that is no more out of the way. It is renamed first and called again
// under its new name: so if, since the first call, somebody has bound the path, we find a living
// socket in our hands and put it back.
bool clear_stale_file(const Address& address, int type) {
  const std::string path = address.path();
  struct stat info{};
  if (path.empty() || path[0] == '\0' || ::lstat(path.c_str(), &info) != 0) return false;
  if (!S_ISSOCK(info.st_mode) || call_unix(address, type) != ECONNREFUSED) return false;
  const std::string aside = concat(path, ".", std::to_string(::getpid()));
  // What is renamed must be callable: too long a name could not be told dead from alive.
  if (aside.size() >= sizeof(sockaddr_un::sun_path)) return ::unlink(path.c_str()) == 0;
  if (std::rename(path.c_str(), aside.c_str()) != 0) return false;
  if (call_unix(Address::from_path(aside), type) == ECONNREFUSED) {
    return ::unlink(aside.c_str()) == 0;
  }
  // By link(), which replaces nothing.
  if (::link(aside.c_str(), path.c_str()) == 0) (void)::unlink(aside.c_str());
  return false;
}

skein::Result<void> configure(int fd, const Address& address, const BindOptions& options) {
  const int on = 1;
  const int off = 0;
  const bool unix_socket = address.family() == AF_UNIX;
  if (options.reuse_address && !unix_socket) {
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  }
  if (options.reuse_port && setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0) {
    return skein::fail_errno(errno, concat("sharing ", address.text()));
  }
  if (address.family() == AF_INET6) {
    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
  }
  return {};
}

}  // namespace

bool concerns_one_peer(int code) {
  static constexpr std::array kCodes = {
      EINTR,    EAGAIN,      ECONNABORTED, EPERM,        EPROTO, ENOPROTOOPT, EOPNOTSUPP,
      ENETDOWN, ENETUNREACH, EHOSTDOWN,    EHOSTUNREACH, ENONET, ECONNREFUSED};
  return std::ranges::find(kCodes, code) != kCodes.end();
}

std::string who_holds(const Address& address, int type) {
  const std::vector<std::string> sockets = address.family() == AF_UNIX
                                               ? sockets_on_path(address.path())
                                               : sockets_on_port(address.port(), type);
  const Folder processes = open_folder("/proc");
  if (sockets.empty() || processes == nullptr) return {};
  while (const dirent* const entry = readdir(processes.get())) {
    const std::string number = entry->d_name;
    if (number[0] < '1' || number[0] > '9' || !holds_one_of(number, sockets)) continue;
    std::ifstream file(concat("/proc/", number, "/comm"));
    std::string name;
    std::getline(file, name);
    return concat(skein::escaped(name), " (process ", number, ")");
  }
  return {};
}

skein::Result<skein::Descriptor> bind_socket(const Address& address, const BindOptions& options) {
  skein::Descriptor socket(
      ::socket(address.family(), options.type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const std::string doing = concat("listening on ", address.text());
  if (!socket) return skein::fail_errno(errno, doing);
  TRY(configure(socket.get(), address, options));
  int done = ::bind(socket.get(), address.get(), address.size());
  if (done != 0 && errno == EADDRINUSE && address.family() == AF_UNIX) {
    if (clear_stale_file(address, options.type)) {
      done = ::bind(socket.get(), address.get(), address.size());
    } else {
      errno = EADDRINUSE;
    }
  }
  if (done == 0) return socket;
  return skein::pass(explain(skein::Error::from_errno(errno, doing), address, options.type));
}

skein::Result<void> listen_socket(int fd, int backlog) {
  if (::listen(fd, backlog) == 0) return {};
  const int code = errno;
  const Address address = Address::of_socket(fd);
  return skein::pass(
      explain(skein::Error::from_errno(code, concat("listening on ", address.text())), address,
              SOCK_STREAM));
}

SocketFile::SocketFile(const Address& bound) {
  std::string path = bound.path();
  struct stat info{};
  if (path.empty() || path[0] == '\0' || ::lstat(path.c_str(), &info) != 0) return;
  path_ = std::move(path);
  device_ = info.st_dev;
  inode_ = info.st_ino;
}

SocketFile::SocketFile(SocketFile&& other) noexcept
    : path_(std::exchange(other.path_, {})), device_(other.device_), inode_(other.inode_) {}

SocketFile& SocketFile::operator=(SocketFile&& other) noexcept {
  if (this == &other) return *this;
  remove();
  path_ = std::exchange(other.path_, {});
  device_ = other.device_;
  inode_ = other.inode_;
  return *this;
}

void SocketFile::remove() {
  const std::string path = std::exchange(path_, {});
  struct stat info{};
  if (path.empty() || ::lstat(path.c_str(), &info) != 0) return;
  if (info.st_dev == device_ && info.st_ino == inode_) (void)::unlink(path.c_str());
}

}  // namespace socketserver
