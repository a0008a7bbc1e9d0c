#include "hub/rates.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace skein::hub {

namespace {

// The first 64 bits of an IPv6 address; of IPv4 what no IPv6 network begins with. 0: neither.
std::uint64_t network_of(const socketserver::Address& address) {
  constexpr std::uint64_t kV4 = 0xFFFFULL << 32U;
  if (address.family() == AF_INET) {
    const auto* const v4 = reinterpret_cast<const sockaddr_in*>(address.get());
    return kV4 | ntohl(v4->sin_addr.s_addr);
  }
  if (address.family() != AF_INET6) return 0;
  const in6_addr& v6 = reinterpret_cast<const sockaddr_in6*>(address.get())->sin6_addr;
  const bool mapped = IN6_IS_ADDR_V4MAPPED(&v6);
  std::uint64_t network = 0;
  for (std::size_t i = 0; i < 8; ++i) network = network << 8U | v6.s6_addr[mapped ? 8 + i : i];
  return network;
}

}  // namespace

Rate& Rates::of(const socketserver::Address& address) {
  const std::uint64_t network = network_of(address);
  if (const auto known = rates_.find(network); known != rates_.end()) return known->second;
  if (rates_.size() >= most_) forget_silent();
  return rates_.emplace(network, Rate(per_second_, at_once_)).first->second;
}

// Half of them, so that a flood of addresses costs each of them little.
void Rates::forget_silent() {
  std::vector<std::pair<std::int64_t, std::uint64_t>> all;
  all.reserve(rates_.size());
  for (const auto& [network, rate] : rates_) all.emplace_back(rate.last_ms(), network);
  const auto half = all.begin() + static_cast<std::ptrdiff_t>((all.size() + 1) / 2);
  std::ranges::nth_element(all, half);
  for (auto one = all.begin(); one != half; ++one) rates_.erase(one->second);
}

}  // namespace skein::hub
