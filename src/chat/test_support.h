// What the tests of this folder share. The test's thread.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <limits>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "chat/directory.h"
#include "chat/message.h"
#include "chat/room_log.h"

namespace skein::chat {

// What a call came to: "ok", or the name of the error's kind.
template <typename T>
std::string outcome(const Result<T>& result) {
  return result ? std::string("ok") : std::string(result.error().kind().name);
}

// "kind: message (hint)"
template <typename T>
std::string said(const Result<T>& result) {
  if (result) return "ok";
  return outcome(result) + ": " + result.error().text() + " (" + result.error().hint() + ")";
}

// Another one for each number.
inline Cid cid_of(std::uint64_t number) {
  Cid cid{};
  store_le(cid.data(), number);
  return cid;
}

inline Draft draft(RoomId room, MemberId member, std::uint64_t cid, std::string text) {
  Draft made;
  made.room = room;
  made.member = member;
  made.from = member == 0 ? "guest" : "member " + std::to_string(member);
  made.cid = cid_of(cid);
  made.ts_ms = 1'700'000'000'000 + static_cast<std::int64_t>(cid);
  made.text = std::move(text);
  return made;
}

inline std::vector<std::string> texts(const std::vector<Message>& messages) {
  std::vector<std::string> all;
  for (const Message& message : messages) all.push_back(message.text);
  return all;
}
inline std::vector<std::string> texts(const Result<std::vector<Message>>& messages) {
  return messages ? texts(*messages) : std::vector{outcome(messages)};
}

// All that a log and its directory hold, as text.
inline std::string picture(RoomLog& log, Directory& directory) {
  std::ostringstream out;
  const auto put = [&](const Room& room) {
    out << room.id << " '" << room.name << "' '" << room.topic << "' " << room.last_seq << ' '
        << room.one << ' ' << room.other;
  };
  const auto rooms = directory.rooms();
  for (const Room& room : rooms.value()) put(room), out << '\n';
  for (MemberId id = 1;; ++id) {
    const auto member = directory.find_member(id);
    if (!member.value()) break;
    out << "member " << id << " '" << member.value()->name << "'\n";
    const auto joined = directory.joined(id);
    for (const Joined& one : joined.value()) {
      out << "  read " << one.read_seq << " of ";
      put(one.room);
      out << '\n';
    }
  }
  const auto messages = log.follow(0, std::numeric_limits<std::size_t>::max());
  for (const Message& said : messages.value()) {
    out << said.number << ' ' << said.room << '/' << said.seq << ' ' << said.member << " '"
        << said.from << "' " << said.ts_ms << " '" << said.text << "' '" << said.file << "'\n";
  }
  return out.str();
}

// A folder of its own, which goes with it.
class TempFolder {
 public:
  TempFolder() {
    path_ = testing::TempDir() + "skein-chat-XXXXXX";
    if (mkdtemp(path_.data()) == nullptr) std::abort();
  }
  ~TempFolder() { std::filesystem::remove_all(path_); }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  [[nodiscard]] std::string file(std::string_view name) const {
    return path_ + "/" + std::string(name);
  }
  // The names in it, sorted.
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(path_)) {
      all.push_back(entry.path().filename());
    }
    std::ranges::sort(all);
    return all;
  }

 private:
  std::string path_;
};

inline std::string read_file(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}
inline void write_file(const std::string& path, std::string_view bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

}  // namespace skein::chat
