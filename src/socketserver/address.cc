#include "socketserver/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/text.h"
#include "socketserver/endpoint.h"
#include "socketserver/error.h"

namespace socketserver {

using skein::concat;

namespace {

constexpr std::size_t kPathOffset = offsetof(sockaddr_un, sun_path);

Address ask(int fd, int (*question)(int, sockaddr*, socklen_t*)) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  if (question(fd, reinterpret_cast<sockaddr*>(&storage), &size) != 0) return {};
  return Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&storage), size);
}

}  // namespace

Address::Address(std::string_view host, std::uint16_t port) : v6_{} {
  if (host.empty()) {
    v4_.sin_family = AF_INET;
    v4_.sin_port = htons(port);
    return;
  }
  const auto found = resolve({std::string(host), port}, true);
  if (!found) throw NameNotFound(found.error().message());
  const auto v4 = std::find_if(found->begin(), found->end(),
                               [](const Address& one) { return one.family() == AF_INET; });
  *this = v4 != found->end() ? *v4 : found->front();
}

std::optional<Address> Address::from_number(std::string_view host, std::uint16_t port) {
  const std::string text(host);
  Address address;
  if (inet_pton(AF_INET, text.c_str(), &address.v4_.sin_addr) == 1) {
    address.v4_.sin_family = AF_INET;
    address.v4_.sin_port = htons(port);
    return address;
  }
  address = Address();
  if (inet_pton(AF_INET6, text.c_str(), &address.v6_.sin6_addr) == 1) {
    address.v6_.sin6_family = AF_INET6;
    address.v6_.sin6_port = htons(port);
    return address;
  }
  return std::nullopt;
}

Address Address::loopback(std::uint16_t port) {
  Address address;
  address.v4_.sin_family = AF_INET;
  address.v4_.sin_port = htons(port);
  address.v4_.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

Address Address::from_path(std::string_view path) {
  UnixName name;
  // A path ends with a NUL, an abstract name does not.
  const bool abstract = path.starts_with('\0');
  const std::size_t room = sizeof(name.address.sun_path) - (abstract ? 0 : 1);
  if (path.empty()) throw AddressError(EINVAL, "a Unix socket's path is empty");
  if (path.size() > room) {
    throw AddressError(ENAMETOOLONG, concat("a Unix socket's path may have ", std::to_string(room),
                                            " bytes, and this has ", std::to_string(path.size()),
                                            ": ", skein::quoted(path)));
  }
  if (!abstract && path.find('\0') != std::string_view::npos) {
    throw AddressError(EINVAL, concat("a Unix socket's path has a NUL: ", skein::quoted(path)));
  }
  name.address.sun_family = AF_UNIX;
  std::memcpy(name.address.sun_path, path.data(), path.size());
  name.size = static_cast<socklen_t>(kPathOffset + path.size() + (abstract ? 0 : 1));
  Address address;
  address.any_.sa_family = AF_UNIX;
  address.unix_ = std::make_shared<const UnixName>(name);
  return address;
}

Address Address::from_sockaddr(const sockaddr* from) {
  Address address;
  if (from->sa_family == AF_INET) {
    std::memcpy(&address.v4_, from, sizeof(address.v4_));
  } else if (from->sa_family == AF_INET6) {
    std::memcpy(&address.v6_, from, sizeof(address.v6_));
  } else {
    address.any_.sa_family = from->sa_family;
  }
  return address;
}

Address Address::from_sockaddr(const sockaddr* from, socklen_t size) {
  // An unnamed Unix client's datagram comes with no address at all: Linux then says size 0.
  if (size < sizeof(from->sa_family)) return {};
  Address address = from_sockaddr(from);
  if (from->sa_family == AF_UNIX && size > kPathOffset) {
    UnixName name;
    name.size = std::min(size, static_cast<socklen_t>(sizeof(name.address)));
    std::memcpy(&name.address, from, name.size);
    address.unix_ = std::make_shared<const UnixName>(name);
  }
  return address;
}

Address Address::of_socket(int fd) {
  return ask(fd, [](int s, sockaddr* a, socklen_t* n) { return getsockname(s, a, n); });
}
Address Address::of_peer(int fd) {
  return ask(fd, [](int s, sockaddr* a, socklen_t* n) { return getpeername(s, a, n); });
}

std::string Address::host() const {
  std::array<char, INET6_ADDRSTRLEN> text{};
  if (family() == AF_INET) {
    inet_ntop(AF_INET, &v4_.sin_addr, text.data(), text.size());
  } else if (family() == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6_.sin6_addr)) {
    inet_ntop(AF_INET, &v6_.sin6_addr.s6_addr[12], text.data(), text.size());
  } else if (family() == AF_INET6) {
    inet_ntop(AF_INET6, &v6_.sin6_addr, text.data(), text.size());
  }
  return text.data();
}

