// What is said, told as it is said over HTTP: server-sent events. docs/protocol.md, "Events". The
// loop's thread only.
#pragma once

#include "hub/context.h"
#include "hub/exchange.h"

namespace skein::hub {

socketserver::Task<Result<void>> get_events(Context& context, Exchange& exchange);

}  // namespace skein::hub
