#include "chat/scribe.h"

#include <algorithm>
#include <iterator>

#include "base/limits.h"
#include "base/text.h"

namespace skein::chat {

using socketserver::Task;

Scribe::Scribe(socketserver::Loop& loop, RoomLog& log, OnAppended on_appended)
    : loop_(loop),
      log_(log),
      on_appended_(std::move(on_appended)),
      writer_(1, limits::kMaxWaitingMessages) {}

Task<Result<RoomLog::Appended>> Scribe::append(Draft draft) {
  if (waiting_.size() >= limits::kMaxWaitingMessages) {
    co_return std::unexpected(
        Error(kBusy, concat(std::to_string(waiting_.size()),
                            " messages wait to be written already: say it again soon"))
            .with_retry_ms(limits::kBusyRetryMs));
  }
  Waiting waiting;
  waiting.draft = std::move(draft);
  waiting_.push_back(&waiting);
  if (!writing_) {
    writing_ = true;
    groups_.spawn(loop_, write_groups());
  }
  co_await waiting.done.wait();
  co_return std::move(waiting.result);
}

Task<void> Scribe::write_groups() {
  while (!waiting_.empty()) {
    const std::size_t count = std::min(waiting_.size(), limits::kMaxMessagesInGroup);
    const auto end = waiting_.begin() + static_cast<std::ptrdiff_t>(count);
    const std::vector<Waiting*> group(waiting_.begin(), end);
    waiting_.erase(waiting_.begin(), end);
    std::vector<Draft> drafts;
    drafts.reserve(count);
    for (Waiting* const one : group) drafts.push_back(std::move(one->draft));

    auto job = [this, &drafts] { return log_.append(drafts); };
    auto appended = co_await writer_.run(loop_, job);
    std::vector<Message> fresh;
    if (!appended) {
      for (Waiting* const one : group) one->result = pass(appended.error());
    } else {
      fresh.reserve(count);
      for (std::size_t i = 0; i < count; ++i) {
        auto& one = (*appended)[i];
        if (one && !one->repeated) {
          Draft& draft = drafts[i];
          fresh.push_back({one->number, draft.room, one->seq, draft.member, std::move(draft.from),
                           draft.ts_ms, std::move(draft.text), std::move(draft.file)});
        }
        group[i]->result = std::move(one);
      }
    }
    // Answered before the followers' turn, of whom there may be thousands: so who speaks goes on
    // while they listen.
    for (Waiting* const one : group) one->done.set();
    if (!fresh.empty()) on_appended_(fresh);
  }
  writing_ = false;
}

Task<void> Scribe::close() {
  co_await groups_.close();
}

}  // namespace skein::chat
