#include "run.h"

#include <algorithm>
#include <cerrno>
#include <memory>
#include <optional>
#include <vector>

#include "base/limits.h"
#include "base/text.h"
#include "client/get.h"
#include "client/put.h"
#include "hub.h"
#include "sources.h"

namespace skein::simulate {

using socketserver::Task;

namespace {

constexpr std::int64_t kMtimeNs = 1'600'000'000'000'000'000;
constexpr std::int64_t kYearNs = 365LL * 24 * 3600 * 1'000'000'000;
constexpr int kAttempts = 6;      // of a command while there is trouble
constexpr int kCalmAttempts = 2;  // and when there is none any more
constexpr std::int64_t kDayMs = 24LL * 3600 * 1000;

// What a seed makes of its run. Each kind of trouble is there in some runs and not in others, so
// that rules which hold only without it are checked too.
struct Plan {
  explicit Plan(Dice& dice) {
    calm_disks = dice.chance(1, 4);
    calm_sources = dice.chance(1, 2);
    writers = dice.one_of<std::size_t>({1, 1, 1, 2, 2});
    twins = writers == 2 && dice.chance(1, 2);
    edits = dice.chance(1, 3);
    readers = dice.one_of<std::size_t>({0, 1, 1, 2});
    if (dice.chance(1, 2)) trouble.cut = dice.one_of<std::uint64_t>({20, 50, 90});
    if (dice.chance(1, 4)) trouble.stall = 40;
    if (dice.chance(1, 3)) trouble.flip = 80;
    if (dice.chance(1, 4)) trouble.repeat = 50;
    hub_troubles = calm_disks ? 0 : dice.below(5);
    back_and_forth = !calm_sources && dice.chance(1, 4);
    if (back_and_forth) trouble = {.cut = 120, .stall = 0, .flip = 60, .repeat = 0};
    client_deaths = dice.chance(1, 2) ? dice.below(3) : 0;
    small_file_bytes = dice.one_of<std::uint64_t>({0, 0, 0, kBlockBytes, limits::kSmallFileBytes});
    singly = dice.chance(1, 3);
  }
  // The only thing that happens is that lines are cut: nothing verified is sent twice then.
  [[nodiscard]] bool only_cuts() const {
    return calm_disks && calm_sources && writers == 1 && client_deaths == 0 && trouble.flip == 0 &&
           trouble.repeat == 0 && trouble.stall == 0;
  }
  bool calm_disks = false;
  bool calm_sources = false;
  std::size_t writers = 1;
  bool back_and_forth = false;  // sources change between two contents of one size
  bool edits = false;           // the hub's owner edits a file of theirs
  bool twins = false;           // the second one is the first once more: same device, same files
  std::size_t readers = 0;
  Trouble trouble;
  std::uint64_t hub_troubles = 0;
  std::uint64_t client_deaths = 0;
  std::uint64_t small_file_bytes = 0;  // up to here many go to a request
  bool singly = false;                 // files are named, not their folder
};

class Run {
 public:
  Run(std::uint64_t seed, bool print) : machine_(seed, print), plan_(machine_.dice) {
    network_.trouble = plan_.trouble;
    machine_.pool.after_each = [this] { look(); };
    hub_.on_start = [this] { trouble(hub_.shelf, hub_troubles_left_); };
    hub_troubles_left_ = plan_.hub_troubles;
    deaths_left_ = plan_.client_deaths;
  }

  Outcome play() {
    machine_.run(story());
    Outcome out;
    out.fault = machine_.trace.fault();
    out.hash = machine_.trace.hash();
    out.deaths = hub_.deaths + deaths_;
    out.reboots = hub_.reboots + reboots_;
    out.commands = commands_;
    return out;
  }

 private:
  struct Client {
    std::string who;
    std::string device;
    Sources* sources = nullptr;    // of one that puts
    std::unique_ptr<Shelf> shelf;  // of one that gets
    client::Link* link = nullptr;  // while a command runs
    bool died = false;
    bool done = false;
    bool reboot = false;
    std::uint64_t troubles_left = 0;
  };

