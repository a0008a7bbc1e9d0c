#include <optional>
#include <string>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "chat/line.h"
#include "cli/client_run.h"
#include "cli/message_line.h"
#include "client/talk.h"

namespace skein::cli {

using socketserver::Task;

namespace {

struct LogFlags {
  ClientFlags common;
  std::string room = "lobby";
  std::int64_t last = limits::kMessagesInPage;
  bool follow = false;
};

void show(const LogFlags& flags, const chat::Message& message) {
  if (flags.common.output.quiet) return;
  std::string line = flags.common.output.json ? chat::encode_line(message) : message_line(message);
  if (line.ends_with('\n')) line.pop_back();
  print_line(line);
}

Task<int> run_log(Client& client, const LogFlags& flags) {
  auto messages = co_await client::read_log(client.link, flags.room, std::nullopt, flags.last);
  if (!messages) co_return report(messages.error());
  for (const chat::Message& message : *messages) show(flags, message);
  flush_output();
  if (!flags.follow) co_return kDone;
  std::optional<std::int64_t> after;
  if (!messages->empty()) after = messages->back().seq;
  if (messages->empty() && flags.last > 0) after = 0;
  client::OnMessage on_message = [&flags](const chat::Message& message) {
    show(flags, message);
    flush_output();
  };
  auto ended = co_await client::follow(client.link, flags.room, after, std::move(on_message));
  // Ctrl-C is how a person ends what has no end.
  if (client.interrupted.is_set()) co_return kDone;
  co_return report(ended.error());
}

int log(const Command& command, const std::vector<std::string>& arguments) {
  LogFlags flags;
  const std::vector<Flag> own = {
      {"last", "N", "how many of the newest messages; 100", set_count(flags.last, "messages")},
      {"follow", "", "go on with what is said, until Ctrl-C", set_true(flags.follow)}};
  auto rooms = parse_client_flags(command, arguments, flags.common, own, 0, 1);
  if (!rooms) return report(rooms.error());
  if (flags.common.help) return kDone;
  if (!rooms->empty()) flags.room = rooms->front();
  return run_client(flags.common, [&](Client& client) { return run_log(client, flags); });
}

}  // namespace

const Command kLog = {"log", "[ROOM] [--last N] [--follow] [--json]",
                      "what was said in a room; the lobby", log};

}  // namespace skein::cli
