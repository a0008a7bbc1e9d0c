#include <utility>

#include "base/text.h"
#include "cli/client_run.h"
#include "cli/paths.h"
#include "client/requests.h"

namespace skein::cli {

using socketserver::Task;

namespace {

Task<int> run_remove(Client& client, const ClientFlags& flags, std::vector<store::Path> paths) {
  int code = kDone;
  for (const store::Path& path : paths) {
    auto removed = co_await client::remove(client.link, path);
    if (!removed) {
      code = report(removed.error());
    } else {
      say_done(flags.output, "removed", path, " (skein restore brings it back)");
    }
  }
  flush_output();
  co_return code;
}

int remove(const Command& command, const std::vector<std::string>& arguments) {
  return run_on_paths(command, arguments, 1, SIZE_MAX, run_remove);
}

}  // namespace

const Command kRemove = {"rm", "PATH...", "move files and folders of the hub to its trash", remove};

}  // namespace skein::cli
