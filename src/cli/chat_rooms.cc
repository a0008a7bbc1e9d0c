#include "cli/chat_rooms.h"

#include <algorithm>

#include "base/text.h"

namespace skein::cli {

void ChatRooms::open(std::string room) {
  opening_ = std::move(room);
  held_.clear();
}

std::vector<chat::Message> ChatRooms::opened(std::vector<chat::Message> page) {
  current_ = std::exchange(opening_, {});
  Room& room = rooms_[current_];
  const std::int64_t last = page.empty() ? 0 : page.back().seq;
  for (chat::Message& message : held_) {
    if (message.seq > last) page.push_back(std::move(message));
  }
  held_.clear();
  if (!page.empty()) show(room, page.back().seq);
  return page;
}

bool ChatRooms::take(const std::string& name, const chat::Message& message) {
  if (name == opening_) {
    held_.push_back(message);
    return false;
  }
  const bool known = rooms_.contains(name);
  Room& room = rooms_[name];
  if (!known) room.read_seq = message.seq - 1;
  room.last_seq = std::max(room.last_seq, message.seq);
  if (name != current_ && !name.starts_with('@')) return false;
  if (message.seq <= room.shown_seq) return false;
  show(room, message.seq);
  return true;
}

void ChatRooms::show(Room& room, std::int64_t seq) {
  room.shown_seq = std::max(room.shown_seq, seq);
  room.last_seq = std::max(room.last_seq, seq);
  room.read_seq = std::max(room.read_seq, seq);
}

void ChatRooms::set_unread(const std::string& name, std::int64_t last_seq, std::int64_t read_seq) {
  Room& room = rooms_[name];
  room.last_seq = std::max(room.last_seq, last_seq);
  room.read_seq = std::max(room.read_seq, read_seq);
}

void ChatRooms::forget_all() {
  rooms_.clear();
  held_.clear();
}

std::string ChatRooms::unread() const {
  std::string line;
  for (const auto& [name, room] : rooms_) {
    if (name == current_ || room.last_seq <= room.read_seq) continue;
    const std::string count =
        human_count(static_cast<std::uint64_t>(room.last_seq - room.read_seq));
    line += line.empty() ? concat(count, " unread in ") : concat(", ", count, " in ");
    line += escaped(name);
  }
  return line;
}

std::optional<std::pair<std::string, std::int64_t>> ChatRooms::next_seen() {
  for (auto& [name, room] : rooms_) {
    if (room.shown_seq <= room.told_seq) continue;
    room.told_seq = room.shown_seq;
    return std::pair(name, room.shown_seq);
  }
  return std::nullopt;
}

}  // namespace skein::cli
