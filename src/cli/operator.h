// The hub's own terminal: its operator sees what is said there and what the hub logs, and talks as
// a member like any other. The hub does not know the difference: the line to it is one of its
// connections, on its own loop, so nobody ever waits for who types. The loop's thread only.
#pragma once

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "socketserver/endpoint.h"
#include "socketserver/loop.h"
#include "socketserver/pool.h"
#include "socketserver/sync.h"
#include "socketserver/task.h"
#include "store/state.h"

namespace skein::cli {

// What of the hub's program is used; all of it outlives the talk.
struct Terminal {
  socketserver::Loop& loop;
  socketserver::Pool& pool;
  const Clock& clock;
  Random& random;
  store::StateFolder& folder;
  StderrLog& log;
  socketserver::Endpoint hub;
};

// True when the operator has ended the hub. False: `interrupted` was set, or one cannot talk here,
// which is logged and is no reason to end.
socketserver::Task<bool> talk_as_operator(Terminal here, socketserver::Event& interrupted);

}  // namespace skein::cli
