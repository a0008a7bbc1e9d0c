#include "chat/feed.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "base/limits.h"
#include "chat/line.h"

namespace skein::chat {

Feed::Follower::Follower(Feed& feed, RoomId room) : feed_(feed), room_(room) {
  Followers& all = feed.at_rest(room);
  place_ = all.insert(all.end(), this);
}

Feed::Follower::~Follower() {
  (in_line_ ? feed_.line_ : feed_.at_rest(room_)).erase(place_);
  feed_.drop_if_unused(room_);
}

void Feed::publish(std::span<const Message> messages) {
  std::vector<RoomId> rooms;
  for (const Message& message : messages) {
    auto line = std::make_shared<const std::string>(encode_line(message));
    bytes_ += line->size();
    Tail& tail = tails_[message.room];
    assert(tail.entries.empty() || tail.entries.back().seq + 1 == message.seq);
    tail.entries.push_back({message.seq, message.number, line});
    order_.push_back({message.room, message.number, std::move(line)});
    last_number_ = message.number;
    if (std::ranges::find(rooms, message.room) == rooms.end()) rooms.push_back(message.room);
  }
  while (bytes_ > limits::kFeedBytes) forget_oldest();
  for (const RoomId room : rooms) line_up(tails_[room].at_rest);
  line_up(at_rest_);
  if (!line_.empty() && !turn_.queued()) loop_.ready(turn_);
}

void Feed::line_up(Followers& followers) {
  for (Follower* const follower : followers) follower->in_line_ = true;
  line_.splice(line_.end(), followers);
}

void Feed::wake_some() {
  for (std::size_t i = 0; i < limits::kWokenAtOnce && !line_.empty(); ++i) {
    Follower& follower = *line_.front();
    Followers& rest = at_rest(follower.room_);
    rest.splice(rest.end(), line_, follower.place_);
    follower.in_line_ = false;
    follower.wake.set();
  }
  if (!line_.empty()) loop_.ready(turn_);
}

void Feed::forget_oldest() {
  const Said& oldest = order_.front();
  Tail& tail = tails_[oldest.room];
  if (!tail.entries.empty() && tail.entries.front().number == oldest.number) {
    tail.entries.pop_front();
  }
  if (tail.entries.empty()) {
    tail.built_after = -1;
    tail.built = {};
    drop_if_unused(oldest.room);
  }
  bytes_ -= oldest.line->size();
  forgotten_number_ = oldest.number;
  order_.pop_front();
}

void Feed::drop_if_unused(RoomId room) {
  const auto found = tails_.find(room);
  if (found == tails_.end()) return;
  if (found->second.entries.empty() && found->second.at_rest.empty()) tails_.erase(found);
}

std::optional<Lines> Feed::after(RoomId room, std::int64_t seq) {
  const auto found = tails_.find(room);
  if (found == tails_.end() || found->second.entries.empty()) return std::nullopt;
  Tail& tail = found->second;
  if (seq >= tail.entries.back().seq) return Lines();
  if (seq + 1 < tail.entries.front().seq) return std::nullopt;
  const auto first = static_cast<std::size_t>(seq + 1 - tail.entries.front().seq);
  if (tail.built_after == seq && tail.built.last_seq == tail.entries.back().seq) return tail.built;
  std::string text;
  Lines lines;
  for (std::size_t i = first; i < tail.entries.size(); ++i) {
    const Entry& entry = tail.entries[i];
    if (!text.empty() && text.size() + entry.line->size() > limits::kListBatchBytes) break;
    text += *entry.line;
    lines.last_seq = entry.seq;
    lines.last_number = entry.number;
  }
  lines.text = std::make_shared<const std::string>(std::move(text));
  tail.built_after = seq;
  tail.built = lines;
  return lines;
}

std::optional<std::vector<Feed::Said>> Feed::after_number(std::int64_t number) const {
  if (number < forgotten_number_) return std::nullopt;
  auto at = std::ranges::upper_bound(order_, number, {}, &Said::number);
  std::vector<Said> said;
  std::size_t bytes = 0;
  for (; at != order_.end() && bytes < limits::kListBatchBytes; ++at) {
    bytes += at->line->size();
    said.push_back(*at);
  }
  return said;
}

}  // namespace skein::chat
