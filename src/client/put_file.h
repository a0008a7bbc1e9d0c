// One file to a hub, resumed over lost connections. The loop's thread only; the disk is read in
// the pool.
#pragma once

#include <string>

#include "base/result.h"
#include "client/link.h"
#include "client/tally.h"
#include "socketserver/task.h"
#include "store/disk.h"
#include "store/path.h"

namespace skein::client {

struct LocalFile {
  store::Disk& disk;   // outlives the transfer
  store::Path path;    // on it
  std::string source;  // the same at every attempt: what this device knows the file by
};

// Counts into `tally`. kChanged when the file changed while it was read; what came through stays
// at the hub for the next attempt, as it does after any error.
socketserver::Task<Result<void>> put_file(Link& link, LocalFile file, store::Path target,
                                          Tally& tally);

// What a file of this machine is known by: of its real path, so that it is found again.
[[nodiscard]] std::string source_of(std::string_view real_path);

}  // namespace skein::client
