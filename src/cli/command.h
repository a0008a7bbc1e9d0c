// A subcommand, and the list of them all. One file each: put.cc, get.cc, …
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace skein::cli {

struct Command {
  std::string_view name;
  std::string_view usage;    // "PATH... [--to FOLDER]"
  std::string_view summary;  // one line
  int (*run)(const Command& command, const std::vector<std::string>& arguments);  // exit code
};

extern const Command kServe;
extern const Command kPut;
extern const Command kGet;
extern const Command kList;
extern const Command kRemove;
extern const Command kMove;
extern const Command kMakeFolder;
extern const Command kRestore;
extern const Command kMenu;
extern const Command kChat;
extern const Command kSay;
extern const Command kLog;
extern const Command kRooms;
extern const Command kWho;
extern const Command kDoctor;

// Runs what `arguments` (without the program's name) say; the exit code.
int run(const std::vector<std::string>& arguments);

}  // namespace skein::cli
