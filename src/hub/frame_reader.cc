#include "hub/frame_reader.h"

#include <utility>

#include "base/limits.h"

namespace skein::hub {

using socketserver::Task;

Task<Result<FrameReader::Step>> FrameReader::next(std::int64_t rest_ms) {
  while (true) {
    auto step = decoder_.next(intake_.input());
    if (!step) co_return pass(std::move(step).error());
    if (*step == Step::kDictionary && decoder_.payload_left() > 0) {
      intake_.expect_bulk(decoder_.payload_left() > limits::kSmallReceiveBufferBytes);
    }
    if (*step != Step::kNeedMore) {
      intake_.head_done();
      co_return *step;
    }
    std::int64_t timeout_ms = rest_ms;
    if (decoder_.payload_left() > 0) {
      timeout_ms = limits::kStallTimeoutMs;
    } else if (!decoder_.between_frames()) {
      timeout_ms = intake_.head_ms_left();
    }
    auto filled = co_await intake_.fill(timeout_ms);
    if (!filled) co_return pass(std::move(filled).error());
  }
}

}  // namespace skein::hub
