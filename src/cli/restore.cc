#include <utility>

#include "base/text.h"
#include "cli/client_run.h"
#include "cli/local_store.h"
#include "cli/paths.h"
#include "client/requests.h"

namespace skein::cli {

using socketserver::Task;

namespace {

constexpr std::string_view kReplacedWords = "; what stood there is in the trash now";

Task<int> run_restore(Client& client, const ClientFlags& flags, std::vector<store::Path> paths) {
  int code = kDone;
  for (const store::Path& path : paths) {
    auto replaced = co_await client::restore(client.link, path);
    if (!replaced) {
      code = report(replaced.error());
    } else {
      say_done(flags.output, "restored", path, *replaced ? kReplacedWords : "");
    }
  }
  flush_output();
  co_return code;
}

// What a get replaced lies in the trash of the folder that it went to; no hub is asked.
int restore_here(const ClientFlags& flags, const std::string& folder,
                 const std::vector<std::string>& names) {
  const SystemClock clock;
  SystemRandom random;
  auto local = LocalStore::open(folder, clock, random);
  if (!local) return report(local.error());
  int code = kDone;
  for (const std::string& name : names) {
    const auto path = parse_remote(name);
    if (!path) return report(path.error());
    const auto replaced = (*local)->store().restore(*path);
    if (!replaced) {
      code = report(replaced.error());
    } else {
      say_done(flags.output, "restored", *path, *replaced ? kReplacedWords : "");
    }
  }
  (*local)->tidy();
  flush_output();
  return code;
}

int restore(const Command& command, const std::vector<std::string>& arguments) {
  ClientFlags flags;
  std::string folder;
  std::vector<Flag> own = {{"in", "DIR",
                            "what a get replaced in this folder of yours; no hub is asked",
                            set_text(folder)}};
  const auto names = parse_client_flags(command, arguments, flags, own, 1, SIZE_MAX);
  if (!names) return report(names.error());
  if (flags.help) return kDone;
  if (!folder.empty()) return restore_here(flags, folder, *names);
  return run_on_paths(flags, *names, run_restore);
}

}  // namespace

const Command kRestore = {"restore", "PATH... [--in DIR]",
                          "bring back what was removed or replaced last", restore};

}  // namespace skein::cli
