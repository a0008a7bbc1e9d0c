// The tutorial's upload: a name, a size, that many bytes, and never an answer. docs/protocol.md,
// "The tutorial's dialect". The loop's thread only.
#pragma once

#include "auth/principal.h"
#include "base/result.h"
#include "hub/context.h"
#include "hub/frame_reader.h"
#include "socketserver/task.h"

namespace skein::hub {

// The reader has just come upon such a dictionary: takes the payload and stores it, verified by
// its length. A refused name or a failing disk is logged here and the payload skipped; an error
// comes back only when the connection itself fails, and then nothing is stored.
socketserver::Task<Result<void>> take_tutorial_upload(Context& context,
                                                      const auth::Principal& principal,
                                                      std::string_view peer, FrameReader& reader);

}  // namespace skein::hub
