// Sockets bound to an address of any family, and who it is that already holds it. Any thread.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/descriptor.h"
#include "base/result.h"
#include "socketserver/address.h"

namespace socketserver {

struct BindOptions {
  int type = 0;  // SOCK_STREAM or SOCK_DGRAM
  bool reuse_address = false;
  bool reuse_port = false;
};

// Non-blocking and bound; an IPv6 one takes IPv4 callers too. A Unix socket's file that nobody
// listens on any more is replaced. If taken: kBusy, naming the address and, where it can be seen,
// who holds it.
skein::Result<skein::Descriptor> bind_socket(const Address& address, const BindOptions& options);

// listen(), with the same words if it fails.
skein::Result<void> listen_socket(int fd, int backlog);

// What accept() or recvmsg() failed with is of the connection or datagram that was next, or of the
// network: the next may well do.
bool concerns_one_peer(int code);

// "skein (process 4711)": who has a socket of that type on that port or Unix path, among the
// processes that we may look into (a TCP socket counts if it listens); empty if it cannot be told.
std::string who_holds(const Address& address, int type);

// The file of a Unix socket that we bound; it is removed at the end, unless another has taken its
// place.
class SocketFile {
 public:
  SocketFile() = default;
  explicit SocketFile(const Address& bound);  // none for other families and abstract names
  SocketFile(SocketFile&& other) noexcept;
  SocketFile& operator=(SocketFile&& other) noexcept;
  ~SocketFile() { remove(); }

  void remove();

 private:
  std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace socketserver
