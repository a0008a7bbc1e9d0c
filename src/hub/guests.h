// Guests: whoever sends plain text to the hub's port by datagrams takes part in the lobby, as the
// clients of the tutorial's QQ do. docs/protocol.md, "Guests". The loop's thread only.
//
// A guest is an address. It has no connection on which to be told anything, so each datagram of its
// earns one reply: the next message that waits for it, or a short word.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/result.h"
#include "hub/chat.h"
#include "hub/context.h"
#include "hub/rate.h"
#include "socketserver/address.h"
#include "socketserver/datagram.h"
#include "socketserver/sync.h"
#include "socketserver/task.h"

namespace skein::hub {

class Guests {
 public:
  // All outlive it.
  Guests(Context& context, Random& random, socketserver::DatagramSocket& socket);
  Guests(const Guests&) = delete;
  Guests& operator=(const Guests&) = delete;

  // A datagram that came: its text, or its beginning if it was longer than the room for it
  // (`sent_bytes` is its own length).
  void take(const socketserver::Address& from, std::string_view text, std::size_t sent_bytes);

  // Answers nobody any more; what a guest said and is not written yet is written.
  socketserver::Task<void> close();

 private:
  struct Datagram {
    std::string text;
    std::size_t sent_bytes = 0;
  };
  struct Guest {
    explicit Guest(socketserver::Address from);
    const socketserver::Address address;
    const std::string name;
    Rate rate;
    std::deque<Datagram> inbox;  // came, and not answered yet
    std::size_t inbox_bytes = 0;
    bool attended = false;
    bool greeted = false;
    std::int64_t seq = 0;             // up to which the lobby was fetched for it
    std::deque<std::string> waiting;  // fetched, and not sent yet
    std::int64_t seen_ms = 0;
  };
  using Held = std::shared_ptr<Guest>;

  [[nodiscard]] Held guest(const socketserver::Address& from);
  void forget_idle();
  socketserver::Task<void> attend(Held guest);
  socketserver::Task<std::string> answer(Held guest, Datagram datagram);
  socketserver::Task<Result<void>> say(Held guest, Chat::Saying saying);
  socketserver::Task<Result<void>> fetch(Held guest);
  void send(const Guest& guest, std::string_view reply, std::size_t sent_bytes);

  Context& context_;
  Random& random_;
  socketserver::DatagramSocket& socket_;
  std::map<socketserver::Address, Held> guests_;
  socketserver::Event stopping_;
  socketserver::Gate attending_;
};

}  // namespace skein::hub
