#include "client/put.h"

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/text.h"
#include "cli/client_run.h"
#include "cli/paths.h"
#include "cli/progress.h"
#include "cli/summary.h"
#include "client/talk.h"
#include "client/tutorial_put.h"

namespace skein::cli {

using socketserver::Task;

namespace {

struct PutFlags {
  ClientFlags common;
  std::string to;
  std::string dialect = "skein";
  std::string announce;  // in this room; empty: in none
};

// "a.txt", "3 things": what was named on the command line, escaped.
std::string name_of(const std::vector<std::string>& paths) {
  if (paths.size() > 1) return counted(paths.size(), "thing");
  std::string_view name = paths.front();
  while (name.size() > 1 && name.ends_with('/')) name.remove_suffix(1);
  return escaped(name.substr(name.rfind('/') + 1));
}

std::string place_of(const client::Link& link, const std::vector<std::string>& paths,
                     const store::Path& to) {
  return concat(link.hub_name(), ":", escaped(to.text()), to.is_root() ? "" : "/",
                paths.size() == 1 ? name_of(paths) : "");
}

// Offers each thing that was put in a line of the room, once all of it is there: who is told half
// of it would have to be told again.
Task<Announced> announce(Client& client, std::string room, const client::Tally& tally) {
  Announced announced{std::move(room), 0, {}};
  for (const std::string& target : tally.targets) {
    const std::string text;
    const auto said =
        co_await client::say(client.link, client.random, announced.room, text, target);
    if (!said) {
      announced.ended = pass(said.error());
      break;
    }
    ++announced.things;
  }
  co_return announced;
}

Task<int> run_put(Client& client, const PutFlags& flags, const std::vector<std::string>& paths,
                  store::Path to) {
  client::Tally tally;
  const auto title = [&] {
    const std::string& hub = client.link.hub_name();
    if (hub.empty()) return hub;
    return concat(name_of(paths), " to ", hub);
  };
  Progress progress(client.loop, client.clock, tally, flags.common.output, title);
  progress.start();
  auto ended = co_await client::put(client.link, paths, to, tally);
  const std::int64_t elapsed_ms = progress.elapsed_ms();
  co_await progress.stop();
  std::optional<Announced> announced;
  if (!flags.announce.empty()) {
    announced.emplace(Announced{flags.announce, 0, {}});
    if (ended && tally.problems.empty()) {
      announced = co_await announce(client, flags.announce, tally);
    }
  }
  co_return report(
      Transferred{tally, std::move(ended), elapsed_ms, "sent", place_of(client.link, paths, to),
                  "skein restore", std::move(announced)},
      flags.common.output);
}

Task<int> run_tutorial_put(Client& client, const PutFlags& flags,
                           const std::vector<std::string>& paths, socketserver::Endpoint server) {
  client::Tally tally;
  const auto title = [&] { return concat(name_of(paths), " to ", server.text()); };
  Progress progress(client.loop, client.clock, tally, flags.common.output, title);
  progress.start();
  auto ended = co_await client::tutorial_put(client.loop, client.pool, std::move(server), paths,
                                             client.interrupted, tally);
  const std::int64_t elapsed_ms = progress.elapsed_ms();
  co_await progress.stop();
  co_return report(Transferred{tally, std::move(ended), elapsed_ms, "sent", "", ""},
                   flags.common.output);
}

// An empty name would be taken for none.
std::function<Result<void>(const std::string&)> set_room(std::string& target) {
  return [&target](const std::string& value) -> Result<void> {
    if (value.empty()) return fail(kUsage, "the room to announce it in has no name");
    target = value;
    return {};
  };
}

Result<PutFlags> parse(const Command& command, const std::vector<std::string>& arguments,
                       std::vector<std::string>& paths) {
  PutFlags flags;
  std::vector<Flag> own = {
      {"to", "FOLDER", "into this folder of the hub, made when missing", set_text(flags.to)},
      {"dialect", "NAME", "skein, or tutorial: to a server that reads as the tutorial's does",
       set_text(flags.dialect)},
      {"announce", "ROOM", "offer it in this room, or to @NAME, once all of it is there",
       set_room(flags.announce)}};
  TRY_ASSIGN(paths,
             parse_client_flags(command, arguments, flags.common, std::move(own), 1, SIZE_MAX));
  if (flags.dialect != "skein" && flags.dialect != "tutorial") {
    return fail(kUsage, concat("no dialect ", quoted(flags.dialect), ": skein or tutorial"));
  }
  if (flags.dialect == "tutorial" && !flags.announce.empty()) {
    return fail(kUsage, "a server of the tutorial has no rooms to announce anything in");
  }
  return flags;
}

int put(const Command& command, const std::vector<std::string>& arguments) {
  std::vector<std::string> paths;
  const auto flags = parse(command, arguments, paths);
  if (!flags) return report(flags.error());
  if (flags->common.help) return kDone;
  if (flags->dialect == "tutorial") {
    auto server = hub_endpoint(flags->common);
    if (!server) return report(server.error());
    return run_client(flags->common, [&](Client& client) {
      return run_tutorial_put(client, *flags, paths, *server);
    });
  }
  store::Path to;
  if (!flags->to.empty()) {
    auto parsed = parse_remote(flags->to);
    if (!parsed) return report(parsed.error());
    to = *std::move(parsed);
  }
  return run_client(flags->common,
                    [&](Client& client) { return run_put(client, *flags, paths, to); });
}

}  // namespace

const Command kPut = {"put", "PATH... [--to FOLDER] [--announce ROOM]",
                      "send files and folders; an interrupted one goes on where it stopped", put};

}  // namespace skein::cli
