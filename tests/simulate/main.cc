// simulate: whole transfers of the real client, hub and store over a network and disks in memory,
// each run decided by its seed alone. What may happen in a run, and what must hold:
//
//   Links are cut or stand still at any byte, bytes come in any split, bits flip, blocks come
//   twice. The hub and the receiving client crash at any step of their disk, lose what was not
//   synced, or any part of it, or only die. Disks fail, and fill up. Sources change meanwhile. Two
//   machines write the same files, or one does twice.
//
//   What somebody is told is done is whole and durable, at that moment and ever after, under its
//   name or in the trash. Under a name, and in the trash, stands nothing but a whole version that
//   somebody had. Nobody sends a block that the other side has verified. Once trouble ends a
//   command gets done. In the end no partial file is left, and no open one.
//
// usage: simulate COUNT [FIRST]   seeds FIRST (1) and on, on all cores
//        simulate --show SEED     one, with every event
// exit: 0 all held  1 a rule was broken  2 usage
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/text.h"
#include "run.h"

namespace {

using skein::concat;

constexpr int kMostSecondsOfSeed = 60;
constexpr std::uint64_t kPlayedTwice = 64;  // one in so many, to see that it comes out the same

std::optional<std::uint64_t> number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// Of an abort, an endless loop and their like the seed is known all the same.
char about_to_say[96];
extern "C" void say_seed(int signal) {
  const auto written = write(STDOUT_FILENO, about_to_say, std::strlen(about_to_say));
  static_cast<void>(written);
  _exit(signal == SIGPROF ? 3 : 4);
}

struct Totals {
  std::uint64_t seeds = 0;
  std::uint64_t failed = 0;
  std::uint64_t deaths = 0;
  std::uint64_t reboots = 0;
  std::uint64_t commands = 0;
};

void play(std::uint64_t seed, Totals& totals) {
  std::snprintf(about_to_say, sizeof(about_to_say),
                "seed %llu: the program died, or it never ends\n",
                static_cast<unsigned long long>(seed));
  // Of the processor's time: the machine may be busy with others.
  itimerval most{};
  most.it_value.tv_sec = kMostSecondsOfSeed;
  setitimer(ITIMER_PROF, &most, nullptr);
  skein::simulate::Outcome outcome = skein::simulate::run(seed, false);
  if (outcome.fault.empty() && seed % kPlayedTwice == 0 &&
      skein::simulate::run(seed, false).hash != outcome.hash) {
    outcome.fault = "played twice it does not come out the same";
  }
  ++totals.seeds;
  totals.deaths += outcome.deaths;
  totals.reboots += outcome.reboots;
  totals.commands += outcome.commands;
  if (outcome.fault.empty()) return;
  ++totals.failed;
  const std::string line =
      concat("seed ", std::to_string(seed), ": ", outcome.fault,
             "\n  to see it: build/release/bin/simulate --show ", std::to_string(seed), "\n");
  std::fputs(line.c_str(), stdout);
  std::fflush(stdout);
}

struct Worker {
  pid_t process = -1;
  int results = -1;
};

Worker start(std::uint64_t first, std::uint64_t count, std::uint64_t step) {
  int ends[2] = {-1, -1};
  if (pipe(ends) != 0) std::abort();
  const pid_t process = fork();
  if (process != 0) {
    close(ends[1]);
    return {process, ends[0]};
  }
  for (const int signal : {SIGABRT, SIGSEGV, SIGPROF}) std::signal(signal, say_seed);
  Totals totals;
  for (std::uint64_t seed = first; count > 0; seed += step, --count) {
    play(seed, totals);
    const auto written = write(ends[1], &totals, sizeof(totals));
    static_cast<void>(written);
    totals = {};
  }
  _exit(0);
}

int simulate(std::uint64_t count, std::uint64_t first) {
  const std::uint64_t jobs =
      std::clamp<std::uint64_t>(std::thread::hardware_concurrency(), 1, std::max(count, 1UL));
  std::vector<Worker> workers;
  workers.reserve(jobs);
  for (std::uint64_t job = 0; job < jobs; ++job) {
    workers.push_back(start(first + job, (count + jobs - 1 - job) / jobs, jobs));
  }
  Totals all;
  for (const Worker& worker : workers) {
    Totals one;
    while (read(worker.results, &one, sizeof(one)) == static_cast<ssize_t>(sizeof(one))) {
      all.seeds += one.seeds;
      all.failed += one.failed;
      all.deaths += one.deaths;
      all.reboots += one.reboots;
      all.commands += one.commands;
    }
    int status = 0;
    waitpid(worker.process, &status, 0);
    if (status != 0) ++all.failed;
  }
  std::printf("%llu commands, %llu deaths, %llu losses of power\n",
              static_cast<unsigned long long>(all.commands),
              static_cast<unsigned long long>(all.deaths),
              static_cast<unsigned long long>(all.reboots));
  std::printf("simulate: %llu seeds, %llu failed\n", static_cast<unsigned long long>(all.seeds),
              static_cast<unsigned long long>(all.failed));
  return all.failed == 0 ? 0 : 1;
}

int usage() {
  std::fputs(
      "skein: error: which seeds?\n"
      "skein: hint: simulate COUNT [FIRST], or simulate --show SEED\n",
      stderr);
  return 2;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> args(argv + 1, argv + argc);
  if (args.size() == 2 && args[0] == "--show") {
    const auto seed = number(args[1]);
    if (!seed) return usage();
    const skein::simulate::Outcome outcome = skein::simulate::run(*seed, true);
    std::printf("seed %s: %s\n", std::string(args[1]).c_str(),
                outcome.fault.empty() ? "all rules hold" : outcome.fault.c_str());
    return outcome.fault.empty() ? 0 : 1;
  }
  if (args.empty() || args.size() > 2) return usage();
  const auto count = number(args[0]);
  const auto first = args.size() == 2 ? number(args[1]) : 1;
  if (!count || !first) return usage();
  return simulate(*count, *first);
}
