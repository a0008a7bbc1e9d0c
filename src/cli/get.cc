#include "client/get.h"

#include <utility>

#include "base/text.h"
#include "cli/client_run.h"
#include "cli/local_store.h"
#include "cli/paths.h"
#include "cli/progress.h"
#include "cli/summary.h"

namespace skein::cli {

using socketserver::Task;

namespace {

Task<int> run_get(Client& client, const ClientFlags& flags, std::vector<store::Path> paths,
                  std::string into) {
  client::Tally tally;
  const auto title = [&] {
    return concat("from ", client.link.hub_name(), " into ", escaped(into));
  };
  Progress progress(client.loop, client.clock, tally, flags.output, title);
  auto open = [&] { return LocalStore::open(into, client.clock, client.random); };
  auto local = co_await client.pool.run(client.loop, open);
  if (!local) co_return report(local.error());
  progress.start();
  auto ended = co_await client::get(client.link, std::move(paths), (*local)->store(), tally);
  auto tidy = [&] { (*local)->tidy(); };
  co_await client.pool.run(client.loop, tidy);
  const std::int64_t elapsed_ms = progress.elapsed_ms();
  co_await progress.stop();
  co_return report(Transferred{tally, std::move(ended), elapsed_ms, "fetched", escaped(into),
                               concat("skein restore --in ", escaped(into))},
                   flags.output);
}

int get(const Command& command, const std::vector<std::string>& arguments) {
  ClientFlags flags;
  std::string into = ".";
  std::vector<Flag> own = {
      {"into", "DIR", "into this folder, made when missing; else here", set_text(into)}};
  const auto names = parse_client_flags(command, arguments, flags, std::move(own), 1, SIZE_MAX);
  if (!names) return report(names.error());
  if (flags.help) return kDone;
  std::vector<store::Path> paths;
  for (const std::string& name : *names) {
    auto path = parse_remote(name);
    if (!path) return report(path.error());
    paths.push_back(*std::move(path));
  }
  return run_client(flags, [&](Client& client) { return run_get(client, flags, paths, into); });
}

}  // namespace

const Command kGet = {"get", "PATH... [--into DIR]",
                      "fetch files and folders; an interrupted one goes on where it stopped", get};

}  // namespace skein::cli
