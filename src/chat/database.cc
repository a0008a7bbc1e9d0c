#include "chat/database.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "base/limits.h"
#include "chat/refusals.h"
#include "chat/schema.h"
#include "chat/words.h"

namespace skein::chat {

namespace {

constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();

std::int64_t at_most(std::size_t limit) {
  return static_cast<std::int64_t>(std::min(limit, static_cast<std::size_t>(kMost)));
}

// Of rows of number, room, seq, member, sender, ts_ms, text, file.
Result<std::vector<Message>> messages(Result<Rows> rows) {
  if (!rows) return pass(std::move(rows).error());
  std::vector<Message> found;
  while (true) {
    TRY_ASSIGN(const bool more, rows->next());
    if (!more) return found;
    found.push_back({rows->integer(0), rows->integer(1), rows->integer(2), rows->integer(3),
                     rows->text(4), rows->integer(5), rows->text(6), rows->text(7)});
  }
}

// Those that were asked for from the newest on.
Result<std::vector<Message>> rising(Result<std::vector<Message>> newest_first) {
  if (newest_first) std::ranges::reverse(*newest_first);
  return newest_first;
}

// Of a row of id, name, topic, last_seq, one, other.
Room room_in(const Rows& rows) {
  return {.id = rows.integer(0),
          .name = rows.text(1),
          .topic = rows.text(2),
          .last_seq = rows.integer(3),
          .one = rows.integer(4),
          .other = rows.integer(5)};
}

Result<std::optional<Room>> one_room(Result<Rows> rows) {
  if (!rows) return pass(std::move(rows).error());
  TRY_ASSIGN(const bool found, rows->next());
  if (!found) return std::nullopt;
  return room_in(*rows);
}

// Of a row of id, name.
Result<std::optional<Member>> one_member(Result<Rows> rows) {
  if (!rows) return pass(std::move(rows).error());
  TRY_ASSIGN(const bool found, rows->next());
  if (!found) return std::nullopt;
  return Member{rows->integer(0), rows->text(1)};
}

Result<std::optional<Member>> member_by(Connection& connection, MemberId id) {
  return one_member(connection.query("SELECT id, name FROM member WHERE id = ?", {id}));
}
Result<std::optional<Member>> member_by(Connection& connection, const Name& name) {
  return one_member(
      connection.query("SELECT id, name FROM member WHERE folded = ?", {name.folded}));
}
Result<std::optional<Room>> room_by(Connection& connection, RoomId id) {
  return one_room(connection.query(
      "SELECT id, name, topic, last_seq, one, other FROM room WHERE id = ?", {id}));
}
Result<std::optional<Room>> room_by(Connection& connection, const Name& name) {
  return one_room(connection.query(
      "SELECT id, name, topic, last_seq, one, other FROM room WHERE folded = ?", {name.folded}));
}

// kExists when a row of this query looks like `name`.
Result<void> refuse_look_alike(const Name& name, Result<Rows> alike) {
  if (!alike) return pass(std::move(alike).error());
  TRY_ASSIGN(const bool found, alike->next());
  if (found) return look_alike(name, alike->text(0));
  return {};
}

Result<void> refuse_look_alike_of_member(Connection& connection, const Name& name,
                                         MemberId but = 0) {
  return refuse_look_alike(name,
                           connection.query("SELECT name FROM member WHERE id <> ?3 AND "
                                            "(look IN (?1, ?2) OR folded_look IN (?1, ?2)) LIMIT 1",
                                            {name.looks[0], name.looks[1], but}));
}

// Whoever has joined already stays where they are.
Result<void> add_joined(Connection& connection, MemberId member, RoomId room) {
  return connection.run(
      "INSERT INTO joined (member, room, read_seq) "
      "SELECT ?1, id, last_seq FROM room WHERE id = ?2 ON CONFLICT DO NOTHING",
      {member, room});
}

Result<Connection> open_for_reading(const std::string& path, const std::string& vfs) {
  TRY_ASSIGN(Connection connection, Connection::open(path, vfs));
  TRY(connection.script("PRAGMA query_only = ON"));
  return connection;
}

}  // namespace

Database::Database(Connection writer, Connection reader, Connection searcher)
    : writer_(std::move(writer)), reader_(std::move(reader)), searcher_(std::move(searcher)) {}

Result<std::unique_ptr<Database>> Database::open(const std::string& path, const std::string& vfs) {
  TRY_ASSIGN(Connection writer, open_schema(path, schema_steps(), vfs));
  TRY_ASSIGN(Connection reader, open_for_reading(path, vfs));
  TRY_ASSIGN(Connection searcher, open_for_reading(path, vfs));
  std::unique_ptr<Database> database(
      new Database(std::move(writer), std::move(reader), std::move(searcher)));
  TRY(database->open_room("lobby"));
  return database;
}

// --- the log

Result<std::vector<Result<RoomLog::Appended>>> Database::append(std::span<const Draft> drafts) {
  std::vector<Result<Appended>> results;
  results.reserve(drafts.size());
  TRY_ASSIGN(Transaction transaction, Transaction::begin(writer_));
  LastSeqs last_seqs;
  for (const Draft& draft : drafts) {
    TRY_ASSIGN(const auto appended, append_one(draft, last_seqs));
    if (appended) {
      results.emplace_back(*appended);
    } else {
      results.emplace_back(no_room(draft.room));
    }
  }
  for (const auto& [room, seq] : last_seqs) {
    if (seq) TRY(writer_.run("UPDATE room SET last_seq = ?2 WHERE id = ?1", {room, *seq}));
  }
  TRY(transaction.commit());
  return results;
}

Result<std::optional<RoomLog::Appended>> Database::append_one(const Draft& draft,
                                                              LastSeqs& last_seqs) {
  {
    TRY_ASSIGN(Rows said, writer_.query("SELECT number, seq FROM message "
                                        "WHERE member = ? AND cid = ?",
                                        {draft.member, Bytes(draft.cid)}));
    TRY_ASSIGN(const bool repeated, said.next());
    if (repeated) return Appended{said.integer(0), said.integer(1), true};
  }
  auto known = last_seqs.find(draft.room);
  if (known == last_seqs.end()) {
    TRY_ASSIGN(const auto room, room_by(writer_, draft.room));
    const auto last = room ? std::optional(room->last_seq) : std::nullopt;
    known = last_seqs.emplace(draft.room, last).first;
  }
  if (!known->second) return std::nullopt;
  const std::int64_t seq = ++*known->second;
  TRY(
      writer_.run("INSERT INTO message (room, seq, member, cid, sender, ts_ms, text, file) "
                  "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                  {draft.room, seq, draft.member, Bytes(draft.cid), draft.from, draft.ts_ms,
                   draft.text, draft.file}));
  const std::int64_t number = writer_.last_row();
  TRY(writer_.run("INSERT INTO word (rowid, text) VALUES (?, ?)", {number, spaced(draft.text)}));
  return Appended{number, seq, false};
}

