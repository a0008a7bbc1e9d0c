// One run: what a seed decides on, played to its end, and judged.
#pragma once

#include <cstdint>
#include <string>

namespace skein::simulate {

struct Outcome {
  std::string fault;  // the first rule that was broken; empty: none
  std::uint64_t hash = 0;
  std::uint64_t deaths = 0;   // of the hub and of clients
  std::uint64_t reboots = 0;  // of machines
  std::uint64_t commands = 0;
};

// `print`: every event on stdout.
Outcome run(std::uint64_t seed, bool print);

}  // namespace skein::simulate
