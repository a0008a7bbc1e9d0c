// The whole library: blocking servers (server.h, handler.h), event-driven ones (async.h), their
// errors (error.h), addresses (address.h) and sockets (socket.h).
#pragma once

#include "socketserver/address.h"
#include "socketserver/async.h"
#include "socketserver/error.h"
#include "socketserver/factory.h"
#include "socketserver/handler.h"
#include "socketserver/server.h"
#include "socketserver/socket.h"
#include "socketserver/task.h"
