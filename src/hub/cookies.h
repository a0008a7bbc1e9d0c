// Cookies for those who send datagrams: who echoes one has shown that what is sent to its address
// reaches it, so that nobody is flooded in another's name. Nothing is kept per client. One thread.
#pragma once

#include <cstdint>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/random.h"
#include "socketserver/address.h"
#include "wire/probe.h"

namespace skein::hub {

// SipHash-2-4 of `bytes` under a key of 16 bytes: who does not know the key can make no value.
[[nodiscard]] std::uint64_t keyed_hash(Bytes key, Bytes bytes);

class Cookies {
 public:
  // The key is drawn here: cookies end with the hub. `clock` outlives this.
  Cookies(const Clock& clock, Random& random);

  [[nodiscard]] wire::ProbeCookie make(const socketserver::Address& of) const;
  // Made here, for that address and port, at most two times spec::kCookieMs ago.
  [[nodiscard]] bool is_good(const wire::ProbeCookie& cookie,
                             const socketserver::Address& from) const;

 private:
  [[nodiscard]] std::uint64_t period() const;
  [[nodiscard]] wire::ProbeCookie make(const socketserver::Address& of, std::uint64_t period) const;

  const Clock& clock_;
  std::byte key_[16];
};

}  // namespace skein::hub
