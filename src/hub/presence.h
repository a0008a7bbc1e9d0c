// Presence: who came and who went, for whoever wants to be told. It is soft: nobody is told of one
// who comes and goes at once, or goes and is back soon; it is told at most once in
// limits::kPresenceEveryMs; and a slow one misses what is long over. The loop's thread only.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <set>
#include <string>

#include "chat/message.h"
#include "socketserver/loop.h"
#include "socketserver/sync.h"
#include "socketserver/timer_wheel.h"

namespace skein::hub {

class Presence {
 public:
  explicit Presence(socketserver::Loop& loop);  // outlives it, and it its followers
  Presence(const Presence&) = delete;
  Presence& operator=(const Presence&) = delete;

  // The first connection of a member is there, or the last one is gone. Under a new name a member
  // has gone under the old one.
  void came(chat::MemberId member, const std::string& name) { turn(member, name, true); }
  void went(chat::MemberId member, const std::string& name) { turn(member, name, false); }

  // As it goes over the line: docs/protocol.md, `follow`.
  struct News {
    std::string lines;    // empty: nothing happened
    bool missed = false;  // before them something is left out
  };
  class Follower {
   public:
    // Of what is told from now on, except of `self`. Sets `wake` when there may be something, and
    // lives no longer than that.
    Follower(Presence& presence, chat::MemberId self, socketserver::Event& wake);
    Follower(const Follower&) = delete;
    Follower& operator=(const Follower&) = delete;
    ~Follower() { presence_.wakes_.erase(&wake_); }

    // Since the last call.
    [[nodiscard]] News next();

   private:
    Presence& presence_;
    const chat::MemberId self_;
    socketserver::Event& wake_;
    std::int64_t number_;  // up to which it was told
  };

 private:
  struct Turn {
    chat::MemberId member = 0;
    bool here = false;
    std::int64_t since_ms = 0;
  };
  struct Told {
    chat::MemberId member = 0;
    std::string line;
  };
  struct Tick : socketserver::Timer {
    explicit Tick(Presence& of)
        : Timer([](Timer& timer) { static_cast<Tick&>(timer).presence.tell(); }), presence(of) {}
    Presence& presence;
  };
  void turn(chat::MemberId member, const std::string& name, bool here);
  void tell();

  socketserver::Loop& loop_;
  const std::int64_t began_ms_;
  std::map<std::string, Turn> turns_;  // by name: what is not told yet
  std::deque<Told> told_;              // the newest
  std::int64_t last_number_ = 0;       // of their last
  std::set<socketserver::Event*> wakes_;
  Tick tick_;
};

}  // namespace skein::hub
