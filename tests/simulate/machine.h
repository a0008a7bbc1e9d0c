// The machine that everything runs on: one loop, a clock that jumps to the next deadline, and a
// pool whose jobs are run in this thread, one at a time, in an order that the seed chooses. So
// nothing depends on threads, on real time or on the system.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <vector>

#include "base/clock.h"
#include "dice.h"
#include "socketserver/loop.h"
#include "socketserver/pool.h"
#include "trace.h"

namespace skein::simulate {

// Nothing can happen any more, or too much does: the run is given up as it stands.
struct Stuck : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class JobPool final : public socketserver::Pool {
 public:
  JobPool(socketserver::Loop& loop, Dice& dice);
  ~JobPool() override;
  std::function<void()> after_each;

 protected:
  void submit(socketserver::Work& job) override;

 private:
  struct Turn : socketserver::Work {
    explicit Turn(JobPool& of)
        : Work([](Work& work) { static_cast<Turn&>(work).pool.turn(); }), pool(of) {}
    JobPool& pool;
  };
  void turn();

  socketserver::Loop& loop_;
  Dice& dice_;
  Turn turn_;
  std::vector<socketserver::Work*> jobs_;
};

class Machine {
 public:
  Machine(std::uint64_t seed, bool print);

  Dice dice;
  FakeClock clock;
  Trace trace;
  std::unique_ptr<socketserver::Loop> loop;
  JobPool pool;

  // Runs the task to its end. Throws Stuck.
  void run(socketserver::Task<void> task);

 private:
  static constexpr std::int64_t kMostMs = 4 * 3600 * 1000;  // of virtual time
  static constexpr std::uint64_t kMostTurns = 400'000;      // of the clock
  std::uint64_t turns_ = 0;
};

}  // namespace skein::simulate
