// What a member of a room says and hears, in each of the dialects that the chat measurements
// compare. Parsed as cheaply as it can be: this must not be what is measured.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace chat_load {

inline constexpr std::size_t kTextBytes = 128;  // of every message

[[noreturn]] void wrong(std::string_view what);  // ends the program

// Who is told what a connection heard, in its order.
class Ear {
 public:
  virtual void entered() = 0;                        // what is said from here on is heard
  virtual void acknowledged(std::size_t which) = 0;  // of what was said here, from 0
  // `seq`: its place in the room, from 1; 0 where the dialect has none.
  virtual void heard(std::string_view text, std::int64_t seq) = 0;
  virtual void must_answer(std::string_view bytes) = 0;

 protected:
  ~Ear() = default;
};

struct Entry {
  std::string name;
  bool follows = true;
  std::int64_t after = -1;  // what it has already; -1: only what is said from now on
};

// One connection's.
class Dialect {
 public:
  virtual ~Dialect() = default;
  [[nodiscard]] virtual std::string enter(const Entry& entry) = 0;
  // Appends what says `text`, of kTextBytes.
  virtual void say(std::string_view text, std::string& out) = 0;
  [[nodiscard]] virtual std::string ping() const = 0;  // what a silent one must send at times
  // How many of the bytes were taken; the rest is to come again, with more behind it.
  [[nodiscard]] virtual std::size_t hear(std::string_view bytes, Ear& ear) = 0;
};

// "skein", "nats" or "echo"; nullptr: no such dialect.
//
// When is what was said acknowledged? By Skein when it answers `say`: the message is on disk. By
// NATS, which answers no PUB, when the PONG to a PING right behind it comes: the server has given
// the message to every member's connection. Both are the server's word that the message is in its
// hands, and neither waits for a member to read. A bare echo acknowledges by coming back.
std::unique_ptr<Dialect> make_dialect(std::string_view name);

}  // namespace chat_load
