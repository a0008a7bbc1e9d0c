#include "socketserver/listener.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>
#include <vector>

#include "socketserver/bind.h"

namespace socketserver {

namespace {

skein::Result<skein::Descriptor> listen_at(const Address& address, int backlog) {
  // SO_REUSEADDR so that a restart is not kept waiting by the connections of the last run in
  // TIME_WAIT.
  TRY_ASSIGN(skein::Descriptor listener,
             bind_socket(address, {.type = SOCK_STREAM, .reuse_address = true}));
  TRY(listen_socket(listener.get(), backlog));
  return listener;
}

// Only a family that this machine lacks is a reason to try the next: an address that is taken must
// not be passed over in silence.
bool is_lacking(const skein::Error& error) {
  return error.system_code() == EAFNOSUPPORT || error.system_code() == EADDRNOTAVAIL;
}

}  // namespace

std::string who_listens_on(std::uint16_t port) {
  return who_holds(Address::loopback(port), SOCK_STREAM);
}

skein::Result<skein::Descriptor> listen_on(const Endpoint& endpoint, int backlog) {
  TRY_ASSIGN(const std::vector<Address> addresses, resolve(endpoint, true));
  for (const Address& address : addresses) {
    auto listener = listen_at(address, backlog);
    if (listener) return listener;
    if (is_lacking(listener.error()) && &address != &addresses.back()) continue;
    return skein::pass(std::move(listener).error());
  }
  return skein::fail(skein::kInternal, "no address to listen on");
}

}  // namespace socketserver
