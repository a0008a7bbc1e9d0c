#include "socketserver/acceptor.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "base/text.h"
#include "socketserver/bind.h"

namespace socketserver {

using skein::concat;

namespace {

constexpr std::int64_t kComplainEveryMs = 1000;

}  // namespace

Acceptor::Complaint::Complaint(Acceptor& acceptor, std::string noun)
    : Timer([](Timer& timer) { static_cast<Complaint&>(timer).again(); }),
      acceptor_(acceptor),
      noun_(std::move(noun)),
      why_(skein::kInternal, {}) {}

void Acceptor::Complaint::make(skein::Error why, const std::string& peer) {
  if (armed()) {
    ++held_;
    why_ = std::move(why);
    return;
  }
  acceptor_.loop_.arm(*this, acceptor_.loop_.now_ms() + kComplainEveryMs);
  acceptor_.tell(why, peer);
}

void Acceptor::Complaint::again() {
  if (held_ == 0) return;
  const skein::Error all(why_.kind(), concat(skein::counted(std::exchange(held_, 0), noun_),
                                             " more: ", why_.message()));
  acceptor_.loop_.arm(*this, acceptor_.loop_.now_ms() + kComplainEveryMs);
  acceptor_.tell(all, {});
}

Acceptor::Again::Again(Acceptor& of)
    : Work([](Work& work) { static_cast<Again&>(work).acceptor.accept_some(); }), acceptor(of) {}
Acceptor::Retry::Retry(Acceptor& of)
    : Timer([](Timer& timer) { static_cast<Retry&>(timer).acceptor.accept_some(); }),
      acceptor(of) {}

Acceptor::Acceptor(Loop& loop, skein::Descriptor listener, OnSocket on_socket, OnError on_error)
    : Watch(&Acceptor::on_ready),
      loop_(loop),
      listener_(std::move(listener)),
      on_socket_(std::move(on_socket)),
      on_error_(std::move(on_error)),
      again_(*this),
      retry_(*this),
      refusals_(*this, "connection"),
      failures_(*this, "failure") {}

Acceptor::~Acceptor() {
  close();
}

skein::Result<void> Acceptor::begin() {
  TRY(loop_.watch(listener_.get(), *this, EPOLLIN));
  accepting_ = true;
  return {};
}

void Acceptor::pause() {
  if (!std::exchange(accepting_, false)) return;
  loop_.unwatch(listener_.get(), *this);
  loop_.forget(again_);
  Loop::disarm(retry_);
}

void Acceptor::close() {
  pause();
  listener_.reset();
}

void Acceptor::on_ready(Watch& watch, std::uint32_t) {
  static_cast<Acceptor&>(watch).accept_some();
}

void Acceptor::accept_some() {
  if (!accepting_ || again_.queued() || retry_.armed()) return;
  for (int i = 0; i < kAcceptsPerRound; ++i) {
    sockaddr_storage from{};
    socklen_t size = sizeof(from);
    skein::Descriptor socket(accept4(listener_.get(), reinterpret_cast<sockaddr*>(&from), &size,
                                     SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket) {
      const int code = errno;
      if (code == EAGAIN) return;
      if (concerns_one_peer(code)) continue;
      // Out of descriptors (or memory). The listener is edge-triggered, so it does not spin; and
      // it would not report again, so the wheel tries again. Until then the callers wait in the
      // kernel's queue, which is kinder than to accept with a spare descriptor only to hang up:
      // one becomes free as soon as any connection ends.
      complain_of_failure(skein::Error::from_errno(code, "accepting a connection"), {});
      loop_.arm(retry_, loop_.now_ms() + kPauseMs);
      return;
    }
    on_socket_(std::move(socket),
               Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&from), size));
    if (!accepting_) return;
  }
  loop_.ready(again_);
}

void Acceptor::complain_of_refusal(skein::Error why, const std::string& peer) {
  refusals_.make(std::move(why), peer);
}
void Acceptor::complain_of_failure(skein::Error why, const std::string& peer) {
  failures_.make(std::move(why), peer);
}

void Acceptor::tell(const skein::Error& error, const std::string& peer) const {
  if (on_error_) on_error_(error, peer);
}

}  // namespace socketserver
