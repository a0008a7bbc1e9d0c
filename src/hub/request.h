// One request of a client, and what an operation makes of it. The loop's thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "auth/principal.h"
#include "base/bytes.h"
#include "base/result.h"
#include "hub/intake.h"
#include "hub/outbox.h"
#include "socketserver/address.h"
#include "socketserver/sync.h"
#include "socketserver/task.h"
#include "wire/dictionary.h"

namespace skein::hub {

struct Person;
class Pack;

struct Request {
  std::int64_t id = 0;
  wire::Dictionary fields;
  std::string payload;  // of an operation that takes one
  const auth::Principal& principal;
  const socketserver::Address& peer;
  std::shared_ptr<Person>& person;  // the connection's; empty until an operation asks who it is
  Outbox& outbox;
  bool endless = false;        // it ends with `cancel` or the connection alone
  bool cancelled = false;      // by a later `cancel`; looked at between the parts of an answer
  std::shared_ptr<Pack> pack;  // received, of a `pack`
  socketserver::Event* wake = nullptr;  // set by a cancel too, if the operation waits for it

  void cancel() {
    cancelled = true;
    if (wake != nullptr) wake->set();
  }
};

// What an operation ends with: the fields of its last answer (id and ok are added by who sends
// it) and the payload.
struct Reply {
  wire::Dictionary fields;
  Slice payload;
};
using Answering = socketserver::Task<Result<Reply>>;

// A part of the answer that is not its last. kCancelled when the client cancelled the request.
socketserver::Task<Result<void>> send_part(Request& request, Reply part);

// A payload that owns its text.
[[nodiscard]] Slice slice_of(std::string text);

}  // namespace skein::hub
