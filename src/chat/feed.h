// Feed: what was said lately, held ready for everybody who follows a room, and the news that there
// is something new. A follower takes what comes after its own place whenever it has sent what it
// had: so nothing is queued for a slow one, it only falls behind, and reads from the log.
//
// Followers are woken some at a time, so that a large room does not hold up everybody else; and who
// has its turn late gets all that was said until then at once.
//
// The loop's thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "chat/message.h"
#include "socketserver/loop.h"
#include "socketserver/sync.h"
#include "socketserver/work.h"

namespace skein::chat {

// Lines as encode_line() makes them, one or more; shared by all who are sent the same.
struct Lines {
  std::shared_ptr<const std::string> text;
  std::int64_t last_seq = 0;     // of their last
  std::int64_t last_number = 0;  // of their last
};

class Feed {
 public:
  class Follower;
  using Followers = std::list<Follower*>;

  // Somebody to be told. Counted by the feed from its making to its end.
  class Follower {
   public:
    // Of this room, or with 0 of all.
    Follower(Feed& feed, RoomId room);
    Follower(const Follower&) = delete;
    Follower& operator=(const Follower&) = delete;
    ~Follower();
    // Set when something was said, and by whoever wants the follower to look up. Reset it before
    // looking for news, then wait.
    socketserver::Event wake;

   private:
    friend class Feed;
    Feed& feed_;
    const RoomId room_;
    bool in_line_ = false;  // to be woken; else at rest
    Followers::iterator place_;
  };

  explicit Feed(socketserver::Loop& loop) : loop_(loop), turn_(*this) {}
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;
  ~Feed() { loop_.forget(turn_); }

  // What was just added to the log, in its order.
  void publish(std::span<const Message> messages);

  // What was said in the room after `seq`, about limits::kListBatchBytes of it at most; lines empty
  // when there is nothing. nullopt: it is too long ago to be here, the log has it.
  [[nodiscard]] std::optional<Lines> after(RoomId room, std::int64_t seq);

  // What was said in all rooms after `number`, in the order in which it was said; at most as much.
  // nullopt: the log has it.
  struct Said {
    RoomId room = 0;
    std::int64_t number = 0;
    std::shared_ptr<const std::string> line;
  };
  [[nodiscard]] std::optional<std::vector<Said>> after_number(std::int64_t number) const;

  // The highest number there is. set_last_number(): what the log has when the hub begins.
  [[nodiscard]] std::int64_t last_number() const { return last_number_; }
  void set_last_number(std::int64_t number) { last_number_ = forgotten_number_ = number; }

 private:
  struct Entry {
    std::int64_t seq = 0;
    std::int64_t number = 0;
    std::shared_ptr<const std::string> line;
  };
  struct Tail {
    std::deque<Entry> entries;  // the newest of the room, without gaps
    // What was built last: most who follow a room are at the same place.
    std::int64_t built_after = -1;
    Lines built;
    Followers at_rest;
  };
  struct Turn : socketserver::Work {
    explicit Turn(Feed& of) : Work(&Turn::take), feed(of) {}
    static void take(Work& work) { static_cast<Turn&>(work).feed.wake_some(); }
    Feed& feed;
  };
  void forget_oldest();
  Followers& at_rest(RoomId room) { return room == 0 ? at_rest_ : tails_[room].at_rest; }
  void drop_if_unused(RoomId room);
  void line_up(Followers& followers);
  void wake_some();

  socketserver::Loop& loop_;
  Turn turn_;
  std::map<RoomId, Tail> tails_;
  std::deque<Said> order_;  // all that is in the tails, oldest first
  Followers at_rest_;       // of all rooms
  Followers line_;          // in which they are woken
  std::size_t bytes_ = 0;
  std::int64_t last_number_ = 0;
  std::int64_t forgotten_number_ = 0;  // the highest that is not in the tails
};

}  // namespace skein::chat
