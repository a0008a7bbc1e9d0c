#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "base/text.h"
#include "cli/client_run.h"
#include "cli/local_store.h"
#include "cli/summary.h"
#include "client/get.h"
#include "client/put.h"
#include "client/requests.h"

namespace skein::cli {

using socketserver::Task;

namespace {

// Lines of stdin, read in the pool.
class LineReader {
 public:
  enum class Found { kLine, kEnd, kNothingYet };
  // Waits a moment only, so that Ctrl-C is noticed between two calls.
  Found next(std::string& line) {
    while (true) {
      if (const std::size_t end = held_.find('\n'); end != std::string::npos) {
        line = held_.substr(0, end);
        held_.erase(0, end + 1);
        return Found::kLine;
      }
      pollfd input{STDIN_FILENO, POLLIN, 0};
      constexpr int kWaitMs = 200;
      if (poll(&input, 1, kWaitMs) == 0) return Found::kNothingYet;
      char part[4096];
      const ssize_t got = read(STDIN_FILENO, part, sizeof part);
      if (got > 0) {
        held_.append(part, static_cast<std::size_t>(got));
        continue;
      }
      line = std::exchange(held_, "");
      return line.empty() ? Found::kEnd : Found::kLine;
    }
  }

 private:
  std::string held_;
};

// Nothing at the end of the input, and after Ctrl-C.
Task<std::optional<std::string>> next_line(Client& client, LineReader& reader) {
  std::string line;
  auto read = [&] { return reader.next(line); };
  while (!client.interrupted.is_set()) {
    const LineReader::Found found = co_await client.pool.run(client.loop, read);
    if (found == LineReader::Found::kLine) co_return line;
    if (found == LineReader::Found::kEnd) break;
  }
  co_return std::nullopt;
}

struct Menu {
  Client& client;
  const ClientFlags& flags;
  std::string folder;
  std::vector<std::string> local;
  std::vector<store::Path> remote;  // empty until asked for
  bool showing_remote = false;
};

Result<std::vector<std::string>> local_files(const std::string& folder) {
  std::vector<std::string> names;
  TRY_ASSIGN(auto disk, store::PosixDisk::open(folder));
  TRY_ASSIGN(auto reader, disk->read_folder(store::Path()));
  while (true) {
    constexpr std::size_t kBatch = 256;
    TRY_ASSIGN(const std::vector<store::Entry> entries, reader->next(kBatch));
    if (entries.empty()) break;
    for (const store::Entry& entry : entries) {
      if (entry.info.kind == store::EntryKind::kFile) names.push_back(entry.name);
    }
  }
  std::ranges::sort(names);
  return names;
}

std::string_view shown_name(const std::string& local) {
  return local;
}
std::string_view shown_name(const store::Path& remote) {
  return remote.text();
}

void print_numbered(const auto& files, std::string_view empty) {
  if (files.empty()) print_line(empty);
  for (std::size_t i = 0; i < files.size(); ++i) {
    print_line(concat(std::to_string(i + 1), " ", escaped(shown_name(files[i]))));
  }
}

Task<Result<void>> show(Menu& menu) {
  Client& client = menu.client;
  if (menu.showing_remote) {
    auto listing = co_await client::list(client.link, store::Path());
    if (!listing) co_return pass(std::move(listing).error());
    menu.remote.clear();
    for (const transfer::ListedEntry& listed : listing->entries) {
      // What a hub calls a thing is held to the same rules as what a client does.
      auto name = store::Path::parse_name(listed.entry.name);
      if (name && listed.entry.info.kind == store::EntryKind::kFile) {
        menu.remote.push_back(*std::move(name));
      }
    }
    print_numbered(menu.remote, "(the hub has no files)");
  } else {
    auto find = [&menu] { return local_files(menu.folder); };
    auto names = co_await client.pool.run(client.loop, find);
    if (!names) co_return pass(std::move(names).error());
    menu.local = *std::move(names);
    print_numbered(menu.local, "(no files here)");
  }
  std::fputs(menu.showing_remote ? "number to fetch, u for uploads, q to end>>>: "
                                 : "number to upload, h for the hub's files, q to end>>>: ",
             stdout);
  flush_output();
  co_return Result<void>();
}

// The choice as an index, or nothing after saying why not.
std::optional<std::size_t> parse_choice(std::string_view line, std::size_t count) {
  std::size_t number = 0;
  const auto [end, code] = std::from_chars(line.data(), line.data() + line.size(), number);
  if (line.empty() || end != line.data() + line.size() || code == std::errc::invalid_argument) {
    print_line("must be a number");
    return std::nullopt;
  }
  if (code != std::errc() || number < 1 || number > count) {
    print_line("not in range");
    return std::nullopt;
  }
  return number - 1;
}

Task<Result<void>> move_chosen(Menu& menu, std::size_t choice) {
  Client& client = menu.client;
  client::Tally tally;
  const std::int64_t started_ms = client.clock.monotonic_ms();
  Result<void> ended;
  std::string place;
  std::string_view verb;
  if (menu.showing_remote) {
    auto open = [&] { return LocalStore::open(menu.folder, client.clock, client.random); };
    auto local = co_await client.pool.run(client.loop, open);
    if (!local) co_return pass(std::move(local).error());
    std::vector<store::Path> paths = {menu.remote[choice]};
    ended = co_await client::get(client.link, std::move(paths), (*local)->store(), tally);
    auto tidy = [&] { (*local)->tidy(); };
    co_await client.pool.run(client.loop, tidy);
    place = escaped(menu.folder);
    verb = "fetched";
  } else {
    std::vector<std::string> paths = {concat(menu.folder, "/", menu.local[choice])};
    const store::Path root;
    ended = co_await client::put(client.link, std::move(paths), root, tally);
    place = client.link.hub_name();
    verb = "sent";
  }
  const bool is_over = !ended;
  const std::int64_t elapsed_ms = client.clock.monotonic_ms() - started_ms;
  const Transferred transferred{tally, ended, elapsed_ms, verb, place, "skein restore"};
  report(transferred, menu.flags.output);
  if (is_over) co_return ended;
  co_return Result<void>();
}

Task<int> run_menu(Client& client, const ClientFlags& flags, std::string folder) {
  Menu menu{client, flags, std::move(folder), {}, {}, false};
  LineReader reader;
  while (true) {
    auto shown = co_await show(menu);
    if (!shown) co_return report(shown.error());
    const auto line = co_await next_line(client, reader);
    if (client.interrupted.is_set()) co_return kNotComplete;
    if (!line || *line == "q") break;
    if (*line == "h" || *line == "u") {
      menu.showing_remote = *line == "h";
      continue;
    }
    const std::size_t count = menu.showing_remote ? menu.remote.size() : menu.local.size();
    const auto choice = parse_choice(*line, count);
    if (!choice) continue;
    auto moved = co_await move_chosen(menu, *choice);
    if (!moved) co_return exit_for(moved.error().kind());
  }
  print_line("");
  flush_output();
  co_return kDone;
}

int menu(const Command& command, const std::vector<std::string>& arguments) {
  ClientFlags flags;
  const auto folders = parse_client_flags(command, arguments, flags, {}, 0, 1);
  if (!folders) return report(folders.error());
  if (flags.help) return kDone;
  const std::string folder = folders->empty() ? "." : folders->front();
  return run_client(flags, [&](Client& client) { return run_menu(client, flags, folder); });
}

}  // namespace

const Command kMenu = {"menu", "[DIR]", "choose files by number: to upload from DIR, or to fetch",
                       menu};

}  // namespace skein::cli
