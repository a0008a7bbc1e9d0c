// What all commands that talk to a hub share: their flags, the loop, the line to the hub, and
// Ctrl-C.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "cli/command.h"
#include "cli/flags.h"
#include "cli/output.h"
#include "client/link.h"
#include "socketserver/loop.h"
#include "socketserver/pool.h"
#include "socketserver/sync.h"
#include "socketserver/task.h"
#include "store/state.h"

namespace skein::cli {

struct ClientFlags {
  OutputFlags output;
  std::string hub;    // empty: $SKEIN_HUB, else 127.0.0.1:8080
  std::string name;   // empty: what is kept for the hub, else the user's
  std::string state;  // empty: the usual folder
  std::int64_t retry_for_ms;
  bool help = false;
  ClientFlags();
};

// Parses `own` and the common flags; prints the help and sets flags.help when asked to. At least
// `least` and at most `most` arguments, else kUsage with the command's usage as hint.
[[nodiscard]] Result<std::vector<std::string>> parse_client_flags(
    const Command& command, const std::vector<std::string>& arguments, ClientFlags& flags,
    std::vector<Flag> own, std::size_t least, std::size_t most);

// The hub that the flags, the environment or the default name.
[[nodiscard]] Result<socketserver::Endpoint> hub_endpoint(const ClientFlags& flags);

// Who this client is at that hub: called `name`; if that is empty, as a /name there once said; else
// as the user.
[[nodiscard]] Result<client::Identity> identity_at(const socketserver::Endpoint& hub,
                                                   const std::string& name,
                                                   store::StateFolder& folder, Random& random);

// The same help for commands that talk to no hub.
void print_help(const Command& command, const std::vector<Flag>& flags);

struct Client {
  socketserver::Loop& loop;
  socketserver::Pool& pool;
  client::Link& link;
  const client::LinkOptions& link_options;  // for another link than that one
  const Clock& clock;
  Random& random;
  socketserver::Event& interrupted;  // by Ctrl-C
  const store::StateFolder& folder;
};

// Runs `body` on a loop of its own, with a link that is cancelled by Ctrl-C (a second one ends
// the program at once); its exit code.
int run_client(const ClientFlags& flags,
               const std::function<socketserver::Task<int>(Client&)>& body);

}  // namespace skein::cli
