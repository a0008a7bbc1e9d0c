// Scribe: the one writer of a room log. Who says something waits until it is on disk; what several
// say meanwhile goes into one group, so that one sync serves them all.
//
// The loop's thread only; the log and the directory are touched on the scribe's own thread.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "base/result.h"
#include "chat/message.h"
#include "chat/room_log.h"
#include "socketserver/loop.h"
#include "socketserver/pool.h"
#include "socketserver/sync.h"
#include "socketserver/task.h"

namespace skein::chat {

class Scribe {
 public:
  // Told of what was just added to the log, in its order, before who said it is answered.
  using OnAppended = std::function<void(std::span<const Message>)>;

  // `loop` and `log` outlive the scribe.
  Scribe(socketserver::Loop& loop, RoomLog& log, OnAppended on_appended);
  Scribe(const Scribe&) = delete;
  Scribe& operator=(const Scribe&) = delete;

  // Ends when it is on disk, or with why it is not. kBusy, at once: limits::kMaxWaitingMessages
  // wait already.
  socketserver::Task<Result<RoomLog::Appended>> append(Draft draft);

  // `auto made = co_await scribe.change(job);` calls it on the writing thread, between groups: for
  // whatever changes the directory.
  template <class Fn>
  [[nodiscard]] auto change(Fn&& job) {
    return writer_.run(loop_, std::forward<Fn>(job));
  }

  // Everything that was given to append() has ended by then.
  socketserver::Task<void> close();

 private:
  struct Waiting {
    Draft draft;
    socketserver::Event done;
    Result<RoomLog::Appended> result;
  };
  socketserver::Task<void> write_groups();

  socketserver::Loop& loop_;
  RoomLog& log_;
  OnAppended on_appended_;
  std::vector<Waiting*> waiting_;
  bool writing_ = false;
  socketserver::Gate groups_;
  socketserver::Pool writer_;
};

}  // namespace skein::chat
