// RoomLog: where messages are kept, in order, for ever. An interface, so that another log than the
// one on this machine's disk can take its place (room_log_contract_test.cc is what it must pass).
//
// All calls block. append() from one thread at a time; the others from any thread, also beside it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "chat/message.h"

namespace skein::chat {

class RoomLog {
 public:
  struct Appended {
    std::int64_t number = 0;
    std::int64_t seq = 0;
    // The sender has said it before, by this cid: these are the numbers that it got then, and
    // nothing was added. What is said now is not looked at.
    bool repeated = false;
    friend bool operator==(const Appended&, const Appended&) = default;
  };

  virtual ~RoomLog() = default;

  // In this order, as one group: all of them are on disk when it returns, or, after an error, none.
  // Results as many as drafts; kNotFound for one whose room is not there: that one alone fails.
  // kNoSpace, kReadOnly, kIo: of the whole group, and the next group may go well again.
  virtual Result<std::vector<Result<Appended>>> append(std::span<const Draft> drafts) = 0;

  // Which messages of a room: above `after` and below `before` (none: no bound on that side), at
  // most `limit` of them: those nearest to `before` if that is given or neither is, else those
  // nearest to `after`. So {} is the newest page, and {.before = its first} the page before it.
  struct Range {
    std::optional<std::int64_t> after{};
    std::optional<std::int64_t> before{};
    std::size_t limit = 100;
  };
  // Rising by seq, always. Empty when there are none, also for a room that is not there.
  virtual Result<std::vector<Message>> read(RoomId room, Range range) = 0;

  // Of all rooms: those whose number is above `after`, rising by number, at most `limit`.
  virtual Result<std::vector<Message>> follow(std::int64_t after, std::size_t limit) = 0;

  // The newest at most `limit` messages below number `before` (none: no bound), in one of these
  // rooms, that hold every word of `words` (text from a person: nothing in it is an operator, and
  // case is folded; Chinese, Japanese and Korean need no spaces). Rising by number. Words are made
  // of letters and digits: other signs are passed over, and alone they find nothing. kTooLarge:
  // spec::kMaxSearchBytes.
  virtual Result<std::vector<Message>> search(std::span<const RoomId> rooms, std::string_view words,
                                              std::optional<std::int64_t> before,
                                              std::size_t limit) = 0;

  // The highest there are, 0 when there is none.
  virtual Result<std::int64_t> last_number() = 0;
  virtual Result<std::int64_t> last_seq(RoomId room) = 0;
};

}  // namespace skein::chat