Result<std::vector<Message>> Database::read(RoomId room, Range range) {
  const std::int64_t after = range.after.value_or(0);
  const std::int64_t before = range.before.value_or(kMost);
  const std::lock_guard lock(reader_.mutex);
  if (range.after && !range.before) {
    return messages(reader_.connection.query(
        "SELECT number, room, seq, member, sender, ts_ms, text, file FROM message "
        "WHERE room = ? AND seq > ? ORDER BY seq LIMIT ?",
        {room, after, at_most(range.limit)}));
  }
  return rising(messages(reader_.connection.query(
      "SELECT number, room, seq, member, sender, ts_ms, text, file FROM message "
      "WHERE room = ? AND seq > ? AND seq < ? ORDER BY seq DESC LIMIT ?",
      {room, after, before, at_most(range.limit)})));
}

Result<std::vector<Message>> Database::follow(std::int64_t after, std::size_t limit) {
  const std::lock_guard lock(reader_.mutex);
  return messages(reader_.connection.query(
      "SELECT number, room, seq, member, sender, ts_ms, text, file FROM message "
      "WHERE number > ? ORDER BY number LIMIT ?",
      {after, at_most(limit)}));
}

Result<std::vector<Message>> Database::search(std::span<const RoomId> rooms, std::string_view words,
                                              std::optional<std::int64_t> before,
                                              std::size_t limit) {
  if (words.size() > spec::kMaxSearchBytes) return search_too_long(words.size());
  const std::string query = match_query(words);
  if (query.empty()) return std::vector<Message>();
  std::string array = "[";
  for (const RoomId room : rooms) {
    if (array.size() > 1) array += ',';
    array += std::to_string(room);
  }
  array += ']';
  const std::lock_guard lock(searcher_.mutex);
  // From the newest match on, until enough are of these rooms.
  return rising(messages(searcher_.connection.query(
      "SELECT m.number, m.room, m.seq, m.member, m.sender, m.ts_ms, m.text, m.file "
      "FROM word CROSS JOIN message AS m ON m.number = word.rowid "
      "WHERE word MATCH ? AND word.rowid < ? AND m.room IN (SELECT value FROM json_each(?)) "
      "ORDER BY word.rowid DESC LIMIT ?",
      {query, before.value_or(kMost), array, at_most(limit)})));
}

