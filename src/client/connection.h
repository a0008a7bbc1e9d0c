// A conversation with a hub: dials, says hello, and matches answers to requests by id, any number
// of them under way. docs/protocol.md, "The conversation". The loop's thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "socketserver/endpoint.h"
#include "socketserver/loop.h"
#include "socketserver/pool.h"
#include "socketserver/stream.h"
#include "socketserver/sync.h"
#include "socketserver/task.h"
#include "wire/dictionary.h"

namespace skein::client {

struct Identity {
  std::string name;    // of the person, at most 64 bytes
  std::string device;  // 32 hexadecimal digits
};

// Calls hubs in place of socketserver::dial, and answers as that does: the network of a simulator.
class Dialler {
 public:
  virtual ~Dialler() = default;
  virtual socketserver::Task<Result<std::unique_ptr<socketserver::Stream>>> dial(
      socketserver::Endpoint endpoint, std::int64_t timeout_ms, socketserver::Event& stop) = 0;
};

struct Answer {
  wire::Dictionary fields;
  std::unique_ptr<std::byte[]> payload;
  std::size_t payload_bytes = 0;
  [[nodiscard]] Bytes bytes() const { return {payload.get(), payload_bytes}; }
};

class Connection : private socketserver::Event::Hook {
 public:
  // kNoHub when nobody answers, or who answers is no hub. Once `stop` is set, now or later, what
  // waits ends with kCancelled, and whatever is called then. No `dialler`: over the system's
  // network.
  static socketserver::Task<Result<std::unique_ptr<Connection>>> open(
      socketserver::Loop& loop, socketserver::Pool& pool, socketserver::Endpoint endpoint,
      Identity identity, socketserver::Event& stop, Dialler* dialler = nullptr);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();  // close() has ended

  // Sends the request (its id is set here) and waits for its last answer. An error answer comes
  // back as its Error; so does the end of the connection: broken() tells them apart. `payload` must
  // live until this returns. Every part of a good answer, the last one too, goes to `on_part`; one
  // that it cannot make sense of (its error) ends the connection, as any damage on the way does.
  using OnPart = std::function<Result<void>(const Answer&)>;
  socketserver::Task<Result<Answer>> call(wire::Dictionary request, Bytes payload, OnPart on_part);
  socketserver::Task<Result<Answer>> call(wire::Dictionary request);

  [[nodiscard]] const std::string& hub() const { return hub_; }  // its name, escaped
  [[nodiscard]] bool packs() const { return packs_; }            // the hub takes and gives packs
  [[nodiscard]] int descriptor() const { return stream_->descriptor(); }
  [[nodiscard]] bool broken() const { return trouble_ != nullptr; }
  [[nodiscard]] std::string trouble() const { return trouble_ ? trouble_->message() : ""; }

  // Must have ended before the connection is destroyed; ends the calls that are under way.
  socketserver::Task<void> close();

 private:
  struct Pending {
    socketserver::Event done;
    Result<Answer> answer;
    const OnPart* on_part = nullptr;
  };
  Connection(socketserver::Loop& loop, std::unique_ptr<socketserver::Stream> stream,
             socketserver::Event& stop);
  socketserver::Task<Result<void>> say_hello(Identity identity);
  socketserver::Task<void> read_answers();
  socketserver::Task<Result<void>> read_answers_until_trouble();
  socketserver::Task<void> keep_alive();
  Result<void> deliver(Answer answer);
  void break_off(Error why);

  socketserver::Loop& loop_;
  std::unique_ptr<socketserver::Stream> stream_;
  socketserver::Semaphore writing_{1};
  socketserver::Semaphore open_ids_;
  std::map<std::int64_t, Pending*> pending_;
  std::int64_t last_id_ = 0;
  std::int64_t last_sent_ms_ = 0;
  std::unique_ptr<Error> trouble_;
  std::string hub_;
  bool packs_ = false;
  socketserver::Event closing_;
  socketserver::Gate tasks_;
};

}  // namespace skein::client
