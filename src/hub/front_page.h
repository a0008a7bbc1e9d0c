// What stands at "/" of a hub: a word on what can be asked. The loop's thread only.
#pragma once

#include "hub/context.h"
#include "hub/exchange.h"

namespace skein::hub {

socketserver::Task<Result<void>> get_front_page(Context& context, Exchange& exchange);

}  // namespace skein::hub
