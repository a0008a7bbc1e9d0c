#include "client/talk.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/text.h"
#include "chat/line.h"
#include "client/requests.h"
#include "wire/protocol.h"

namespace skein::client {

using socketserver::Task;
namespace field = wire::field;
namespace op = wire::op;

namespace {

wire::Dictionary request_in(std::string_view operation, std::string room) {
  wire::Dictionary request;
  request.set(field::kOp, operation).set(field::kRoom, std::move(room));
  return request;
}

template <class Item>
using Decode = Result<Item> (*)(std::string_view line);

template <class Item>
Result<void> decode_lines(std::string_view rest, Decode<Item> decode, std::vector<Item>& into) {
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    TRY_ASSIGN(Item item, decode(rest.substr(0, end)));
    into.push_back(std::move(item));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return {};
}

// Asks for lines, from the beginning again when the line is lost half way.
template <class Item>
Task<Result<std::vector<Item>>> ask_lines(Link& link, wire::Dictionary request,
                                          Decode<Item> decode) {
  while (true) {
    const auto connection = co_await link.connection();
    if (!connection) co_return pass(connection.error());
    std::vector<Item> items;
    Connection::OnPart on_part = [&](const Answer& part) {
      link.progress();
      return decode_lines(as_text(part.bytes()), decode, items);
    };
    wire::Dictionary copy = request;
    auto last = co_await (*connection)->call(std::move(copy), {}, std::move(on_part));
    if (last) co_return items;
    if (!link.lost()) co_return pass(std::move(last).error());
  }
}

Result<std::string> decode_name(std::string_view line) {
  TRY_ASSIGN(const wire::Dictionary fields, wire::Dictionary::parse(line));
  return fields.text(field::kName);
}

Result<Presence> decode_presence(std::string_view line) {
  TRY_ASSIGN(const wire::Dictionary fields, wire::Dictionary::parse(line));
  Presence presence;
  TRY_ASSIGN(presence.name, fields.text(field::kName));
  TRY_ASSIGN(presence.online, fields.flag(field::kOnline));
  return presence;
}

Result<RoomLine> decode_room(std::string_view line) {
  TRY_ASSIGN(const wire::Dictionary fields, wire::Dictionary::parse(line));
  RoomLine room;
  TRY_ASSIGN(room.name, fields.text(field::kRoom));
  TRY_ASSIGN(room.last_seq, fields.integer(field::kLastSeq, 0, spec::kMaxInteger));
  TRY_ASSIGN(room.read_seq, fields.integer_if(field::kReadSeq, 0, spec::kMaxInteger));
  TRY_ASSIGN(auto topic, fields.text_if(field::kTopic));
  room.topic = std::move(topic).value_or("");
  return room;
}

Result<Found> decode_found(std::string_view line) {
  TRY_ASSIGN(const wire::Dictionary fields, wire::Dictionary::parse(line));
  Found found;
  TRY_ASSIGN(found.room, fields.text(field::kRoom));
  TRY_ASSIGN(found.message, chat::decode_line(line));
  return found;
}

// What has no end has ended. True: the line is lost, and the same may be asked again. A hub that
// closes down says "cancelled", which nobody here does but by cancelling the link: it is the same
// as when it goes without a word.
Task<bool> lost(Link& link, const Result<Answer>& ended) {
  if (link.lost()) co_return true;
  if (ended || !ended.error().is(kCancelled) || link.cancelled()) co_return false;
  co_await link.hang_up("it closed down");
  co_return true;
}

// What is asked for its effect alone.
Task<Result<void>> ask_to(Link& link, wire::Dictionary request) {
  auto asked = co_await ask(link, std::move(request), "");
  if (!asked.answer) co_return pass(std::move(asked.answer).error());
  co_return Result<void>();
}

}  // namespace

Task<Result<Said>> say(Link& link, Random& random, std::string room, std::string text,
                       std::string file) {
  chat::Cid cid{};
  random.fill(cid);
  wire::Dictionary request = request_in(op::kSay, std::move(room));
  request.set(field::kCid, chat::cid_text(cid));
  if (!file.empty()) request.set(field::kFile, std::move(file));
  Response asked;
  while (true) {
    wire::Dictionary copy = request;
    asked = co_await ask(link, std::move(copy), text);
    if (asked.answer) break;
    const std::int64_t retry_ms = asked.answer.error().retry_ms();
    if (retry_ms == 0) co_return pass(std::move(asked.answer).error());
    const bool patient = co_await link.rest(retry_ms);
    if (!patient && link.cancelled()) co_return fail(kCancelled, "interrupted");
    if (!patient) co_return pass(std::move(asked.answer).error());
  }
  const wire::Dictionary& fields = asked.answer->fields;
  const auto seq = fields.integer(field::kSeq, 1, spec::kMaxInteger);
  if (!seq) co_return pass(seq.error());
  const auto number = fields.integer(field::kNumber, 1, spec::kMaxInteger);
  if (!number) co_return pass(number.error());
  const auto repeated = fields.flag(field::kRepeated);
  if (!repeated) co_return pass(repeated.error());
  co_return Said{*seq, *number, *repeated};
}

Task<Result<std::vector<chat::Message>>> read_log(Link& link, std::string room,
                                                  std::optional<std::int64_t> before,
                                                  std::int64_t limit) {
  // An answer has so many at most; the pages are asked for from the newest back.
  std::vector<chat::Message> messages;
  while (limit > 0) {
    const std::int64_t page = std::min(limit, std::int64_t{spec::kMaxMessagesInAnswer});
    wire::Dictionary request = request_in(op::kLog, room);
    request.set(field::kLimit, page);
    if (before) request.set(field::kBefore, *before);
    auto older = co_await ask_lines<chat::Message>(link, std::move(request), chat::decode_line);
    if (!older) co_return pass(std::move(older).error());
    if (older->empty()) break;
    before = older->front().seq;
    limit -= page;
    const bool last = older->front().seq == 1;
    messages.insert(messages.begin(), std::make_move_iterator(older->begin()),
                    std::make_move_iterator(older->end()));
    if (last) break;
  }
  co_return messages;
}

Task<Result<void>> follow(Link& link, std::string room, std::optional<std::int64_t> after,
                          OnMessage on_message) {
  while (true) {
    const auto connection = co_await link.connection();
    if (!connection) co_return pass(connection.error());
    Connection::OnPart on_part = [&](const Answer& part) -> Result<void> {
      link.progress();
      if (part.payload_bytes == 0) {
        // Where the hub begins. If that is before where we were, its log is another than it was.
        TRY_ASSIGN(const auto begun, part.fields.integer(field::kSeq, 0, spec::kMaxInteger));
        after = begun;
        return {};
      }
      std::vector<chat::Message> messages;
      TRY(decode_lines<chat::Message>(as_text(part.bytes()), chat::decode_line, messages));
      for (const chat::Message& message : messages) {
        if (message.seq <= *after) continue;
        after = message.seq;
        on_message(message);
      }
      return {};
    };
    wire::Dictionary request = request_in(op::kFollow, room);
    if (after) request.set(field::kAfter, *after);
    auto ended = co_await (*connection)->call(std::move(request), {}, std::move(on_part));
    const bool again = co_await lost(link, ended);
    if (again) continue;
    if (!ended) co_return pass(std::move(ended).error());
    co_return fail(kIo, "the hub has ended what does not end");
  }
}

Task<Result<void>> follow_all(Link& link, std::optional<std::int64_t> after,
                              FollowingAll following) {
  while (true) {
    const auto connection = co_await link.connection();
    if (!connection) co_return pass(connection.error());
    Connection::OnPart on_part = [&](const Answer& part) -> Result<void> {
      link.progress();
      if (part.payload_bytes == 0) {
        // Where the hub begins. If that is before where we were, its log is another than it was.
        TRY_ASSIGN(const auto begun, part.fields.integer(field::kNumber, 0, spec::kMaxInteger));
        after = begun;
        following.on_begin(begun);
        return {};
      }
      TRY_ASSIGN(const bool presence, part.fields.flag(field::kPresence));
      if (presence) {
        std::vector<Presence> changed;
        TRY(decode_lines<Presence>(as_text(part.bytes()), decode_presence, changed));
        if (following.on_presence) following.on_presence(changed);
        return {};
      }
      if (!after) return fail(kBadFrame, "messages before it was said where they begin");
      TRY_ASSIGN(const std::string room, part.fields.text(field::kRoom));
      std::vector<chat::Message> messages;
      TRY(decode_lines<chat::Message>(as_text(part.bytes()), chat::decode_line, messages));
      for (const chat::Message& message : messages) {
        if (message.number <= *after) continue;
        after = message.number;
        following.on_message(room, message);
      }
      return {};
    };
    wire::Dictionary request;
    request.set(field::kOp, op::kFollow);
    if (after) request.set(field::kAfter, *after);
    if (following.on_presence) request.set(field::kPresence, true);
    auto ended = co_await (*connection)->call(std::move(request), {}, std::move(on_part));
    const bool again = co_await lost(link, ended);
    if (again) {
      following.on_lost();
      continue;
    }
    if (!ended) co_return pass(std::move(ended).error());
    co_return fail(kIo, "the hub has ended what does not end");
  }
}

Task<Result<std::vector<Found>>> search(Link& link, std::string words, std::int64_t limit) {
  wire::Dictionary request;
  request.set(field::kOp, op::kSearch)
      .set(field::kWords, std::move(words))
      .set(field::kLimit, limit);
  auto found = co_await ask_lines<Found>(link, std::move(request), decode_found);
  co_return found;
}

Task<Result<std::vector<std::string>>> who(Link& link) {
  wire::Dictionary request;
  request.set(field::kOp, op::kWho);
  auto names = co_await ask_lines<std::string>(link, std::move(request), decode_name);
  co_return names;
}

Task<Result<std::vector<RoomLine>>> rooms(Link& link) {
  wire::Dictionary request;
  request.set(field::kOp, op::kRooms);
  auto lines = co_await ask_lines<RoomLine>(link, std::move(request), decode_room);
  co_return lines;
}

Task<Result<void>> join(Link& link, std::string room) {
  auto done = co_await ask_to(link, request_in(op::kJoin, std::move(room)));
  co_return done;
}

Task<Result<void>> leave(Link& link, std::string room) {
  auto done = co_await ask_to(link, request_in(op::kLeave, std::move(room)));
  co_return done;
}

Task<Result<void>> set_topic(Link& link, std::string room, std::string topic) {
  wire::Dictionary request = request_in(op::kTopic, std::move(room));
  request.set(field::kTopic, std::move(topic));
  auto done = co_await ask_to(link, std::move(request));
  co_return done;
}

Task<Result<void>> seen(Link& link, std::string room, std::int64_t seq) {
  wire::Dictionary request = request_in(op::kSeen, std::move(room));
  request.set(field::kSeq, seq);
  auto done = co_await ask_to(link, std::move(request));
  co_return done;
}

Task<Result<std::string>> rename(Link& link, std::string name) {
  wire::Dictionary request;
  request.set(field::kOp, op::kName).set(field::kName, std::move(name));
  auto asked = co_await ask(link, std::move(request), "");
  if (!asked.answer) co_return pass(std::move(asked.answer).error());
  auto now = asked.answer->fields.text(field::kName);
  co_return now;
}

}  // namespace skein::client
