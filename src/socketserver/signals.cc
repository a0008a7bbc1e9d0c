#include "socketserver/signals.h"

#include <sys/signalfd.h>

#include <cerrno>
#include <ctime>
#include <system_error>

namespace socketserver {

Signals::Signals(Loop& loop, std::initializer_list<int> numbers)
    : Watch(&Signals::on_ready), loop_(loop) {
  sigemptyset(&mask_);
  for (const int number : numbers) sigaddset(&mask_, number);
  descriptor_.reset(signalfd(-1, &mask_, SFD_NONBLOCK | SFD_CLOEXEC));
  if (!descriptor_) throw std::system_error(errno, std::generic_category(), "signalfd");
  if (auto watched = loop_.watch(descriptor_.get(), *this, EPOLLIN); !watched) {
    throw std::system_error(watched.error().system_code(), std::generic_category(), "epoll_ctl");
  }
  pthread_sigmask(SIG_BLOCK, &mask_, &before_);
}

Signals::~Signals() {
  loop_.unwatch(descriptor_.get(), *this);
  // One that is pending would strike as soon as it is no longer blocked.
  const timespec now{};
  while (sigtimedwait(&mask_, nullptr, &now) > 0) continue;
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void Signals::on_ready(Watch& watch, std::uint32_t) {
  static_cast<Signals&>(watch).something_.set();
}

Task<int> Signals::next() {
  while (!cancelled_) {
    something_.reset();
    signalfd_siginfo info{};
    const ssize_t got = ::read(descriptor_.get(), &info, sizeof(info));
    if (got == static_cast<ssize_t>(sizeof(info))) co_return static_cast<int>(info.ssi_signo);
    co_await something_.wait();
  }
  co_return 0;
}

void Signals::cancel() {
  cancelled_ = true;
  something_.set();
}

}  // namespace socketserver
