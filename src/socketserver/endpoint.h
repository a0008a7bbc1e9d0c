// An address as a person writes it, and the addresses of the kernel that it stands for. Values, any
// thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "socketserver/address.h"

namespace socketserver {

// HOST:PORT. The host is a name or a number; "[::1]:8080" for IPv6; ":8080" has an empty host,
// which means every address to one who listens, and this machine to one who dials.
struct Endpoint {
  std::string host;
  std::uint16_t port = 0;

  // kUsage, with a hint, for anything else; a bare "8080" too.
  static skein::Result<Endpoint> parse(std::string_view text);
  // Of an IPv4 or IPv6 address; of any other it is empty.
  static Endpoint of(const Address& address) { return {address.host(), address.port()}; }
  [[nodiscard]] std::string text() const;
  // By its writing only: "localhost", 127.x.x.x, ::1. No name is looked up.
  [[nodiscard]] bool is_loopback() const;

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

// Every address of the endpoint, in the order in which to try them; at least one. May wait for the
// network unless the host is a number: call it from a Pool. `to_listen`: see Endpoint for what an
// empty host then means. kNoHub when the name is not known.
skein::Result<std::vector<Address>> resolve(const Endpoint& endpoint, bool to_listen);

}  // namespace socketserver
