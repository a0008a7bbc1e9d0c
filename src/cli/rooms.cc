#include <string>
#include <utility>

#include "base/text.h"
#include "cli/client_run.h"
#include "client/talk.h"
#include "wire/dictionary.h"
#include "wire/protocol.h"

namespace skein::cli {

using socketserver::Task;
namespace field = wire::field;

namespace {

std::string json_of(client::RoomLine room) {
  wire::Dictionary line;
  line.set(field::kRoom, std::move(room.name)).set(field::kLastSeq, room.last_seq);
  if (!room.topic.empty()) line.set(field::kTopic, std::move(room.topic));
  line.set(field::kJoined, room.read_seq.has_value());
  if (room.read_seq) line.set(field::kReadSeq, *room.read_seq);
  return line.to_json();
}

// "lobby  12 unread  where to, and when"
std::string line_of(const client::RoomLine& room) {
  std::string line = escaped(room.name);
  if (room.read_seq && *room.read_seq < room.last_seq) {
    line += concat("  ", std::to_string(room.last_seq - *room.read_seq), " unread");
  }
  if (!room.topic.empty()) line += concat("  ", escaped(room.topic));
  return line;
}

Task<int> run_rooms(Client& client, const ClientFlags& flags) {
  auto rooms = co_await client::rooms(client.link);
  if (!rooms) co_return report(rooms.error());
  for (client::RoomLine& room : *rooms) {
    if (flags.output.quiet) break;
    print_line(flags.output.json ? json_of(std::move(room)) : line_of(room));
  }
  flush_output();
  co_return kDone;
}

int rooms(const Command& command, const std::vector<std::string>& arguments) {
  ClientFlags flags;
  const auto rest = parse_client_flags(command, arguments, flags, {}, 0, 0);
  if (!rest) return report(rest.error());
  if (flags.help) return kDone;
  return run_client(flags, [&](Client& client) { return run_rooms(client, flags); });
}

}  // namespace

const Command kRooms = {"rooms", "[--json]", "the rooms of the hub, a line each", rooms};

}  // namespace skein::cli
