#include "hub/news.h"

#include <algorithm>
#include <string>
#include <utility>

#include "chat/line.h"

namespace skein::hub {

using chat::Feed;
using socketserver::Task;

namespace {

constexpr chat::RoomId kAllRooms = 0;

std::int64_t place_after(const Feed& feed, std::optional<std::int64_t> after) {
  return std::min(after.value_or(feed.last_number()), feed.last_number());
}

}  // namespace

News::News(Chat& chat, std::shared_ptr<Person> person, std::optional<std::int64_t> after)
    : chat_(chat),
      person_(std::move(person)),
      place_(place_after(chat.feed(), after)),
      follower_(chat.feed(), kAllRooms) {}

News::News(Chat& chat, std::set<chat::RoomId> rooms, std::optional<std::int64_t> after)
    : chat_(chat),
      rooms_(std::move(rooms)),
      place_(place_after(chat.feed(), after)),
      follower_(chat.feed(), kAllRooms) {}

bool News::heard(chat::RoomId room) const {
  return person_ == nullptr ? rooms_.contains(room) : person_->joined.contains(room);
}

Task<Result<std::vector<Feed::Said>>> News::next() {
  std::vector<Feed::Said> news;
  while (news.empty()) {
    auto said = co_await said_since();
    if (!said) co_return pass(std::move(said).error());
    if (said->empty()) break;
    place_ = said->back().number;
    std::erase_if(*said, [this](const Feed::Said& one) { return !heard(one.room); });
    news = *std::move(said);
  }
  co_return news;
}

Task<Result<std::vector<Feed::Said>>> News::said_since() {
  auto fresh = chat_.feed().after_number(place_);
  if (fresh) co_return *std::move(fresh);
  auto messages = co_await chat_.follow(place_);
  if (!messages) co_return pass(std::move(messages).error());
  std::vector<Feed::Said> said;
  said.reserve(messages->size());
  for (const chat::Message& message : *messages) {
    said.push_back({message.room, message.number,
                    std::make_shared<const std::string>(chat::encode_line(message))});
  }
  co_return said;
}

}  // namespace skein::hub
