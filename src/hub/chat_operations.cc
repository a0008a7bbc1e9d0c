#include "hub/chat_operations.h"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/text.h"
#include "chat/line.h"
#include "hub/chat.h"
#include "hub/news.h"
#include "store/path.h"
#include "wire/protocol.h"

namespace skein::hub {

using socketserver::Task;
namespace field = wire::field;

namespace {

// Who asks, as a member; found out once for a connection.
Task<Result<std::shared_ptr<Person>>> person_of(Context& context, Request& request) {
  if (!request.person) {
    auto found = co_await context.chat.person(request.principal);
    if (!found) co_return pass(std::move(found).error());
    request.person = *std::move(found);
  }
  co_return request.person;
}

// With the room that the request names.
Task<Result<Place>> place_of(Context& context, Request& request, bool make) {
  const auto name = request.fields.text(field::kRoom);
  if (!name) co_return pass(name.error());
  auto person = co_await person_of(context, request);
  if (!person) co_return pass(std::move(person).error());
  auto room = co_await context.chat.room(*person, *name, make);
  if (!room) co_return pass(std::move(room).error());
  co_return Place{*std::move(person), *std::move(room)};
}

Result<std::optional<std::int64_t>> position(const wire::Dictionary& fields, std::string_view key) {
  return fields.integer_if(key, 0, spec::kMaxInteger);
}

Result<std::size_t> limit_of(const wire::Dictionary& fields) {
  TRY_ASSIGN(const auto limit,
             fields.integer_if(field::kLimit, 1, std::int64_t{spec::kMaxMessagesInAnswer}));
  return static_cast<std::size_t>(limit.value_or(limits::kMessagesInPage));
}

// Sends lines in parts of about limits::kListBatchBytes, all but the last of them; that comes back.
Task<Result<std::string>> send_lines(Request& request, std::vector<std::string> lines) {
  std::string batch;
  for (const std::string& line : lines) {
    if (!batch.empty() && batch.size() + line.size() > limits::kListBatchBytes) {
      Reply part;
      part.payload = slice_of(std::exchange(batch, {}));
      auto sent = co_await send_part(request, std::move(part));
      if (!sent) co_return pass(std::move(sent).error());
    }
    batch += line;
  }
  co_return batch;
}

Task<Result<Reply>> reply_with(Request& request, std::vector<std::string> lines) {
  auto last = co_await send_lines(request, std::move(lines));
  if (!last) co_return pass(std::move(last).error());
  Reply reply;
  reply.payload = slice_of(*std::move(last));
  co_return reply;
}

std::vector<std::string> lines_of(const std::vector<chat::Message>& messages) {
  std::vector<std::string> lines;
  lines.reserve(messages.size());
  for (const chat::Message& message : messages) lines.push_back(chat::encode_line(message));
  return lines;
}

std::string line_of(wire::Dictionary fields) {
  std::string line = fields.to_json();
  line += '\n';
  return line;
}

// As long as it lives, a cancel of the request wakes whoever waits for the event.
class WokenByCancel {
 public:
  WokenByCancel(Request& request, socketserver::Event& wake) : request_(request) {
    request.wake = &wake;
  }
  WokenByCancel(const WokenByCancel&) = delete;
  WokenByCancel& operator=(const WokenByCancel&) = delete;
  ~WokenByCancel() { request_.wake = nullptr; }

