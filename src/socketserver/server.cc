#include "socketserver/server.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <exception>
#include <mutex>
#include <thread>

#include "base/text.h"
#include "socketserver/bind.h"
#include "socketserver/raise.h"
#include "socketserver/registry.h"
#include "socketserver/type_name.h"

namespace socketserver {

using skein::concat;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

namespace {

// After accept() failed for want of something, descriptors most likely.
constexpr milliseconds kPause{50};
constexpr milliseconds kComplainEvery{1000};
// Of what a peer sent and nobody read, taken at the end so that close() does not reset.
constexpr int kDiscards = 16;

// One line by one call, so that threads do not write into each other's.
void print(const std::string& line) noexcept {
  std::fputs(line.c_str(), stderr);
}

int poll_ms(std::optional<Clock::time_point> until) {
  if (!until) return -1;
  const auto left = std::chrono::ceil<milliseconds>(*until - Clock::now()).count();
  return static_cast<int>(std::clamp<milliseconds::rep>(left, 0, INT_MAX));
}

}  // namespace

struct BaseServer::Core {
  Core(Address at, int of_type, Factory made_by)
      : address(std::move(at)), type(of_type), factory(std::move(made_by)) {}

  // That of the one serve_forever() or handle_request() under way.
  class Serving;

  Address address;
  int type;
  Factory factory;
  Socket socket;
  SocketFile file;
  std::shared_ptr<detail::Registry> registry = std::make_shared<detail::Registry>();

  std::atomic<bool> stop = false;      // the next or present serve_forever() is to return
  std::atomic<bool> stopping = false;  // the same, and stays until the next one begins
  std::atomic<bool> closed = false;

  std::mutex mutex;
  std::condition_variable left;
  bool serving = false;
  std::thread::id server_thread;

  // The serving thread's.
  Clock::time_point paused_until;
  Clock::time_point complain_from;

  std::atomic<std::uint64_t> accepted = 0;
  std::atomic<std::uint64_t> refused = 0;
  std::atomic<std::uint64_t> failed = 0;
  std::atomic<std::uint64_t> truncated = 0;
  std::atomic<std::uint64_t> troubles = 0;
};

class BaseServer::Core::Serving {
 public:
  explicit Serving(Core& core) : core_(core) {
    const std::lock_guard lock(core_.mutex);
    if (core_.closed || !core_.socket.is_open()) {
      throw ServerClosed(ECANCELED, "the server is closed, or was never bound");
    }
    if (core_.serving) throw Error(EBUSY, "the server serves already, on another thread");
    core_.serving = true;
    core_.server_thread = std::this_thread::get_id();
    if (!core_.stop) core_.stopping = false;
  }
  Serving(const Serving&) = delete;
  Serving& operator=(const Serving&) = delete;
  ~Serving() {
    const std::lock_guard lock(core_.mutex);
    core_.serving = false;
    core_.server_thread = {};
    core_.stop = false;
    core_.left.notify_all();
  }

