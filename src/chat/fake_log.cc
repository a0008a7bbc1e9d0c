#include "chat/fake_log.h"

#include <algorithm>
#include <ranges>

#include "base/limits.h"
#include "chat/refusals.h"
#include "chat/words.h"

namespace skein::chat {

namespace {

template <typename T>
T* by_id(std::vector<T>& all, std::int64_t id) {
  return id >= 1 && std::cmp_less_equal(id, all.size()) ? &all[static_cast<std::size_t>(id - 1)]
                                                        : nullptr;
}

// As the index makes them of a text, nearly.
std::vector<std::string> tokens_of(std::string_view text) {
  std::vector<std::string> tokens;
  std::string token;
  for (char c : spaced(text) + ' ') {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    const bool inside = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || (c & 0x80) != 0;
    if (inside) {
      token += c;
    } else if (!token.empty()) {
      tokens.push_back(std::exchange(token, {}));
    }
  }
  return tokens;
}

bool has_words(std::string_view text, std::string_view words) {
  const auto tokens = tokens_of(text);
  return std::ranges::all_of(split_words(words), [&](std::string_view word) {
    const auto phrase = tokens_of(word);
    return phrase.empty() || !std::ranges::search(tokens, phrase).empty();
  });
}

template <typename Messages>
std::vector<Message> rising(Messages&& newest_first, std::size_t limit) {
  std::vector<Message> found;
  for (const Message& message : newest_first) {
    if (found.size() == limit) break;
    found.push_back(message);
  }
  std::ranges::reverse(found);
  return found;
}

}  // namespace

FakeLog::FakeLog() {
  static_cast<void>(open_room("lobby"));
}

void FakeLog::fail_next(std::size_t appends, ErrorKind kind) {
  const std::lock_guard lock(mutex_);
  failures_ = appends;
  failure_ = kind;
}

void FakeLog::fail_next_reads(std::size_t reads, ErrorKind kind) {
  const std::lock_guard lock(mutex_);
  read_failures_ = reads;
  read_failure_ = kind;
}

Result<void> FakeLog::may_read() {
  if (read_failures_ == 0) return {};
  --read_failures_;
  return fail(read_failure_, "the fake log was told to fail");
}

FakeLog::KnownMember* FakeLog::known_member(MemberId id) {
  return by_id(members_, id);
}
FakeLog::KnownRoom* FakeLog::known_room(RoomId id) {
  return by_id(rooms_, id);
}

// --- the log

Result<std::vector<Result<RoomLog::Appended>>> FakeLog::append(std::span<const Draft> drafts) {
  const std::lock_guard lock(mutex_);
  if (failures_ > 0) {
    --failures_;
    return fail(failure_, "the fake log was told to fail");
  }
  std::vector<Result<Appended>> results;
  for (const Draft& draft : drafts) {
    const auto said = said_.find({draft.member, draft.cid});
    if (said != said_.end()) {
      Appended appended = said->second;
      appended.repeated = true;
      results.emplace_back(appended);
      continue;
    }
    KnownRoom* const known = known_room(draft.room);
    if (known == nullptr) {
      results.emplace_back(no_room(draft.room));
      continue;
    }
    const std::int64_t seq = ++known->room.last_seq;
    const auto number = static_cast<std::int64_t>(messages_.size()) + 1;
    messages_.push_back(
        {number, draft.room, seq, draft.member, draft.from, draft.ts_ms, draft.text, draft.file});
    const Appended appended{number, seq, false};
    said_.emplace(std::pair(draft.member, draft.cid), appended);
    results.emplace_back(appended);
  }
  return results;
}

Result<std::vector<Message>> FakeLog::read(RoomId room, Range range) {
  const std::lock_guard lock(mutex_);
  TRY(may_read());
  const auto wanted = [&](const Message& message) {
    return message.room == room && (!range.after || message.seq > *range.after) &&
           (!range.before || message.seq < *range.before);
  };
  if (range.after && !range.before) {
    std::vector<Message> found;
    std::ranges::copy(messages_ | std::views::filter(wanted), std::back_inserter(found));
    if (found.size() > range.limit) found.resize(range.limit);
    return found;
  }
  return rising(messages_ | std::views::reverse | std::views::filter(wanted), range.limit);
}

Result<std::vector<Message>> FakeLog::follow(std::int64_t after, std::size_t limit) {
  const std::lock_guard lock(mutex_);
  TRY(may_read());
  std::vector<Message> found;
  for (const Message& message : messages_) {
    if (message.number > after && found.size() < limit) found.push_back(message);
  }
  return found;
}

Result<std::vector<Message>> FakeLog::search(std::span<const RoomId> rooms, std::string_view words,
                                             std::optional<std::int64_t> before,
                                             std::size_t limit) {
  if (words.size() > spec::kMaxSearchBytes) return search_too_long(words.size());
  if (tokens_of(words).empty()) return std::vector<Message>();
  const std::lock_guard lock(mutex_);
  const auto wanted = [&](const Message& message) {
    return std::ranges::find(rooms, message.room) != rooms.end() &&
           (!before || message.number < *before) && has_words(message.text, words);
  };
  return rising(messages_ | std::views::reverse | std::views::filter(wanted), limit);
}

Result<std::int64_t> FakeLog::last_number() {
  const std::lock_guard lock(mutex_);
  return static_cast<std::int64_t>(messages_.size());
}

Result<std::int64_t> FakeLog::last_seq(RoomId room) {
  const std::lock_guard lock(mutex_);
  const KnownRoom* const known = known_room(room);
  return known != nullptr ? known->room.last_seq : 0;
}

// --- members

Result<Member> FakeLog::member(std::string_view name) {
  TRY_ASSIGN(Name parsed, parse_name(name, "member"));
  const std::lock_guard lock(mutex_);
  for (const KnownMember& known : members_) {
    if (known.name.folded == parsed.folded) return known.member;
  }
  for (const KnownMember& known : members_) {
    if (known.name.looks_like(parsed)) return look_alike(parsed, known.member.name);
  }
  Member made{static_cast<MemberId>(members_.size()) + 1, parsed.shown};
  members_.push_back({made, std::move(parsed)});
  return made;
}

Result<std::optional<Member>> FakeLog::find_member(std::string_view name) {
  const auto parsed = parse_name(name, "member");
  if (!parsed) return std::nullopt;
  const std::lock_guard lock(mutex_);
  for (const KnownMember& known : members_) {
    if (known.name.folded == parsed->folded) return known.member;
  }
  return std::nullopt;
}

Result<std::optional<Member>> FakeLog::find_member(MemberId id) {
  const std::lock_guard lock(mutex_);
  const KnownMember* const known = known_member(id);
  if (known == nullptr) return std::nullopt;
  return known->member;
}

Result<Member> FakeLog::rename(MemberId member, std::string_view name) {
  TRY_ASSIGN(Name parsed, parse_name(name, "member"));
  const std::lock_guard lock(mutex_);
  KnownMember* const renamed = known_member(member);
  if (renamed == nullptr) return no_member(member);
  for (const KnownMember& known : members_) {
    if (&known == renamed) continue;
    if (known.name.folded == parsed.folded) return same_name(parsed, known.member.name);
  }
  for (const KnownMember& known : members_) {
    if (&known == renamed) continue;
    if (known.name.looks_like(parsed)) return look_alike(parsed, known.member.name);
  }
  renamed->member.name = parsed.shown;
  renamed->name = std::move(parsed);
  return renamed->member;
}

// --- rooms

Result<Directory::Opened> FakeLog::open_room(std::string_view name) {
  TRY_ASSIGN(Name parsed, parse_name(name, "room"));
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  for (const KnownRoom& known : rooms_) {
    if (known.room.one != 0) continue;
    if (known.name.folded == parsed.folded) return Opened{known.room, false};
    ++count;
  }
  for (const KnownRoom& known : rooms_) {
    if (known.room.one == 0 && known.name.looks_like(parsed)) {
      return look_alike(parsed, known.room.name);
    }
  }
  if (count >= limits::kMaxRooms) return too_many_rooms();
  Room made;
  made.id = static_cast<RoomId>(rooms_.size()) + 1;
  made.name = parsed.shown;
  rooms_.push_back({made, std::move(parsed)});
  return Opened{made, true};
}

Result<Room> FakeLog::open_direct(MemberId one, MemberId other) {
  const std::lock_guard lock(mutex_);
  if (one > other) std::swap(one, other);
  for (const MemberId id : {one, other}) {
    if (known_member(id) == nullptr) return no_member(id);
  }
  auto found = std::ranges::find_if(rooms_, [&](const KnownRoom& known) {
    return known.room.one == one && known.room.other == other;
  });
  if (found == rooms_.end()) {
    Room made;
    made.id = static_cast<RoomId>(rooms_.size()) + 1;
    made.one = one;
    made.other = other;
    rooms_.push_back({made, {}});
    found = rooms_.end() - 1;
  }
  for (const MemberId id : {one, other}) {
    joined_.try_emplace({id, found->room.id}, found->room.last_seq);
  }
  return found->room;
}

Result<std::optional<Room>> FakeLog::find_room(std::string_view name) {
  const auto parsed = parse_name(name, "room");
  if (!parsed) return std::nullopt;
  const std::lock_guard lock(mutex_);
  for (const KnownRoom& known : rooms_) {
    if (known.room.one == 0 && known.name.folded == parsed->folded) return known.room;
  }
  return std::nullopt;
}

Result<std::optional<Room>> FakeLog::find_room(RoomId id) {
  const std::lock_guard lock(mutex_);
  const KnownRoom* const known = known_room(id);
  if (known == nullptr) return std::nullopt;
  return known->room;
}

Result<std::vector<Room>> FakeLog::rooms() {
  const std::lock_guard lock(mutex_);
  std::vector<const KnownRoom*> named;
  for (const KnownRoom& known : rooms_) {
    if (known.room.one == 0) named.push_back(&known);
  }
  std::ranges::sort(named, {}, [](const KnownRoom* known) { return known->name.folded; });
  std::vector<Room> all;
  all.reserve(named.size());
  for (const KnownRoom* const known : named) all.push_back(known->room);
  return all;
}

Result<void> FakeLog::set_topic(RoomId room, std::string_view topic) {
  const std::lock_guard lock(mutex_);
  KnownRoom* const known = known_room(room);
  if (known == nullptr) return no_room(room);
  known->room.topic = topic;
  return {};
}

// --- who has joined what

Result<void> FakeLog::join(MemberId member, RoomId room) {
  const std::lock_guard lock(mutex_);
  if (known_member(member) == nullptr) return no_member(member);
  const KnownRoom* const known = known_room(room);
  if (known == nullptr) return no_room(room);
  if (known->room.one != 0) {
    if (member != known->room.one && member != known->room.other) return not_theirs();
  } else if (!joined_.contains({member, room})) {
    const auto named = std::ranges::count_if(joined_, [&](const auto& one) {
      return one.first.first == member && known_room(one.first.second)->room.one == 0;
    });
    if (std::cmp_greater_equal(named, limits::kMaxJoinedRooms)) return too_many_joined();
  }
  joined_.try_emplace({member, room}, known->room.last_seq);
  return {};
}

Result<void> FakeLog::leave(MemberId member, RoomId room) {
  const std::lock_guard lock(mutex_);
  joined_.erase({member, room});
  return {};
}

Result<std::vector<Joined>> FakeLog::joined(MemberId member) {
  const std::lock_guard lock(mutex_);
  std::vector<Joined> all;
  for (const auto& [who_and_where, read_seq] : joined_) {
    if (who_and_where.first != member) continue;
    all.push_back({known_room(who_and_where.second)->room, read_seq});
  }
  return all;
}

Result<void> FakeLog::set_read(MemberId member, RoomId room, std::int64_t seq) {
  const std::lock_guard lock(mutex_);
  const auto found = joined_.find({member, room});
  if (found == joined_.end()) return not_joined(member, room);
  found->second = std::max(found->second, std::min(seq, known_room(room)->room.last_seq));
  return {};
}

}  // namespace skein::chat
