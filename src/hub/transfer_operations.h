// put, block, commit, get, read, close: docs/protocol.md says what each does. The loop's thread
// only; the disk is touched in the pool.
#pragma once

#include "hub/context.h"
#include "hub/frame_reader.h"
#include "hub/request.h"
#include "hub/transfers.h"

namespace skein::hub {

Answering open_put(Context& context, Transfers& transfers, Request& request);
Answering commit_put(Context& context, Transfers& transfers, Request& request);
Answering open_get(Context& context, Transfers& transfers, Request& request);
Answering read_block(Context& context, Transfers& transfers, Request& request);
Answering close_handle(Context& context, Transfers& transfers, Request& request);

// Takes the payload of a `block` from the reader, all of it whatever goes wrong, unless the
// connection itself fails: that is `connection`, the rest is `block`.
struct BlockTaken {
  Result<void> connection;
  Result<void> block;
};
socketserver::Task<BlockTaken> take_block(Transfers& transfers, const wire::Dictionary& fields,
                                          FrameReader& reader);

}  // namespace skein::hub
