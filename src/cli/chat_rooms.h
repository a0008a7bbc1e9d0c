// The rooms of a chat: which one is shown and how far, what is unread in the others, and that each
// message is shown once although pages of the log and what is said meanwhile overlap. A state
// machine without I/O; one thread.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "chat/message.h"

namespace skein::cli {

class ChatRooms {
 public:
  [[nodiscard]] const std::string& current() const { return current_; }

  // From now on what is said in `room` is held, until its page of the log is there.
  void open(std::string room);
  // It is: what is to be shown, in order. The room is the current one.
  std::vector<chat::Message> opened(std::vector<chat::Message> page);
  void give_up() { opening_.clear(); }  // the page cannot be had

  // Something was said. True: it is to be shown now, being of the current room or a direct message.
  bool take(const std::string& room, const chat::Message& message);

  // As the hub knows it; rises only.
  void set_unread(const std::string& room, std::int64_t last_seq, std::int64_t read_seq);
  void forget(const std::string& room) { rooms_.erase(room); }
  // The hub's log is another than it was.
  void forget_all();

  // "2 unread in holiday, 1 in @eve"; empty: nothing.
  [[nodiscard]] std::string unread() const;

  // A room of which more was shown than was told to the hub, and how far. Counts as told from now.
  std::optional<std::pair<std::string, std::int64_t>> next_seen();

 private:
  struct Room {
    std::int64_t last_seq = 0;
    std::int64_t read_seq = 0;  // shown, or read elsewhere
    std::int64_t shown_seq = 0;
    std::int64_t told_seq = 0;  // of what was shown
  };
  void show(Room& room, std::int64_t seq);

  std::map<std::string, Room> rooms_;
  std::string current_;
  std::string opening_;
  std::vector<chat::Message> held_;
};

}  // namespace skein::cli
