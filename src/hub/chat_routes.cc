#include "hub/chat_routes.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/random.h"
#include "base/text.h"
#include "chat/line.h"
#include "hub/parameters.h"
#include "hub/posted.h"
#include "wire/dictionary.h"
#include "wire/protocol.h"

namespace skein::hub {

using socketserver::Task;
namespace field = wire::field;

namespace {

// An answer of lines, sent in parts of about limits::kListBatchBytes; one that has no more than
// that goes out whole, with its length.
class LineStream {
 public:
  explicit LineStream(Exchange& exchange) : exchange_(exchange) {
    head_.fields = {{"Content-Type", "application/x-ndjson"}};
  }

  Task<Result<void>> add(std::string line) {
    if (!batch_.empty() && batch_.size() + line.size() > limits::kListBatchBytes) {
      auto sent = co_await send();
      if (!sent) co_return pass(std::move(sent).error());
    }
    batch_ += line;
    co_return Result<void>();
  }
  Task<Result<void>> end() {
    if (!exchange_.begun()) {
      auto answered = co_await exchange_.answer(std::move(head_), std::move(batch_));
      co_return answered;
    }
    auto sent = co_await send();
    if (!sent) co_return pass(std::move(sent).error());
    auto ended = co_await exchange_.end();
    co_return ended;
  }

 private:
  Task<Result<void>> send() {
    if (!exchange_.begun()) {
      head_.length.reset();
      auto begun = co_await exchange_.begin(std::move(head_));
      if (!begun) co_return pass(std::move(begun).error());
    }
    const std::string batch = std::exchange(batch_, {});
    auto sent = co_await exchange_.send(as_bytes(batch));
    co_return sent;
  }

