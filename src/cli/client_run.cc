#include "cli/client_run.h"

#include <pwd.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "chat/names.h"
#include "socketserver/signals.h"

namespace skein::cli {

using socketserver::Task;

namespace {

const socketserver::Endpoint kUsualHub = {"127.0.0.1", 8080};

std::string user_name() {
  const char* name = std::getenv("USER");
  if (name == nullptr || *name == '\0') {
    const passwd* entry = getpwuid(getuid());
    name = entry == nullptr ? "" : entry->pw_name;
  }
  return std::string(name).substr(0, spec::kMaxNameBytes);
}

// What is kept for the hub, if it is a name at all.
Result<std::optional<std::string>> kept_name(const socketserver::Endpoint& hub,
                                             const store::StateFolder& folder) {
  TRY_ASSIGN(auto name, folder.name_at(hub.text()));
  if (!name) return name;
  if (auto good = chat::parse_name(*name, "member"); !good) {
    return std::unexpected(
        Error(kIo, concat("the name kept for ", hub.text(), " is none: ", good.error().message()))
            .with_hint(concat("remove it from ", quoted(folder.path() + "/client/names"),
                              ", or say --name NAME")));
  }
  return name;
}

Result<store::StateFolder> state_folder(const ClientFlags& flags) {
  std::optional<std::string> given;
  if (!flags.state.empty()) given = flags.state;
  return store::StateFolder::open(given);
}

Result<client::LinkOptions> link_options(const ClientFlags& flags, store::StateFolder& folder,
                                         Random& random) {
  client::LinkOptions options;
  TRY_ASSIGN(options.hub, hub_endpoint(flags));
  TRY_ASSIGN(options.identity, identity_at(options.hub, flags.name, folder, random));
  options.retry_for_ms = flags.retry_for_ms;
  return options;
}

Task<void> watch_signals(socketserver::Signals& signals, client::Link& link,
                         socketserver::Event& interrupted) {
  for (int number = co_await signals.next(); number != 0; number = co_await signals.next()) {
    if (interrupted.is_set()) std::_Exit(kNotComplete);
    interrupted.set();
    link.cancel();
  }
}

Task<int> run_body(const std::function<Task<int>(Client&)>& body, Client& client,
                   socketserver::Signals& signals) {
  socketserver::Gate watching;
  watching.spawn(client.loop, watch_signals(signals, client.link, client.interrupted));
  const int code = co_await body(client);
  co_await client.link.close();
  signals.cancel();
  co_await watching.close();
  co_return code;
}

}  // namespace

Result<socketserver::Endpoint> hub_endpoint(const ClientFlags& flags) {
  if (!flags.hub.empty()) return socketserver::Endpoint::parse(flags.hub);
  const char* from_environment = std::getenv("SKEIN_HUB");
  if (from_environment == nullptr || *from_environment == '\0') return kUsualHub;
  auto endpoint = socketserver::Endpoint::parse(from_environment);
  if (!endpoint) return pass(std::move(endpoint).error(), "reading $SKEIN_HUB");
  return endpoint;
}

Result<client::Identity> identity_at(const socketserver::Endpoint& hub, const std::string& name,
                                     store::StateFolder& folder, Random& random) {
  client::Identity identity;
  identity.name = name;
  if (name.empty()) {
    TRY_ASSIGN(auto kept, kept_name(hub, folder));
    identity.name = kept ? *std::move(kept) : user_name();
  }
  TRY_ASSIGN(identity.device, folder.device_id(random));
  return identity;
}

ClientFlags::ClientFlags() : retry_for_ms(limits::kRetryForMs) {}

void print_help(const Command& command, const std::vector<Flag>& flags) {
  print_line(concat(command.summary, "\nusage: skein ", command.name, " ", command.usage, "\n"));
  print_line(flags_help(flags));
  flush_output();
}

Result<std::vector<std::string>> parse_client_flags(const Command& command,
                                                    const std::vector<std::string>& arguments,
                                                    ClientFlags& flags, std::vector<Flag> own,
                                                    std::size_t least, std::size_t most) {
  own.push_back(
      {"hub", "HOST:PORT", "which hub; else $SKEIN_HUB, else 127.0.0.1:8080", set_text(flags.hub)});
  own.push_back({"retry-for", "SECONDS", "how long to call a lost hub again without progress; 30",
                 set_seconds(flags.retry_for_ms)});
  own.push_back({"name", "NAME", "what to be called; else as /name said, or your user's name",
                 set_text(flags.name)});
  own.push_back(
      {"state", "DIR", "where this device's id and names are kept", set_text(flags.state)});
  own.push_back({"json", "", "results as JSON lines", set_true(flags.output.json)});
  own.push_back({"quiet", "", "no output but errors", set_true(flags.output.quiet)});
  own.push_back({"help", "", "this help", set_true(flags.help)});
  const auto with_usage = [&](Error error) {
    return std::move(error).with_hint(concat("usage: skein ", command.name, " ", command.usage));
  };
  auto rest = parse_flags(arguments, own);
  if (!rest) return std::unexpected(with_usage(std::move(rest).error()));
  if (flags.help) {
    print_help(command, own);
    return rest;
  }
  if (rest->size() < least || rest->size() > most) {
    const bool few = rest->size() < least;
    return std::unexpected(
        with_usage(Error(kUsage, concat("too ", few ? "few" : "many", " arguments"))));
  }
  return rest;
}

int run_client(const ClientFlags& flags, const std::function<Task<int>(Client&)>& body) {
  SystemClock clock;
  SystemRandom random;
  auto folder = state_folder(flags);
  if (!folder) return report(folder.error());
  auto options = link_options(flags, *folder, random);
  if (!options) return report(options.error());
  auto loop = socketserver::Loop::create(clock);
  if (!loop) return report(loop.error());
  socketserver::Signals signals(**loop, {SIGINT, SIGTERM});
  socketserver::Pool pool(limits::kPoolThreads, limits::kPoolQueue);
  client::Link link(**loop, pool, random, *options);
  socketserver::Event interrupted;
  Client client{**loop, pool, link, *options, clock, random, interrupted, *folder};
  return socketserver::run_until_done(**loop, run_body(body, client, signals));
}

}  // namespace skein::cli
