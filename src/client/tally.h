// What a command has done so far: counted by those who move files, read by who shows progress.
// One thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.h"

namespace skein::client {

// Something that was left undone while the rest went on.
struct Problem {
  std::string name;  // as the person knows it
  Error error;
};

struct Tally {
  std::uint64_t files = 0;  // to be moved in all, as far as is known
  std::uint64_t bytes = 0;
  bool counted = false;           // and all of it is known
  std::uint64_t files_done = 0;   // moved or there already
  std::uint64_t files_there = 0;  // of them: nothing had to be moved
  std::uint64_t bytes_done = 0;
  std::uint64_t bytes_moved = 0;  // over the line, and acknowledged
  std::uint64_t replaced = 0;
  std::string last_replaced;         // path on the hub, or here for a get
  bool durable = true;               // false: some answer did not promise the disk
  bool by_digest = true;             // false: something was verified by its length only
  bool confirmed = true;             // false: the other side gave no answer at all
  std::string current;               // what is being moved
  std::vector<std::string> targets;  // of a put: where each thing that was named goes, at the hub
  std::vector<Problem> problems;
};

}  // namespace skein::client
