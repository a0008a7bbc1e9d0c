#include <utility>

#include "cli/client_run.h"
#include "cli/paths.h"
#include "client/requests.h"

namespace skein::cli {

using socketserver::Task;

namespace {

Task<int> run_make_folder(Client& client, const ClientFlags& flags,
                          std::vector<store::Path> paths) {
  int code = kDone;
  for (const store::Path& path : paths) {
    const store::Metadata none;
    auto made = co_await client::make_folder(client.link, path, none);
    if (!made) {
      code = report(made.error());
    } else {
      say_done(flags.output, "made", path, "");
    }
  }
  flush_output();
  co_return code;
}

int make_folder(const Command& command, const std::vector<std::string>& arguments) {
  return run_on_paths(command, arguments, 1, SIZE_MAX, run_make_folder);
}

}  // namespace

const Command kMakeFolder = {"mkdir", "PATH...", "make folders at the hub, with those on the way",
                             make_folder};

}  // namespace skein::cli
