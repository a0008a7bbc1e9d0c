// What is said, as the room log keeps it. Values, any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace skein::chat {

using RoomId = std::int64_t;    // from 1; the log's own
using MemberId = std::int64_t;  // from 1; 0: somebody who is no member, a guest

// Chosen at random by the sender and kept until the message is acknowledged: a retry is known by
// it.
using Cid = std::array<std::byte, 16>;

// A message that is to be logged.
struct Draft {
  RoomId room = 0;
  MemberId member = 0;
  std::string from;  // what the sender is called now; it stays so in the history
  Cid cid{};
  std::int64_t ts_ms = 0;  // since 1970 UTC, the hub's clock; for people, it orders nothing
  std::string text;        // UTF-8
  std::string file;        // path in the shared folder that is offered with it; empty: none
};

struct Message {
  std::int64_t number = 0;  // over all rooms of the hub, rising; who follows all resumes by it
  RoomId room = 0;
  std::int64_t seq = 0;  // in its room, from 1, without gaps: the order of the room
  MemberId member = 0;
  std::string from;
  std::int64_t ts_ms = 0;
  std::string text;
  std::string file;
  friend bool operator==(const Message&, const Message&) = default;
};

}  // namespace skein::chat
