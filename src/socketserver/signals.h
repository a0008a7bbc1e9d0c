// Signals as something to await: `const int number = co_await signals.next();`
#pragma once

#include <csignal>
#include <cstdint>
#include <initializer_list>

#include "base/descriptor.h"
#include "socketserver/loop.h"
#include "socketserver/sync.h"
#include "socketserver/task.h"

namespace socketserver {

class Signals : private Watch {
 public:
  // Blocks these signals for this thread and all that it starts from now on: so build it before
  // any other thread. Throws std::system_error when out of descriptors. The loop outlives it.
  Signals(Loop& loop, std::initializer_list<int> numbers);
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;
  // Restores the thread's signals as they were; one that came and was not taken is dropped.
  ~Signals();

  // The number of the next one, or 0 after cancel(). One coroutine at a time.
  Task<int> next();
  // Ends the waiting next() and all later ones, so that the task around it can end.
  void cancel();

 private:
  static void on_ready(Watch& watch, std::uint32_t events);

  Loop& loop_;
  sigset_t mask_{};
  sigset_t before_{};
  skein::Descriptor descriptor_;
  Event something_;
  bool cancelled_ = false;
};

}  // namespace socketserver