  Exchange& exchange_;
  http::Response head_;
  std::string batch_;
};

// Which messages of a room, or which of those that are found.
Result<chat::RoomLog::Range> range_of(const http::Target& target) {
  chat::RoomLog::Range range;
  TRY_ASSIGN(range.after, integer_parameter(target, field::kAfter, 0, spec::kMaxInteger));
  TRY_ASSIGN(range.before, integer_parameter(target, field::kBefore, 0, spec::kMaxInteger));
  TRY_ASSIGN(const auto limit,
             integer_parameter(target, field::kLimit, 1, std::int64_t{spec::kMaxMessagesInAnswer}));
  range.limit = static_cast<std::size_t>(limit.value_or(limits::kMessagesInPage));
  return range;
}

// With the room that the path names.
Task<Result<Place>> place_of(Context& context, Exchange& exchange) {
  auto person = co_await person_of(context, exchange);
  if (!person) co_return pass(std::move(person).error());
  std::string name(exchange.rest);
  auto room = co_await context.chat.room(*person, std::move(name), /*make=*/false);
  if (!room) co_return pass(std::move(room).error());
  co_return Place{*std::move(person), *std::move(room)};
}

// What a range asks for: above `after` and below `before`, at most `limit`, from the first on.
struct Window {
  std::int64_t after = 0;
  std::int64_t before = spec::kMaxInteger;
  std::size_t limit = 0;
};
// As a room is counted without gaps, its last message tells where its newest ones begin.
Task<Result<Window>> window_of(Chat& chat, chat::RoomId room, chat::RoomLog::Range range) {
  Window window{range.after.value_or(0), range.before.value_or(spec::kMaxInteger), range.limit};
  if (range.after && !range.before) co_return window;
  auto last = co_await chat.last_seq(room);
  if (!last) co_return pass(std::move(last).error());
  window.before = std::min(window.before, *last + 1);
  window.after =
      std::max(window.after, window.before - 1 - static_cast<std::int64_t>(window.limit));
  co_return window;
}

}  // namespace

Task<Result<std::shared_ptr<Person>>> person_of(Context& context, Exchange& exchange) {
  if (exchange.principal.role == auth::Role::kGuest) co_return std::shared_ptr<Person>();
  auto person = co_await context.chat.person(exchange.principal);
  co_return person;
}

Task<Result<void>> get_rooms(Context& context, Exchange& exchange) {
  const auto person = co_await person_of(context, exchange);
  if (!person) co_return pass(person.error());
  const auto listed = co_await context.chat.rooms(*person);
  if (!listed) co_return pass(listed.error());
  LineStream lines(exchange);
  for (const Chat::Listed& one : *listed) {
    std::string line = Chat::encode(one);
    auto added = co_await lines.add(std::move(line));
    if (!added) co_return pass(std::move(added).error());
  }
  auto ended = co_await lines.end();
  co_return ended;
}

Task<Result<void>> get_room(Context& context, Exchange& exchange) {
  const auto range = range_of(exchange.target);
  if (!range) co_return pass(range.error());
  const auto place = co_await place_of(context, exchange);
  if (!place) co_return pass(place.error());
  auto window = co_await window_of(context.chat, place->room.id, *range);
  if (!window) co_return pass(std::move(window).error());
  // Read a page at a time, as it is taken: a slow reader costs no more than one.
  LineStream lines(exchange);
  while (window->limit > 0) {
    chat::RoomLog::Range page;
    page.after = window->after;
    page.limit = std::min(window->limit, limits::kMessagesInPage);
    auto messages = co_await context.chat.read(place->room.id, page);
    if (!messages) co_return pass(std::move(messages).error());
    std::erase_if(*messages, [&window](const auto& one) { return one.seq >= window->before; });
    for (const chat::Message& message : *messages) {
      std::string line = chat::encode_line(message);
      auto added = co_await lines.add(std::move(line));
      if (!added) co_return pass(std::move(added).error());
    }
    if (messages->size() < page.limit) break;
    window->after = messages->back().seq;
    window->limit -= messages->size();
  }
  auto ended = co_await lines.end();
  co_return ended;
}

Task<Result<void>> post_message(Context& context, Exchange& exchange) {
  const auto type = PostedType::parse(exchange.request().field("Content-Type").value_or(""));
  if (!type) co_return pass(type.error());
  auto body = co_await exchange.body(type->most_bytes());
  if (!body) co_return pass(std::move(body).error());
  auto posted = type->read(*std::move(body));
  if (!posted) co_return pass(std::move(posted).error());
  Chat::Saying saying;
  SystemRandom().fill(saying.cid);
  const std::string_view own_cid = exchange.target.parameter(field::kCid).value_or("");
  const std::string cid = posted->cid.value_or(std::string(own_cid));
  if (!cid.empty() && !from_hex(cid, saying.cid)) {
    co_return fail(kBadRequest, "'cid' must be 32 hexadecimal digits in lower case");
  }
  const auto place = co_await place_of(context, exchange);
  if (!place) co_return pass(place.error());
  saying.room = place->room.id;
  saying.text = std::move(posted->text);
  saying.file = std::move(posted->file);

  const socketserver::Address peer = exchange.peer();
  Result<chat::RoomLog::Appended> said;
  if (place->person != nullptr) {
    said = co_await context.chat.say(place->person, peer, std::move(saying));
  } else if (saying.file.empty()) {
    std::string from = peer.text();
    said = co_await context.chat.say_as_guest(std::move(from), peer, std::move(saying));
  } else {
    said = fail(kRefused, "a guest has no file to offer");
  }
  if (!said) co_return pass(std::move(said).error());
  wire::Dictionary fields;
  fields.set(field::kSeq, said->seq)
      .set(field::kNumber, said->number)
      .set(field::kRepeated, said->repeated);
  constexpr int kCreated = 201;
  http::Response head;
  head.status = kCreated;
  head.fields = {{"Content-Type", "application/json"}};
  std::string text = fields.to_json() + '\n';
  auto answered = co_await exchange.answer(std::move(head), std::move(text));
  co_return answered;
}

Task<Result<void>> get_search(Context& context, Exchange& exchange) {
  const auto range = range_of(exchange.target);
  if (!range) co_return pass(range.error());
  const auto words = exchange.target.parameter(field::kWords);
  if (!words) co_return fail(kBadRequest, "'words' is missing");
  const auto person = co_await person_of(context, exchange);
  if (!person) co_return pass(person.error());
  std::optional<chat::Room> room;
  std::string name(exchange.target.parameter(field::kRoom).value_or(""));
  if (name.empty() && *person == nullptr) name = kLobby;
  if (!name.empty()) {
    auto there = co_await context.chat.room(*person, std::move(name), /*make=*/false);
    if (!there) co_return pass(std::move(there).error());
    room = *std::move(there);
  }
  std::string looked_for(*words);
  const auto found = co_await context.chat.search(*person, std::move(room), std::move(looked_for),
                                                  range->before, range->limit);
  if (!found) co_return pass(found.error());
  LineStream lines(exchange);
  for (const chat::Message& message : *found) {
    const auto where = co_await context.chat.name_of(*person, message.room);
    if (!where) co_return pass(where.error());
    std::string line = chat::encode_line(message, *where);
    auto added = co_await lines.add(std::move(line));
    if (!added) co_return pass(std::move(added).error());
  }
  auto ended = co_await lines.end();
  co_return ended;
}

}  // namespace skein::hub
