#include "http/guard.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>

#include "base/text.h"
#include "http/ascii.h"

namespace skein::http {

namespace {

constexpr std::string_view kScheme = "http://";
constexpr std::uint16_t kDefaultPort = 80;

// A number as it is written by whoever does not try to deceive: digits alone, no zero before them.
template <typename Int>
std::optional<Int> canonical(std::string_view digits) {
  Int value = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (read.ec != std::errc() || read.ptr != digits.data() + digits.size()) return std::nullopt;
  if (digits.size() > 1 && digits.front() == '0') return std::nullopt;
  return value;
}

// 127.0.0.0/8, in four numbers.
bool is_loopback_address(std::string_view host) {
  for (int i = 0; i < 4; ++i) {
    const std::string_view part = host.substr(0, host.find('.'));
    const auto number = canonical<std::uint8_t>(part);
    if (!number || (i == 0 && *number != 127)) return false;
    const bool last = part.size() == host.size();
    if (last != (i == 3)) return false;
    host.remove_prefix(last ? part.size() : part.size() + 1);
  }
  return true;
}

struct Authority {
  std::string_view host;
  std::uint16_t port = kDefaultPort;
  friend bool operator==(const Authority& a, const Authority& b) {
    return equal_ignoring_case(a.host, b.host) && a.port == b.port;
  }
};

// "HOST" or "HOST:PORT" of a loopback name or address; nothing for every other.
std::optional<Authority> loopback_authority(std::string_view text) {
  constexpr std::string_view kAddress6 = "[::1]";
  const std::size_t after = text.starts_with(kAddress6) ? kAddress6.size() : 0;
  const std::size_t colon = std::min(text.find(':', after), text.size());
  Authority out{.host = text.substr(0, colon)};
  if (out.host != kAddress6 && !equal_ignoring_case(out.host, "localhost") &&
      !is_loopback_address(out.host)) {
    return std::nullopt;
  }
  if (colon == text.size()) return out;
  const auto port = canonical<std::uint16_t>(text.substr(colon + 1));
  if (!port || *port == 0) return std::nullopt;
  out.port = *port;
  return out;
}

bool is_from_a_proxy(std::string_view name) {
  constexpr std::string_view kPrefix = "X-Forwarded-";
  return equal_ignoring_case(name, "Forwarded") || equal_ignoring_case(name, "Via") ||
         equal_ignoring_case(name, "X-Real-IP") ||
         equal_ignoring_case(name.substr(0, kPrefix.size()), kPrefix);
}

// Somebody went there in a tab of their own: the site that led them cannot read the answer.
bool is_navigation(const Request& request) {
  return (request.method == "GET" || request.method == "HEAD") &&
         request.field("Sec-Fetch-Mode") == "navigate" &&
         request.field("Sec-Fetch-Dest") == "document";
}

}  // namespace

Result<void> check_local(const Request& request) {
  std::optional<Authority> host;
  if (const auto text = request.field("Host")) {
    host = loopback_authority(*text);
    if (!host) return fail(kRefused, concat("the host ", quoted(*text), " is not this machine"));
  }
  // Every one, as any may stand more than once.
  for (const auto& [name, value] : request.fields) {
    if (is_from_a_proxy(name)) {
      return fail(kRefused, concat(quoted(name), " says that a proxy passed it on"));
    }
    if (equal_ignoring_case(name, "Origin")) {
      const auto origin = value.starts_with(kScheme)
                              ? loopback_authority(std::string_view(value).substr(kScheme.size()))
                              : std::nullopt;
      if (!origin || origin != host) {
        return fail(kRefused, concat("the page of ", quoted(value), " may not ask"));
      }
    }
    if (equal_ignoring_case(name, "Sec-Fetch-Site") && value != "same-origin" && value != "none" &&
        !is_navigation(request)) {
      return fail(kRefused, concat("a page of another site may not ask (", quoted(name), " is ",
                                   quoted(value), ")"));
    }
  }
  return {};
}

}  // namespace skein::http