  void set_stage() {
    Dice& dice = machine_.dice;
    const std::size_t files = dice.one_of<std::size_t>({1, 1, 2, 4});
    const std::vector<std::string> names = {"a", "sub/b", "sub/c", "d"};
    const std::size_t kinds = plan_.writers == 2 && !plan_.twins ? 2 : 1;
    for (std::size_t i = 0; i < kinds; ++i) {
      sources_.push_back(std::make_unique<Sources>(
          dice, "box", kMtimeNs + static_cast<std::int64_t>(i) * kYearNs, versions_));
      for (std::size_t f = 0; f < files; ++f) sources_.back()->add_file(names[f], some_size());
      if (dice.chance(1, 4)) sources_.back()->add_folder("empty");
    }
    // What the hub's owner had there before.
    for (std::size_t f = 0; f < files; ++f) {
      if (!dice.chance(1, 3)) continue;
      const std::string path = concat("box/", names[f]);
      Version standing{dice.bytes(dice.below(700)), 0644, 0};
      hub_.shelf.disk.put_file(path, standing.contents);
      standing.mtime_ns = hub_.shelf.disk.info(store::Path::internal(path)).value().mtime_ns;
      versions_[path].push_back(standing);
      hub_.shelf.keep(path, standing);
    }
    hub_.shelf.disk.put_folder("box");
    if (plan_.edits) edit_by_hand();
    for (std::size_t i = 0; i < plan_.writers; ++i) {
      auto client = std::make_unique<Client>();
      client->who = concat("writer-", std::to_string(i));
      client->device = std::string(32, plan_.twins || i == 0 ? 'a' : 'b');
      client->sources = sources_[std::min(i, sources_.size() - 1)].get();
      clients_.push_back(std::move(client));
    }
    for (std::size_t i = 0; i < plan_.readers; ++i) {
      auto client = std::make_unique<Client>();
      client->who = concat("reader-", std::to_string(i));
      client->device = std::string(32, static_cast<char>('c' + i));
      client->shelf = std::make_unique<Shelf>(client->who, versions_, machine_.trace);
      client->troubles_left = plan_.calm_disks ? 0 : dice.below(3);
      clients_.push_back(std::move(client));
    }
  }

  // The hub's folder is a plain folder: its owner writes into a file of theirs, in place.
  void edit_by_hand() {
    const std::string path = "box/by_hand";
    Version version{machine_.dice.bytes(kBlockBytes * 6), 0644, 0};
    hub_.shelf.disk.put_file(path, version.contents);
    version.mtime_ns =
        hub_.shelf.picture(nullptr)->info(store::Path::internal(path)).value().mtime_ns;
    versions_[path].push_back(std::move(version));
    machine_.trace.note("hub's owner", "edits a file");
  }

  std::size_t some_size() {
    Dice& dice = machine_.dice;
    switch (dice.below(5)) {
      case 0: return 0;
      case 1: return dice.below(kBlockBytes);
      case 2: return kBlockBytes * dice.between(1, 4);
      case 3: return dice.below(kBlockBytes * 8);
      default: return kBlockBytes * 20 + dice.below(kBlockBytes * 20);
    }
  }

