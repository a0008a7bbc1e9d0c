// The event-driven datagram server: batches in, a handler for each datagram, their replies out in
// one batch. Several loops share the one socket: whichever is free takes what is there.
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "base/text.h"
#include "socketserver/async.h"
#include "socketserver/async_core.h"
#include "socketserver/bind.h"
#include "socketserver/raise.h"
#include "socketserver/type_name.h"

namespace socketserver {

using skein::concat;

namespace detail {

class DatagramWorker;

// One datagram whose handler has not ended. Reused: see DatagramWorker.
class DatagramJob {
 public:
  explicit DatagramJob(DatagramWorker& of) : worker(of), sleeping(*this) {}

  void end_early() {
    ended_early = true;
    wake();
  }
  void wake() {
    Loop::disarm(sleeping);
    if (const std::coroutine_handle<> next = std::exchange(sleeper, {})) next.resume();
  }
  static DatagramJob& of(const AsyncDatagramRequestHandler& handler) { return *handler.job_; }
  void adopt(std::unique_ptr<AsyncDatagramRequestHandler> made, std::span<char> packet,
             bool truncated, AsyncBaseServer* server) {
    handler = std::move(made);
    handler->packet = packet;
    handler->truncated = truncated;
    handler->client_address = peer;
    handler->server = server;
    handler->job_ = this;
  }

  struct Sleeping : Timer {
    explicit Sleeping(DatagramJob& of)
        : Timer([](Timer& timer) { static_cast<Sleeping&>(timer).job.wake(); }), job(of) {}
    DatagramJob& job;
  };

  DatagramWorker& worker;
  std::unique_ptr<AsyncDatagramRequestHandler> handler;
  Address peer;
  std::unique_ptr<char[]> bytes;  // once it waits: the room that its packet is in
  std::coroutine_handle<> sleeper;
  Sleeping sleeping;
  DatagramJob* before = nullptr;  // among those that wait
  DatagramJob* after = nullptr;
  bool done = false;
  bool waits = false;
  bool ended_early = false;
};

class DatagramWorker final : public AsyncWorker, private Watch {
 public:
  DatagramWorker(AsyncBaseServer::Core& core, int fd, const AsyncUDPServer::Factory& factory);
  ~DatagramWorker() override;

  void begin() override;
  void reply(const Address& to, Octets datagram);

 protected:
  void end_idle() override { loop().unwatch(fd_, *this); }
  void end_all() override;

 private:
  static constexpr std::size_t kBatch = 64;
  static constexpr int kBatchesPerRound = 4;
  static constexpr std::size_t kReplyBytes = 256 * 1024;  // of one batch of replies
  static constexpr std::size_t kMaxBytes = 65'507;
  static constexpr std::int64_t kRetryMs = 1;
  static constexpr std::size_t kSpareJobs = 64;

  struct Root;
  struct Again : Work {
    explicit Again(DatagramWorker& of)
        : Work([](Work& work) { static_cast<Again&>(work).worker.receive(); }), worker(of) {}
    DatagramWorker& worker;
  };
  struct Flush : Work {
    explicit Flush(DatagramWorker& of)
        : Work([](Work& work) { static_cast<Flush&>(work).worker.flush(); }), worker(of) {}
    DatagramWorker& worker;
  };
  struct Retry : Timer {
    explicit Retry(DatagramWorker& of)
        : Timer([](Timer& timer) { static_cast<Retry&>(timer).worker.flush(); }), worker(of) {}
    DatagramWorker& worker;
  };

  static void on_ready(Watch& watch, std::uint32_t /*events*/) {
    static_cast<DatagramWorker&>(watch).receive();
  }
  static Root serve(DatagramJob& job);
  void receive();
  void receive_again() {
    if (!again_.queued()) loop().ready(again_);
  }
  void take(std::size_t slot);
  void tell_of(DatagramJob& job, std::exception_ptr failure, const char* doing);
  void keep(DatagramJob& job, std::size_t slot);
  void ended(DatagramJob& job);
  void recycle(std::unique_ptr<DatagramJob> job);
  void flush();

