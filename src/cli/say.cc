#include <unistd.h>

#include <cerrno>
#include <string>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "cli/client_run.h"
#include "cli/paths.h"
#include "client/talk.h"
#include "wire/dictionary.h"
#include "wire/protocol.h"

namespace skein::cli {

using socketserver::Task;

namespace {

struct SayFlags {
  ClientFlags common;
  std::string room = "lobby";
  std::string file;
};

// All of the standard input, if it is no more than a message may be; without its last line feed.
Result<std::string> message_from_input() {
  std::string text;
  char buffer[4096];
  while (text.size() <= spec::kMaxMessageBytes + 1) {
    const ssize_t got = read(STDIN_FILENO, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno(errno, "reading the message");
    if (got == 0) break;
    text.append(buffer, static_cast<std::size_t>(got));
  }
  if (text.ends_with('\n')) text.pop_back();
  return text;
}

Result<void> check_message(const std::string& text) {
  if (text.empty()) return fail(kUsage, "the message is empty");
  if (!is_utf8(text)) return fail(kUsage, "the message is not UTF-8");
  if (text.size() <= spec::kMaxMessageBytes) return {};
  return std::unexpected(Error(kUsage, concat("the message has more than ",
                                              std::to_string(spec::kMaxMessageBytes), " bytes"))
                             .with_hint("send it as a file: skein put FILE"));
}

Task<int> run_say(Client& client, const SayFlags& flags, std::string text) {
  auto said =
      co_await client::say(client.link, client.random, flags.room, std::move(text), flags.file);
  if (!said) co_return report(said.error());
  if (flags.common.output.json) {
    wire::Dictionary line;
    line.set(wire::field::kRoom, flags.room)
        .set(wire::field::kSeq, said->seq)
        .set(wire::field::kNumber, said->number);
    print_line(line.to_json());
    flush_output();
  }
  co_return kDone;
}

int say(const Command& command, const std::vector<std::string>& arguments) {
  SayFlags flags;
  const std::vector<Flag> own = {
      {"room", "ROOM", "where: a room, or @NAME for one member alone; lobby", set_text(flags.room)},
      {"file", "PATH", "a file of the hub that the message offers", set_text(flags.file)}};
  auto words = parse_client_flags(command, arguments, flags.common, own, 1, 1000);
  if (!words) return report(words.error());
  if (flags.common.help) return kDone;
  std::string text;
  if (*words == std::vector<std::string>{"-"}) {
    auto read = message_from_input();
    if (!read) return report(read.error());
    text = *std::move(read);
  } else {
    for (const std::string& word : *words) text += concat(text.empty() ? "" : " ", word);
  }
  if (auto good = check_message(text); !good) return report(good.error());
  if (!flags.file.empty()) {
    auto path = parse_remote(flags.file);
    if (!path) return report(path.error());
    flags.file = path->text();
  }
  return run_client(flags.common,
                    [&](Client& client) { return run_say(client, flags, std::move(text)); });
}

}  // namespace

const Command kSay = {"say", "TEXT... [--room ROOM]",
                      "send one message; \"-\" reads it from the standard input", say};

}  // namespace skein::cli
