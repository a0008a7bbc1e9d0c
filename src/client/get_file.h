// One file from a hub into a folder of this machine, resumed over lost connections. The loop's
// thread only; the disk is written in the pool.
#pragma once

#include "base/result.h"
#include "client/link.h"
#include "client/tally.h"
#include "socketserver/task.h"
#include "store/path.h"
#include "store/store.h"

namespace skein::client {

struct RemoteFile {
  store::Path path;
  store::Info info;  // as it was listed
};

// Counts into `tally`. What is there already with the same size, time and mode is left alone.
// What is replaced goes into the local store's trash. A file that changes meanwhile is fetched
// again, a few times.
socketserver::Task<Result<void>> get_file(Link& link, RemoteFile remote, store::Store& into,
                                          store::Path target, Tally& tally);

}  // namespace skein::client
