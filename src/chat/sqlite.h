// SQLite, as this folder uses it: connections, statements that are prepared once, transactions, and
// its errors as ours.
//
// A connection, and what comes from it, belongs to one thread at a time.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <variant>

#include "base/bytes.h"
#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace skein::chat {

class Connection;

// What takes a '?' in a statement; text and bytes are copied.
using Value = std::variant<std::int64_t, std::string_view, Bytes, std::nullptr_t>;

// The rows of a query, one at a time. While it lives, what it sees of the file stays as it was.
class Rows {
 public:
  Rows(Rows&&) noexcept = default;
  Rows& operator=(Rows&&) = delete;

  // Moves to the first row, then to the next; false: there is none.
  Result<bool> next();
  // Of the row, by column from 0; text with the NULs that are in it. NULL is 0, or no text.
  [[nodiscard]] std::int64_t integer(int column) const;
  [[nodiscard]] std::string text(int column) const;

 private:
  friend class Connection;
  struct Reset {
    void operator()(sqlite3_stmt* statement) const;
  };
  Rows(const Connection& from, sqlite3_stmt* statement) : from_(&from), statement_(statement) {}
  const Connection* from_;
  std::unique_ptr<sqlite3_stmt, Reset> statement_;
};

class Connection {
 public:
  // Made when missing. `vfs`: through which the file is reached; empty: the system's own.
  static Result<Connection> open(const std::string& path, const std::string& vfs = {});
  Connection(Connection&&) noexcept = default;
  Connection& operator=(Connection&&) = delete;

  // `sql` is one statement, and a literal: it is prepared once and kept. It is not asked again
  // while its rows are read.
  Result<Rows> query(std::string_view sql, std::initializer_list<Value> values = {});
  // A query for one number; nothing found: 0.
  Result<std::int64_t> number(std::string_view sql, std::initializer_list<Value> values = {});
  // To its end; `sql` as above.
  Result<void> run(std::string_view sql, std::initializer_list<Value> values = {});
  // How many rows the last run() changed, and the rowid of the last that it inserted.
  [[nodiscard]] std::int64_t changed() const;
  [[nodiscard]] std::int64_t last_row() const;

  // Any statements, to their end; not kept.
  Result<void> script(const std::string& sql);

  // Leaves what is in the write-ahead log there when this connection is closed.
  void leave_log_alone();

  // In the middle of a transaction.
  [[nodiscard]] bool in_transaction() const;

  [[nodiscard]] const std::string& path() const { return path_; }
  // What SQLite answered to the last call, which failed.
  [[nodiscard]] std::unexpected<Error> failed(
      std::source_location place = std::source_location::current()) const;

 private:
  struct Close {
    void operator()(sqlite3* db) const;
  };
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const;
  };
  Connection(std::unique_ptr<sqlite3, Close> db, std::string path);
  Result<sqlite3_stmt*> prepared(std::string_view sql);
  Result<void> bind(sqlite3_stmt* statement, std::initializer_list<Value> values);

  std::string path_;
  std::unique_ptr<sqlite3, Close> db_;
  std::map<std::string_view, std::unique_ptr<sqlite3_stmt, Finalize>> statements_;
};

// All of it or nothing: what is not committed when this goes is rolled back.
class Transaction {
 public:
  // Takes the right to write at once.
  static Result<Transaction> begin(Connection& connection);
  Transaction(Transaction&&) noexcept = default;
  Transaction& operator=(Transaction&&) = delete;

  // On disk when it returns. After an error nothing of it is there.
  Result<void> commit();

 private:
  struct RollBack {
    void operator()(Connection* connection) const;
  };
  explicit Transaction(Connection& connection) : open_(&connection) {}
  std::unique_ptr<Connection, RollBack> open_;
};

}  // namespace skein::chat
