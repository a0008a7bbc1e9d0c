#include "chat/sqlite.h"

#include <sqlite3.h>

#include <cassert>
#include <cerrno>
#include <type_traits>
#include <utility>

#include "base/text.h"

namespace skein::chat {

namespace {

// How long to wait for another program that has the file open, such as the sqlite3 shell.
constexpr int kBusyTimeoutMs = 5'000;

// By name or descriptor these are opened as something else than a file.
std::string as_file_name(const std::string& path) {
  return path.starts_with('/') ? path : concat("./", path);
}

ErrorKind kind_of(int code, int system_code) {
  switch (code & 0xFF) {
    case SQLITE_FULL: return kNoSpace;
    case SQLITE_READONLY: return kReadOnly;
    case SQLITE_BUSY:
    case SQLITE_LOCKED: return kBusy;
    case SQLITE_PERM:
    case SQLITE_AUTH: return kRefused;
    case SQLITE_TOOBIG: return kTooLarge;
    case SQLITE_NOMEM: return kTooMany;
    case SQLITE_IOERR:
      // SQLite knows a full disk by ENOSPC alone.
      if (system_code == ENOSPC || system_code == EDQUOT) return kNoSpace;
      return system_code == EROFS ? kReadOnly : kIo;
    case SQLITE_CONSTRAINT:
    case SQLITE_MISMATCH:
    case SQLITE_MISUSE:
    case SQLITE_RANGE: return kInternal;
    default: return kIo;
  }
}

bool is_damage(int code) {
  code &= 0xFF;
  // SQLITE_ERROR: a table that must be there is not.
  return code == SQLITE_CORRUPT || code == SQLITE_NOTADB || code == SQLITE_ERROR;
}

std::unexpected<Error> failure(sqlite3* db, const std::string& path, std::source_location place) {
  const int code = sqlite3_extended_errcode(db);
  const int system_code = sqlite3_system_errno(db);
  if ((code & 0xFF) == SQLITE_CANTOPEN && system_code != 0) {
    return fail_errno(system_code, concat("opening ", quoted(path)), place);
  }
  Error error(kind_of(code, system_code),
              concat("the file ", quoted(path), ": ", escaped(sqlite3_errmsg(db))), place);
  if (is_damage(code)) {
    error = std::move(error).with_hint("move it away, or restore it from a copy");
  }
  return std::unexpected(std::move(error));
}

}  // namespace

void Rows::Reset::operator()(sqlite3_stmt* statement) const {
  sqlite3_reset(statement);
  sqlite3_clear_bindings(statement);
}

Result<bool> Rows::next() {
  switch (sqlite3_step(statement_.get())) {
    case SQLITE_ROW: return true;
    case SQLITE_DONE: return false;
    default: return from_->failed();
  }
}

std::int64_t Rows::integer(int column) const {
  return sqlite3_column_int64(statement_.get(), column);
}

std::string Rows::text(int column) const {
  const auto* const bytes = sqlite3_column_text(statement_.get(), column);
  const int size = sqlite3_column_bytes(statement_.get(), column);
  if (bytes == nullptr) return {};
  return {reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size)};
}

void Connection::Close::operator()(sqlite3* db) const {
  sqlite3_close_v2(db);
}
void Connection::Finalize::operator()(sqlite3_stmt* statement) const {
  sqlite3_finalize(statement);
}

Connection::Connection(std::unique_ptr<sqlite3, Close> db, std::string path)
    : path_(std::move(path)), db_(std::move(db)) {}

Result<Connection> Connection::open(const std::string& path, const std::string& vfs) {
  constexpr int kFlags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
  sqlite3* raw = nullptr;
  const int code = sqlite3_open_v2(as_file_name(path).c_str(), &raw, kFlags,
                                   vfs.empty() ? nullptr : vfs.c_str());
  std::unique_ptr<sqlite3, Close> db(raw);
  if (db == nullptr) return fail(kTooMany, "no memory for a database");
  if (code != SQLITE_OK) return failure(db.get(), path, std::source_location::current());
  sqlite3_extended_result_codes(db.get(), 1);
  sqlite3_busy_timeout(db.get(), kBusyTimeoutMs);
  return Connection(std::move(db), path);
}

