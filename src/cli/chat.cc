#include <limits>
#include <string>
#include <utility>

#include "cli/chat_session.h"
#include "cli/client_run.h"

namespace skein::cli {

using socketserver::Task;

namespace {

Task<int> run_chat(Client& client, OutputFlags output, std::string room) {
  ChatSession session(client, {client.link_options, output, std::move(room)});
  const int code = co_await session.run();
  co_return code;
}

int chat(const Command& command, const std::vector<std::string>& arguments) {
  ClientFlags flags;
  // Unless told otherwise a chat outlives any absence of its hub.
  flags.retry_for_ms = std::numeric_limits<std::int64_t>::max();
  const auto rooms = parse_client_flags(command, arguments, flags, {}, 0, 1);
  if (!rooms) return report(rooms.error());
  if (flags.help) return kDone;
  const std::string room = rooms->empty() ? "lobby" : rooms->front();
  return run_client(flags, [&](Client& client) { return run_chat(client, flags.output, room); });
}

}  // namespace

const Command kChat = {"chat", "[ROOM]", "talk; the lobby. /help inside tells more", chat};

}  // namespace skein::cli
