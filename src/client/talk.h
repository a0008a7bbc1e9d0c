// Talking through a hub: saying something, reading a room, following it. A lost line is dialled
// again by the link, and what was asked is asked again: nothing is lost and nothing shown twice.
// The loop's thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/random.h"
#include "base/result.h"
#include "chat/message.h"
#include "client/link.h"
#include "socketserver/task.h"

namespace skein::client {

struct Said {
  std::int64_t seq = 0;
  std::int64_t number = 0;
  bool repeated = false;
};
// Ends when the hub has it on disk; said again, as the same message, as often as the line is lost,
// and later when the hub wants it later. `file`: a path in the shared folder that the message
// offers, or empty.
socketserver::Task<Result<Said>> say(Link& link, Random& random, std::string room, std::string text,
                                     std::string file);

// The newest `limit` messages of a room below `before` (none: no bound), rising by seq.
socketserver::Task<Result<std::vector<chat::Message>>> read_log(Link& link, std::string room,
                                                                std::optional<std::int64_t> before,
                                                                std::int64_t limit);

// Hands over what is said in the room, after `after` (none: from now on), each message once and in
// order, until the link is cancelled or the hub lost for too long.
using OnMessage = std::function<void(const chat::Message&)>;
socketserver::Task<Result<void>> follow(Link& link, std::string room,
                                        std::optional<std::int64_t> after, OnMessage on_message);

// A member that has come, or gone.
struct Presence {
  std::string name;
  bool online = false;
};

// The same over all rooms that the member has joined, direct messages too.
struct FollowingAll {
  // From now on all above `number` comes: at first, and again after each lost line.
  std::function<void(std::int64_t number)> on_begin;
  // Each message once, rising by number; the room as this member names it.
  std::function<void(const std::string& room, const chat::Message&)> on_message;
  std::function<void()> on_lost;  // the line; it is dialled again
  // What changed about who is online, soft and some at a time; may be empty.
  std::function<void(const std::vector<Presence>&)> on_presence;
};
// `after`: the number that is there already; none: from now on.
socketserver::Task<Result<void>> follow_all(Link& link, std::optional<std::int64_t> after,
                                            FollowingAll following);

// The newest `limit` messages (spec::kMaxMessagesInAnswer at most) with all of the words, of all
// rooms that the member has joined, rising by number.
struct Found {
  std::string room;
  chat::Message message;
};
socketserver::Task<Result<std::vector<Found>>> search(Link& link, std::string words,
                                                      std::int64_t limit);

// The names of the members who are online.
socketserver::Task<Result<std::vector<std::string>>> who(Link& link);

struct RoomLine {
  std::string name;
  std::string topic;
  std::int64_t last_seq = 0;
  std::optional<std::int64_t> read_seq;  // none: not joined
};
socketserver::Task<Result<std::vector<RoomLine>>> rooms(Link& link);
socketserver::Task<Result<void>> join(Link& link, std::string room);
socketserver::Task<Result<void>> leave(Link& link, std::string room);
socketserver::Task<Result<void>> set_topic(Link& link, std::string room, std::string topic);
// The room was read up to `seq`.
socketserver::Task<Result<void>> seen(Link& link, std::string room, std::int64_t seq);
// The member's name as it is from now on. A link of the old name would be another member: from here
// on use one of the new.
socketserver::Task<Result<std::string>> rename(Link& link, std::string name);

}  // namespace skein::client
