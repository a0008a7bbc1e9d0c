// The operations on many small files at once: missing, pack and fetch. docs/protocol.md, "Packs".
// The loop's thread only.
#pragma once

#include <memory>

#include "hub/context.h"
#include "hub/frame_reader.h"
#include "hub/pack.h"
#include "hub/request.h"
#include "hub/transfers.h"

namespace skein::hub {

Answering find_missing(Context& context, Transfers& transfers, Request& request);
Answering fetch_files(Context& context, Transfers& transfers, Request& request);

// The first half of `pack`: receives its payload, to the end of the frame. `connection`: whether
// the connection can go on; `pack`: whole, or why it is refused.
struct PackTaken {
  Result<void> connection;
  Result<std::shared_ptr<Pack>> pack;
};
socketserver::Task<PackTaken> take_pack(Context& context, Transfers& transfers,
                                        wire::Dictionary fields, FrameReader& reader);
// The second: beside the reader, as the others are.
Answering commit_pack(Context& context, Transfers& transfers, Request& request);

}  // namespace skein::hub
