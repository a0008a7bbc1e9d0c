// Address: where a server listens and where its clients are, as the kernel has it. Values; any
// thread.
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace socketserver {

// An address of a socket: IPv4, IPv6, or Unix (with a path, with an abstract name, or unnamed as
// the client's end of a Unix connection is); or none at all.
class Address {
 public:
  Address() : v6_{} {}  // none: family() is AF_UNSPEC

  // `host` is a number ("127.0.0.1", "::1"), a name, or empty for every IPv4 address of this
  // machine. A name is looked up, which may wait for the network; of its addresses it becomes the
  // first IPv4 one, or the first at all. Throws NameNotFound if there is none. Port 0 lets the
  // system choose.
  Address(std::string_view host, std::uint16_t port);

  // Never looks anything up: nullopt unless `host` is a number.
  static std::optional<Address> from_number(std::string_view host, std::uint16_t port);
  // 127.0.0.1, the address that only this machine reaches.
  static Address loopback(std::uint16_t port = 0);
  // A Unix socket's file; with a NUL in front, a name in Linux's abstract space. Throws
  // AddressError if it is empty or longer than the system takes (107 bytes).
  static Address from_path(std::string_view path);
  // Of a Unix address without its length only the family is kept.
  static Address from_sockaddr(const sockaddr* from);
  static Address from_sockaddr(const sockaddr* from, socklen_t size);
  static Address of_socket(int fd);  // the near end; none if it has none
  static Address of_peer(int fd);    // the far end; none if it has none

  [[nodiscard]] bool is_set() const { return family() != AF_UNSPEC; }
  // AF_INET, AF_INET6, AF_UNIX, or AF_UNSPEC.
  [[nodiscard]] int family() const { return any_.sa_family; }
  // The number without the port, "127.0.0.1" or "::1", an IPv4 address mapped into IPv6 as IPv4;
  // empty for Unix addresses.
  [[nodiscard]] std::string host() const;
  [[nodiscard]] std::uint16_t port() const;  // 0 for Unix addresses
  // Of a Unix socket: its path, or NUL and its abstract name; empty if unnamed or not Unix.
  [[nodiscard]] std::string path() const;
  // Only this machine reaches it: 127.x.x.x, ::1, every Unix address.
  [[nodiscard]] bool is_loopback() const;
  // For a person: "127.0.0.1:5000", "[::1]:8080", "/run/it.sock", "@abstract", "unix" (unnamed),
  // "unknown" (none). Control characters are escaped.
  [[nodiscard]] std::string text() const;

  // As bind(), connect() and sendto() take it; valid as long as this Address.
  [[nodiscard]] const sockaddr* get() const;
  [[nodiscard]] socklen_t size() const;

  // Family, then number or path, then port: an order for containers, with no meaning beyond.
  friend std::strong_ordering operator<=>(const Address& a, const Address& b);
  friend bool operator==(const Address& a, const Address& b) { return (a <=> b) == 0; }

 private:
  struct UnixName {
    sockaddr_un address{};
    socklen_t size = 0;
  };

  union {
    sockaddr any_;
    sockaddr_in v4_;
    sockaddr_in6 v6_;
  };
  // Apart, because a path is four times as large as all the rest and few have one.
  std::shared_ptr<const UnixName> unix_;
};

}  // namespace socketserver

template <>
struct std::hash<socketserver::Address> {
  std::size_t operator()(const socketserver::Address& address) const noexcept;
};
