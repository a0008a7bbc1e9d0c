// News: what is said in several rooms from a place on, for somebody who follows them. It takes what
// comes next from the feed or, when that is too long ago, from the log; so nothing is queued for
// anybody, and resuming is the same as following. The loop's thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "base/result.h"
#include "chat/feed.h"
#include "hub/chat.h"
#include "socketserver/sync.h"
#include "socketserver/task.h"

namespace skein::hub {

class News {
 public:
  // Of what comes after the number `after`; nothing: after what there is. Who is ahead of what
  // there is begins there too: the log is another than it knew. Of the rooms that `person` has
  // joined at each moment, or of exactly `rooms`. `chat` outlives it.
  News(Chat& chat, std::shared_ptr<Person> person, std::optional<std::int64_t> after);
  News(Chat& chat, std::set<chat::RoomId> rooms, std::optional<std::int64_t> after);
  News(const News&) = delete;
  News& operator=(const News&) = delete;

  // What comes next, rising by number, not much more than limits::kListBatchBytes or one page of
  // the log. Empty: nothing yet; wake() tells when to look again.
  socketserver::Task<Result<std::vector<chat::Feed::Said>>> next();

  // Up to this number next() has looked at all there was.
  [[nodiscard]] std::int64_t place() const { return place_; }
  // As Feed::Follower::wake: reset it before next(), then wait.
  [[nodiscard]] socketserver::Event& wake() { return follower_.wake; }

 private:
  socketserver::Task<Result<std::vector<chat::Feed::Said>>> said_since();
  [[nodiscard]] bool heard(chat::RoomId room) const;

  Chat& chat_;
  const std::shared_ptr<Person> person_;  // nullptr: rooms_ counts
  const std::set<chat::RoomId> rooms_;
  std::int64_t place_;
  chat::Feed::Follower follower_;
};

}  // namespace skein::hub
