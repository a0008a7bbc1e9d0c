// What the small commands share that do one thing to each of a few paths of the hub.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/client_run.h"
#include "socketserver/task.h"
#include "store/path.h"

namespace skein::cli {

// A path of the hub as typed: slashes at its end do not count.
[[nodiscard]] Result<store::Path> parse_remote(std::string_view typed);

using OnPaths = socketserver::Task<int> (*)(Client&, const ClientFlags&, std::vector<store::Path>);

// Parses flags and paths and runs `body`; its exit code.
int run_on_paths(const Command& command, const std::vector<std::string>& arguments,
                 std::size_t least, std::size_t most, OnPaths body);
int run_on_paths(const ClientFlags& flags, const std::vector<std::string>& names, OnPaths body);

// "removed 'a.txt'…", or a JSON line, or nothing, as the flags say.
void say_done(OutputFlags flags, std::string_view done, const store::Path& path,
              std::string_view more);

}  // namespace skein::cli