  const int fd_;
  const AsyncUDPServer::Factory& factory_;
  Again again_;
  Flush flush_;
  Retry retry_;
  bool in_batch_ = false;
  bool starved_ = false;  // nothing is received until a job has ended, or replies have gone out
  std::size_t waiting_ = 0;
  DatagramJob* first_waiting_ = nullptr;
  std::vector<std::unique_ptr<DatagramJob>> spare_;

  std::array<std::unique_ptr<char[]>, kBatch> rooms_;
  std::array<sockaddr_storage, kBatch> names_{};
  std::array<iovec, kBatch> vectors_{};
  std::array<mmsghdr, kBatch> heads_{};

  std::unique_ptr<char[]> reply_bytes_;
  std::size_t reply_used_ = 0;
  std::size_t replies_ = 0;
  std::size_t replies_sent_ = 0;
  std::array<sockaddr_storage, kBatch> reply_names_{};
  std::array<iovec, kBatch> reply_vectors_{};
  std::array<mmsghdr, kBatch> reply_heads_{};
};

struct DatagramWorker::Root {
  struct promise_type {
    Root get_return_object() const noexcept { return {}; }
    [[nodiscard]] std::suspend_never initial_suspend() const noexcept { return {}; }
    [[nodiscard]] std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
    static void* operator new(std::size_t size) { return allocate_frame(size); }
    static void operator delete(void* frame, std::size_t size) { free_frame(frame, size); }
  };
};

DatagramWorker::DatagramWorker(AsyncBaseServer::Core& core, int fd,
                               const AsyncUDPServer::Factory& factory)
    : AsyncWorker(core),
      Watch(&DatagramWorker::on_ready),
      fd_(fd),
      factory_(factory),
      again_(*this),
      flush_(*this),
      retry_(*this),
      reply_bytes_(std::make_unique_for_overwrite<char[]>(kReplyBytes)) {
  for (std::size_t i = 0; i < kBatch; ++i) {
    rooms_[i] = std::make_unique_for_overwrite<char[]>(core.options.max_packet_size);
    heads_[i].msg_hdr.msg_iov = &vectors_[i];
    heads_[i].msg_hdr.msg_iovlen = 1;
    heads_[i].msg_hdr.msg_name = &names_[i];
    reply_heads_[i].msg_hdr.msg_iov = &reply_vectors_[i];
    reply_heads_[i].msg_hdr.msg_iovlen = 1;
    reply_heads_[i].msg_hdr.msg_name = &reply_names_[i];
  }
}

DatagramWorker::~DatagramWorker() {
  assert(waiting_ == 0);
  loop().forget(again_);
  loop().forget(flush_);
}

void DatagramWorker::begin() {
  AsyncWorker::begin();
  starved_ = false;
  // With several loops one of those that sleep is woken, not all.
  const std::uint32_t alone = core().options.threads > 1 ? std::uint32_t{EPOLLEXCLUSIVE} : 0;
  if (auto watched = loop().watch(fd_, *this, EPOLLIN | alone); !watched) raise(watched.error());
}

void DatagramWorker::receive() {
  for (int round = 0; round < kBatchesPerRound; ++round) {
    if (draining()) return;
    // Then the system's own queue fills: it is the bound, and drops what is over it.
    const std::size_t pending = core().options.max_pending_datagrams;
    starved_ = waiting_ >= pending || replies_sent_ < replies_;
    if (starved_) return;
    const std::size_t room = std::min(kBatch, pending - waiting_);
    for (std::size_t i = 0; i < room; ++i) {
      vectors_[i] = {rooms_[i].get(), core().options.max_packet_size};
      heads_[i].msg_hdr.msg_namelen = sizeof(sockaddr_storage);
    }
    const int got =
        recvmmsg(fd_, heads_.data(), static_cast<unsigned>(room), MSG_DONTWAIT, nullptr);
    if (got < 0) {
      if (errno == EAGAIN) return;
      continue;  // about an earlier datagram, and it has been taken off
    }
    in_batch_ = true;
    for (std::size_t i = 0; i < static_cast<std::size_t>(got); ++i) take(i);
    in_batch_ = false;
    flush();
    if (static_cast<std::size_t>(got) < room) return;  // what comes from now on is a new report
  }
  receive_again();
}

void DatagramWorker::take(std::size_t slot) {
  const mmsghdr& head = heads_[slot];
  const bool cut = (head.msg_hdr.msg_flags & MSG_TRUNC) != 0;
  const std::size_t size = std::min<std::size_t>(head.msg_len, core().options.max_packet_size);
  received_bytes.add(size);
  if (cut) truncated.add(1);
  std::unique_ptr<DatagramJob> job;
  if (spare_.empty()) {
    job = std::make_unique<DatagramJob>(*this);
  } else {
    job = std::move(spare_.back());
    spare_.pop_back();
  }
  job->peer = Address::from_sockaddr(reinterpret_cast<const sockaddr*>(&names_[slot]),
                                     head.msg_hdr.msg_namelen);
  try {
    if (!core().face->verify_request(job->peer)) {
      refused.add(1);
      return recycle(std::move(job));
    }
    job->adopt(factory_(), {rooms_[slot].get(), size}, cut, core().face);
  } catch (...) {
    tell_of(*job, std::current_exception(), "verify_request");
    return recycle(std::move(job));
  }
  accepted.add(1);
  serve(*job);
  if (job->done) return recycle(std::move(job));
  keep(*job.release(), slot);
}

DatagramWorker::Root DatagramWorker::serve(DatagramJob& job) {
  const char* doing = "setup";
  std::exception_ptr failure;
  bool set_up = false;
  try {
    const Task<void> setup = job.handler->setup();
    if (setup) co_await setup;
    set_up = true;
    doing = "handle";
    const Task<void> handle = job.handler->handle();
    if (handle) co_await handle;
  } catch (...) {
    failure = std::current_exception();
  }
  if (set_up) {
    try {
      if (!failure) doing = "finish";
      const Task<void> finish = job.handler->finish();
      if (finish) co_await finish;
    } catch (...) {
      if (!failure) failure = std::current_exception();
    }
  }
  if (failure) job.worker.tell_of(job, std::move(failure), doing);
  job.done = true;
  if (job.waits) job.worker.ended(job);
}

void DatagramWorker::tell_of(DatagramJob& job, std::exception_ptr failure, const char* doing) {
  if (job.ended_early) {
    try {
      std::rethrow_exception(failure);
    } catch (const ServerClosed&) {
      return;  // an end that the server itself brought about
    } catch (...) {
    }
  }
  failed.add(1);
  std::string text = doing;
  if (job.handler != nullptr) {
    const AsyncDatagramRequestHandler& handler = *job.handler;
    text = concat(type_name(typeid(handler)), "::", doing);
  }
  tell(std::move(failure), job.peer, text);
}

// It waits: it keeps the room with its packet, and the batch gets another.
void DatagramWorker::keep(DatagramJob& job, std::size_t slot) {
  job.bytes = std::move(rooms_[slot]);
  rooms_[slot] = std::make_unique_for_overwrite<char[]>(core().options.max_packet_size);
  job.waits = true;
  job.after = first_waiting_;
  if (first_waiting_ != nullptr) first_waiting_->before = &job;
  first_waiting_ = &job;
  ++waiting_;
  open.fetch_add(1, std::memory_order_relaxed);
  loop().task_began();
}

void DatagramWorker::ended(DatagramJob& job) {
  (job.before == nullptr ? first_waiting_ : job.before->after) = job.after;
  if (job.after != nullptr) job.after->before = job.before;
  --waiting_;
  open.fetch_sub(1, std::memory_order_relaxed);
  recycle(std::unique_ptr<DatagramJob>(&job));
  loop().task_ended();
  if (starved_) receive_again();
}

void DatagramWorker::recycle(std::unique_ptr<DatagramJob> job) {
  job->handler.reset();
  job->bytes.reset();
  if (spare_.size() >= kSpareJobs) return;
  job->before = job->after = nullptr;
  job->done = job->waits = job->ended_early = false;
  spare_.push_back(std::move(job));
}

void DatagramWorker::end_all() {
  for (DatagramJob* job = first_waiting_; job != nullptr;) {
    DatagramJob* const next = job->after;
    job->end_early();  // which may destroy it, and no other
    job = next;
  }
}

void DatagramWorker::reply(const Address& to, Octets datagram) {
  if (datagram.size() > kMaxBytes) {
    throw LimitExceeded(EMSGSIZE, concat("a reply of ", std::to_string(datagram.size()),
                                         " bytes is no datagram: at most 65507"));
  }
  if (replies_ == kBatch || kReplyBytes - reply_used_ < datagram.size()) flush();
  if (replies_ == kBatch || kReplyBytes - reply_used_ < datagram.size()) {
    lost.add(1);  // the system takes nothing, and there is no more room to keep it
    return;
  }
  char* const at = reply_bytes_.get() + reply_used_;
  if (datagram.size() > 0) std::memcpy(at, datagram.data(), datagram.size());
  reply_used_ += datagram.size();
  std::memcpy(&reply_names_[replies_], to.get(), to.size());
  reply_heads_[replies_].msg_hdr.msg_namelen = to.size();
  reply_vectors_[replies_] = {at, datagram.size()};
  ++replies_;
  if (!in_batch_ && !flush_.queued()) loop().ready(flush_);
}

void DatagramWorker::flush() {
  while (replies_sent_ < replies_) {
    const int put = sendmmsg(fd_, &reply_heads_[replies_sent_],
                             static_cast<unsigned>(replies_ - replies_sent_), MSG_DONTWAIT);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0 && (errno == EAGAIN || errno == ENOBUFS)) {
      // By the wheel: of several loops the report would reach one, and not always this.
      loop().arm(retry_, loop().now_ms() + kRetryMs);
      return;
    }
    if (put < 0) {
      lost.add(1);  // this one cannot be sent; the next may
      ++replies_sent_;
      continue;
    }
    for (int i = 0; i < put; ++i) sent_bytes.add(reply_vectors_[replies_sent_++].iov_len);
  }
  replies_ = replies_sent_ = reply_used_ = 0;
  if (starved_) receive_again();
}

}  // namespace detail

