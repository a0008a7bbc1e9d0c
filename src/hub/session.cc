#include "hub/session.h"

#include <algorithm>
#include <exception>
#include <string>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "hub/http_session.h"
#include "hub/pack_operations.h"
#include "hub/transfer_operations.h"
#include "hub/tutorial.h"
#include "socketserver/stream_server.h"
#include "transfer/fields.h"
#include "wire/answer.h"
#include "wire/protocol.h"

namespace skein::hub {

using socketserver::Task;
namespace field = wire::field;
namespace op = wire::op;

namespace {
constexpr std::string_view kFeatures = "put get pack ls rm restore mv mkdir link probe rooms";

// What an operation threw.
std::unexpected<Error> failed(const Operation& operation) {
  return pass(socketserver::error_from(std::current_exception()), std::string(operation.name));
}
}  // namespace

Session::Session(Context& context, std::unique_ptr<socketserver::Stream> stream)
    : context_(context),
      stream_(std::move(stream)),
      intake_(*stream_),
      reader_(intake_),
      outbox_(*stream_),
      transfers_(context) {}

Task<void> Session::run() {
  std::exception_ptr escaped;
  Result<void> ended;
  try {
    ended = co_await converse();
  } catch (...) {
    escaped = std::current_exception();
  }
  co_await wind_up(std::move(ended), escaped != nullptr);
  if (escaped) std::rethrow_exception(escaped);
}

Task<void> Session::wind_up(Result<void> ended, bool escaped) {
  const bool in_order =
      !escaped && (ended || (ended.error().is(kClosed) && reader_.between_frames()));
  for (Request* const request : open_) {
    if (!in_order || request->endless) request->cancel();
  }
  if (!escaped && !ended && !in_order) {
    co_await say_goodbye(ended.error());
  }
  // A peer that only ended its own side still gets its answers.
  co_await requests_.close();
  co_await transfers_.close_all();
}

// Nothing is lost by ending a connection that rests.
void Session::update_idle() {
  stream_->set_idle(reader_.between_frames() && answering_ == endless_);
}

Task<Result<void>> Session::converse() {
  update_idle();
  const auto speech = co_await intake_.sniff();
  if (!speech) co_return pass(speech.error());
  if (*speech != wire::Speech::kFrames) {
    auto told = co_await greet_stranger(*speech);
    co_return told;
  }
  while (true) {
    update_idle();
    std::int64_t rest_ms = -1;  // the tutorial's client waits at a human's menu
    if (principal_) rest_ms = spec::kDeadAfterMs;
    const auto step = co_await reader_.next(rest_ms);
    if (!step) {
      // Who waits for an answer may be silent.
      if (step.error().is(kTimeout) && reader_.between_frames() && answering_ > endless_) continue;
      co_return pass(step.error());
    }
    stream_->set_idle(false);
    auto taken = co_await take_frame();
    if (!taken) co_return pass(std::move(taken).error());
  }
}

Task<Result<void>> Session::greet_stranger(wire::Speech speech) {
  if (speech == wire::Speech::kTls)
    co_return fail(kBadFrame, "the peer speaks TLS, this hub does not yet");
  if (speech == wire::Speech::kUnknown)
    co_return fail(kBadFrame, "the peer speaks nothing that a hub knows");
  HttpSession http(context_, *stream_, intake_);
  co_await http.run();
  co_return Result<void>();
}

std::vector<Request*>::iterator Session::find_open(std::int64_t id) {
  return std::ranges::find(open_, id, &Request::id);
}

// The reader is at a dictionary; afterwards it is at the end of its frame.
Task<Result<void>> Session::take_frame() {
  if (!wire::is_tutorial_upload(reader_.dictionary())) {
    wire::Dictionary fields = reader_.take_dictionary();
    auto taken = co_await take_request(std::move(fields));
    co_return taken;
  }
  if (!principal_) {
    const auth::Principal guest = auth::guest_principal();
    const std::string peer = stream_->peer_address().text();
    auto taken = co_await take_tutorial_upload(context_, guest, peer, reader_);
    co_return taken;
  }
  auto skipped = co_await skip_payload();
  if (!skipped) co_return pass(std::move(skipped).error());
  Error error(kBadRequest, "an upload of the tutorial cannot follow hello: use put");
  auto refused = co_await refuse(0, std::move(error));
  co_return refused;
}

Task<Result<void>> Session::skip_payload() {
  auto skipped = co_await take_payload(0);
  if (!skipped) co_return pass(std::move(skipped).error());
  co_return Result<void>();
}

// The payload if it is at most so long; else nothing of it is kept.
Task<Result<std::optional<std::string>>> Session::take_payload(std::size_t most) {
  std::optional<std::string> payload;
  if (reader_.payload_left() <= most) payload.emplace();
  while (true) {
    const auto step = co_await reader_.next(limits::kStallTimeoutMs);
    if (!step) co_return pass(step.error());
    if (*step == FrameReader::Step::kEnd) co_return payload;
    if (payload) payload->append(as_text(reader_.piece().bytes));
  }
}

Task<Result<void>> Session::refuse(std::int64_t id, Error error) {
  // A peer that is refused all the time shall not fill the log; one that leaves is no trouble.
  if (!error.is(kCancelled) && ++refusals_ <= limits::kLoggedRefusals) {
    const bool last = refusals_ == limits::kLoggedRefusals;
    context_.log.warning(concat(stream_->peer_address().text(), ": ", error.report(),
                                last ? "; what else it is refused is not logged" : ""));
  }
  auto sent = co_await outbox_.send(wire::error_answer(id, error), {});
  co_return sent;
}

Task<Result<void>> Session::take_request(wire::Dictionary fields) {
  const auto id = fields.integer(field::kId, 1, spec::kMaxInteger);
  const auto name = fields.text(field::kOp);
  const Operation* operation = nullptr;
  std::optional<Error> fault;
  if (!id) {
    fault = id.error();
  } else if (!name) {
    fault = name.error();
  } else if (operation = find_operation(*name); operation == nullptr) {
    fault = Error(kUnknownOperation, concat("this hub knows no operation ", quoted(*name)));
  } else if (!principal_ && *name != op::kHello) {
    fault = Error(kBadRequest, "the first request must be hello");
  } else if (find_open(*id) != open_.end()) {
    fault = Error(kBadRequest, concat("id ", std::to_string(*id), " is open already"));
  } else if (answering_ >= spec::kMaxOpenIds) {
    fault = Error(kTooMany, concat(std::to_string(answering_), " requests are open already"));
  } else if (principal_) {
    const auto allowed = auth::authorize(*principal_, operation->right, operation->name);
    if (!allowed) fault = allowed.error();
  }
  if (fault) {
    auto skipped = co_await skip_payload();
    if (!skipped) co_return pass(std::move(skipped).error());
    // Not to who says nothing that a client of ours would: it does not read.
    if (!principal_ && !id) co_return pass(*std::move(fault));
    auto refused = co_await refuse(id.value_or(0), *std::move(fault));
    co_return refused;
  }

  if (*name == op::kBlock) {
    auto taken = co_await block(*id, std::move(fields));
    co_return taken;
  }
  if (*name == op::kPack) {
    auto taken = co_await pack(*operation, *id, std::move(fields));
    co_return taken;
  }
  const std::uint64_t payload_bytes = reader_.payload_left();
  auto payload = co_await take_payload(operation->max_payload);
  if (!payload) co_return pass(std::move(payload).error());
  if (!*payload && operation->max_payload > 0) {
    Error error(kTooLarge, concat("a payload of ", std::to_string(payload_bytes),
                                  " bytes is over this operation's limit of ",
                                  std::to_string(operation->max_payload)));
    auto refused = co_await refuse(*id, std::move(error));
    co_return refused;
  }
  if (*name == op::kHello) {
    auto greeted = co_await hello(*id, std::move(fields));
    co_return greeted;
  }
  if (*name == op::kCancel) {
    const auto target = fields.integer(field::kTarget, 1, spec::kMaxInteger);
    if (!target) {
      auto refused = co_await refuse(*id, target.error());
      co_return refused;
    }
    if (const auto found = find_open(*target); found != open_.end()) (*found)->cancel();
  }
  if (operation->carry_out == nullptr) {
    auto sent = co_await outbox_.send(wire::ok_answer(*id), {});
    co_return sent;
  }
  begin(*operation, *id, std::move(fields), std::move(*payload).value_or(""), nullptr);
  co_return Result<void>();
}

void Session::begin(const Operation& operation, std::int64_t id, wire::Dictionary fields,
                    std::string payload, std::shared_ptr<Pack> pack) {
  auto request = std::make_unique<Request>(Request{
      .id = id,
      .fields = std::move(fields),
      .payload = std::move(payload),
      .principal = *principal_,
      .peer = stream_->peer_address(),
      .person = person_,
      .outbox = outbox_,
      .endless = operation.endless,
      .pack = std::move(pack),
  });
  open_.push_back(request.get());
  ++answering_;
  if (operation.endless) ++endless_;
  requests_.spawn(context_.loop, carry_out(operation, std::move(request)));
}

Task<Result<void>> Session::hello(std::int64_t id, wire::Dictionary fields) {
  if (principal_) {
    auto refused = co_await refuse(id, Error(kBadRequest, "hello was said already"));
    co_return refused;
  }
  const auto least = fields.integer(field::kMin, 0, spec::kMaxInteger);
  const auto most = fields.integer(field::kMax, least.value_or(0), spec::kMaxInteger);
  const auto name = transfer::name_field(fields, field::kName);
  const auto device = transfer::device_field(fields);
  std::optional<Error> fault;
  if (!least) fault = least.error();
  if (!most) fault = most.error();
  if (!name) fault = name.error();
  if (!device) fault = device.error();
  if (!fault && *least > *most) fault = Error(kBadRequest, "'max' must be at least 'min'");
  if (!fault && (*least > wire::kVersion || *most < wire::kVersion)) {
    Error error(kVersion, concat("this hub speaks version ", std::to_string(wire::kVersion),
                                 " of the protocol, not ", std::to_string(*least), " to ",
                                 std::to_string(*most)));
    error = std::move(error).with_hint("use the same version of skein on both machines");
    auto sent = co_await outbox_.send(wire::error_answer(id, error), {});
    if (!sent) co_return pass(std::move(sent).error());
    co_return pass(std::move(error));
  }
  if (fault) {
    auto refused = co_await refuse(id, *std::move(fault));
    co_return refused;
  }
  principal_ = auth::local_principal(*name, *device);
  wire::Dictionary answer = wire::ok_answer(id);
  answer.set(field::kVersion, wire::kVersion)
      .set(field::kHub, context_.name)
      .set(field::kMember, principal_->member)
      .set(field::kFeatures, kFeatures);
  auto sent = co_await outbox_.send(std::move(answer), {});
  co_return sent;
}

Task<Result<void>> Session::block(std::int64_t id, wire::Dictionary fields) {
  auto taken = co_await take_block(transfers_, fields, reader_);
  if (!taken.connection) co_return pass(std::move(taken.connection).error());
  if (!taken.block) {
    auto refused = co_await refuse(id, std::move(taken.block).error());
    co_return refused;
  }
  auto sent = co_await outbox_.send(wire::ok_answer(id), {});
  co_return sent;
}

Task<Result<void>> Session::pack(const Operation& operation, std::int64_t id,
                                 wire::Dictionary fields) {
  auto taken = co_await take_pack(context_, transfers_, std::move(fields), reader_);
  if (!taken.connection) co_return pass(std::move(taken.connection).error());
  if (!taken.pack) {
    auto refused = co_await refuse(id, std::move(taken.pack).error());
    co_return refused;
  }
  begin(operation, id, {}, "", *std::move(taken.pack));
  co_return Result<void>();
}

// Runs beside the reader and beside its like; counted by requests_. Its frame rests for as long as
// a follower does, so all that comes after the operation has one of its own.
Task<void> Session::carry_out(const Operation& operation, std::unique_ptr<Request> request) {
  Result<Reply> reply;
  try {
    reply = co_await operation.carry_out(context_, transfers_, *request);
  } catch (...) {
    reply = failed(operation);
  }
  co_await answer(operation, request->id, std::move(reply));
}

Task<void> Session::answer(const Operation& operation, std::int64_t id, Result<Reply> reply) {
  // The id is free again before its last answer can be read, as the client may use it at once.
  open_.erase(find_open(id));
  std::size_t answered = 1;
  if (!reply) {
    auto refused = co_await refuse(id, std::move(reply).error());
    static_cast<void>(refused.has_value());
  } else {
    reply->fields.set(field::kId, id).set(field::kOk, true);
    if (reply->payload.bytes.empty() && answering_ > endless_ + 1 && !operation.endless) {
      // Who waits for several answers gets those that come together in one piece.
      answered = co_await outbox_.send_together(std::move(reply->fields));
    } else {
      auto sent = co_await outbox_.send(std::move(reply->fields), reply->payload.bytes);
      static_cast<void>(sent.has_value());  // the reader notices too
    }
  }
  answering_ -= answered;
  if (operation.endless) --endless_;
  update_idle();
}

// The connection ends because of `why`: logged once, told to who can hear it.
Task<void> Session::say_goodbye(const Error& why) {
  if (why.is(kCancelled)) {
    stream_->cancel();
    co_return;
  }
  context_.log.warning(
      concat(stream_->peer_address().text(), ": connection ended: ", why.report()));
  if (why.is(kBadFrame) || why.is(kVersion)) {
    if (why.is(kBadFrame) && principal_) {
      auto sent = co_await outbox_.send(wire::error_answer(0, why), {});
      static_cast<void>(sent.has_value());
    }
    co_await intake_.linger();
  }
  stream_->cancel();
}

}  // namespace skein::hub