 private:
  Core& core_;
};

BaseServer::BaseServer(const Address& address, int type, Factory factory,
                       const ServerSettings& settings)
    : ServerSettings(settings), core_(std::make_unique<Core>(address, type, std::move(factory))) {}

BaseServer::~BaseServer() {
  block_on_close = true;
  BaseServer::server_close();
}

void BaseServer::bind_and_listen() {
  if (!bind_and_activate) return;
  // What a constructor calls are these, whatever a class below overrides.
  BaseServer::server_bind();
  BaseServer::server_activate();
}

void BaseServer::server_bind() {
  const bool by_default = core_->type == SOCK_STREAM;
  const int family = core_->address.family();
  if (family != AF_INET && family != AF_INET6 && family != AF_UNIX) {
    throw AddressError(EAFNOSUPPORT, "a server needs an address of IPv4, IPv6 or Unix");
  }
  auto bound =
      bind_socket(core_->address, {.type = core_->type,
                                   .reuse_address = allow_reuse_address.value_or(by_default),
                                   .reuse_port = allow_reuse_port});
  if (!bound) raise(bound.error());
  core_->file = SocketFile(core_->address);
  core_->socket = Socket(bound->release(), request_timeout);
  core_->address = core_->socket.local_address();
}

void BaseServer::server_activate() {
  if (core_->type != SOCK_STREAM) return;
  if (auto done = listen_socket(core_->socket.fileno(), request_queue_size); !done) {
    core_->file.remove();
    core_->socket.close();
    raise(done.error());
  }
}

void BaseServer::serve_forever(milliseconds poll_interval) {
  const Core::Serving serving(*core_);
  while (true) {
    const Woken woken = wait_for_request(Clock::now() + poll_interval);
    if (woken == Woken::kStop) return;
    if (woken == Woken::kRequest) handle_one();
    service_actions();
  }
}

void BaseServer::handle_request() {
  const Core::Serving serving(*core_);
  std::optional<Clock::time_point> until;
  if (timeout) until = Clock::now() + *timeout;
  const Woken woken = wait_for_request(until);
  if (woken == Woken::kRequest) handle_one();
  if (woken == Woken::kTime) handle_timeout();
}

BaseServer::Woken BaseServer::wait_for_request(std::optional<Clock::time_point> until) {
  while (true) {
    if (core_->stop || core_->closed) return Woken::kStop;
    const bool full = max_connections != 0 && core_->registry->is_full(max_connections);
    const bool paused = Clock::now() < core_->paused_until;
    std::array<pollfd, 2> both = {
        pollfd{.fd = core_->registry->wake_fd(), .events = POLLIN, .revents = 0},
        // A negative descriptor is passed over.
        pollfd{.fd = full || paused ? -1 : core_->socket.fileno(), .events = POLLIN, .revents = 0}};
    auto wait_until = until;
    if (paused) wait_until = std::min(until.value_or(core_->paused_until), core_->paused_until);
    const int ready = ::poll(both.data(), both.size(), poll_ms(wait_until));
    if (ready < 0 && errno != EINTR) throw_system_error(errno, "waiting for a request");
    if (ready > 0 && both[0].revents != 0) core_->registry->clear_wake();
    if (core_->stop || core_->closed) return Woken::kStop;
    if (ready > 0 && both[1].revents != 0) return Woken::kRequest;
    if (until && Clock::now() >= *until) return Woken::kTime;
  }
}

void BaseServer::handle_one() noexcept {
  try {
    std::optional<std::pair<Request, Address>> got;
    try {
      got = get_request();
    } catch (const Error& error) {
      // Out of descriptors, or of memory. The listener would say at once that it is ready again;
      // the callers wait in its queue, and one is served as soon as anything ends.
      core_->paused_until = Clock::now() + kPause;
      tell_trouble(error);
      return;
    }
    if (!got) return;
    const Address client_address = std::move(got->second);
    bool wanted = false;
    try {
      wanted = verify_request(got->first, client_address);
      if (!wanted) core_->refused.fetch_add(1, std::memory_order_relaxed);
    } catch (...) {
      tell_failure(std::current_exception(), client_address, "verify_request");
    }
    if (!wanted) {
      shutdown_request(got->first);
      return;
    }
    try {
      process_request(std::move(got->first), client_address);
    } catch (...) {
      tell_failure(std::current_exception(), client_address, "process_request");
    }
  } catch (...) {
    tell_failure(std::current_exception(), {}, "serving");
  }
}

void BaseServer::serve_request(Request& request, const Address& client_address) noexcept {
  // A handler may keep the connection for longer, elsewhere; from then on it is none of ours.
  const std::shared_ptr<detail::Ticket> ticket = request.socket.ticket_;
  try {
    finish_request(request, client_address);
  } catch (...) {
    tell_failure(std::current_exception(), client_address, request.step);
  }
  try {
    shutdown_request(request);
  } catch (...) {
    tell_failure(std::current_exception(), client_address, "shutdown_request");
  }
  if (ticket) ticket->give_back();
}

bool BaseServer::verify_request(const Request&, const Address&) {
  return true;
}

void BaseServer::process_request(Request request, const Address& client_address) {
  serve_request(request, client_address);
}

void BaseServer::finish_request(Request& request, const Address& client_address) {
  const std::unique_ptr<BaseRequestHandler> handler = core_->factory();
  if (handler == nullptr) throw Error("no handler was made");
  const BaseRequestHandler& made = *handler;
  const std::string name = type_name(typeid(made));
  handler->request = std::move(request);
  // Given back on every way out: the server ends the request, not the handler.
  const struct Lent {
    Request& from;
    Request& to;
    ~Lent() { to = std::move(from); }
  } lent{handler->request, request};
  handler->client_address = client_address;
  handler->server = this;

  handler->request.step = concat(name, "::setup");
  handler->setup();
  std::exception_ptr thrown;
  try {
    handler->request.step = concat(name, "::handle");
    handler->handle();
  } catch (...) {
    thrown = std::current_exception();
  }
  try {
    if (thrown == nullptr) handler->request.step = concat(name, "::finish");
    handler->finish();
  } catch (...) {
    // Most likely of the same cause as what handle() threw, which tells more.
    if (thrown == nullptr) throw;
  }
  if (thrown != nullptr) std::rethrow_exception(thrown);
}

void BaseServer::shutdown_request(Request& request) {
  const int fd = request.socket.fileno();
  if (fd >= 0 && ::shutdown(fd, SHUT_WR) == 0) {
    std::array<char, 4096> rest{};
    for (int i = 0; i < kDiscards; ++i) {
      if (::recv(fd, rest.data(), rest.size(), MSG_DONTWAIT) <= 0) break;
    }
  }
  close_request(request);
}

void BaseServer::close_request(Request& request) {
  request.socket.close();
}

void BaseServer::tell_failure(std::exception_ptr exception, const Address& peer,
                              const std::string& step) noexcept {
  core_->failed.fetch_add(1, std::memory_order_relaxed);
  try {
    handle_error(RequestFailure::from(std::move(exception), peer, step));
  } catch (...) {
    print("socketserver: handle_error() threw\n");
  }
}

void BaseServer::tell_trouble(const Error& error) noexcept {
  core_->troubles.fetch_add(1, std::memory_order_relaxed);
  if (Clock::now() < core_->complain_from) return;
  core_->complain_from = Clock::now() + kComplainEvery;
  try {
    handle_trouble(error);
  } catch (...) {
    print("socketserver: handle_trouble() threw\n");
  }
}

void BaseServer::handle_error(const RequestFailure& failure) {
  print(concat("socketserver: ", failure.text(), "\n"));
}

void BaseServer::handle_trouble(const Error& error) {
  print(concat("socketserver: ", error.report(), "\n"));
}

std::optional<Request> BaseServer::admit(int fd, const Address& client_address) {
  Request request;
  request.socket = Socket(fd, request_timeout);
  core_->accepted.fetch_add(1, std::memory_order_relaxed);
  std::string host = client_address.host();
  const std::size_t most = max_connections_per_address;
  if (most != 0 && !host.empty() && core_->registry->open_of(host) >= most) {
    core_->refused.fetch_add(1, std::memory_order_relaxed);
    return std::nullopt;
  }
  request.socket.ticket_ = core_->registry->enter({fd, std::move(host)});
  return request;
}

Request BaseServer::admit_datagram(std::string packet, bool truncated) {
  core_->accepted.fetch_add(1, std::memory_order_relaxed);
  if (truncated) core_->truncated.fetch_add(1, std::memory_order_relaxed);
  Request request;
  request.packet = std::move(packet);
  request.truncated = truncated;
  request.socket.ticket_ = core_->registry->enter({-1, {}});
  return request;
}

void BaseServer::shutdown() noexcept {
  core_->stopping = true;
  core_->stop = true;
  core_->registry->wake();
}

void BaseServer::server_close() {
  std::optional<Clock::time_point> until;
  if (drain_timeout) until = Clock::now() + *drain_timeout;
  if (daemon_threads) until = Clock::now();
  bool inside = false;
  {
    std::unique_lock lock(core_->mutex);
    core_->closed = true;
    core_->stopping = true;
    core_->registry->wake();
    inside = core_->serving && core_->server_thread == std::this_thread::get_id();
    const auto left = [this] { return !core_->serving; };
    // On the serving thread there is nobody to wait for: it is we.
    if (!inside && until && !core_->left.wait_until(lock, *until, left)) {
      core_->registry->shutdown_all();
    }
    if (!inside) core_->left.wait(lock, left);
    core_->file.remove();
    // Newcomers are refused from now on. Handlers of datagrams still answer by the socket.
    if (core_->type == SOCK_STREAM) core_->socket.close();
  }
  if (inside || !block_on_close) return;
  if (!core_->registry->wait_empty(until)) {
    core_->registry->shutdown_all();
    core_->registry->wait_empty({});
  }
  core_->socket.close();
}

const Address& BaseServer::server_address() const {
  return core_->address;
}
int BaseServer::fileno() const {
  return core_->socket.fileno();
}
int BaseServer::socket_type() const {
  return core_->type;
}
Socket& BaseServer::socket() {
  return core_->socket;
}
bool BaseServer::stopping() const {
  return core_->stopping;
}

ServerStatistics BaseServer::counters() const {
  const auto of = [](const std::atomic<std::uint64_t>& count) {
    return count.load(std::memory_order_relaxed);
  };
  return {.accepted = of(core_->accepted),
          .open = core_->registry->open(),
          .refused = of(core_->refused),
          .failed = of(core_->failed),
          .truncated = of(core_->truncated),
          .troubles = of(core_->troubles)};
}

TCPServer::TCPServer(const Address& address, Factory factory, const ServerSettings& settings)
    : BaseServer(address, SOCK_STREAM, std::move(factory), settings) {
  bind_and_listen();
}

std::optional<std::pair<Request, Address>> TCPServer::get_request() {
  sockaddr_storage from{};
  socklen_t size = sizeof(from);
  const int fd = ::accept4(fileno(), reinterpret_cast<sockaddr*>(&from), &size, SOCK_CLOEXEC);
  if (fd < 0) {
    if (concerns_one_peer(errno)) return std::nullopt;
    throw_system_error(errno, "accepting a connection");
  }
  const Address client = Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&from), size);
  auto request = admit(fd, client);
  if (!request) return std::nullopt;
  return std::pair(*std::move(request), client);
}

