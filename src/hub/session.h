// One connection of a hub: finds out what the peer speaks, reads its requests, has each checked,
// carried out and answered. The loop's thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "auth/principal.h"
#include "base/result.h"
#include "hub/chat.h"
#include "hub/context.h"
#include "hub/frame_reader.h"
#include "hub/intake.h"
#include "hub/operations.h"
#include "hub/outbox.h"
#include "hub/request.h"
#include "hub/transfers.h"
#include "socketserver/stream.h"
#include "socketserver/sync.h"
#include "socketserver/task.h"

namespace skein::hub {

class Session {
 public:
  Session(Context& context, std::unique_ptr<socketserver::Stream> stream);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // From the first byte to the last; nothing of the connection is left when it returns.
  socketserver::Task<void> run();

 private:
  socketserver::Task<Result<void>> converse();
  socketserver::Task<void> wind_up(Result<void> ended, bool escaped);
  socketserver::Task<Result<void>> greet_stranger(wire::Speech speech);
  socketserver::Task<Result<void>> take_frame();
  socketserver::Task<Result<void>> take_request(wire::Dictionary fields);
  socketserver::Task<Result<void>> skip_payload();
  socketserver::Task<Result<std::optional<std::string>>> take_payload(std::size_t most);
  socketserver::Task<Result<void>> hello(std::int64_t id, wire::Dictionary fields);
  socketserver::Task<Result<void>> block(std::int64_t id, wire::Dictionary fields);
  socketserver::Task<Result<void>> pack(const Operation& operation, std::int64_t id,
                                        wire::Dictionary fields);
  void begin(const Operation& operation, std::int64_t id, wire::Dictionary fields,
             std::string payload, std::shared_ptr<Pack> pack);
  socketserver::Task<void> carry_out(const Operation& operation, std::unique_ptr<Request> request);
  socketserver::Task<void> answer(const Operation& operation, std::int64_t id, Result<Reply> reply);
  socketserver::Task<Result<void>> refuse(std::int64_t id, Error error);
  socketserver::Task<void> say_goodbye(const Error& why);
  void update_idle();
  std::vector<Request*>::iterator find_open(std::int64_t id);

  Context& context_;
  std::unique_ptr<socketserver::Stream> stream_;
  Intake intake_;
  FrameReader reader_;
  Outbox outbox_;
  Transfers transfers_;
  std::optional<auth::Principal> principal_;  // of who said hello
  std::shared_ptr<Person> person_;            // the member, once it has to do with messages
  std::vector<Request*> open_;                // those still being carried out, a few
  std::size_t answering_ = 0;                 // and those whose last answer is not sent yet
  std::size_t endless_ = 0;                   // of them, those that wait for what may never come
  std::size_t refusals_ = 0;
  socketserver::Gate requests_;
};

}  // namespace skein::hub
