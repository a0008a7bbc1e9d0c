// Calling a server. The loop's thread only.
#pragma once

#include <cstdint>
#include <memory>

#include "base/descriptor.h"
#include "base/result.h"
#include "socketserver/endpoint.h"
#include "socketserver/loop.h"
#include "socketserver/pool.h"
#include "socketserver/stream.h"
#include "socketserver/sync.h"
#include "socketserver/task.h"

namespace socketserver {

// Looks the name up in the pool, then tries every address in turn until one answers. kNoHub when
// none does, with each address and why. `timeout_ms` is for all addresses together (< 0: the
// system's own limits), shared so that one that swallows everything leaves time for the rest; the
// resolver has limits of its own, and is not counted. Once `stop` is set, if it is given, the
// call ends with kCancelled (after the resolver, if that is at work).
Task<skein::Result<std::unique_ptr<Stream>>> dial(Loop& loop, Pool& pool, Endpoint endpoint,
                                                  std::int64_t timeout_ms, Event* stop = nullptr);

// Calls one address. 0, and `socket` is the connection; else why not, as errno: ETIMEDOUT after
// `timeout_ms` (< 0: the system's own limit), ECANCELED once `stop` is set. `socket` outlives it.
Task<int> connect_to(Loop& loop, skein::Descriptor& socket, Address address,
                     std::int64_t timeout_ms, Event* stop);

}  // namespace socketserver
