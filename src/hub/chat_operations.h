// Carries out the operations of messages: docs/protocol.md, from `say` on. The loop's thread only.
#pragma once

#include "hub/context.h"
#include "hub/request.h"
#include "hub/transfers.h"

namespace skein::hub {

Answering say(Context& context, Transfers& transfers, Request& request);
Answering read_log(Context& context, Transfers& transfers, Request& request);
Answering follow(Context& context, Transfers& transfers, Request& request);
Answering search(Context& context, Transfers& transfers, Request& request);
Answering list_rooms(Context& context, Transfers& transfers, Request& request);
Answering join_room(Context& context, Transfers& transfers, Request& request);
Answering leave_room(Context& context, Transfers& transfers, Request& request);
Answering set_topic(Context& context, Transfers& transfers, Request& request);
Answering set_read(Context& context, Transfers& transfers, Request& request);
Answering who(Context& context, Transfers& transfers, Request& request);
Answering rename_member(Context& context, Transfers& transfers, Request& request);

}  // namespace skein::hub
