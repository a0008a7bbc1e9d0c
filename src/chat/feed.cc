#include "chat/feed.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "base/limits.h"
#include "chat/line.h"

namespace skein::chat {

Feed::Follower::Follower(Feed& feed, RoomId room) : feed_(feed), room_(room) {
  auto& all = room == 0 ? feed.followers_ : feed.tails_[room].followers;
  place_ = all.size();
  all.push_back(this);
}

Feed::Follower::~Follower() {
  auto& all = room_ == 0 ? feed_.followers_ : feed_.tails_[room_].followers;
  all.back()->place_ = place_;
  all[place_] = all.back();
  all.pop_back();
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
  for (const RoomId room : rooms) {
    for (Follower* const follower : tails_[room].followers) follower->wake.set();
  }
  for (Follower* const follower : followers_) follower->wake.set();
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
    if (tail.followers.empty()) tails_.erase(oldest.room);
  }
  bytes_ -= oldest.line->size();
  forgotten_number_ = oldest.number;
  order_.pop_front();
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
