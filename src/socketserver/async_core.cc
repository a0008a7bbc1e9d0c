#include "socketserver/async_core.h"

#include <algorithm>
#include <cstdio>
#include <new>
#include <system_error>
#include <utility>

#include "base/text.h"
#include "socketserver/raise.h"

namespace socketserver {

using skein::concat;

namespace {

constexpr std::int64_t kTickMs = 500;
constexpr std::size_t kPoolQueue = 1024;

AsyncOptions complete(AsyncOptions options) {
  if (options.threads == 0) options.threads = std::max(1U, std::thread::hardware_concurrency());
  options.pool_threads = std::max<std::size_t>(options.pool_threads, 1);
  options.max_packet_size = std::max<std::size_t>(options.max_packet_size, 1);
  options.max_pending_datagrams = std::max<std::size_t>(options.max_pending_datagrams, 1);
  return options;
}

const skein::Clock& system_clock() {
  static const skein::SystemClock clock;
  return clock;
}

}  // namespace

namespace detail {

AsyncWorker::AsyncWorker(AsyncBaseServer::Core& core) : core_(core), drain_(*this), limit_(*this) {
  auto loop = Loop::create(system_clock());
  if (!loop) raise(loop.error());
  loop_ = *std::move(loop);
}

void AsyncWorker::drain() {
  draining_ = true;
  end_idle();
  const std::int64_t limit_ms = core_.options.drain_timeout.count();
  if (limit_ms == 0) {
    end_all();
  } else if (limit_ms > 0) {
    loop_->arm(limit_, loop_->now_ms() + limit_ms);
  }
  loop_->stop();
}

void AsyncWorker::tell(std::exception_ptr exception, const Address& peer,
                       const std::string& doing) const {
  try {
    core_.face->handle_error(RequestFailure::from(std::move(exception), peer, doing));
  } catch (...) {
    // Whoever is to be told cannot listen. The one request has failed already, and it is counted.
    std::fputs("socketserver: error: handle_error has thrown\n", stderr);
  }
}

// ---- run_blocking

struct BlockingJob::Core {
  struct Call {
    BlockingJob* job;
    void operator()() const { job->run(); }
  };
  using Op = Pool::RunOp<Call>;
  static Op& op(BlockingJob& job) { return *std::launder(reinterpret_cast<Op*>(job.core_)); }
};

void BlockingJob::await_suspend(std::coroutine_handle<> handle) {
  static_assert(sizeof(Core::Op) <= sizeof(core_) &&
                alignof(Core::Op) <= alignof(std::max_align_t));
  Loop* const loop = Loop::current();
  auto* const op = new (core_) Core::Op(server_.core_->pool(), *loop, Core::Call{this});
  begun_ = true;
  op->await_suspend(handle);  // from here on this may be gone at any time
}

BlockingJob::~BlockingJob() {
  if (begun_) Core::op(*this).~RunOp();
}

}  // namespace detail

// ---- Core

AsyncBaseServer::Core::Core(const AsyncOptions& wanted)
    : options(complete(wanted)), stop_(*this), tick_(*this) {}

Pool& AsyncBaseServer::Core::pool() {
  std::call_once(pool_made_,
                 [this] { pool_ = std::make_unique<Pool>(options.pool_threads, kPoolQueue); });
  return *pool_;
}

void AsyncBaseServer::Core::serve_forever() {
  if (descriptor() < 0) throw ServerClosed("the server was closed");
  if (serving_.exchange(true)) throw Error("serve_forever is running already");
  struct Ended {
    explicit Ended(Core& of) : core(of) {}
    Ended(const Ended&) = delete;
    Ended& operator=(const Ended&) = delete;
    ~Ended() {
      for (std::thread& thread : threads) thread.join();
      for (const auto& worker : core.workers_) worker->ended();
      Loop::disarm(core.tick_);
      core.stopping_.store(false);
      core.serving_.store(false);
    }
    Core& core;
    std::vector<std::thread> threads;
  } ended(*this);

  for (const auto& worker : workers_) worker->begin();
  running_ = 1;
  ended.threads.reserve(workers_.size());
  for (std::size_t i = 1; i < workers_.size(); ++i) {
    Loop& loop = workers_[i]->loop();
    try {
      ended.threads.emplace_back([&loop] { loop.run(); });
    } catch (const std::system_error&) {
      break;  // out of threads: those that run do the work
    }
    ++running_;
  }
  Loop& own = workers_.front()->loop();
  bool begun = false;
  try {
    begin();
    begun = true;
    own.arm(tick_, own.clock().monotonic_ms() + kTickMs);
    own.run();
  } catch (...) {
    // begin() failed: the others must not run on.
    if (begun) pause();
    for (std::size_t i = 1; i < running_; ++i) workers_[i]->ask_to_drain();
    throw;
  }
  if (escaped_) std::rethrow_exception(std::exchange(escaped_, nullptr));
}

void AsyncBaseServer::Core::shutdown() noexcept {
  if (!stopping_.exchange(true)) workers_.front()->loop().post(stop_);
}

void AsyncBaseServer::Core::stop() {
  pause();
  for (std::size_t i = 1; i < running_; ++i) workers_[i]->ask_to_drain();
  workers_.front()->drain();
}

void AsyncBaseServer::Core::tick() {
  Loop& loop = workers_.front()->loop();
  loop.arm(tick_, loop.now_ms() + kTickMs);
  // Nothing is thrown through the loop: the server stops in good order, and then it is thrown.
  try {
    face->service_actions();
  } catch (...) {
    escaped_ = std::current_exception();
    shutdown();
  }
}

AsyncCounters AsyncBaseServer::Core::counters() const {
  AsyncCounters sum;
  for (const auto& worker : workers_) {
    sum.accepted += worker->accepted.get();
    sum.open += worker->open.load(std::memory_order_relaxed);
    sum.refused += worker->refused.get();
    sum.failed += worker->failed.get();
    sum.timed_out += worker->timed_out.get();
    sum.received_bytes += worker->received_bytes.get();
    sum.sent_bytes += worker->sent_bytes.get();
    sum.truncated += worker->truncated.get();
    sum.lost += worker->lost.get();
  }
  return sum;
}

// ---- the public face

AsyncBaseServer::AsyncBaseServer(std::unique_ptr<Core> core) : core_(std::move(core)) {
  core_->face = this;
}
AsyncBaseServer::~AsyncBaseServer() = default;

void AsyncBaseServer::serve_forever() {
  core_->serve_forever();
}
void AsyncBaseServer::shutdown() noexcept {
  core_->shutdown();
}
void AsyncBaseServer::server_close() {
  if (core_->serving()) throw Error("server_close() while it serves: shutdown() comes first");
  core_->close();
}
Address AsyncBaseServer::server_address() const {
  return core_->address();
}
int AsyncBaseServer::fileno() const {
  return core_->descriptor();
}
AsyncCounters AsyncBaseServer::counters() const {
  return core_->counters();
}
const AsyncOptions& AsyncBaseServer::options() const {
  return core_->options;
}
std::vector<std::size_t> AsyncBaseServer::open_per_thread() const {
  std::vector<std::size_t> open;
  open.reserve(core_->workers().size());
  for (const auto& worker : core_->workers()) {
    open.push_back(worker->open.load(std::memory_order_relaxed));
  }
  return open;
}

bool AsyncBaseServer::verify_request(const Address& /*client_address*/) {
  return true;
}
void AsyncBaseServer::handle_error(const RequestFailure& failure) {
  const std::string line = concat("socketserver: error: ", failure.text(), "\n");
  std::fputs(line.c_str(), stderr);
}
void AsyncBaseServer::handle_trouble(const std::string& message) {
  const std::string line = concat("socketserver: error: ", message, "\n");
  std::fputs(line.c_str(), stderr);
}
void AsyncBaseServer::service_actions() {}

}  // namespace socketserver
