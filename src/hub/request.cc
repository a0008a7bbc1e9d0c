#include "hub/request.h"

#include <memory>
#include <string>
#include <utility>

#include "wire/protocol.h"

namespace skein::hub {

socketserver::Task<Result<void>> send_part(Request& request, Reply part) {
  if (request.cancelled) co_return fail(kCancelled, "cancelled by the client");
  part.fields.set(wire::field::kId, request.id)
      .set(wire::field::kOk, true)
      .set(wire::field::kMore, true);
  auto sent = co_await request.outbox.send(std::move(part.fields), part.payload.bytes);
  co_return sent;
}

Slice slice_of(std::string text) {
  const auto owner = std::make_shared<const std::string>(std::move(text));
  return {owner, as_bytes(*owner)};
}

}  // namespace skein::hub