  // Something that will happen to a disk soon.
  void trouble(Shelf& shelf, std::uint64_t& left) {
    if (left == 0 || calm_) return;
    --left;
    Dice& dice = machine_.dice;
    store::FakeDisk& disk = shelf.disk;
    const bool is_hub = &shelf == &hub_.shelf;
    const std::uint64_t step =
        disk.steps() + 1 + dice.below(dice.one_of<std::uint64_t>({12, 40, 120}));
    switch (dice.below(6)) {
      case 0:
      case 1:
      case 2: disk.crash_at(step); break;
      case 3: {
        const int code = dice.one_of<int>({EIO, EIO, ENOSPC, EDQUOT});
        disk.fail_at(step, code);
        // What failed to sync, and cannot even be forgotten, nobody knows of in another process.
        if (is_hub && dice.chance(1, 3)) {
          shelf.broken = true;
          disk.fail_at(step + dice.between(1, 4), code);
        }
        break;
      }
      case 4: {
        // Full after so much more, and room again some time later.
        const auto space = disk.space().value();
        const std::uint64_t used = space.total_bytes - space.free_bytes;
        disk.set_capacity(used + dice.below(6000));
        shelf.was_small = true;
        break;
      }
      default:
        if (!is_hub) break;
        shelf.broken = true;
        disk.fail_from(step, EIO);
    }
    machine_.trace.note("a disk", "will be in trouble");
    healings_.spawn(*machine_.loop, heal(&disk, static_cast<std::int64_t>(dice.below(40'000))));
    hub_.reboot_at_crash = dice.chance(2, 3);
  }

  Task<void> heal(store::FakeDisk* disk, std::int64_t after_ms) {
    co_await machine_.loop->sleep_ms(after_ms);
    disk->fail_never();
    disk->set_capacity(std::nullopt);
  }

  // After each job.
  void look() {
    hub_.look();
    for (const auto& client : clients_) {
      if (client->shelf && client->shelf->disk.crashed() && !client->died) kill(*client, true);
    }
    if (!machine_.dice.chance(1, 24)) return;
    probe(hub_.shelf);
    for (const auto& client : clients_) {
      if (client->shelf) probe(*client->shelf);
    }
  }

  void probe(Shelf& shelf) {
    const auto seen = shelf.picture(nullptr);
    shelf.check(*seen, "as it is seen");
    const auto left = shelf.picture(&machine_.dice.random());
    shelf.check(*left, "if power were lost now");
  }

  void kill(Client& client, bool reboot) {
    if (client.link == nullptr || client.died) return;
    machine_.trace.note(client.who, "is killed");
    client.died = true;
    client.reboot = reboot && machine_.dice.chance(2, 3);
    ++deaths_;
    if (client.shelf && !client.shelf->disk.crashed()) {
      client.shelf->disk.crash_at(client.shelf->disk.steps() + 1);
    }
    network_.client_died(client.who);
    client.link->cancel();
  }

  client::LinkOptions options(const Client& client, Line& line) {
    client::LinkOptions out;
    out.hub = {"hub", 8080};
    out.identity = {"lin", client.device};
    out.retry_for_ms = limits::kRetryForMs;
    out.dialler = &line;
    out.small_file_bytes = plan_.small_file_bytes;
    return out;
  }

  // As who names files, not their folder: nothing is asked for after a file that syncs its folder.
  static std::vector<client::LocalTree> each_alone(const Client& client) {
    std::vector<client::LocalTree> trees;
    const std::size_t count = client.sources->tree().items.size();
    for (std::size_t i = 0; i < count; ++i) {
      client::LocalTree tree = client.sources->tree();
      const client::LocalItem item = tree.items[i];
      if (item.info.kind != store::EntryKind::kFile) continue;
      tree.items = {item};
      trees.push_back(std::move(tree));
    }
    return trees;
  }

  // One command, from its start to its end. True: its user was told that all is done.
  Task<bool> put(Client& client) {
    Line line(network_, client.who);
    client::Link link(*machine_.loop, machine_.pool, machine_.dice.random(), options(client, line));
    client.link = &link;
    const Versions before = client.sources->had();
    std::vector<client::LocalTree> trees;
    trees.push_back(client.sources->tree());
    if (plan_.singly) trees = each_alone(client);
    client::Tally tally;
    const store::Path to;
    auto outcome = co_await client::put(link, std::move(trees), to, tally);
    const bool told = outcome.has_value() && tally.problems.empty() && !client.died;
    if (told) {
      if (!tally.durable && plan_.trouble.flip == 0)
        machine_.trace.fault("the hub says that it does not sync");
      stored(client, before);
    }
    tell(client, outcome, tally);
    co_await link.close();
    client.link = nullptr;
    co_return told;
  }

  // What was said done must be there after a loss of power right now.
  void stored(Client& client, const Versions& before) {
    const auto left = hub_.shelf.picture(&machine_.dice.random());
    for (const auto& [path, versions] : client.sources->had()) {
      const std::string target = client.sources->target(path);
      bool there = false;
      // Any that there was since the command began.
      for (std::size_t i = before.at(path).size() - 1; i < versions.size() && !there; ++i) {
        // Another may have replaced it since, and a disk that was small thrown it away at last.
        there = Shelf::stands(*left, target, versions[i]) ||
                (plan_.writers > 1 &&
                 (hub_.shelf.was_small || Shelf::in_trash(*left, target, versions[i])));
        if (there) hub_.shelf.keep(target, versions[i]);
      }
      if (!there) {
        machine_.trace.fault(concat(client.who, " was told that ", target,
                                    " is done, and after a loss of power it would not be there"));
      }
    }
    hub_.shelf.check(*left, "when a put was done");
  }

  Task<bool> get(Client& client) {
    store::FakeDisk& disk = client.shelf->disk;
    trouble(*client.shelf, client.troubles_left);
    auto opened = store::Store::open(disk, machine_.clock, machine_.dice.random(),
                                     {.block_bytes = kBlockBytes});
    if (!opened) {
      client.died = disk.crashed();
      co_return false;
    }
    const std::unique_ptr<store::Store> store = *std::move(opened);
    // What is there before it begins, it has to bring.
    auto standing = hub_.shelf.picture(nullptr)->tree();
    const auto reboots = hub_.reboots;
    Line line(network_, client.who);
    client::Link link(*machine_.loop, machine_.pool, machine_.dice.random(), options(client, line));
    client.link = &link;
    client::Tally tally;
    std::vector<store::Path> paths = {store::Path::internal("box")};
    auto outcome = co_await client::get(link, std::move(paths), *store, tally);
    const bool told = outcome.has_value() && tally.problems.empty() && !client.died;
    // With its power the hub may lose what it had promised to nobody yet.
    if (hub_.reboots != reboots) standing.clear();
    if (told) fetched(client, standing);
    tell(client, outcome, tally);
    co_await link.close();
    client.link = nullptr;
    co_return told;
  }

  void fetched(Client& client, const store::FakeDisk::Tree& standing) {
    const auto left = client.shelf->picture(&machine_.dice.random());
    client.shelf->check(*left, "when a get was done");
    for (const auto& [path, what] : standing) {
      if (path.starts_with(".skein") || !what.starts_with("file")) continue;
      const auto& versions = versions_[path];
      const auto here = std::ranges::find_if(
          versions, [&](const Version& version) { return Shelf::stands(*left, path, version); });
      if (here == versions.end()) {
        machine_.trace.fault(concat(client.who, " was told that ", path,
                                    " is done, and after a loss of power it would not be there"));
      } else {
        client.shelf->keep(path, *here);
      }
    }
  }

  void tell(const Client& client, const Result<void>& outcome, const client::Tally& tally) {
    ++commands_;
    if (!outcome) machine_.trace.note(client.who, "failed:", outcome.error().text());
    for (const client::Problem& problem : tally.problems) {
      machine_.trace.note(client.who, concat("problem with ", problem.name, ":"),
                          problem.error.text());
    }
    if (outcome && tally.problems.empty()) machine_.trace.note(client.who, "is done");
  }

  Task<bool> attempt(Client& client) {
    client.died = false;
    bool told = false;
    if (client.sources != nullptr) {
      told = co_await put(client);
    } else {
      told = co_await get(client);
    }
    if (client.died && client.shelf) {
      if (client.reboot) ++reboots_;
      client.reboot ? client.shelf->disk.power_cycle(&machine_.dice.random())
                    : client.shelf->disk.kill();
      const auto seen = client.shelf->picture(nullptr);
      client.shelf->check(*seen, "after its death");
    }
    co_return told;
  }

  Task<void> work(Client& client) {
    for (int i = 0; i < kAttempts && !client.done; ++i) {
      const auto rest_ms = static_cast<std::int64_t>(machine_.dice.below(3000));
      co_await machine_.loop->sleep_ms(rest_ms);
      client.done = co_await attempt(client);
    }
  }

  // Files change and clients are killed, at any time.
  Task<void> meddle() {
    Dice& dice = machine_.dice;
    std::uint64_t changes = plan_.calm_sources ? 0 : dice.below(6);
    if (plan_.back_and_forth) changes = 12;
    std::uint64_t edits = plan_.edits ? dice.below(6) : 0;
    while (!calm_ && (changes > 0 || deaths_left_ > 0 || edits > 0)) {
      const auto rest_ms =
          static_cast<std::int64_t>(dice.below(dice.one_of<std::uint64_t>({5, 60, 2500})));
      co_await machine_.loop->sleep_ms(rest_ms);
      if (calm_) co_return;
      if (edits > 0) {
        --edits;
        edit_by_hand();
      }
      const bool change = changes > 0 && dice.chance(1, 2);
      if (change) {
        --changes;
        dice.one_of(sources_)->change_one(plan_.back_and_forth || dice.chance(1, 3));
        machine_.trace.note("a source", "changes");
        for (const auto& client : clients_) {
          if (client->sources != nullptr) client->done = false;
        }
      } else if (deaths_left_ > 0) {
        --deaths_left_;
        kill(*dice.one_of(clients_), dice.chance(1, 2));
      }
    }
  }

  Task<void> story() {
    set_stage();
    socketserver::Gate hub;
    hub.spawn(*machine_.loop, hub_.live());
    socketserver::Gate clients;
    for (const auto& client : clients_) clients.spawn(*machine_.loop, work(*client));
    clients.spawn(*machine_.loop, meddle());
    co_await clients.close();

    calm_ = true;
    co_await healings_.close();
    machine_.trace.note("all", "trouble ends");
    network_.trouble = {};
    for (const auto& client : clients_) {
      if (client->shelf) client->shelf->disk.fail_never();
      for (int i = 0; i < kCalmAttempts && !client->done; ++i) {
        client->done = co_await attempt(*client);
      }
      if (!client->done) {
        machine_.trace.fault(concat(client->who, " does not get done although nothing is amiss"));
      }
    }
    if (plan_.only_cuts() && network_.block_bytes > may_be_sent()) {
      machine_.trace.fault("a resumed transfer sent again what had been verified");
    }
    hub_.end();
    co_await hub.close();
    epilogue(hub_.shelf);
    for (const auto& client : clients_) {
      if (client->shelf) epilogue(*client->shelf);
    }
  }

  // All of it once; and for each line that was cut, what was under way, which nobody knows of.
  [[nodiscard]] std::uint64_t may_be_sent() const {
    const std::uint64_t under_way = limits::kBlocksInFlight * kBlockBytes;
    return sources_.front()->total_bytes() + network_.cuts * under_way;
  }

  // Power is lost once more; nothing of what must be there may be missing. Then time passes, and
  // nothing but the files themselves may be left.
  void epilogue(Shelf& shelf) {
    if (shelf.disk.open_files() != 0) machine_.trace.fault("a file was never closed");
    shelf.disk.power_cycle(&machine_.dice.random());
    const auto seen = shelf.picture(nullptr);
    shelf.check(*seen, "in the end");
    machine_.clock.advance_ms(8 * kDayMs);
    auto store = store::Store::open(shelf.disk, machine_.clock, machine_.dice.random(),
                                    {.block_bytes = kBlockBytes});
    if (!store || !(*store)->purge()) machine_.trace.fault("a disk cannot be tidied up");
    for (const auto& [path, what] : shelf.disk.tree()) {
      if (path.starts_with(".skein/") && what != "folder") {
        machine_.trace.fault(concat("left behind for ever: ", path));
      }
    }
  }

  Machine machine_;
  Plan plan_;
  Versions versions_;
  Network network_{machine_};
  SimulatedHub hub_{machine_, network_, versions_};
  std::vector<std::unique_ptr<Sources>> sources_;
  std::vector<std::unique_ptr<Client>> clients_;
  socketserver::Gate healings_;
  bool calm_ = false;
  std::uint64_t hub_troubles_left_ = 0;
  std::uint64_t deaths_left_ = 0;
  std::uint64_t deaths_ = 0;
  std::uint64_t reboots_ = 0;
  std::uint64_t commands_ = 0;
};

}  // namespace

Outcome run(std::uint64_t seed, bool print) {
  auto play = std::make_unique<Run>(seed, print);
  try {
    return play->play();
  } catch (const Stuck& stuck) {
    // Its coroutines wait for ever, so it cannot be taken apart.
    static_cast<void>(play.release());
    return {.fault = stuck.what()};
  }
}

}  // namespace skein::simulate
