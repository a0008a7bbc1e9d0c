#include "cli/operator.h"

#include <unistd.h>

#include <limits>
#include <string>
#include <utility>

#include "base/text.h"
#include "cli/chat_session.h"
#include "cli/client_run.h"
#include "client/link.h"

namespace skein::cli {

using socketserver::Task;

namespace {

// What the hub logs goes above the edited line. Where stderr is another file it stays there.
void show_log_at(Prompt* prompt, StderrLog& log) {
  if (prompt == nullptr || isatty(STDERR_FILENO) != 1) return log.divert(nullptr);
  log.divert([prompt, dims = Prompt::wants_colours()](LogLevel level, std::string line) {
    if (dims && level <= LogLevel::kInfo) line = concat("\x1b[2m", line, "\x1b[0m");
    prompt->print(std::move(line));
  });
}

}  // namespace

Task<bool> talk_as_operator(Terminal here, socketserver::Event& interrupted) {
  client::LinkOptions link_options;
  link_options.hub = here.hub;
  link_options.retry_for_ms = std::numeric_limits<std::int64_t>::max();
  int code = kDone;
  if (auto identity = identity_at(here.hub, "", here.folder, here.random); identity) {
    link_options.identity = *std::move(identity);
    client::Link link(here.loop, here.pool, here.random, link_options);
    Client client{here.loop,  here.pool,   link,        link_options,
                  here.clock, here.random, interrupted, here.folder};
    ChatSession::Options options;
    options.link = link_options;
    options.ends_hub = true;
    options.on_prompt = [&here](Prompt* prompt) { show_log_at(prompt, here.log); };
    ChatSession session(client, std::move(options));
    code = co_await session.run();
    co_await link.close();
  } else {
    code = report(identity.error());
  }
  if (interrupted.is_set()) co_return false;
  // A terminal that went away is nobody's wish to end.
  if (code == kDone && Prompt::on_terminal()) co_return true;
  here.log.warning("nobody can talk at this terminal; the hub goes on, and Ctrl-C ends it");
  co_return false;
}

}  // namespace skein::cli
