// Messages over HTTP: docs/protocol.md, "HTTP". The loop's thread only.
#pragma once

#include <memory>

#include "hub/chat.h"
#include "hub/context.h"
#include "hub/exchange.h"

namespace skein::hub {

socketserver::Task<Result<void>> get_rooms(Context& context, Exchange& exchange);
socketserver::Task<Result<void>> get_room(Context& context, Exchange& exchange);
socketserver::Task<Result<void>> post_message(Context& context, Exchange& exchange);
socketserver::Task<Result<void>> get_search(Context& context, Exchange& exchange);

// Who asks, as a member; nullptr for a guest.
socketserver::Task<Result<std::shared_ptr<Person>>> person_of(Context& context, Exchange& exchange);

}  // namespace skein::hub