std::uint16_t Address::port() const {
  if (family() == AF_INET) return ntohs(v4_.sin_port);
  if (family() == AF_INET6) return ntohs(v6_.sin6_port);
  return 0;
}

std::string Address::path() const {
  if (unix_ == nullptr) return {};
  const char* const start = unix_->address.sun_path;
  const std::size_t size = unix_->size - kPathOffset;
  if (start[0] == '\0') return {start, size};
  return {start, strnlen(start, size)};
}

bool Address::is_loopback() const {
  if (family() == AF_UNIX) return true;
  if (family() == AF_INET) return (ntohl(v4_.sin_addr.s_addr) >> 24U) == 127;
  if (family() != AF_INET6) return false;
  if (IN6_IS_ADDR_V4MAPPED(&v6_.sin6_addr)) return v6_.sin6_addr.s6_addr[12] == 127;
  return IN6_IS_ADDR_LOOPBACK(&v6_.sin6_addr);
}

std::string Address::text() const {
  if (family() == AF_INET || family() == AF_INET6) return Endpoint::of(*this).text();
  if (family() != AF_UNIX) return "unknown";
  const std::string name = path();
  if (name.empty()) return "unix";
  if (name[0] != '\0') return skein::escaped(name);
  return concat("@", skein::escaped(std::string_view(name).substr(1)));
}

const sockaddr* Address::get() const {
  return unix_ == nullptr ? &any_ : reinterpret_cast<const sockaddr*>(&unix_->address);
}

socklen_t Address::size() const {
  if (unix_ != nullptr) return unix_->size;
  return family() == AF_INET ? sizeof(v4_) : family() == AF_INET6 ? sizeof(v6_) : sizeof(any_);
}

std::strong_ordering operator<=>(const Address& a, const Address& b) {
  if (const auto order = a.family() <=> b.family(); order != 0) return order;
  if (a.family() == AF_INET) {
    const auto order = ntohl(a.v4_.sin_addr.s_addr) <=> ntohl(b.v4_.sin_addr.s_addr);
    return order != 0 ? order : a.port() <=> b.port();
  }
  if (a.family() == AF_INET6) {
    const int bytes = std::memcmp(&a.v6_.sin6_addr, &b.v6_.sin6_addr, sizeof(in6_addr));
    if (bytes != 0) return bytes <=> 0;
    const auto scope = a.v6_.sin6_scope_id <=> b.v6_.sin6_scope_id;
    return scope != 0 ? scope : a.port() <=> b.port();
  }
  return a.path() <=> b.path();
}

}  // namespace socketserver

std::size_t std::hash<socketserver::Address>::operator()(
    const socketserver::Address& address) const noexcept {
  // What equal addresses have in common; a scope alone does not tell many apart.
  if (address.family() == AF_INET) {
    const auto* const v4 = reinterpret_cast<const sockaddr_in*>(address.get());
    return hash<std::uint64_t>()((std::uint64_t{v4->sin_addr.s_addr} << 16U) | v4->sin_port);
  }
  if (address.family() == AF_INET6) {
    const auto* const v6 = reinterpret_cast<const sockaddr_in6*>(address.get());
    const string_view number(reinterpret_cast<const char*>(&v6->sin6_addr), sizeof(v6->sin6_addr));
    return hash<string_view>()(number) ^ v6->sin6_port;
  }
  if (address.family() != AF_UNIX) return hash<int>()(address.family());
  const char* const start = reinterpret_cast<const sockaddr_un*>(address.get())->sun_path;
  const size_t size = address.size() - offsetof(sockaddr_un, sun_path);
  // As path() has it: a NUL at the end of a path is no part of it.
  return hash<string_view>()({start, start[0] == '\0' ? size : strnlen(start, size)});
}
