#include <string>

#include "base/text.h"
#include "cli/client_run.h"
#include "client/talk.h"
#include "wire/dictionary.h"
#include "wire/protocol.h"

namespace skein::cli {

using socketserver::Task;

namespace {

Task<int> run_who(Client& client, const ClientFlags& flags) {
  auto names = co_await client::who(client.link);
  if (!names) co_return report(names.error());
  for (const std::string& name : *names) {
    if (flags.output.quiet) break;
    wire::Dictionary line;
    line.set(wire::field::kName, name);
    print_line(flags.output.json ? line.to_json() : escaped(name));
  }
  flush_output();
  co_return kDone;
}

int who(const Command& command, const std::vector<std::string>& arguments) {
  ClientFlags flags;
  const auto rest = parse_client_flags(command, arguments, flags, {}, 0, 0);
  if (!rest) return report(rest.error());
  if (flags.help) return kDone;
  return run_client(flags, [&](Client& client) { return run_who(client, flags); });
}

}  // namespace

const Command kWho = {"who", "[--json]", "who takes part in messages now, a name a line", who};

}  // namespace skein::cli
