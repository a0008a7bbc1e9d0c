// Chat: the messages of a hub, as every way in uses them (frames, datagrams, HTTP): who somebody
// is, which room is meant, how often one may speak, who is online; and what stands beneath, the
// scribe and the feed. The loop's thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "auth/principal.h"
#include "base/clock.h"
#include "base/limits.h"
#include "base/result.h"
#include "chat/directory.h"
#include "chat/feed.h"
#include "chat/message.h"
#include "chat/room_log.h"
#include "chat/scribe.h"
#include "hub/presence.h"
#include "hub/rate.h"
#include "hub/rates.h"
#include "socketserver/address.h"
#include "socketserver/loop.h"
#include "socketserver/pool.h"
#include "socketserver/task.h"

namespace skein::hub {

inline constexpr std::string_view kLobby = "lobby";  // the room that is always there

// A member while somebody of theirs is connected; all of a member's connections share it.
struct Person {
  chat::MemberId id = 0;
  std::string name;
  std::set<chat::RoomId> joined;  // direct messages too
  Rate rate;
};

// Who asks, and the room that is asked for.
struct Place {
  std::shared_ptr<Person> person;
  chat::Room room;
};

class Chat {
 public:
  // `directory` and `log` are two faces of one store, and outlive this, as the others do. A member
  // may say so many messages a second; 0: any number.
  Chat(socketserver::Loop& loop, socketserver::Pool& pool, chat::RoomLog& log,
       chat::Directory& directory, std::int64_t messages_per_second = limits::kMessagesPerSecond);
  Chat(const Chat&) = delete;
  Chat& operator=(const Chat&) = delete;

  // Before the loop runs; blocks.
  Result<void> begin();

  // The member that the principal's name stands for; made, and joined to the lobby, when new.
  // Online as long as somebody holds it. kBadName, kExists: not one that can take part.
  socketserver::Task<Result<std::shared_ptr<Person>>> person(auth::Principal principal);

  // A room by its name, or direct messages as "@NAME"; kNotFound. `make`: made when it is not
  // there. Nobody (nullptr) has no direct messages: kRefused.
  socketserver::Task<Result<chat::Room>> room(std::shared_ptr<Person> person, std::string name,
                                              bool make);

  // Ends when it is on disk and was handed to who follows. kTooMany: too often, for this member or
  // for all who are at the address `peer`; retry_ms() says when. `text` is not empty, at most
  // spec::kMaxMessageBytes, UTF-8: kBadRequest, kTooLarge otherwise.
  struct Saying {
    chat::RoomId room = 0;
    chat::Cid cid{};
    std::string text;
    std::string file;  // what it offers, a path in the shared folder; or empty
  };
  socketserver::Task<Result<chat::RoomLog::Appended>> say(std::shared_ptr<Person> person,
                                                          socketserver::Address peer,
                                                          Saying saying);
  // The same for somebody who is no member, of the name `from`; has no limit but that of the
  // address.
  socketserver::Task<Result<chat::RoomLog::Appended>> say_as_guest(std::string from,
                                                                   socketserver::Address peer,
                                                                   Saying saying);

  socketserver::Task<Result<void>> join(std::shared_ptr<Person> person, chat::RoomId room);
  socketserver::Task<Result<void>> leave(std::shared_ptr<Person> person, chat::RoomId room);
  socketserver::Task<Result<void>> rename(std::shared_ptr<Person> person, std::string name);
  socketserver::Task<Result<void>> set_topic(chat::RoomId room, std::string topic);
  socketserver::Task<Result<void>> set_read(std::shared_ptr<Person> person, chat::RoomId room,
                                            std::int64_t seq);

  // What the member sees in lists: named rooms and its own direct messages, by name. Nobody
  // (nullptr) sees the named rooms.
  struct Listed {
    chat::Room room;
    std::string name;  // for this member: "lobby", "@lin"
    bool joined = false;
    std::int64_t read_seq = 0;
  };
  socketserver::Task<Result<std::vector<Listed>>> rooms(std::shared_ptr<Person> person);
  // One of them as a line of an answer.
  [[nodiscard]] static std::string encode(const Listed& listed);
  // The name under which this member knows a room; a named one has the same for everybody.
  socketserver::Task<Result<std::string>> name_of(std::shared_ptr<Person> person,
                                                  chat::RoomId room);
  [[nodiscard]] std::vector<std::string> online() const;  // by name

  // Reads, in the pool.
  socketserver::Task<Result<std::vector<chat::Message>>> read(chat::RoomId room,
                                                              chat::RoomLog::Range range);
  socketserver::Task<Result<std::int64_t>> last_seq(chat::RoomId room);
  socketserver::Task<Result<std::vector<chat::Message>>> follow(std::int64_t after);
  // In one room, or in all that the person has joined; without a room there must be a person.
  socketserver::Task<Result<std::vector<chat::Message>>> search(std::shared_ptr<Person> person,
                                                                std::optional<chat::Room> room,
                                                                std::string words,
                                                                std::optional<std::int64_t> before,
                                                                std::size_t limit);

  [[nodiscard]] chat::Feed& feed() { return feed_; }
  [[nodiscard]] Presence& presence() { return presence_; }
  [[nodiscard]] chat::RoomId lobby() const { return lobby_; }

  // What was said and not written yet is written.
  socketserver::Task<void> close();

 private:
  socketserver::Task<Result<chat::RoomLog::Appended>> append(chat::Draft draft);
  [[nodiscard]] Result<void> check(const Saying& saying) const;
  [[nodiscard]] Result<void> check_rates(Person* person, const socketserver::Address& peer);

  socketserver::Loop& loop_;
  socketserver::Pool& pool_;
  chat::RoomLog& log_;
  chat::Directory& directory_;
  chat::Feed feed_;
  chat::Scribe scribe_;
  const std::int64_t messages_per_second_;
  chat::RoomId lobby_ = 0;
  Rates addresses_;
  Presence presence_;
  std::map<chat::MemberId, std::weak_ptr<Person>> people_;  // who is held, and nobody else
  std::map<std::string, chat::Room, std::less<>> named_;    // rooms by the name that was asked for
  std::map<chat::RoomId, std::string> names_;  // and by id; direct messages are not here
};

}  // namespace skein::hub