std::unexpected<Error> Connection::failed(std::source_location place) const {
  return failure(db_.get(), path_, place);
}

Result<sqlite3_stmt*> Connection::prepared(std::string_view sql) {
  const auto known = statements_.find(sql);
  if (known != statements_.end()) {
    assert(sqlite3_stmt_busy(known->second.get()) == 0);
    return known->second.get();
  }
  sqlite3_stmt* made = nullptr;
  const int code = sqlite3_prepare_v3(db_.get(), sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &made, nullptr);
  if (code != SQLITE_OK) return failed();
  statements_.emplace(sql, made);
  return made;
}

Result<void> Connection::bind(sqlite3_stmt* statement, std::initializer_list<Value> values) {
  assert(std::cmp_equal(sqlite3_bind_parameter_count(statement), values.size()));
  int at = 0;
  for (const Value& value : values) {
    ++at;
    const auto bound = [&](const auto& given) {
      using Given = std::decay_t<decltype(given)>;
      if constexpr (std::is_same_v<Given, std::int64_t>) {
        return sqlite3_bind_int64(statement, at, given);
      } else if constexpr (std::is_same_v<Given, std::string_view>) {
        // Without an address it would be NULL instead of empty.
        return sqlite3_bind_text64(statement, at, given.empty() ? "" : given.data(), given.size(),
                                   SQLITE_TRANSIENT, SQLITE_UTF8);
      } else if constexpr (std::is_same_v<Given, Bytes>) {
        return sqlite3_bind_blob64(statement, at, given.data(), given.size(), SQLITE_TRANSIENT);
      } else {
        return sqlite3_bind_null(statement, at);
      }
    };
    if (std::visit(bound, value) != SQLITE_OK) return failed();
  }
  return {};
}

Result<Rows> Connection::query(std::string_view sql, std::initializer_list<Value> values) {
  TRY_ASSIGN(sqlite3_stmt* const statement, prepared(sql));
  Rows rows(*this, statement);
  TRY(bind(statement, values));
  return rows;
}

Result<std::int64_t> Connection::number(std::string_view sql, std::initializer_list<Value> values) {
  TRY_ASSIGN(Rows rows, query(sql, values));
  TRY_ASSIGN(const bool found, rows.next());
  return found ? rows.integer(0) : 0;
}

Result<void> Connection::run(std::string_view sql, std::initializer_list<Value> values) {
  TRY_ASSIGN(Rows rows, query(sql, values));
  while (true) {
    TRY_ASSIGN(const bool more, rows.next());
    if (!more) return {};
  }
}

std::int64_t Connection::changed() const {
  return sqlite3_changes64(db_.get());
}
std::int64_t Connection::last_row() const {
  return sqlite3_last_insert_rowid(db_.get());
}

Result<void> Connection::script(const std::string& sql) {
  if (sqlite3_exec(db_.get(), sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) {
    return failed();
  }
  return {};
}

void Connection::leave_log_alone() {
  sqlite3_db_config(db_.get(), SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, nullptr);
}

bool Connection::in_transaction() const {
  return sqlite3_get_autocommit(db_.get()) == 0;
}

void Transaction::RollBack::operator()(Connection* connection) const {
  // Of some errors SQLite has rolled back by itself. If this fails the file is as it was all the
  // same, and the next transaction says why it cannot begin.
  if (connection->in_transaction()) static_cast<void>(connection->run("ROLLBACK"));
}

Result<Transaction> Transaction::begin(Connection& connection) {
  TRY(connection.run("BEGIN IMMEDIATE"));
  return Transaction(connection);
}

Result<void> Transaction::commit() {
  TRY(open_->run("COMMIT"));
  static_cast<void>(open_.release());
  return {};
}

}  // namespace skein::chat
