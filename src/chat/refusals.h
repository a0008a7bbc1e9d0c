// What every RoomLog and Directory of ours says when it refuses, in the same words. Pure, any
// thread.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "base/limits.h"
#include "base/result.h"
#include "base/text.h"
#include "chat/message.h"
#include "chat/names.h"
#include "chat/words.h"

namespace skein::chat {

inline std::unexpected<Error> no_member(MemberId member) {
  return fail(kNotFound, concat("no member ", std::to_string(member)));
}

inline std::unexpected<Error> no_room(RoomId room) {
  return fail(kNotFound, concat("no room ", std::to_string(room)));
}

inline std::unexpected<Error> not_joined(MemberId member, RoomId room) {
  return fail(kNotFound, concat("member ", std::to_string(member), " has not joined room ",
                                std::to_string(room)));
}

inline std::unexpected<Error> same_name(const Name& name, std::string_view taken) {
  return std::unexpected(
      Error(kExists, concat("name ", quoted(name.shown), " is the same as ", quoted(taken)))
          .with_hint("choose another"));
}

inline std::unexpected<Error> look_alike(const Name& name, std::string_view taken) {
  return std::unexpected(
      Error(kExists, concat("name ", quoted(name.shown), " looks like ", quoted(taken)))
          .with_hint("choose another"));
}

inline std::unexpected<Error> too_many_rooms() {
  return fail(kTooMany, concat("there are ", counted(limits::kMaxRooms, "room"),
                               " already, and no more can be made"));
}

inline std::unexpected<Error> too_many_joined() {
  return std::unexpected(Error(kTooMany, concat("no member can join more than ",
                                                counted(limits::kMaxJoinedRooms, "room")))
                             .with_hint("leave one first"));
}

inline std::unexpected<Error> not_theirs() {
  return fail(kRefused, "these are the direct messages of others");
}

inline std::unexpected<Error> search_too_long(std::size_t bytes) {
  return fail(kTooLarge, concat("words of ", std::to_string(bytes), " bytes are over the limit of ",
                                std::to_string(spec::kMaxSearchBytes)));
}

}  // namespace skein::chat
