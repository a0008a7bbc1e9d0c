// put in the tutorial's dialect, to a server that reads as the tutorial's does: 1024 bytes at a
// time, one connection at a time, without an answer, and dying of an orderly end. docs/protocol.md,
// "The tutorial's dialect". The loop's thread only.
#pragma once

#include <string>
#include <vector>

#include "client/tally.h"
#include "socketserver/endpoint.h"
#include "socketserver/loop.h"
#include "socketserver/pool.h"
#include "socketserver/sync.h"
#include "socketserver/task.h"

namespace skein::client {

// One connection for each of `paths`, files only. Done means that the other machine's system has
// acknowledged every byte (tally.confirmed is false: nobody said that they were stored).
// `stopped`: set by a signal; ends with kCancelled.
socketserver::Task<Result<void>> tutorial_put(socketserver::Loop& loop, socketserver::Pool& pool,
                                              socketserver::Endpoint server,
                                              std::vector<std::string> paths,
                                              socketserver::Event& stopped, Tally& tally);

}  // namespace skein::client