UDPServer::UDPServer(const Address& address, Factory factory, const ServerSettings& settings)
    : BaseServer(address, SOCK_DGRAM, std::move(factory), settings) {
  bind_and_listen();
}

std::optional<std::pair<Request, Address>> UDPServer::get_request() {
  buffer_.resize(max_packet_size);
  sockaddr_storage from{};
  iovec part = {.iov_base = buffer_.data(), .iov_len = buffer_.size()};
  msghdr message{};
  message.msg_name = &from;
  message.msg_namelen = sizeof(from);
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  // Not waiting: what poll() saw may be gone, thrown away for a wrong checksum.
  const ssize_t got = ::recvmsg(fileno(), &message, MSG_DONTWAIT);
  if (got < 0) {
    if (concerns_one_peer(errno)) return std::nullopt;
    throw_system_error(errno, "receiving a datagram");
  }
  const auto size = static_cast<std::size_t>(got);
  return std::pair(
      admit_datagram(buffer_.substr(0, size), (message.msg_flags & MSG_TRUNC) != 0),
      Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&from), message.msg_namelen));
}

UnixStreamServer::UnixStreamServer(std::string_view path, Factory factory,
                                   const ServerSettings& settings)
    : TCPServer(Address::from_path(path), std::move(factory), settings) {}

UnixDatagramServer::UnixDatagramServer(std::string_view path, Factory factory,
                                       const ServerSettings& settings)
    : UDPServer(Address::from_path(path), std::move(factory), settings) {}

}  // namespace socketserver