Result<std::int64_t> Database::last_number() {
  const std::lock_guard lock(reader_.mutex);
  return reader_.connection.number("SELECT max(number) FROM message");
}

Result<std::int64_t> Database::last_seq(RoomId room) {
  const std::lock_guard lock(reader_.mutex);
  return reader_.connection.number("SELECT last_seq FROM room WHERE id = ?", {room});
}

// --- members

Result<Member> Database::member(std::string_view name) {
  TRY_ASSIGN(const Name parsed, parse_name(name, "member"));
  TRY_ASSIGN(auto found, member_by(writer_, parsed));
  if (found) return *std::move(found);
  TRY(refuse_look_alike_of_member(writer_, parsed));
  TRY(writer_.run("INSERT INTO member (name, folded, look, folded_look) VALUES (?, ?, ?, ?)",
                  {parsed.shown, parsed.folded, parsed.looks[0], parsed.looks[1]}));
  return Member{writer_.last_row(), parsed.shown};
}

Result<std::optional<Member>> Database::find_member(std::string_view name) {
  const auto parsed = parse_name(name, "member");
  if (!parsed) return std::nullopt;
  const std::lock_guard lock(reader_.mutex);
  return member_by(reader_.connection, *parsed);
}

Result<std::optional<Member>> Database::find_member(MemberId id) {
  const std::lock_guard lock(reader_.mutex);
  return member_by(reader_.connection, id);
}

Result<Member> Database::rename(MemberId member, std::string_view name) {
  TRY_ASSIGN(const Name parsed, parse_name(name, "member"));
  TRY_ASSIGN(const auto old, member_by(writer_, member));
  if (!old) return no_member(member);
  TRY_ASSIGN(const auto same, member_by(writer_, parsed));
  if (same && same->id != member) return same_name(parsed, same->name);
  TRY(refuse_look_alike_of_member(writer_, parsed, member));
  TRY(
      writer_.run("UPDATE member SET name = ?2, folded = ?3, look = ?4, folded_look = ?5 "
                  "WHERE id = ?1",
                  {member, parsed.shown, parsed.folded, parsed.looks[0], parsed.looks[1]}));
  return Member{member, parsed.shown};
}

// --- rooms

Result<Directory::Opened> Database::open_room(std::string_view name) {
  TRY_ASSIGN(const Name parsed, parse_name(name, "room"));
  TRY_ASSIGN(auto found, room_by(writer_, parsed));
  if (found) return Opened{*std::move(found), false};
  TRY(refuse_look_alike(parsed,
                        writer_.query("SELECT name FROM room "
                                      "WHERE look IN (?1, ?2) OR folded_look IN (?1, ?2) LIMIT 1",
                                      {parsed.looks[0], parsed.looks[1]})));
  TRY_ASSIGN(const std::int64_t count,
             writer_.number("SELECT count(*) FROM room WHERE name IS NOT NULL"));
  if (std::cmp_greater_equal(count, limits::kMaxRooms)) return too_many_rooms();
  TRY(writer_.run("INSERT INTO room (name, folded, look, folded_look) VALUES (?, ?, ?, ?)",
                  {parsed.shown, parsed.folded, parsed.looks[0], parsed.looks[1]}));
  Opened opened;
  opened.room.id = writer_.last_row();
  opened.room.name = parsed.shown;
  opened.made = true;
  return opened;
}

