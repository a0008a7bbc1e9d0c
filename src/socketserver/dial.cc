#include "socketserver/dial.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <coroutine>
#include <string>
#include <utility>
#include <vector>

#include "base/descriptor.h"
#include "base/text.h"
#include "socketserver/tcp_stream.h"

namespace socketserver {

using skein::concat;

namespace {

// Waits until a connect() under way has ended: its errno, or 0, or ETIMEDOUT, or ECANCELED.
class ConnectOp : private Watch, private Timer, private Event::Hook {
 public:
  ConnectOp(Loop& loop, int fd, std::int64_t timeout_ms, Event* stop)
      : Watch([](Watch& watch, std::uint32_t) { static_cast<ConnectOp&>(watch).finished(); }),
        Timer([](Timer& timer) { static_cast<ConnectOp&>(timer).end(ETIMEDOUT); }),
        Hook([](Hook& hook) { static_cast<ConnectOp&>(hook).end(ECANCELED); }),
        loop_(loop),
        fd_(fd),
        timeout_ms_(timeout_ms),
        stop_(stop) {}
  ConnectOp(const ConnectOp&) = delete;
  ConnectOp& operator=(const ConnectOp&) = delete;
  ~ConnectOp() = default;

  [[nodiscard]] bool await_ready() const { return false; }
  bool await_suspend(std::coroutine_handle<> handle) {
    handle_ = handle;
    if (auto watched = loop_.watch(fd_, *this, EPOLLOUT); !watched) {
      code_ = watched.error().system_code();
      return false;
    }
    if (timeout_ms_ >= 0) loop_.arm(*this, loop_.now_ms() + timeout_ms_);
    if (stop_ != nullptr) hook(*stop_);
    return true;
  }
  [[nodiscard]] int await_resume() const { return code_; }

 private:
  void finished() {
    int code = 0;
    socklen_t size = sizeof(code);
    getsockopt(fd_, SOL_SOCKET, SO_ERROR, &code, &size);
    end(code);
  }
  void end(int code) {
    if (!unhook()) return;  // stopped in this very round: it ends by that
    code_ = code;
    loop_.unwatch(fd_, *this);
    Loop::disarm(*this);
    handle_.resume();
  }

  Loop& loop_;
  int fd_;
  std::int64_t timeout_ms_;
  Event* stop_;
  int code_ = 0;
  std::coroutine_handle<> handle_;
};

bool is_self_connected(int fd) {
  // A port in the range from which the system picks ours may be picked for the near end of a call
  // to itself, and then the call is answered by its own caller.
  const Address near = Address::of_socket(fd);
  return near.family() != AF_UNSPEC && near.text() == Address::of_peer(fd).text();
}

bool is_our_own_trouble(int code) {
  return code == EMFILE || code == ENFILE || code == ENOMEM || code == ENOBUFS;
}

std::string reason(int code) {
  if (code == ECONNREFUSED) return "connection refused";
  if (code == ETIMEDOUT) return "timed out";
  if (code == EHOSTUNREACH || code == ENETUNREACH) return "no route";
  // from_errno says ": WORDS" here.
  return skein::Error::from_errno(code, "").message().substr(2);
}

}  // namespace

Task<int> connect_to(Loop& loop, skein::Descriptor& socket, Address address,
                     std::int64_t timeout_ms, Event* stop) {
  socket.reset(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) co_return errno;
  int code = 0;
  if (::connect(socket.get(), address.get(), address.size()) != 0) code = errno;
  if (code == EINPROGRESS || code == EINTR) {
    code = co_await ConnectOp(loop, socket.get(), timeout_ms, stop);
  }
  if (code == 0 && is_self_connected(socket.get())) code = ECONNREFUSED;
  co_return code;
}

Task<skein::Result<std::unique_ptr<Stream>>> dial(Loop& loop, Pool& pool, Endpoint endpoint,
                                                  std::int64_t timeout_ms, Event* stop) {
  const auto look_up = [&endpoint] { return resolve(endpoint, false); };
  auto addresses = co_await pool.run(loop, look_up);
  if (!addresses) co_return skein::pass(std::move(addresses).error());

  const std::int64_t deadline_ms =
      loop.clock().monotonic_ms() + std::max<std::int64_t>(timeout_ms, 0);
  auto left = static_cast<std::int64_t>(addresses->size());
  std::string reasons;
  for (const Address& address : *addresses) {
    std::int64_t share_ms = -1;
    if (timeout_ms >= 0) {
      share_ms = std::max<std::int64_t>((deadline_ms - loop.clock().monotonic_ms()) / left, 1);
    }
    --left;
    skein::Descriptor socket;
    int code = ECANCELED;
    const bool stopped = stop != nullptr && stop->is_set();
    if (!stopped) code = co_await connect_to(loop, socket, address, share_ms, stop);
    if (code == ECANCELED) co_return skein::fail(skein::kCancelled, "interrupted");
    if (code == 0) {
      auto stream = TcpStream::adopt(loop, std::move(socket), address);
      if (!stream) co_return skein::pass(std::move(stream).error());
      std::unique_ptr<Stream> connected = *std::move(stream);
      co_return connected;
    }
    if (is_our_own_trouble(code)) {
      co_return skein::fail_errno(code, concat("calling ", address.text()));
    }
    if (!reasons.empty()) reasons += "; ";
    if (address.text() != endpoint.text()) reasons += concat(address.text(), ": ");
    reasons += reason(code);
  }
  co_return skein::fail(skein::kNoHub,
                        concat("nobody answers at ", endpoint.text(), ": ", reasons));
}

}  // namespace socketserver
