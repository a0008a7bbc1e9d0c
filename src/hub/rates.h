// Rates: how often each address may do something, whoever is behind it and by whatever way. One
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>

#include "hub/rate.h"
#include "socketserver/address.h"

namespace skein::hub {

class Rates {
 public:
  // At most `most` addresses are known at a time. When more come, those are forgotten that have
  // been silent for longest, and may as much again as a newcomer. So whoever has more addresses
  // than that gains nothing: each of them may as much anyway.
  Rates(std::int64_t per_second, std::int64_t at_once, std::size_t most)
      : per_second_(per_second), at_once_(at_once), most_(most) {}

  // Of an IPv4 address, whatever the port; of IPv6 of its network of 64 bits, which is what one
  // household has. Good until the next call.
  [[nodiscard]] Rate& of(const socketserver::Address& address);

  [[nodiscard]] std::size_t size() const { return rates_.size(); }

 private:
  void forget_silent();

  std::int64_t per_second_;
  std::int64_t at_once_;
  std::size_t most_;
  std::map<std::uint64_t, Rate> rates_;
};

}  // namespace skein::hub