Result<Room> Database::open_direct(MemberId one, MemberId other) {
  if (one > other) std::swap(one, other);
  for (const MemberId id : {one, other}) {
    TRY_ASSIGN(const auto member, member_by(writer_, id));
    if (!member) return no_member(id);
  }
  TRY_ASSIGN(Transaction transaction, Transaction::begin(writer_));
  TRY_ASSIGN(auto found, one_room(writer_.query("SELECT id, name, topic, last_seq, one, other "
                                                "FROM room WHERE one = ? AND other = ?",
                                                {one, other})));
  Room room;
  if (found) {
    room = *std::move(found);
  } else {
    TRY(writer_.run("INSERT INTO room (one, other) VALUES (?, ?)", {one, other}));
    room.id = writer_.last_row();
    room.one = one;
    room.other = other;
  }
  TRY(add_joined(writer_, one, room.id));
  TRY(add_joined(writer_, other, room.id));
  TRY(transaction.commit());
  return room;
}

Result<std::optional<Room>> Database::find_room(std::string_view name) {
  const auto parsed = parse_name(name, "room");
  if (!parsed) return std::nullopt;
  const std::lock_guard lock(reader_.mutex);
  return room_by(reader_.connection, *parsed);
}

Result<std::optional<Room>> Database::find_room(RoomId id) {
  const std::lock_guard lock(reader_.mutex);
  return room_by(reader_.connection, id);
}

Result<std::vector<Room>> Database::rooms() {
  const std::lock_guard lock(reader_.mutex);
  TRY_ASSIGN(Rows rows,
             reader_.connection.query("SELECT id, name, topic, last_seq, one, other FROM room "
                                      "WHERE name IS NOT NULL ORDER BY folded"));
  std::vector<Room> all;
  while (true) {
    TRY_ASSIGN(const bool more, rows.next());
    if (!more) return all;
    all.push_back(room_in(rows));
  }
}

Result<void> Database::set_topic(RoomId room, std::string_view topic) {
  TRY(writer_.run("UPDATE room SET topic = ?2 WHERE id = ?1", {room, topic}));
  if (writer_.changed() == 0) return no_room(room);
  return {};
}

// --- who has joined what

Result<void> Database::join(MemberId member, RoomId room) {
  TRY_ASSIGN(const auto who, member_by(writer_, member));
  if (!who) return no_member(member);
  TRY_ASSIGN(const auto which, room_by(writer_, room));
  if (!which) return no_room(room);
  if (which->one != 0) {
    if (member != which->one && member != which->other) return not_theirs();
    return add_joined(writer_, member, room);
  }
  TRY_ASSIGN(const std::int64_t others,
             writer_.number("SELECT count(*) FROM joined JOIN room ON room.id = joined.room "
                            "WHERE member = ? AND room <> ? AND name IS NOT NULL",
                            {member, room}));
  TRY_ASSIGN(
      const std::int64_t again,
      writer_.number("SELECT count(*) FROM joined WHERE member = ? AND room = ?", {member, room}));
  if (again == 0 && std::cmp_greater_equal(others, limits::kMaxJoinedRooms))
    return too_many_joined();
  return add_joined(writer_, member, room);
}

Result<void> Database::leave(MemberId member, RoomId room) {
  return writer_.run("DELETE FROM joined WHERE member = ? AND room = ?", {member, room});
}

Result<std::vector<Joined>> Database::joined(MemberId member) {
  const std::lock_guard lock(reader_.mutex);
  TRY_ASSIGN(Rows rows,
             reader_.connection.query("SELECT room.id, name, topic, last_seq, one, other, read_seq "
                                      "FROM joined JOIN room ON room.id = joined.room "
                                      "WHERE member = ? ORDER BY room.id",
                                      {member}));
  std::vector<Joined> all;
  while (true) {
    TRY_ASSIGN(const bool more, rows.next());
    if (!more) return all;
    all.push_back({room_in(rows), rows.integer(6)});
  }
}

Result<void> Database::set_read(MemberId member, RoomId room, std::int64_t seq) {
  std::int64_t read_seq = 0;
  {
    TRY_ASSIGN(Rows rows, writer_.query("SELECT read_seq, last_seq "
                                        "FROM joined JOIN room ON room.id = joined.room "
                                        "WHERE member = ? AND room = ?",
                                        {member, room}));
    TRY_ASSIGN(const bool found, rows.next());
    if (!found) return not_joined(member, room);
    read_seq = rows.integer(0);
    seq = std::min(seq, rows.integer(1));
  }
  if (seq <= read_seq) return {};  // and nothing to sync
  return writer_.run("UPDATE joined SET read_seq = ?3 WHERE member = ?1 AND room = ?2",
                     {member, room, seq});
}

}  // namespace skein::chat
