#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <memory>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "base/random.h"
#include "base/text.h"
#include "chat/database.h"
#include "cli/client_run.h"
#include "cli/operator.h"
#include "cli/prompt.h"
#include "cli/version.h"
#include "hub/chat.h"
#include "hub/hub.h"
#include "socketserver/loop.h"
#include "socketserver/pool.h"
#include "socketserver/signals.h"
#include "socketserver/sync.h"
#include "store/posix_disk.h"
#include "store/state.h"
#include "store/store.h"

namespace skein::cli {

using socketserver::Task;

namespace {

constexpr std::string_view kUsualFolder = "./skein-files";

struct ServeFlags {
  std::string folder;
  std::string listen = "127.0.0.1:8080";
  std::string state;
  std::string name;
  std::string sync = "full";
  std::int64_t message_rate = limits::kMessagesPerSecond;
  bool quiet = false;
  bool help = false;
};

Result<ServeFlags> parse(const Command& command, const std::vector<std::string>& arguments) {
  ServeFlags flags;
  const std::vector<Flag> own = {
      {"listen", "ADDR:PORT", "where to listen; 127.0.0.1:8080", set_text(flags.listen)},
      {"state", "DIR", "where the hub keeps what is its own", set_text(flags.state)},
      {"name", "NAME", "what the hub calls itself; else the machine's name", set_text(flags.name)},
      {"sync", "full|none", "none: answers do not wait for the disk, and say so",
       set_text(flags.sync)},
      {"message-rate", "N", "how many messages a second one member may say; 20; 0: any number",
       set_count(flags.message_rate, "messages")},
      {"quiet", "", "no output but errors, and no prompt", set_true(flags.quiet)},
      {"help", "", "this help", set_true(flags.help)}};
  auto rest = parse_flags(arguments, own);
  if (rest && rest->size() > 1) rest = fail(kUsage, "a hub shares one folder");
  if (rest && flags.sync != "full" && flags.sync != "none") {
    rest = fail(kUsage, concat("no way to sync is called ", quoted(flags.sync), ": full or none"));
  }
  if (!rest) {
    return std::unexpected(std::move(rest).error().with_hint(
        concat("usage: skein ", command.name, " ", command.usage)));
  }
  if (!rest->empty()) flags.folder = rest->front();
  if (flags.help) print_help(command, own);
  return flags;
}

// Only the usual folder is made: a typing mistake shall not become an empty hub.
Result<std::string> shared_folder(const ServeFlags& flags) {
  if (!flags.folder.empty()) return flags.folder;
  std::string usual(kUsualFolder);
  constexpr mode_t kMode = 0755;
  if (mkdir(usual.c_str(), kMode) != 0 && errno != EEXIST) {
    return fail_errno(errno, concat("making ", quoted(usual)));
  }
  return usual;
}

// One hub to a shared folder, whatever their state folders.
Result<store::Lock> lock_shared(const std::string& folder) {
  auto lock = store::lock_file(folder + "/.skein/lock");
  if (!lock && lock.error().is(kBusy)) {
    return std::unexpected(Error(kBusy, concat("another hub or get uses ", quoted(folder), ": ",
                                               lock.error().message()))
                               .with_hint("stop it, or share another folder"));
  }
  return lock;
}

Result<socketserver::Endpoint> endpoint_of(const ServeFlags& flags) {
  TRY_ASSIGN(socketserver::Endpoint endpoint, socketserver::Endpoint::parse(flags.listen));
  if (endpoint.is_loopback()) return endpoint;
  return std::unexpected(
      Error(kRefused, concat("listening on ", quoted(flags.listen),
                             " would open the hub to other machines, and it cannot yet tell who is "
                             "invited"))
          .with_hint("listen on this machine only: --listen 127.0.0.1:8080"));
}

std::string machine_name() {
  std::array<char, 256> name{};
  if (gethostname(name.data(), name.size() - 1) != 0 || name[0] == '\0') return "hub";
  return name.data();
}

// Takes all the descriptors that the system allows; how many connections may be open by them, so
// that the rest is enough for files.
std::size_t make_room_for_connections() {
  rlimit allowed{};
  if (getrlimit(RLIMIT_NOFILE, &allowed) != 0) return limits::kMaxConnections;
  allowed.rlim_cur = allowed.rlim_max;
  setrlimit(RLIMIT_NOFILE, &allowed);
  const std::size_t for_files =
      std::min<rlim_t>(limits::kDescriptorsForFiles, allowed.rlim_max / 2);
  return std::min<rlim_t>(limits::kMaxConnections, allowed.rlim_max - for_files);
}

void greet(const ServeFlags& flags, const std::string& name, const std::string& folder,
           const socketserver::Address& address, std::uint64_t free_bytes, bool talks) {
  if (flags.quiet) return;
  const std::unique_ptr<char, decltype(&std::free)> real(realpath(folder.c_str(), nullptr),
                                                         &std::free);
  const std::string shown = escaped(real ? real.get() : folder);
  if (isatty(STDOUT_FILENO) != 1) {
    print_line(concat("skein: hub \"", name, "\" on ", address.text(), ", sharing ", shown));
  } else {
    print_line(concat("skein ", kProgramVersion, "  hub \"", name, "\"  sharing ", shown, " (",
                      human_bytes(free_bytes), " free)"));
    print_line(concat("  open     ", address.text(), "   this machine only"));
    print_line(
        concat("  guests   udp ", address.text(), "   plain text, as the tutorial's QQ sends it"));
    print_line("  files    skein put FILE");
    print_line(talks ? "  talk     type here, or skein chat   /help for commands"
                     : "  talk     skein chat");
    print_line(talks ? "  end      Ctrl-D or Ctrl-C" : "  end      Ctrl-C");
  }
  flush_output();
}

// Why the hub ends.
struct Ending {
  std::string why;
  socketserver::Event told;
};

Task<void> watch_signals(socketserver::Signals& signals, Ending& ending) {
  const int number = co_await signals.next();
  if (number == 0) co_return;
  ending.why = concat("signal ", std::to_string(number));
  ending.told.set();
}

// `terminal`: where the operator talks; none: nobody does.
Task<Result<void>> serve_until_told(hub::Hub& hub, socketserver::Signals& signals, Log& log,
                                    socketserver::Loop& loop, std::optional<Terminal> terminal) {
  Ending ending;
  socketserver::Gate watching;
  watching.spawn(loop, watch_signals(signals, ending));
  bool ended = false;
  if (terminal) ended = co_await talk_as_operator(*terminal, ending.told);
  if (ended) ending.why = "its operator ended it";
  if (!ended) co_await ending.told.wait();
  log.info(concat("stopping: ", ending.why, "; what is under way may end first"));
  co_await hub.stop();
  signals.cancel();
  co_await watching.close();
  co_return Result<void>();
}

Result<void> serve_with(const ServeFlags& flags) {
  TRY_ASSIGN(const socketserver::Endpoint endpoint, endpoint_of(flags));
  const SystemClock clock;
  SystemRandom random;
  TRY_ASSIGN(auto loop, socketserver::Loop::create(clock));
  socketserver::Signals signals(*loop, {SIGINT, SIGTERM});
  const std::unique_ptr<StderrLog> log =
      make_stderr_log(flags.quiet ? LogLevel::kError : LogLevel::kInfo);

  std::optional<std::string> state;
  if (!flags.state.empty()) state = flags.state;
  TRY_ASSIGN(store::StateFolder state_folder, store::StateFolder::open(state));
  TRY_ASSIGN(const store::Lock state_lock, state_folder.lock_hub());

  TRY_ASSIGN(const std::string room_log, state_folder.room_log());
  TRY_ASSIGN(const auto rooms, chat::Database::open(room_log));

  TRY_ASSIGN(const std::string folder, shared_folder(flags));
  TRY_ASSIGN(auto disk, store::PosixDisk::open(folder));
  TRY(disk->check_filesystem());
  disk->join();
  TRY_ASSIGN(auto store, store::Store::open(*disk, clock, random, {flags.sync == "full"}));
  TRY_ASSIGN(const store::Lock folder_lock, lock_shared(folder));
  TRY_ASSIGN(const store::Disk::Space space, store->space());

  socketserver::Pool pool(limits::kPoolThreads, limits::kPoolQueue);
  const std::string name = escaped(flags.name.empty() ? machine_name() : flags.name);
  hub::Chat chat(*loop, pool, *rooms, *rooms, flags.message_rate);
  TRY(chat.begin());
  const std::size_t most_connections = make_room_for_connections();
  if (most_connections < limits::kMaxConnections) {
    log->warning(concat("room for ", std::to_string(most_connections),
                        " connections at once: the system allows no more descriptors"));
  }
  hub::Context context{*loop, pool, *store, chat, *log, name, most_connections};
  auto hub = hub::Hub::start(context, endpoint);
  if (!hub && hub.error().is(kBusy)) {
    return std::unexpected(std::move(hub).error().with_hint(
        "name another address with --listen 127.0.0.1:PORT, or end that program"));
  }
  if (!hub) return pass(std::move(hub).error());
  const socketserver::Address address = (*hub)->address();
  std::optional<Terminal> terminal;
  if (Prompt::on_terminal() && !flags.quiet) {
    terminal.emplace(Terminal{*loop, pool, clock, random, state_folder, *log,
                              socketserver::Endpoint::of(address)});
  }
  greet(flags, name, folder, address, space.free_bytes, terminal.has_value());
  return socketserver::run_until_done(*loop,
                                      serve_until_told(**hub, signals, *log, *loop, terminal));
}

int serve(const Command& command, const std::vector<std::string>& arguments) {
  const auto flags = parse(command, arguments);
  if (!flags) return report(flags.error());
  if (flags->help) return kDone;
  const auto ended = serve_with(*flags);
  if (!ended) return report(ended.error());
  return kDone;
}

}  // namespace

const Command kServe = {"serve", "[FOLDER] [--listen ADDR:PORT] [--state DIR]",
                        "be a hub for a folder, on this machine only; in a terminal, talk there",
                        serve};

}  // namespace skein::cli
