#include "hub/event_routes.h"

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/text.h"
#include "chat/line.h"
#include "hub/chat.h"
#include "hub/chat_routes.h"
#include "hub/news.h"
#include "hub/parameters.h"
#include "wire/protocol.h"

namespace skein::hub {

using socketserver::Task;

namespace {

Result<std::optional<std::int64_t>> last_event_id(const Exchange& exchange) {
  // A browser that calls again asks for the same target, and says in the field how far it came.
  constexpr std::string_view kField = "Last-Event-ID";
  constexpr std::string_view kParameter = "last-event-id";
  const auto text = exchange.request().field(kField);
  if (!text) return integer_parameter(exchange.target, kParameter, 0, spec::kMaxInteger);
  TRY_ASSIGN(const std::int64_t id, parse_integer(kField, *text, 0, spec::kMaxInteger));
  return id;
}

// Those that are asked for by `room`, any number of times. Empty: all that the person has joined.
Task<Result<std::set<chat::RoomId>>> rooms_asked_for(Context& context, Exchange& exchange,
                                                     std::shared_ptr<Person> person) {
  std::set<chat::RoomId> rooms;
  for (const http::Target::Parameter& one : exchange.target.query) {
    if (one.name != wire::field::kRoom) continue;
    auto room = co_await context.chat.room(person, one.value, /*make=*/false);
    if (!room) co_return pass(std::move(room).error());
    rooms.insert(room->id);
  }
  if (rooms.empty() && person == nullptr) rooms.insert(context.chat.lobby());
  co_return rooms;
}

// An id without data is no event, but from now on the client resumes from there.
Task<Result<void>> send_place(Exchange& exchange, std::string_view with, std::int64_t place) {
  const std::string text = concat(with, "\nid: ", std::to_string(place), "\n\n");
  auto sent = co_await exchange.send(as_bytes(text));
  co_return sent;
}

Task<Result<void>> send_said(Context& context, Exchange& exchange, std::shared_ptr<Person> person,
                             std::vector<chat::Feed::Said> said) {
  std::string events;
  std::string room;
  for (std::size_t i = 0; i < said.size(); ++i) {
    const chat::Feed::Said& one = said[i];
    if (i == 0 || said[i - 1].room != one.room) {
      auto name = co_await context.chat.name_of(person, one.room);
      if (!name) co_return pass(std::move(name).error());
      room = *std::move(name);
    }
    // JSON has no line end in it, and the line's own ends the data.
    events += concat("id: ", std::to_string(one.number),
                     "\nevent: message\ndata: ", chat::add_room(*one.line, room), "\n");
    if (events.size() < limits::kListBatchBytes && i + 1 < said.size()) continue;
    auto sent = co_await exchange.send(as_bytes(events));
    if (!sent) co_return pass(std::move(sent).error());
    events.clear();
  }
  co_return Result<void>();
}

}  // namespace

Task<Result<void>> get_events(Context& context, Exchange& exchange) {
  const auto after = last_event_id(exchange);
  if (!after) co_return pass(after.error());
  const auto person = co_await person_of(context, exchange);
  if (!person) co_return pass(person.error());
  auto rooms = co_await rooms_asked_for(context, exchange, *person);
  if (!rooms) co_return pass(std::move(rooms).error());
  std::optional<News> news;
  if (rooms->empty()) {
    news.emplace(context.chat, *person, *after);
  } else {
    news.emplace(context.chat, *std::move(rooms), *after);
  }

  http::Response head;
  head.fields = {{"Content-Type", "text/event-stream"}};
  auto sent = co_await exchange.begin_endless(std::move(head));
  if (sent) {
    const std::string retry = concat("retry: ", std::to_string(limits::kEventsRetryMs));
    sent = co_await send_place(exchange, retry, news->place());
  }
  while (sent && !exchange.client_left()) {
    news->wake().reset();
    auto said = co_await news->next();
    if (!said) co_return pass(std::move(said).error());
    if (!said->empty()) {
      sent = co_await send_said(context, exchange, *person, *std::move(said));
      continue;
    }
    const bool woken = co_await exchange.wait(news->wake(), spec::kHeartbeatMs);
    if (!woken) sent = co_await send_place(exchange, ": nothing new", news->place());
  }
  // To leave is how a client ends it, also while it is being told something.
  if (!sent && sent.error().is(kClosed)) co_return Result<void>();
  co_return sent;
}

}  // namespace skein::hub
