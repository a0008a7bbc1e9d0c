#include "hub/http_reader.h"

#include <utility>

#include "base/limits.h"

namespace skein::hub {

using socketserver::Task;

Task<Result<HttpReader::Step>> HttpReader::next() {
  constexpr int kRequestTimeout = 408;
  while (true) {
    auto step = decoder_.next(intake_.input());
    if (!step) {
      status_ = decoder_.status();
      co_return pass(std::move(step).error());
    }
    if (*step != Step::kNeedMore) {
      in_body_ = *step != Step::kEnd;
      intake_.head_done();
      co_return *step;
    }
    std::int64_t timeout_ms = limits::kHttpIdleMs;
    if (in_body_) {
      timeout_ms = limits::kStallTimeoutMs;
    } else if (!decoder_.between_requests()) {
      timeout_ms = intake_.head_ms_left();
    }
    auto filled = co_await intake_.fill(timeout_ms);
    if (!filled) {
      if (filled.error().is(kTimeout) && !decoder_.between_requests()) status_ = kRequestTimeout;
      co_return pass(std::move(filled).error());
    }
  }
}

}  // namespace skein::hub
