// ls, mkdir, link, mv, rm, restore: docs/protocol.md says what each does. The loop's thread only;
// the disk is touched in the pool.
#pragma once

#include "hub/context.h"
#include "hub/request.h"
#include "hub/transfers.h"

namespace skein::hub {

Answering list(Context& context, Transfers& transfers, Request& request);
Answering make_folder(Context& context, Transfers& transfers, Request& request);
Answering make_link(Context& context, Transfers& transfers, Request& request);
Answering move(Context& context, Transfers& transfers, Request& request);
Answering remove(Context& context, Transfers& transfers, Request& request);
Answering restore(Context& context, Transfers& transfers, Request& request);

}  // namespace skein::hub
