#include "cli/paths.h"

#include <utility>

#include "base/text.h"
#include "wire/dictionary.h"

namespace skein::cli {

Result<store::Path> parse_remote(std::string_view typed) {
  while (typed.size() > 1 && typed.ends_with('/')) typed.remove_suffix(1);
  return store::Path::parse(typed);
}

int run_on_paths(const ClientFlags& flags, const std::vector<std::string>& names, OnPaths body) {
  std::vector<store::Path> paths;
  for (const std::string& name : names) {
    auto path = parse_remote(name);
    if (!path) return report(path.error());
    paths.push_back(*std::move(path));
  }
  return run_client(flags, [&](Client& client) { return body(client, flags, paths); });
}

int run_on_paths(const Command& command, const std::vector<std::string>& arguments,
                 std::size_t least, std::size_t most, OnPaths body) {
  ClientFlags flags;
  const auto names = parse_client_flags(command, arguments, flags, {}, least, most);
  if (!names) return report(names.error());
  if (flags.help) return kDone;
  return run_on_paths(flags, *names, body);
}

void say_done(OutputFlags flags, std::string_view done, const store::Path& path,
              std::string_view more) {
  if (flags.quiet) return;
  if (flags.json) {
    wire::Dictionary line;
    line.set("done", done).set("path", path.text());
    print_line(line.to_json());
    return;
  }
  print_line(concat(done, " ", quoted(path.text()), more));
}

}  // namespace skein::cli
