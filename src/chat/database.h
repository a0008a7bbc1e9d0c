// Database: the room log and the directory of a hub in one SQLite file, hub/rooms.sqlite of its
// state folder. docs/disk.md, "The room log", says what stands in it.
//
// append(), and what changes the directory, from one thread at a time; all else from any, also
// beside it: readers have a connection of their own, so that none waits for a sync of the writer's,
// and who searches has another, so that nobody who reads waits for that.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>

#include "chat/directory.h"
#include "chat/names.h"
#include "chat/room_log.h"
#include "chat/sqlite.h"

namespace skein::chat {

class Database final : public RoomLog, public Directory {
 public:
  // Made when missing or empty; the room "lobby" is always there. kIo: damaged, or another
  // program's file; kVersion: made by a newer one. It is left as it is then. `vfs`: through which
  // SQLite reaches the file, for tests; empty: its own.
  static Result<std::unique_ptr<Database>> open(const std::string& path,
                                                const std::string& vfs = {});

  // RoomLog
  Result<std::vector<Result<Appended>>> append(std::span<const Draft> drafts) override;
  Result<std::vector<Message>> read(RoomId room, Range range) override;
  Result<std::vector<Message>> follow(std::int64_t after, std::size_t limit) override;
  Result<std::vector<Message>> search(std::span<const RoomId> rooms, std::string_view words,
                                      std::optional<std::int64_t> before,
                                      std::size_t limit) override;
  Result<std::int64_t> last_number() override;
  Result<std::int64_t> last_seq(RoomId room) override;

  // Directory
  Result<Member> member(std::string_view name) override;
  Result<std::optional<Member>> find_member(std::string_view name) override;
  Result<std::optional<Member>> find_member(MemberId id) override;
  Result<Member> rename(MemberId member, std::string_view name) override;
  Result<Opened> open_room(std::string_view name) override;
  Result<Room> open_direct(MemberId one, MemberId other) override;
  Result<std::optional<Room>> find_room(std::string_view name) override;
  Result<std::optional<Room>> find_room(RoomId id) override;
  Result<std::vector<Room>> rooms() override;
  Result<void> set_topic(RoomId room, std::string_view topic) override;
  Result<void> join(MemberId member, RoomId room) override;
  Result<void> leave(MemberId member, RoomId room) override;
  Result<std::vector<Joined>> joined(MemberId member) override;
  Result<void> set_read(MemberId member, RoomId room, std::int64_t seq) override;

 private:
  // Whoever holds the mutex uses the connection.
  struct Shared {
    explicit Shared(Connection made) : connection(std::move(made)) {}
    std::mutex mutex;
    Connection connection;
  };
  Database(Connection writer, Connection reader, Connection searcher);

  // The last seq of each room that a group has spoken of so far; nothing: there is no such room.
  using LastSeqs = std::map<RoomId, std::optional<std::int64_t>>;
  Result<std::optional<Appended>> append_one(const Draft& draft, LastSeqs& last_seqs);

  Connection writer_;
  Shared reader_;
  Shared searcher_;
};

}  // namespace skein::chat