void AsyncDatagramRequestHandler::reply(Octets datagram) const {
  job_->worker.reply(client_address, datagram);
}

AsyncDatagramRequestHandler::Sleep AsyncDatagramRequestHandler::sleep(
    std::chrono::milliseconds time) const {
  return {*job_, std::max<std::int64_t>(time.count(), 0)};
}

bool AsyncDatagramRequestHandler::Sleep::await_suspend(std::coroutine_handle<> handle) {
  if (job_.ended_early) return false;
  job_.sleeper = handle;
  const Loop& loop = job_.worker.loop();
  job_.worker.loop().arm(job_.sleeping, loop.clock().monotonic_ms() + ms_);
  return true;
}

void AsyncDatagramRequestHandler::Sleep::await_resume() const {
  if (job_.ended_early) throw ServerClosed("the server is ending what is left");
}

namespace {

class DatagramCore final : public AsyncBaseServer::Core {
 public:
  DatagramCore(const Address& address, AsyncUDPServer::Factory factory, const AsyncOptions& wanted)
      : Core(wanted), factory_(std::move(factory)) {
    auto bound = bind_socket(address, {.type = SOCK_DGRAM});
    if (!bound) raise(bound.error());
    socket_ = *std::move(bound);
    for (std::size_t i = 0; i < options.threads; ++i) {
      workers_.push_back(std::make_unique<detail::DatagramWorker>(*this, socket_.get(), factory_));
    }
  }

  void close() override { socket_.reset(); }
  [[nodiscard]] Address address() const override { return Address::of_socket(socket_.get()); }
  [[nodiscard]] int descriptor() const override { return socket_.get(); }

 protected:
  void begin() override {}
  void pause() override {}  // each loop does, when it drains

 private:
  AsyncUDPServer::Factory factory_;
  skein::Descriptor socket_;
};

}  // namespace

AsyncUDPServer::AsyncUDPServer(const Address& address, Factory factory, const AsyncOptions& options)
    : AsyncBaseServer(std::make_unique<DatagramCore>(address, std::move(factory), options)) {}

}  // namespace socketserver
