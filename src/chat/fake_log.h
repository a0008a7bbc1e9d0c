// A room log and directory in memory, for tests of what stands above. It passes the same tests as
// the real one (room_log_contract_test.cc, directory_contract_test.cc), and fails on demand. When
// it searches, beyond ASCII every character is a letter, and has no case.
//
// Any thread, one mutex.
#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "chat/directory.h"
#include "chat/names.h"
#include "chat/room_log.h"

namespace skein::chat {

class FakeLog final : public RoomLog, public Directory {
 public:
  FakeLog();  // with the room "lobby"

  // So many append() that come next fail with this, and add nothing.
  void fail_next(std::size_t appends, ErrorKind kind);
  // The same of read() and follow().
  void fail_next_reads(std::size_t reads, ErrorKind kind);

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
  struct KnownMember {
    Member member;
    Name name;
  };
  struct KnownRoom {
    Room room;
    Name name;  // of nothing for direct messages
  };
  // Under the mutex; nullptr: none.
  KnownMember* known_member(MemberId id);
  KnownRoom* known_room(RoomId id);
  Result<void> may_read();

  std::mutex mutex_;
  std::vector<KnownMember> members_;                            // by id, from 1
  std::vector<KnownRoom> rooms_;                                // by id, from 1
  std::map<std::pair<MemberId, RoomId>, std::int64_t> joined_;  // and up to where it was read
  std::vector<Message> messages_;                               // by number, from 1
  std::map<std::pair<MemberId, Cid>, Appended> said_;
  std::size_t failures_ = 0;
  ErrorKind failure_ = kIo;
  std::size_t read_failures_ = 0;
  ErrorKind read_failure_ = kIo;
};

}  // namespace skein::chat
