// get: files and folders from a hub into a folder of this machine. The loop's thread only.
#pragma once

#include <string>
#include <vector>

#include "client/link.h"
#include "client/tally.h"
#include "socketserver/task.h"
#include "store/path.h"
#include "store/store.h"

namespace skein::client {

// Each of `paths` goes into `store` under its own last name; an empty one is the whole shared
// folder. What fails by itself goes into tally.problems; an error comes back only when nothing
// more can be done.
socketserver::Task<Result<void>> get(Link& link, std::vector<store::Path> paths,
                                     store::Store& store, Tally& tally);

}  // namespace skein::client
