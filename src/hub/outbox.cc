#include "hub/outbox.h"

#include <utility>

#include "base/limits.h"
#include "wire/answer.h"
#include "wire/frame.h"
#include "wire/protocol.h"

namespace skein::hub {

using socketserver::Task;

Task<Result<void>> Outbox::send(wire::Dictionary answer, Bytes payload) {
  if (!payload.empty()) answer.set(wire::field::kSize, static_cast<std::int64_t>(payload.size()));
  const std::string head = wire::encode_frame(answer);
  const socketserver::Parts parts(as_bytes(head), payload);
  auto sent = co_await write(parts);
  co_return sent;
}

Task<std::size_t> Outbox::send_together(wire::Dictionary answer) {
  together_ += wire::encode_frame(answer);
  if (++together_count_ > 1) co_return 0;
  co_await stream_.loop().yield();
  const std::string frames = std::exchange(together_, {});
  const std::size_t count = std::exchange(together_count_, 0);
  const socketserver::Parts parts(as_bytes(frames));
  auto sent = co_await write(parts);
  static_cast<void>(sent.has_value());  // the reader notices too
  co_return count;
}

Task<Result<void>> Outbox::send_part(std::int64_t id, Bytes payload) {
  const wire::PartHead head(id, payload.size());
  const socketserver::Parts parts(head.bytes(), payload);
  auto sent = co_await write(parts);
  co_return sent;
}

Task<Result<void>> Outbox::write(socketserver::Parts parts) {
  const auto turn = co_await turn_.hold();
  auto sent = co_await stream_.write_all(parts, limits::kStallTimeoutMs);
  if (!sent) {
    stream_.cancel();
    co_return pass(std::move(sent).error());
  }
  co_return Result<void>();
}

}  // namespace skein::hub
