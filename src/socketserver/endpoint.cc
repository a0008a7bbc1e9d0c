#include "socketserver/endpoint.h"

#include <netdb.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <memory>

#include "base/text.h"

namespace socketserver {

using skein::concat;
using skein::quoted;

namespace {

bool may_be_in_host(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_' || c == ':' || c == '%';
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const char* const end = std::to_address(text.end());
  const auto [at, error] = std::from_chars(std::to_address(text.begin()), end, port);
  if (text.empty() || error != std::errc() || at != end) return std::nullopt;
  return port;
}

skein::Error wrong(std::string_view text, std::string_view why) {
  return skein::Error(skein::kUsage, concat(quoted(text), " is no address: ", why))
      .with_hint("write HOST:PORT, for example 127.0.0.1:8080 or [::1]:8080");
}

}  // namespace

skein::Result<Endpoint> Endpoint::parse(std::string_view text) {
  std::string_view host;
  std::string_view rest;  // from the colon on
  const bool bracketed = text.starts_with('[');
  if (bracketed) {
    const std::size_t end = text.find(']');
    if (end == std::string_view::npos) return skein::pass(wrong(text, "']' is missing"));
    host = text.substr(1, end - 1);
    rest = text.substr(end + 1);
    if (host.empty()) return skein::pass(wrong(text, "nothing stands in the brackets"));
  } else {
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) return skein::pass(wrong(text, "the port is missing"));
    host = text.substr(0, colon);
    rest = text.substr(colon);
    if (rest.find(':', 1) != std::string_view::npos) {
      return skein::pass(wrong(text, "more than one ':' outside of brackets"));
    }
  }
  if (!rest.starts_with(':')) return skein::pass(wrong(text, "the port is missing"));
  const auto port = parse_port(rest.substr(1));
  if (!port) return skein::pass(wrong(text, "the port is a number up to 65535"));
  if (host.size() > NI_MAXHOST - 1 || !std::all_of(host.begin(), host.end(), may_be_in_host)) {
    return skein::pass(wrong(text, "no host can be called that"));
  }
  return Endpoint{std::string(host), *port};
}

std::string Endpoint::text() const {
  const bool brackets = host.find(':') != std::string::npos;
  return concat(brackets ? "[" : "", host, brackets ? "]:" : ":", std::to_string(port));
}

bool Endpoint::is_loopback() const {
  if (host.size() == 9 && strncasecmp(host.c_str(), "localhost", 9) == 0) return true;
  const auto number = Address::from_number(host, port);
  return number && number->is_loopback();
}

skein::Result<std::vector<Address>> resolve(const Endpoint& endpoint, bool to_listen) {
  std::vector<Address> found;
  if (endpoint.host.empty()) {
    for (const char* const host :
         to_listen ? std::array{"::", "0.0.0.0"} : std::array{"127.0.0.1", "::1"}) {
      found.push_back(*Address::from_number(host, endpoint.port));
    }
    return found;
  }
  if (const auto number = Address::from_number(endpoint.host, endpoint.port)) {
    found.push_back(*number);
    return found;
  }
  addrinfo wanted{};
  wanted.ai_family = AF_UNSPEC;
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int code =
      getaddrinfo(endpoint.host.c_str(), std::to_string(endpoint.port).c_str(), &wanted, &list);
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(list, [](addrinfo* all) {
    if (all != nullptr) freeaddrinfo(all);
  });
  for (const addrinfo* at = list; code == 0 && at != nullptr; at = at->ai_next) {
    if (at->ai_family == AF_INET || at->ai_family == AF_INET6) {
      found.push_back(Address::from_sockaddr(at->ai_addr));
    }
  }
  if (!found.empty()) return found;
  return skein::pass(
      skein::Error(skein::kNoHub, concat("no address is known for ", quoted(endpoint.host), ": ",
                                         code == 0 ? "none was found" : gai_strerror(code)))
          .with_hint("check the name, or give the address as a number"));
}

}  // namespace socketserver
