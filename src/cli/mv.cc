#include <utility>

#include "cli/client_run.h"
#include "cli/paths.h"
#include "client/requests.h"

namespace skein::cli {

using socketserver::Task;

namespace {

Task<int> run_move(Client& client, const ClientFlags& flags, std::vector<store::Path> paths) {
  auto moved = co_await client::move(client.link, paths[0], paths[1]);
  if (!moved) co_return report(moved.error());
  say_done(flags.output, "moved", paths[0], "");
  flush_output();
  co_return kDone;
}

int move(const Command& command, const std::vector<std::string>& arguments) {
  return run_on_paths(command, arguments, 2, 2, run_move);
}

}  // namespace

const Command kMove = {"mv", "PATH NEW_PATH", "give a file or folder of the hub another name",
                       move};

}  // namespace skein::cli
