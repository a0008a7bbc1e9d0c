#include "machine.h"

#include <algorithm>
#include <utility>

namespace skein::simulate {

JobPool::JobPool(socketserver::Loop& loop, Dice& dice)
    : Pool(1024), loop_(loop), dice_(dice), turn_(*this) {}

JobPool::~JobPool() {
  loop_.forget(turn_);
}

void JobPool::submit(socketserver::Work& job) {
  jobs_.push_back(&job);
  if (!turn_.queued()) loop_.ready(turn_);
}

void JobPool::turn() {
  const std::size_t next = dice_.below(jobs_.size());
  socketserver::Work* const job = jobs_[next];
  jobs_.erase(jobs_.begin() + static_cast<std::ptrdiff_t>(next));
  if (!jobs_.empty()) loop_.ready(turn_);
  job->run();
  if (after_each) after_each();
}

Machine::Machine(std::uint64_t seed, bool print)
    : dice(seed),
      trace(clock, print),
      loop(socketserver::Loop::create(clock).value()),
      pool(*loop, dice) {
  loop->on_idle([this](std::int64_t next_ms) {
    if (next_ms < 0) throw Stuck("nothing can happen any more, and not all has ended");
    if (++turns_ > kMostTurns) throw Stuck("it goes on and on");
    const std::int64_t now_ms = clock.monotonic_ms();
    if (now_ms > kMostMs) throw Stuck("it has not ended after hours");
    clock.advance_ms(std::max<std::int64_t>(next_ms - now_ms, 0));
  });
}

void Machine::run(socketserver::Task<void> task) {
  run_until_done(*loop, std::move(task));
}

}  // namespace skein::simulate
