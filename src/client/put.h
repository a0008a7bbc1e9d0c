// put: files and folders of this machine to a hub. The loop's thread only.
#pragma once

#include <string>
#include <vector>

#include "client/link.h"
#include "client/local_tree.h"
#include "client/tally.h"
#include "socketserver/task.h"
#include "store/path.h"

namespace skein::client {

// Each of `paths` (as typed) goes to the folder `to` of the hub under its own name. Goes on after
// what fails by itself, into tally.problems; an error comes back only when nothing more can be
// done: the hub is gone, or we were told to stop.
socketserver::Task<Result<void>> put(Link& link, std::vector<std::string> paths, store::Path to,
                                     Tally& tally);

// The same for what was found already.
socketserver::Task<Result<void>> put(Link& link, std::vector<LocalTree> trees, store::Path to,
                                     Tally& tally);

}  // namespace skein::client
