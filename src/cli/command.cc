#include "cli/command.h"

#include <algorithm>
#include <array>

#include "base/result.h"
#include "base/text.h"
#include "cli/output.h"
#include "cli/version.h"

namespace skein::cli {

namespace {

constexpr std::array kCommands = {&kServe, &kPut,        &kGet,     &kList, &kRemove,
                                  &kMove,  &kMakeFolder, &kRestore, &kMenu, &kChat,
                                  &kSay,   &kLog,        &kRooms,   &kWho,  &kDoctor};

constexpr std::string_view kHelp =
    R"(skein: files and messages between your own machines
usage: skein COMMAND [options]

start
  serve [DIR]        be a hub for DIR, on this machine only
files
  put PATH...        send files and folders (--to FOLDER)
  get PATH...        fetch files and folders (--into DIR)
  ls, rm, mv, mkdir, restore
  menu [DIR]         the numbered menu
messages
  chat [ROOM]        talk
  say TEXT           send one message (--room ROOM; "-" reads stdin)
  log [ROOM], rooms, who
care
  doctor [HUB]       why is it slow, or not connecting

  --hub HOST:PORT  --json  --quiet  --version    "skein COMMAND --help" for more
exit: 0 done  1 failed  2 usage  3 incomplete, run again  4 refused  5 no hub)";

}  // namespace

int run(const std::vector<std::string>& arguments) {
  // The command is the first word that is no flag, so that flags may stand before it.
  const auto word = std::ranges::find_if(
      arguments, [](const std::string& argument) { return !argument.starts_with('-'); });
  const bool asks_help = arguments.empty() || arguments.front() == "--help" ||
                         arguments.front() == "-h" || arguments.front() == "help";
  if (asks_help) {
    print_line(kHelp);
    flush_output();
    return arguments.empty() ? kBadUsage : kDone;
  }
  if (arguments.front() == "--version") {
    print_line(concat("skein ", kProgramVersion));
    flush_output();
    return kDone;
  }
  // A flag in front of the command may have its value as a word of its own: --hub HOST:PORT put.
  for (auto at = word; at != arguments.end(); ++at) {
    const auto command = std::ranges::find(kCommands, *at, &Command::name);
    if (command == kCommands.end()) {
      const bool value_of_flag = at != arguments.begin() && std::prev(at)->starts_with("--");
      if (value_of_flag) continue;
      break;
    }
    std::vector<std::string> rest(arguments.begin(), at);
    rest.insert(rest.end(), at + 1, arguments.end());
    return (*command)->run(**command, rest);
  }
  const bool only_flags = word == arguments.end();
  const std::string& shown = only_flags ? arguments.front() : *word;
  return report(Error(kUsage, concat(only_flags ? "no flag " : "no command ", quoted(shown),
                                     only_flags ? " here" : ""))
                    .with_hint("skein --help lists the commands"));
}

}  // namespace skein::cli
