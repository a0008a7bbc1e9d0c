// What every connection of a hub needs, wired by main. All of it outlives the hub.
#pragma once

#include <cstddef>
#include <string>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "socketserver/loop.h"
#include "socketserver/pool.h"
#include "store/store.h"

namespace skein::hub {

class Chat;

struct Context {
  socketserver::Loop& loop;
  socketserver::Pool& pool;
  store::Store& store;
  Chat& chat;
  Log& log;
  std::string name;  // the hub's, as it calls itself
  std::size_t max_connections = limits::kMaxConnections;
};

}  // namespace skein::hub