 private:
  Request& request_;
};

// The first part of a follow says that from here on nothing is missed, and where here is.
Task<Result<void>> send_place(Request& request, std::string_view key, std::int64_t place) {
  Reply begun;
  begun.fields.set(key, place);
  auto sent = co_await send_part(request, std::move(begun));
  co_return sent;
}

// What was said in the room after `seq`, about limits::kListBatchBytes or one page of the log.
Task<Result<chat::Lines>> lines_after(Chat& chat, chat::RoomId room, std::int64_t seq) {
  auto lines = chat.feed().after(room, seq);
  if (lines) co_return *std::move(lines);
  chat::RoomLog::Range range;
  range.after = seq;
  range.limit = limits::kMessagesInPage;
  auto messages = co_await chat.read(room, range);
  if (!messages) co_return pass(std::move(messages).error());
  chat::Lines read;
  if (!messages->empty()) {
    std::string text;
    for (const chat::Message& message : *messages) text += chat::encode_line(message);
    read.text = std::make_shared<const std::string>(std::move(text));
    read.last_seq = messages->back().seq;
  }
  co_return read;
}

// Where a follower begins: after a message of a room, or without one in all that its person has
// joined.
struct Beginning {
  chat::RoomId room = 0;
  std::shared_ptr<Person> person;
  std::optional<std::int64_t> after;
  bool presence = false;
};

// By itself, so that nothing of the asking is held while the follower rests.
Task<Result<Beginning>> begin_following(Context& context, Request& request) {
  const auto after = position(request.fields, field::kAfter);
  if (!after) co_return pass(after.error());
  const auto presence = request.fields.flag(field::kPresence);
  if (!presence) co_return pass(presence.error());
  if (!request.fields.has(field::kRoom)) {
    auto person = co_await person_of(context, request);
    if (!person) co_return pass(std::move(person).error());
    co_return Beginning{0, *std::move(person), *after, *presence};
  }
  const auto place = co_await place_of(context, request, /*make=*/false);
  if (!place) co_return pass(place.error());
  // The room may be known from before it was last spoken in.
  const auto last = co_await context.chat.last_seq(place->room.id);
  if (!last) co_return pass(last.error());
  // Who is ahead of what there is follows from what there is: the log is another than it knew.
  co_return Beginning{place->room.id, nullptr, std::min(after->value_or(*last), *last), false};
}

// Both ways of following end with the request or the connection.
Task<Result<void>> follow_room(Context& context, Request& request, chat::RoomId room,
                               std::int64_t place) {
  chat::Feed::Follower follower(context.chat.feed(), room);
  const WokenByCancel woken(request, follower.wake);
  auto sent = co_await send_place(request, field::kSeq, place);
  while (sent && !request.cancelled) {
    follower.wake.reset();
    auto lines = co_await lines_after(context.chat, room, place);
    if (!lines) co_return pass(std::move(lines).error());
    if (lines->text) {
      sent = co_await request.outbox.send_part(request.id, as_bytes(*lines->text));
      place = lines->last_seq;
    } else if (!request.cancelled) {
      co_await follower.wake.wait();
    }
  }
  if (!sent) co_return pass(std::move(sent).error());
  co_return fail(kCancelled, "cancelled by the client");
}

// One part for each run of messages of one room, so that the order over all rooms is kept.
Task<Result<void>> send_runs(Context& context, Request& request, std::shared_ptr<Person> person,
                             std::vector<chat::Feed::Said> said) {
  std::string run;
  for (std::size_t i = 0; i < said.size(); ++i) {
    run += *said[i].line;
    if (i + 1 < said.size() && said[i + 1].room == said[i].room) continue;
    auto name = co_await context.chat.name_of(person, said[i].room);
    if (!name) co_return pass(std::move(name).error());
    Reply part;
    part.fields.set(field::kRoom, *std::move(name));
    part.payload = hub::slice_of(std::exchange(run, {}));
    auto sent = co_await send_part(request, std::move(part));
    if (!sent) co_return pass(std::move(sent).error());
  }
  co_return Result<void>();
}

// Who came and who went, if anybody did.
Task<Result<void>> send_presence(Request& request, Presence::Follower& presence) {
  Presence::News news = presence.next();
  if (news.lines.empty()) co_return Result<void>();
  Reply part;
  part.fields.set(field::kPresence, true);
  if (news.missed) part.fields.set(field::kMissed, true);
  part.payload = hub::slice_of(std::move(news.lines));
  auto sent = co_await send_part(request, std::move(part));
  co_return sent;
}

Task<Result<void>> follow_joined(Context& context, Request& request, std::shared_ptr<Person> person,
                                 std::optional<std::int64_t> after, bool with_presence) {
  News news(context.chat, person, after);
  std::optional<Presence::Follower> presence;
  if (with_presence) presence.emplace(context.chat.presence(), person->id, news.wake());
  const WokenByCancel woken(request, news.wake());
  auto sent = co_await send_place(request, field::kNumber, news.place());
  while (sent && !request.cancelled) {
    news.wake().reset();
    auto said = co_await news.next();
    if (!said) co_return pass(std::move(said).error());
    if (!said->empty()) {
      sent = co_await send_runs(context, request, person, *std::move(said));
      continue;
    }
    if (presence) sent = co_await send_presence(request, *presence);
    if (sent && !request.cancelled) co_await news.wake().wait();
  }
  if (!sent) co_return pass(std::move(sent).error());
  co_return fail(kCancelled, "cancelled by the client");
}

}  // namespace

Answering say(Context& context, Transfers&, Request& request) {
  Chat::Saying saying;
  const auto cid = request.fields.text(field::kCid);
  if (!cid) co_return pass(cid.error());
  if (!from_hex(*cid, saying.cid)) {
    co_return fail(kBadRequest, "field 'cid' must be 32 hexadecimal digits in lower case");
  }
  const auto file = request.fields.text_if(field::kFile);
  if (!file) co_return pass(file.error());
  if (*file) {
    const auto path = store::Path::parse(**file);
    if (!path) co_return pass(path.error());
    saying.file = **file;
  }
  auto place = co_await place_of(context, request, /*make=*/false);
  if (!place) co_return pass(std::move(place).error());
  saying.room = place->room.id;
  saying.text = std::move(request.payload);
  auto said = co_await context.chat.say(place->person, request.peer, std::move(saying));
  if (!said) co_return pass(std::move(said).error());
  Reply reply;
  reply.fields.set(field::kSeq, said->seq)
      .set(field::kNumber, said->number)
      .set(field::kRepeated, said->repeated);
  co_return reply;
}

Answering read_log(Context& context, Transfers&, Request& request) {
  chat::RoomLog::Range range;
  const auto after = position(request.fields, field::kAfter);
  if (!after) co_return pass(after.error());
  const auto before = position(request.fields, field::kBefore);
  if (!before) co_return pass(before.error());
  const auto limit = limit_of(request.fields);
  if (!limit) co_return pass(limit.error());
  auto place = co_await place_of(context, request, /*make=*/false);
  if (!place) co_return pass(std::move(place).error());
  range.after = *after;
  range.before = *before;
  range.limit = *limit;
  auto messages = co_await context.chat.read(place->room.id, range);
  if (!messages) co_return pass(std::move(messages).error());
  auto reply = co_await reply_with(request, lines_of(*messages));
  co_return reply;
}

Answering follow(Context& context, Transfers&, Request& request) {
  auto beginning = co_await begin_following(context, request);
  if (!beginning) co_return pass(std::move(beginning).error());
  request.fields = {};  // a follower rests for long, and there are many
  Result<void> ended;
  if (beginning->room != 0) {
    ended = co_await follow_room(context, request, beginning->room, *beginning->after);
  } else {
    ended = co_await follow_joined(context, request, std::move(beginning->person), beginning->after,
                                   beginning->presence);
  }
  co_return pass(std::move(ended).error());
}

Answering search(Context& context, Transfers&, Request& request) {
  const auto words = request.fields.text(field::kWords);
  if (!words) co_return pass(words.error());
  const auto before = position(request.fields, field::kBefore);
  if (!before) co_return pass(before.error());
  const auto limit = limit_of(request.fields);
  if (!limit) co_return pass(limit.error());
  auto person = co_await person_of(context, request);
  if (!person) co_return pass(std::move(person).error());
  std::optional<chat::Room> room;
  if (request.fields.has(field::kRoom)) {
    auto place = co_await place_of(context, request, /*make=*/false);
    if (!place) co_return pass(std::move(place).error());
    room = std::move(place->room);
  }
  auto found = co_await context.chat.search(*person, std::move(room), *words, *before, *limit);
  if (!found) co_return pass(std::move(found).error());
  // They are of several rooms, so each line names its own.
  std::vector<std::string> lines;
  lines.reserve(found->size());
  for (const chat::Message& message : *found) {
    auto name = co_await context.chat.name_of(*person, message.room);
    if (!name) co_return pass(std::move(name).error());
    lines.push_back(chat::encode_line(message, *name));
  }
  auto reply = co_await reply_with(request, std::move(lines));
  co_return reply;
}

Answering list_rooms(Context& context, Transfers&, Request& request) {
  auto person = co_await person_of(context, request);
  if (!person) co_return pass(std::move(person).error());
  auto listed = co_await context.chat.rooms(*person);
  if (!listed) co_return pass(std::move(listed).error());
  std::vector<std::string> lines;
  lines.reserve(listed->size());
  for (const Chat::Listed& one : *listed) lines.push_back(Chat::encode(one));
  auto reply = co_await reply_with(request, std::move(lines));
  co_return reply;
}

Answering join_room(Context& context, Transfers&, Request& request) {
  auto place = co_await place_of(context, request, /*make=*/true);
  if (!place) co_return pass(std::move(place).error());
  auto joined = co_await context.chat.join(place->person, place->room.id);
  if (!joined) co_return pass(std::move(joined).error());
  co_return Reply();
}

Answering leave_room(Context& context, Transfers&, Request& request) {
  auto place = co_await place_of(context, request, /*make=*/false);
  if (!place) co_return pass(std::move(place).error());
  auto left = co_await context.chat.leave(place->person, place->room.id);
  if (!left) co_return pass(std::move(left).error());
  co_return Reply();
}

Answering set_topic(Context& context, Transfers&, Request& request) {
  const auto topic = request.fields.text(field::kTopic);
  if (!topic) co_return pass(topic.error());
  if (topic->size() > spec::kMaxTopicBytes) {
    co_return fail(kTooLarge,
                   concat("a topic of ", std::to_string(topic->size()),
                          " bytes is over the limit of ", std::to_string(spec::kMaxTopicBytes)));
  }
  auto place = co_await place_of(context, request, /*make=*/false);
  if (!place) co_return pass(std::move(place).error());
  if (place->room.one != 0) co_return fail(kRefused, "direct messages have no topic");
  auto set = co_await context.chat.set_topic(place->room.id, *topic);
  if (!set) co_return pass(std::move(set).error());
  co_return Reply();
}

Answering set_read(Context& context, Transfers&, Request& request) {
  const auto seq = request.fields.integer(field::kSeq, 0, spec::kMaxInteger);
  if (!seq) co_return pass(seq.error());
  auto place = co_await place_of(context, request, /*make=*/false);
  if (!place) co_return pass(std::move(place).error());
  auto set = co_await context.chat.set_read(place->person, place->room.id, *seq);
  if (!set) co_return pass(std::move(set).error());
  co_return Reply();
}

Answering who(Context& context, Transfers&, Request& request) {
  auto person = co_await person_of(context, request);  // who asks is there, too
  if (!person) co_return pass(std::move(person).error());
  std::vector<std::string> lines;
  for (std::string& name : context.chat.online()) {
    wire::Dictionary line;
    line.set(field::kName, std::move(name));
    lines.push_back(line_of(std::move(line)));
  }
  auto reply = co_await reply_with(request, std::move(lines));
  co_return reply;
}

Answering rename_member(Context& context, Transfers&, Request& request) {
  const auto name = request.fields.text(field::kName);
  if (!name) co_return pass(name.error());
  auto person = co_await person_of(context, request);
  if (!person) co_return pass(std::move(person).error());
  auto renamed = co_await context.chat.rename(*person, *name);
  if (!renamed) co_return pass(std::move(renamed).error());
  Reply reply;
  reply.fields.set(field::kName, (*person)->name);
  co_return reply;
}

}  // namespace skein::hub
