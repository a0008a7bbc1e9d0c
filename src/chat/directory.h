// Directory: the rooms and the members of a hub, who has joined what, and how far each has read.
// An interface beside RoomLog. All calls block; those that change something from the thread that
// appends to the log, the others from any.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "chat/message.h"

namespace skein::chat {

struct Member {
  MemberId id = 0;
  std::string name;
  friend bool operator==(const Member&, const Member&) = default;
};

struct Room {
  RoomId id = 0;
  std::string name;   // as it was made; empty for the direct messages of two members
  std::string topic;  // may be empty
  std::int64_t last_seq = 0;
  // Of direct messages: the two, the lower id first (twice the same for notes to oneself); else 0.
  MemberId one = 0;
  MemberId other = 0;
  friend bool operator==(const Room&, const Room&) = default;
};

// A room as one member has it.
struct Joined {
  Room room;
  std::int64_t read_seq = 0;  // up to which this member has read, on any device
  friend bool operator==(const Joined&, const Joined&) = default;
};

// Names of rooms and members are compared by names.h: two that are the same when case is folded, or
// that look the same, cannot both be.
class Directory {
 public:
  virtual ~Directory() = default;

  // The member of exactly this name (after normal form and case folding); made when there is none.
  // kBadName: names.h refuses it. kExists: it looks like another member's, which is named.
  virtual Result<Member> member(std::string_view name) = 0;
  // Nothing when there is no such member, nor can be.
  virtual Result<std::optional<Member>> find_member(std::string_view name) = 0;
  virtual Result<std::optional<Member>> find_member(MemberId id) = 0;
  // kBadName and kExists as above, kExists also for another member's own name; kNotFound.
  virtual Result<Member> rename(MemberId member, std::string_view name) = 0;

  // The room of this name; `made` tells whether it was made by this call. kBadName, kExists (looks
  // like another room's name), kTooMany (limits::kMaxRooms).
  struct Opened {
    Room room;
    bool made = false;
  };
  virtual Result<Opened> open_room(std::string_view name) = 0;
  // The direct messages of these two, made when there are none yet. Both are joined by it, again if
  // they had left. kNotFound: no such member.
  virtual Result<Room> open_direct(MemberId one, MemberId other) = 0;
  // Nothing when there is no such room, nor can be.
  virtual Result<std::optional<Room>> find_room(std::string_view name) = 0;
  virtual Result<std::optional<Room>> find_room(RoomId id) = 0;
  // All named rooms, by name; no direct messages.
  virtual Result<std::vector<Room>> rooms() = 0;
  // kNotFound. The topic is UTF-8 and as long as it may be: the caller has looked.
  virtual Result<void> set_topic(RoomId room, std::string_view topic) = 0;

  // Joining again changes nothing. A newcomer has read what was said before. kNotFound; kRefused:
  // direct messages of others; kTooMany (limits::kMaxJoinedRooms; direct messages do not count, or
  // others could use them up).
  virtual Result<void> join(MemberId member, RoomId room) = 0;
  // Leaving what was not joined changes nothing, nor does leaving what is not there.
  virtual Result<void> leave(MemberId member, RoomId room) = 0;
  // By id.
  virtual Result<std::vector<Joined>> joined(MemberId member) = 0;
  // Never goes back, and not beyond the room's last. kNotFound when not joined.
  virtual Result<void> set_read(MemberId member, RoomId room, std::int64_t seq) = 0;
};

}  // namespace skein::chat
