// A socket that listens, and who it is that already does. Any thread.
#pragma once

#include <cstdint>
#include <string>

#include "base/descriptor.h"
#include "base/result.h"
#include "socketserver/endpoint.h"

namespace socketserver {

// Non-blocking, with SO_REUSEADDR. Tries the endpoint's addresses in turn. If taken: kBusy, naming
// the address and, where it can be seen, who holds it.
skein::Result<skein::Descriptor> listen_on(const Endpoint& endpoint, int backlog);

// "skein (process 4711)": who listens on that TCP port, among the processes that we may look
// into; empty if it cannot be told.
std::string who_listens_on(std::uint16_t port);

}  // namespace socketserver
