#include <ctime>
#include <utility>

#include "base/text.h"
#include "cli/client_run.h"
#include "cli/paths.h"
#include "client/requests.h"
#include "transfer/fields.h"

namespace skein::cli {

using socketserver::Task;

namespace {

std::string time_text(std::int64_t mtime_ns) {
  constexpr std::int64_t kSecond = 1'000'000'000;
  const std::time_t seconds = mtime_ns / kSecond - (mtime_ns % kSecond < 0 ? 1 : 0);
  std::tm local{};
  localtime_r(&seconds, &local);
  char text[32];
  return std::string(text, std::strftime(text, sizeof text, "%Y-%m-%d %H:%M", &local));
}

// Size and time in columns, then the name: a folder's ends in '/', a link's shows its target.
std::string line_for(const transfer::ListedEntry& listed) {
  const store::Entry& entry = listed.entry;
  std::string size =
      entry.info.kind == store::EntryKind::kFile ? human_bytes(entry.info.size_bytes) : "-";
  constexpr std::size_t kWidth = 10;
  if (size.size() < kWidth) size.insert(0, kWidth - size.size(), ' ');
  std::string name = escaped(entry.name);
  if (entry.info.kind == store::EntryKind::kFolder) name += "/";
  if (entry.info.kind == store::EntryKind::kLink) name += " -> " + escaped(entry.link_target);
  if (entry.info.kind == store::EntryKind::kOther) {
    name += listed.unnamed ? "  (a name that cannot be fetched)" : "  (not a file)";
  }
  return concat(size, "  ", time_text(entry.info.mtime_ns), "  ", name);
}

Task<int> run_list(Client& client, const ClientFlags& flags, store::Path path) {
  auto listing = co_await client::list(client.link, path);
  if (!listing) co_return report(listing.error());
  for (const transfer::ListedEntry& listed : listing->entries) {
    if (flags.output.quiet) break;
    print_line(flags.output.json ? transfer::encode_entry(listed.entry) : line_for(listed));
  }
  flush_output();
  co_return kDone;
}

int list(const Command& command, const std::vector<std::string>& arguments) {
  ClientFlags flags;
  const auto names = parse_client_flags(command, arguments, flags, {}, 0, 1);
  if (!names) return report(names.error());
  if (flags.help) return kDone;
  store::Path path;
  if (!names->empty()) {
    auto parsed = parse_remote(names->front());
    if (!parsed) return report(parsed.error());
    path = *std::move(parsed);
  }
  return run_client(flags, [&](Client& client) { return run_list(client, flags, path); });
}

}  // namespace

const Command kList = {"ls", "[PATH] [--json]", "list a folder of the hub, one line per entry",
                       list};

}  // namespace skein::cli
