#include "hub/chat.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "wire/dictionary.h"
#include "wire/protocol.h"

namespace skein::hub {

using socketserver::Task;
namespace field = wire::field;

namespace {

// On an open hub members are `local/NAME`; the name is what others call them by.
std::string name_in(const auth::Principal& principal) {
  return principal.member.substr(principal.member.find('/') + 1);
}

std::unexpected<Error> no_room(std::string_view name) {
  return std::unexpected(
      Error(kNotFound, concat("no room ", quoted(name)))
          .with_hint("skein rooms lists those there are; who joins one makes it"));
}

std::unexpected<Error> too_often(std::string_view whose, std::int64_t wait_ms) {
  return std::unexpected(Error(kTooMany, concat("too much is said at once ", whose))
                             .with_hint(concat("try again in ", std::to_string(wait_ms), " ms"))
                             .with_retry_ms(wait_ms));
}

// What a limit is where a member may say so many messages a second instead of the usual.
std::int64_t share_of(std::int64_t messages_per_second, std::int64_t usual) {
  return messages_per_second * usual / limits::kMessagesPerSecond;
}

}  // namespace

Chat::Chat(socketserver::Loop& loop, socketserver::Pool& pool, chat::RoomLog& log,
           chat::Directory& directory, std::int64_t messages_per_second)
    : loop_(loop),
      pool_(pool),
      log_(log),
      directory_(directory),
      feed_(loop),
      scribe_(loop, log, [this](std::span<const chat::Message> fresh) { feed_.publish(fresh); }),
      messages_per_second_(messages_per_second),
      addresses_(share_of(messages_per_second, limits::kAddressMessagesPerSecond),
                 share_of(messages_per_second, limits::kAddressMessagesAtOnce),
                 limits::kMaxAddresses),
      presence_(loop) {}

Result<void> Chat::begin() {
  TRY_ASSIGN(const std::int64_t last, log_.last_number());
  feed_.set_last_number(last);
  TRY_ASSIGN(auto opened, directory_.open_room(kLobby));
  lobby_ = opened.room.id;
  names_.emplace(lobby_, kLobby);
  return {};
}

Task<Result<std::shared_ptr<Person>>> Chat::person(auth::Principal principal) {
  const std::string name = name_in(principal);
  struct Found {
    chat::Member member;
    std::set<chat::RoomId> joined;
  };
  auto job = [this, &name]() -> Result<Found> {
    Found found;
    TRY_ASSIGN(found.member, directory_.member(name));
    TRY_ASSIGN(auto joined, directory_.joined(found.member.id));
    if (joined.empty()) {
      TRY(directory_.join(found.member.id, lobby_));
      found.joined.insert(lobby_);
    }
    for (const chat::Joined& one : joined) found.joined.insert(one.room.id);
    return found;
  };
  auto found = co_await scribe_.change(job);
  if (!found) co_return pass(std::move(found).error(), "taking part in messages");
  const chat::MemberId id = found->member.id;
  if (const auto there = people_.find(id); there != people_.end()) co_return there->second.lock();
  auto* const made = new Person{
      id, std::move(found->member.name), std::move(found->joined),
      Rate(messages_per_second_, share_of(messages_per_second_, limits::kMessagesAtOnce))};
  std::shared_ptr<Person> held(made, [this](Person* gone) {
    people_.erase(gone->id);
    presence_.went(gone->id, gone->name);
    delete gone;
  });
  people_.emplace(id, held);
  presence_.came(id, held->name);
  co_return held;
}

Task<Result<chat::Room>> Chat::room(std::shared_ptr<Person> person, std::string name, bool make) {
  if (const auto known = named_.find(name); known != named_.end()) co_return known->second;
  if (name.starts_with('@')) {
    if (person == nullptr) {
      co_return std::unexpected(Error(kRefused, "direct messages are between members")
                                    .with_hint("say who you are, and no guest"));
    }
    const std::string whom = name.substr(1);
    auto job = [this, &person, &whom]() -> Result<chat::Room> {
      TRY_ASSIGN(const auto other, directory_.find_member(whom));
      if (!other) return fail(kNotFound, concat("no member ", quoted(whom)));
      return directory_.open_direct(person->id, other->id);
    };
    auto direct = co_await scribe_.change(job);
    if (!direct) co_return pass(std::move(direct).error());
    for (const chat::MemberId id : {direct->one, direct->other}) {
      const auto there = people_.find(id);
      if (there != people_.end()) there->second.lock()->joined.insert(direct->id);
    }
    co_return direct;
  }
  auto job = [this, &name, make]() -> Result<chat::Room> {
    if (make) {
      TRY_ASSIGN(auto opened, directory_.open_room(name));
      return std::move(opened.room);
    }
    TRY_ASSIGN(auto found, directory_.find_room(name));
    if (!found) return no_room(name);
    return *std::move(found);
  };
  auto found = co_await scribe_.change(job);
  if (!found) co_return pass(std::move(found).error());
  // A room keeps its name for ever, so this may be forgotten, but is never wrong.
  if (named_.size() >= limits::kMaxRooms) named_.clear();
  named_.emplace(std::move(name), *found);
  names_.emplace(found->id, found->name);
  co_return found;
}

Result<void> Chat::check(const Saying& saying) const {
  if (saying.text.empty() && saying.file.empty()) return fail(kBadRequest, "a message is empty");
  if (saying.text.size() > spec::kMaxMessageBytes) {
    return fail(kTooLarge,
                concat("a message of ", std::to_string(saying.text.size()),
                       " bytes is over the limit of ", std::to_string(spec::kMaxMessageBytes)));
  }
  if (!is_utf8(saying.text)) return fail(kBadRequest, "a message is not UTF-8");
  return {};
}

// Of both or of none is taken: who is held up by others at the address loses nothing of its own.
Result<void> Chat::check_rates(Person* person, const socketserver::Address& peer) {
  const std::int64_t now_ms = loop_.now_ms();
  if (person != nullptr) {
    const std::int64_t wait_ms = person->rate.wait_ms(now_ms);
    if (wait_ms > 0) return too_often(concat("by ", quoted(person->name)), wait_ms);
  }
  if (const std::int64_t wait_ms = addresses_.of(peer).take(now_ms); wait_ms > 0) {
    return too_often(concat("from ", peer.host()), wait_ms);
  }
  if (person != nullptr) static_cast<void>(person->rate.take(now_ms));
  return {};
}

Task<Result<chat::RoomLog::Appended>> Chat::append(chat::Draft draft) {
  draft.ts_ms = loop_.clock().wall_ns() / 1'000'000;
  auto appended = co_await scribe_.append(std::move(draft));
  co_return appended;
}

Task<Result<chat::RoomLog::Appended>> Chat::say(std::shared_ptr<Person> person,
                                                socketserver::Address peer, Saying saying) {
  if (auto good = check(saying); !good) co_return pass(std::move(good).error());
  if (auto in_time = check_rates(person.get(), peer); !in_time) {
    co_return pass(std::move(in_time).error());
  }
  if (!person->joined.contains(saying.room)) {
    auto joined = co_await join(person, saying.room);
    if (!joined) co_return pass(std::move(joined).error());
  }
  chat::Draft draft;
  draft.room = saying.room;
  draft.member = person->id;
  draft.from = person->name;
  draft.cid = saying.cid;
  draft.text = std::move(saying.text);
  draft.file = std::move(saying.file);
  auto appended = co_await append(std::move(draft));
  co_return appended;
}

Task<Result<chat::RoomLog::Appended>> Chat::say_as_guest(std::string from,
                                                         socketserver::Address peer,
                                                         Saying saying) {
  if (auto good = check(saying); !good) co_return pass(std::move(good).error());
  if (auto in_time = check_rates(nullptr, peer); !in_time) {
    co_return pass(std::move(in_time).error());
  }
  chat::Draft draft;
  draft.room = saying.room;
  draft.from = std::move(from);
  draft.cid = saying.cid;
  draft.text = std::move(saying.text);
  auto appended = co_await append(std::move(draft));
  co_return appended;
}

Task<Result<void>> Chat::join(std::shared_ptr<Person> person, chat::RoomId room) {
  auto job = [this, &person, room] { return directory_.join(person->id, room); };
  auto joined = co_await scribe_.change(job);
  if (joined) person->joined.insert(room);
  co_return joined;
}

Task<Result<void>> Chat::leave(std::shared_ptr<Person> person, chat::RoomId room) {
  auto job = [this, &person, room] { return directory_.leave(person->id, room); };
  auto left = co_await scribe_.change(job);
  if (left) person->joined.erase(room);
  co_return left;
}

Task<Result<void>> Chat::rename(std::shared_ptr<Person> person, std::string name) {
  auto job = [this, &person, &name] { return directory_.rename(person->id, name); };
  auto renamed = co_await scribe_.change(job);
  if (!renamed) co_return pass(std::move(renamed).error());
  presence_.went(person->id, person->name);
  person->name = std::move(renamed->name);
  presence_.came(person->id, person->name);
  co_return Result<void>();
}

Task<Result<void>> Chat::set_topic(chat::RoomId room, std::string topic) {
  auto job = [this, room, &topic] { return directory_.set_topic(room, topic); };
  auto set = co_await scribe_.change(job);
  co_return set;
}

Task<Result<void>> Chat::set_read(std::shared_ptr<Person> person, chat::RoomId room,
                                  std::int64_t seq) {
  auto job = [this, &person, room, seq] { return directory_.set_read(person->id, room, seq); };
  auto set = co_await scribe_.change(job);
  co_return set;
}

Task<Result<std::vector<Chat::Listed>>> Chat::rooms(std::shared_ptr<Person> person) {
  auto job = [this, &person]() -> Result<std::vector<Listed>> {
    TRY_ASSIGN(auto all, directory_.rooms());
    std::vector<chat::Joined> joined;
    if (person != nullptr) {
      TRY_ASSIGN(joined, directory_.joined(person->id));
    }
    std::vector<Listed> listed;
    for (chat::Room& room : all) {
      Listed one;
      one.name = room.name;
      one.room = std::move(room);
      listed.push_back(std::move(one));
    }
    for (chat::Joined& mine : joined) {
      const auto found =
          std::ranges::find(listed, mine.room.id, [](const Listed& one) { return one.room.id; });
      if (found != listed.end()) {
        found->joined = true;
        found->read_seq = mine.read_seq;
        continue;
      }
      // Made after the list was read; or asked about, and nobody has said anything there.
      if (mine.room.one == 0 || mine.room.last_seq == 0) continue;
      const chat::MemberId other = mine.room.one == person->id ? mine.room.other : mine.room.one;
      TRY_ASSIGN(const auto member, directory_.find_member(other));
      Listed direct;
      direct.name = concat("@", member ? member->name : "");
      direct.room = std::move(mine.room);
      direct.joined = true;
      direct.read_seq = mine.read_seq;
      listed.push_back(std::move(direct));
    }
    return listed;
  };
  auto listed = co_await pool_.run(loop_, job);
  co_return listed;
}

std::string Chat::encode(const Listed& listed) {
  wire::Dictionary line;
  line.set(field::kRoom, listed.name).set(field::kLastSeq, listed.room.last_seq);
  if (!listed.room.topic.empty()) line.set(field::kTopic, listed.room.topic);
  if (listed.joined) line.set(field::kJoined, true).set(field::kReadSeq, listed.read_seq);
  return line.to_json() + '\n';
}

Task<Result<std::string>> Chat::name_of(std::shared_ptr<Person> person, chat::RoomId room) {
  if (const auto known = names_.find(room); known != names_.end()) co_return known->second;
  auto job = [this, &person, room]() -> Result<std::string> {
    TRY_ASSIGN(const auto found, directory_.find_room(room));
    if (!found) return fail(kNotFound, "the room is gone");
    if (found->one == 0) return found->name;
    const chat::MemberId other = found->one == person->id ? found->other : found->one;
    TRY_ASSIGN(const auto member, directory_.find_member(other));
    return concat("@", member ? member->name : "");
  };
  auto name = co_await pool_.run(loop_, job);
  if (name && !name->starts_with('@')) names_.emplace(room, *name);
  co_return name;
}

std::vector<std::string> Chat::online() const {
  std::vector<std::string> names;
  names.reserve(people_.size());
  for (const auto& [id, person] : people_) names.push_back(person.lock()->name);
  std::ranges::sort(names);
  return names;
}

Task<Result<std::vector<chat::Message>>> Chat::read(chat::RoomId room, chat::RoomLog::Range range) {
  auto job = [this, room, &range] { return log_.read(room, range); };
  auto messages = co_await pool_.run(loop_, job);
  co_return messages;
}

Task<Result<std::int64_t>> Chat::last_seq(chat::RoomId room) {
  auto job = [this, room] { return log_.last_seq(room); };
  auto last = co_await pool_.run(loop_, job);
  co_return last;
}

Task<Result<std::vector<chat::Message>>> Chat::follow(std::int64_t after) {
  auto job = [this, after] { return log_.follow(after, limits::kMessagesInPage); };
  auto messages = co_await pool_.run(loop_, job);
  co_return messages;
}

Task<Result<std::vector<chat::Message>>> Chat::search(std::shared_ptr<Person> person,
                                                      std::optional<chat::Room> room,
                                                      std::string words,
                                                      std::optional<std::int64_t> before,
                                                      std::size_t limit) {
  std::vector<chat::RoomId> where;
  if (room) {
    where.push_back(room->id);
  } else {
    where.assign(person->joined.begin(), person->joined.end());
  }
  auto job = [this, &where, &words, before, limit] {
    return log_.search(where, words, before, limit);
  };
  auto messages = co_await pool_.run(loop_, job);
  co_return messages;
}

Task<void> Chat::close() {
  co_await scribe_.close();
}

}  // namespace skein::hub
