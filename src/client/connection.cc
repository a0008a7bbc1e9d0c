#include "client/connection.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/text.h"
#include "socketserver/dial.h"
#include "wire/answer.h"
#include "wire/frame.h"
#include "wire/protocol.h"

namespace skein::client {

using socketserver::Task;
namespace field = wire::field;

Connection::Connection(socketserver::Loop& loop, std::unique_ptr<socketserver::Stream> stream,
                       socketserver::Event& stop)
    : Hook([](Hook& hook) {
        static_cast<Connection&>(hook).break_off(Error(kCancelled, "interrupted"));
      }),
      loop_(loop),
      stream_(std::move(stream)),
      open_ids_(spec::kMaxOpenIds) {
  hook(stop);
}

Connection::~Connection() = default;

Task<Result<std::unique_ptr<Connection>>> Connection::open(
    socketserver::Loop& loop, socketserver::Pool& pool, socketserver::Endpoint endpoint,
    Identity identity, socketserver::Event& stop, Dialler* dialler) {
  const std::string address = endpoint.text();
  Result<std::unique_ptr<socketserver::Stream>> stream;
  if (dialler != nullptr) {
    stream = co_await dialler->dial(std::move(endpoint), limits::kDialTimeoutMs, stop);
  } else {
    stream =
        co_await socketserver::dial(loop, pool, std::move(endpoint), limits::kDialTimeoutMs, &stop);
  }
  if (!stream) {
    Error error = std::move(stream).error();
    if (error.is(kNoHub)) {
      error = std::move(error).with_hint(
          concat("start one with 'skein serve', or name another with --hub HOST:PORT"));
    }
    co_return pass(std::move(error));
  }
  auto connection = std::unique_ptr<Connection>(new Connection(loop, *std::move(stream), stop));
  connection->tasks_.spawn(loop, connection->read_answers());
  connection->tasks_.spawn(loop, connection->keep_alive());
  auto greeted = co_await connection->say_hello(std::move(identity));
  if (!greeted) {
    const bool broken = connection->broken();
    co_await connection->close();
    Error error = std::move(greeted).error();
    if (broken && !error.is(kVersion) && !error.is(kCancelled)) {
      error = Error(kNoHub, concat("who answers at ", address, " is no hub: ", error.text()));
    }
    co_return pass(std::move(error));
  }
  co_return connection;
}

Task<Result<void>> Connection::say_hello(Identity identity) {
  wire::Dictionary hello;
  hello.set(field::kOp, wire::op::kHello)
      .set(field::kMin, wire::kVersion)
      .set(field::kMax, wire::kVersion)
      .set(field::kDevice, std::move(identity.device));
  if (!identity.name.empty()) hello.set(field::kName, std::move(identity.name));
  auto answer = co_await call(std::move(hello));
  if (!answer) co_return pass(std::move(answer).error());
  const auto hub = answer->fields.text(field::kHub);
  if (!hub) co_return pass(hub.error());
  hub_ = escaped(*hub);
  const auto features = answer->fields.text_if(field::kFeatures);
  if (!features) co_return pass(features.error());
  const std::string words = concat(" ", features->value_or(""), " ");
  packs_ = words.contains(" pack ");
  co_return Result<void>();
}

Task<Result<Answer>> Connection::call(wire::Dictionary request) {
  auto answer = co_await call(std::move(request), {}, nullptr);
  co_return answer;
}

Task<Result<Answer>> Connection::call(wire::Dictionary request, Bytes payload, OnPart on_part) {
  const auto inside = tasks_.enter();
  const auto open = co_await open_ids_.hold();
  Pending pending;
  if (on_part) pending.on_part = &on_part;
  const std::int64_t id = ++last_id_;
  request.set(field::kId, id);
  if (!payload.empty()) request.set(field::kSize, static_cast<std::int64_t>(payload.size()));
  const std::string head = wire::encode_frame(request);
  {
    const auto turn = co_await writing_.hold();
    if (trouble_) co_return pass(*trouble_);
    pending_.emplace(id, &pending);
    const socketserver::Parts parts(as_bytes(head), payload);
    auto sent = co_await stream_->write_all(parts, spec::kDeadAfterMs);
    last_sent_ms_ = loop_.now_ms();
    // What the hub said before it hung up explains more than that it did: let the reader see it.
    if (!sent && !stream_->cancelled()) static_cast<void>(stream_->shutdown_write().has_value());
    if (!sent && sent.error().is(kTimeout)) break_off(std::move(sent).error());
  }
  co_await pending.done.wait();
  co_return std::move(pending.answer);
}

Result<void> Connection::deliver(Answer answer) {
  TRY_ASSIGN(const auto id, answer.fields.integer_if(field::kId, 1, spec::kMaxInteger));
  if (!id) {
    // An answer to nothing in particular: the hub says why it ends the connection.
    TRY(wire::check_answer(answer.fields));
    return fail(kBadFrame, "an answer without an id");
  }
  const auto found = pending_.find(*id);
  if (found == pending_.end()) {
    return fail(kBadFrame, concat("an answer to no request of ours, ", std::to_string(*id)));
  }
  Pending& pending = *found->second;
  auto checked = wire::check_answer(answer.fields);
  if (checked) {
    TRY_ASSIGN(const bool more, answer.fields.flag(field::kMore));
    if (more && pending.on_part == nullptr) {
      return fail(kBadFrame, "an answer in parts, where one was due");
    }
    if (pending.on_part != nullptr) TRY((*pending.on_part)(answer));
    if (more) return {};
    pending.answer = std::move(answer);
  } else {
    pending.answer = pass(std::move(checked).error());
  }
  pending_.erase(found);
  pending.done.set();
  return {};
}

void Connection::break_off(Error why) {
  if (!trouble_) trouble_ = std::make_unique<Error>(why);
  for (const auto& [id, pending] : pending_) {
    pending->answer = pass(why);
    pending->done.set();
  }
  pending_.clear();
  stream_->cancel();
}

Task<void> Connection::read_answers() {
  auto ended = co_await read_answers_until_trouble();
  Error why = std::move(ended).error();  // it has no other end
  if (why.is(kTimeout)) {
    why = Error(kTimeout, "the hub has not answered for 60 seconds");
  }
  break_off(std::move(why));
}

// A payload goes from the system straight to where its request wants it.
Task<Result<void>> Connection::read_answers_until_trouble() {
  std::vector<std::byte> buffer(limits::kListBatchBytes);
  Bytes input;
  wire::FrameDecoder decoder;
  Answer answer;
  std::size_t filled = 0;
  using Step = wire::FrameDecoder::Step;
  while (true) {
    const auto step = decoder.next(input);
    if (!step) co_return pass(step.error());
    switch (*step) {
      case Step::kDictionary:
        answer.fields = decoder.dictionary();
        answer.payload_bytes = static_cast<std::size_t>(decoder.payload_left());
        answer.payload = std::make_unique_for_overwrite<std::byte[]>(answer.payload_bytes);
        filled = 0;
        continue;
      case Step::kPayload:
        std::ranges::copy(decoder.piece(), answer.payload.get() + filled);
        filled += decoder.piece().size();
        continue;
      case Step::kEnd: {
        const auto delivered = deliver(std::exchange(answer, {}));
        if (!delivered) co_return pass(delivered.error());
        continue;
      }
      case Step::kNeedMore: break;
    }
    const auto left = static_cast<std::size_t>(decoder.payload_left());
    const bool direct = left > 0;
    MutableBytes room(buffer);
    if (direct) room = {answer.payload.get() + filled, left};
    const auto got = co_await stream_->read_some(room, spec::kDeadAfterMs);
    if (!got) co_return pass(got.error());
    if (*got == 0) co_return fail(kClosed, "the hub ended the connection");
    if (direct) {
      decoder.skip_payload(*got);
      filled += *got;
    } else {
      input = Bytes(buffer).first(*got);
    }
  }
}

// A hub drops who is silent for too long; and a ping that is not answered shows a dead line.
Task<void> Connection::keep_alive() {
  while (!closing_.is_set() && !broken()) {
    const bool closing = co_await closing_.wait_ms(spec::kPingAfterMs / 4);
    if (closing || broken()) co_return;
    if (loop_.now_ms() - last_sent_ms_ < spec::kPingAfterMs) continue;
    wire::Dictionary ping;
    ping.set(field::kOp, wire::op::kPing);
    auto answered = co_await call(std::move(ping));
    if (!answered) co_return;
  }
}

Task<void> Connection::close() {
  while (!unhook()) co_await loop_.yield();  // interrupted in this very round
  closing_.set();
  break_off(Error(kClosed, "the connection was closed"));
  co_await tasks_.close();
}

}  // namespace skein::client
