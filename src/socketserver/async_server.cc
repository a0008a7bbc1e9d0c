// Event-driven servers of streams: one loop accepts, and hands each connection to the loop that has
// the fewest.
#include <sys/socket.h>

#include <algorithm>
#include <mutex>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/text.h"
#include "socketserver/acceptor.h"
#include "socketserver/async.h"
#include "socketserver/async_core.h"
#include "socketserver/bind.h"
#include "socketserver/connection.h"
#include "socketserver/raise.h"

namespace socketserver {

using skein::concat;

namespace {

using Factory = AsyncTCPServer::Factory;

class StreamCore;

class StreamWorker final : public detail::ConnectionOwner {
 public:
  explicit StreamWorker(StreamCore& core);

  std::unique_ptr<AsyncStreamRequestHandler> make_handler() override;
  void left(const Address& peer) override;

  // This loop's thread.
  void take(skein::Descriptor socket, const Address& peer) {
    detail::Connection::start(*this, streams_, std::move(socket), peer);
  }
  // Any thread.
  void hand_over(skein::Descriptor socket, const Address& peer);

 protected:
  void end_idle() override;
  void end_all() override;

 private:
  struct Newcomer {
    skein::Descriptor socket;
    Address peer;
  };
  struct Inbox : Work {
    explicit Inbox(StreamWorker& of)
        : Work([](Work& work) { static_cast<Inbox&>(work).worker.empty_inbox(); }), worker(of) {}
    StreamWorker& worker;
  };
  void empty_inbox();

  StreamCore& core_;
  StreamSet streams_;
  Inbox inbox_;
  std::mutex mutex_;
  std::vector<Newcomer> newcomers_;  // under the mutex; as many as one round of accepting brings
};

class StreamCore final : public AsyncBaseServer::Core {
 public:
  StreamCore(const Address& address, Factory factory, const AsyncOptions& wanted)
      : Core(wanted), factory_(std::move(factory)) {
    auto bound = bind_socket(address, {.type = SOCK_STREAM, .reuse_address = true});
    if (!bound) raise(bound.error());
    file_ = SocketFile(address);
    if (auto listens = listen_socket(bound->get(), options.request_queue_size); !listens) {
      raise(listens.error());
    }
    for (std::size_t i = 0; i < options.threads; ++i) {
      workers_.push_back(std::make_unique<StreamWorker>(*this));
    }
    acceptor_ = std::make_unique<Acceptor>(
        workers_.front()->loop(), *std::move(bound),
        [this](skein::Descriptor socket, const Address& peer) { take(std::move(socket), peer); },
        [this](const skein::Error& error, const std::string& peer) { trouble(error, peer); });
  }

  void close() override {
    acceptor_->close();
    file_.remove();
  }
  [[nodiscard]] Address address() const override { return acceptor_->address(); }
  [[nodiscard]] int descriptor() const override { return acceptor_->descriptor(); }

  std::unique_ptr<AsyncStreamRequestHandler> make() const { return factory_(); }

  // Any thread.
  void left(const Address& peer) {
    if (options.max_connections_per_address == 0) return;
    const std::scoped_lock lock(mutex_);
    const auto found = per_address_.find(peer.host());
    if (found != per_address_.end() && --found->second == 0) per_address_.erase(found);
  }

 protected:
  void begin() override {
    if (auto begun = acceptor_->begin(); !begun) raise(begun.error());
  }
  void pause() override { acceptor_->pause(); }

 private:
  void take(skein::Descriptor socket, const Address& peer) {
    std::size_t all = 0;
    std::size_t least = 0;
    for (std::size_t i = 0; i < running(); ++i) {
      const std::size_t open = worker(i).open.load(std::memory_order_relaxed);
      all += open;
      if (open < worker(least).open.load(std::memory_order_relaxed)) least = i;
    }
    if (options.max_connections > 0 && all >= options.max_connections) {
      return refuse(skein::kTooMany,
                    concat("turned away: ", skein::human_count(options.max_connections),
                           " connections are open, as many as are allowed"),
                    peer);
    }
    if (!verified(peer)) {
      worker(0).refused.add(1);
      return;
    }
    if (!enter(peer)) {
      return refuse(skein::kTooMany, "turned away: too many connections from that address", peer);
    }
    StreamWorker& chosen = worker(least);
    chosen.open.fetch_add(1, std::memory_order_relaxed);
    if (least == 0) return chosen.take(std::move(socket), peer);
    chosen.hand_over(std::move(socket), peer);
  }

  bool verified(const Address& peer) {
    try {
      return face->verify_request(peer);
    } catch (...) {
      worker(0).failed.add(1);
      worker(0).tell(std::current_exception(), peer, "verify_request");
      return false;
    }
  }

  bool enter(const Address& peer) {
    const std::size_t limit = options.max_connections_per_address;
    if (limit == 0 || peer.host().empty()) return true;
    const std::scoped_lock lock(mutex_);
    std::size_t& open = per_address_[peer.host()];
    if (open >= limit) return false;
    ++open;
    return true;
  }

  void refuse(skein::ErrorKind kind, std::string why, const Address& peer) {
    worker(0).refused.add(1);
    acceptor_->complain_of_refusal(skein::Error(kind, std::move(why)), peer.text());
  }

  void trouble(const skein::Error& error, const std::string& peer) const {
    const std::string text = error.text();
    try {
      face->handle_trouble(peer.empty() ? text : concat(peer, ": ", text));
    } catch (...) {
      worker(0).tell(std::current_exception(), {}, "handle_trouble");
    }
  }

  [[nodiscard]] StreamWorker& worker(std::size_t i) const {
    return static_cast<StreamWorker&>(*workers_[i]);
  }

  Factory factory_;
  SocketFile file_;
  std::unique_ptr<Acceptor> acceptor_;
  std::mutex mutex_;
  std::unordered_map<std::string, std::size_t> per_address_;  // under the mutex
};

StreamWorker::StreamWorker(StreamCore& core) : ConnectionOwner(core), core_(core), inbox_(*this) {}

std::unique_ptr<AsyncStreamRequestHandler> StreamWorker::make_handler() {
  return core_.make();
}

void StreamWorker::left(const Address& peer) {
  core_.left(peer);
  open.fetch_sub(1, std::memory_order_relaxed);
}

void StreamWorker::hand_over(skein::Descriptor socket, const Address& peer) {
  {
    const std::scoped_lock lock(mutex_);
    newcomers_.push_back({std::move(socket), peer});
    if (newcomers_.size() > 1) return;  // it is on its way already
  }
  loop().post(inbox_);
}

void StreamWorker::empty_inbox() {
  std::vector<Newcomer> all;
  {
    const std::scoped_lock lock(mutex_);
    all.swap(newcomers_);
  }
  for (Newcomer& one : all) take(std::move(one.socket), one.peer);
}

void StreamWorker::end_idle() {
  streams_.for_each([](Stream& stream) { static_cast<detail::Connection&>(stream).end_if_idle(); });
}
void StreamWorker::end_all() {
  streams_.for_each(
      [](Stream& stream) { static_cast<detail::Connection&>(stream).end_by_drain(); });
}

}  // namespace

AsyncTCPServer::AsyncTCPServer(const Address& address, Factory factory, const AsyncOptions& options)
    : AsyncBaseServer(std::make_unique<StreamCore>(address, std::move(factory), options)) {}

AsyncUnixStreamServer::AsyncUnixStreamServer(const std::string& path, Factory factory,
                                             const AsyncOptions& options)
    : AsyncBaseServer(
          std::make_unique<StreamCore>(Address::from_path(path), std::move(factory), options)) {}

}  // namespace socketserver
