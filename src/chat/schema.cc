#include "chat/schema.h"

#include <array>
#include <bit>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/text.h"

namespace skein::chat {

namespace {

constexpr std::array kSteps = {
    // 1
    R"sql(
CREATE TABLE member (
  id          INTEGER PRIMARY KEY,
  name        TEXT NOT NULL,
  folded      TEXT NOT NULL UNIQUE,
  look        TEXT NOT NULL,
  folded_look TEXT NOT NULL
) STRICT;
CREATE INDEX member_look ON member (look);
CREATE INDEX member_folded_look ON member (folded_look);

CREATE TABLE room (
  id          INTEGER PRIMARY KEY,
  name        TEXT,
  folded      TEXT UNIQUE,
  look        TEXT,
  folded_look TEXT,
  topic       TEXT NOT NULL DEFAULT '',
  one         INTEGER REFERENCES member,
  other       INTEGER REFERENCES member,
  last_seq    INTEGER NOT NULL DEFAULT 0,
  UNIQUE (one, other),
  CHECK ((name IS NULL) = (one IS NOT NULL) AND (one IS NULL) = (other IS NULL)),
  CHECK (one <= other)
) STRICT;
CREATE INDEX room_look ON room (look);
CREATE INDEX room_folded_look ON room (folded_look);

CREATE TABLE joined (
  member   INTEGER NOT NULL REFERENCES member,
  room     INTEGER NOT NULL REFERENCES room,
  read_seq INTEGER NOT NULL,
  PRIMARY KEY (member, room)
) STRICT, WITHOUT ROWID;

CREATE TABLE message (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  room   INTEGER NOT NULL REFERENCES room,
  seq    INTEGER NOT NULL,
  member INTEGER NOT NULL,
  cid    BLOB NOT NULL,
  sender TEXT NOT NULL,
  ts_ms  INTEGER NOT NULL,
  text   TEXT NOT NULL,
  file   TEXT NOT NULL,
  UNIQUE (room, seq),
  UNIQUE (member, cid)
) STRICT;

CREATE VIRTUAL TABLE word USING fts5 (
  text, content='', columnsize=0, tokenize='unicode61 remove_diacritics 2'
);
)sql",
};

struct Header {
  std::int64_t application_id = 0;
  std::int64_t version = 0;
};

std::unexpected<Error> not_ours(const std::string& path) {
  return std::unexpected(Error(kIo, concat("the file ", quoted(path), " is no room log of skein"))
                             .with_hint("move it away, or restore it from a copy"));
}

// Refuses what is none of ours. `empty`: there is nothing in it yet, so anyone may begin.
Result<void> check(const Header& header, bool empty, const std::string& path, std::size_t newest) {
  const bool ours = header.application_id == kApplicationId && header.version > 0;
  const bool fresh = header.application_id == 0 && header.version == 0 && empty;
  if (!ours && !fresh) return not_ours(path);
  if (std::cmp_greater(header.version, newest)) {
    return std::unexpected(
        Error(kVersion,
              concat("the file ", quoted(path), " is of version ", std::to_string(header.version),
                     ", this program knows ", std::to_string(newest), " and older"))
            .with_hint("a newer skein made it: use that one, or another folder with --state"));
  }
  return {};
}

// The same by what the file's own first bytes say, read past SQLite, which for a look alone would
// write beside it. Where they say nothing for sure, SQLite decides.
Result<void> check_first_bytes(const std::string& path, std::size_t newest) {
  constexpr std::string_view kMagic("SQLite format 3\0", 16);
  std::array<char, 100> bytes{};
  std::ifstream file(path, std::ios::binary);
  file.read(bytes.data(), bytes.size());
  if (file.gcount() == 1) return not_ours(path);  // SQLite would take it for an empty one
  if (!file || !std::string_view(bytes.data(), bytes.size()).starts_with(kMagic)) return {};
  const auto integer = [&](std::size_t at) {
    const auto little = load_le<std::uint32_t>(as_bytes({bytes.data() + at, 4}).data());
    return std::int64_t{static_cast<std::int32_t>(std::byteswap(little))};
  };
  const Header header{.application_id = integer(68), .version = integer(60)};
  return check(header, header.application_id == 0, path, newest);
}

Result<void> make_step(Connection& connection, const char* step, std::int64_t version) {
  TRY_ASSIGN(Transaction transaction, Transaction::begin(connection));
  TRY(connection.script(step));
  TRY(connection.script(concat("PRAGMA application_id = ", std::to_string(kApplicationId),
                               "; PRAGMA user_version = ", std::to_string(version))));
  return transaction.commit();
}

}  // namespace

SchemaSteps schema_steps() {
  return kSteps;
}

Result<Connection> open_schema(const std::string& path, SchemaSteps steps, const std::string& vfs) {
  TRY(check_first_bytes(path, steps.size()));
  std::error_code ignored;
  const bool crashed = std::filesystem::exists(path + "-wal", ignored);
  TRY_ASSIGN(Connection connection, Connection::open(path, vfs));
  // What a crash left in the write-ahead log counts, too.
  Header header;
  TRY_ASSIGN(header.application_id, connection.number("PRAGMA application_id"));
  TRY_ASSIGN(header.version, connection.number("PRAGMA user_version"));
  TRY_ASSIGN(const std::int64_t things, connection.number("SELECT count(*) FROM sqlite_schema"));
  if (auto good = check(header, things == 0, path, steps.size()); !good) {
    if (crashed) connection.leave_log_alone();
    return pass(std::move(good).error());
  }

  // Full: a commit is on disk when it returns. A new file is made in the journal mode that it has
  // as yet, so that its header is right from its first byte on.
  TRY(connection.script("PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON"));
  // Copying the write-ahead log into the file holds up whoever speaks meanwhile for some 20 ms. By
  // 32 MiB at a time it does so for fewer than one message in a hundred, and copies less: most
  // pages stand in the log many times.
  TRY(connection.script(
      concat("PRAGMA wal_autocheckpoint = ", std::to_string(limits::kCheckpointPages))));
  if (std::cmp_less(header.version, steps.size())) {
    for (auto at = static_cast<std::size_t>(header.version); at < steps.size(); ++at) {
      const auto version = static_cast<std::int64_t>(at) + 1;
      auto made = make_step(connection, steps[at], version);
      if (!made) {
        return pass(std::move(made).error(), concat("making version ", std::to_string(version)));
      }
    }
    // An older program looks at the file's own header first.
    TRY(connection.script("PRAGMA wal_checkpoint(TRUNCATE)"));
  }

  TRY_ASSIGN(Rows mode, connection.query("PRAGMA journal_mode = WAL"));
  TRY(mode.next());
  if (mode.text(0) != "wal") {
    return std::unexpected(
        Error(kUnsupported, concat("the file system of ", quoted(path),
                                   " cannot hold a room log: it lacks shared memory"))
            .with_hint("keep the state folder on a local disk, with --state"));
  }
  return connection;
}

}  // namespace skein::chat
