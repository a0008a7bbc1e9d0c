#include "socketserver/loop.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <limits>

namespace socketserver {

namespace {

thread_local Loop* current_loop = nullptr;

// Says that this thread is inside a call from outside: see ~Loop.
class Inside {
 public:
  explicit Inside(std::atomic<std::size_t>& count) : count_(count) {
    count_.fetch_add(1, std::memory_order_acq_rel);
  }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;
  ~Inside() { count_.fetch_sub(1, std::memory_order_release); }

 private:
  std::atomic<std::size_t>& count_;
};

// A thousand connections fit no cache near the core. What the next of them needs is fetched while
// this one waits for the system: its Watch and, as most of them are made, what lies around it.
void prefetch(const void* watch) {
  constexpr int kBefore = 192;
  constexpr int kBehind = 448;
  constexpr int kLine = 64;
  if (watch == nullptr) return;
  for (int at = -kBefore; at < kBehind; at += kLine) {
    __builtin_prefetch(static_cast<const char*>(watch) + at, 1);
  }
}

}  // namespace

// The root of a spawned task: starts it from the loop, and goes away with it.
struct Loop::Spawned {
  struct promise_type : Work {
    promise_type() : Work(&promise_type::start) {}
    Spawned get_return_object() { return {Handle::from_promise(*this)}; }
    [[nodiscard]] std::suspend_always initial_suspend() const noexcept { return {}; }
    [[nodiscard]] std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    void unhandled_exception() const noexcept { std::terminate(); }
    static void start(Work& work) { handle_of(work).resume(); }
    static std::coroutine_handle<promise_type> handle_of(Work& work) {
      return Handle::from_promise(static_cast<promise_type&>(work));
    }
  };
  using Handle = std::coroutine_handle<promise_type>;
  Handle handle;
};

struct Loop::PostedFunction final : Work {
  PostedFunction(std::function<void()> what, std::atomic<std::size_t>& counter)
      : Work(&PostedFunction::call), function(std::move(what)), count(counter) {}
  static void call(Work& work) {
    const std::unique_ptr<PostedFunction> self(static_cast<PostedFunction*>(&work));
    self->count.fetch_sub(1, std::memory_order_relaxed);
    self->function();
  }
  std::function<void()> function;
  std::atomic<std::size_t>& count;
};

skein::Result<std::unique_ptr<Loop>> Loop::create(const skein::Clock& clock) {
  skein::Descriptor epoll(epoll_create1(EPOLL_CLOEXEC));
  if (!epoll) return skein::fail_errno(errno, "creating an epoll descriptor");
  skein::Descriptor event(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event) return skein::fail_errno(errno, "creating an event descriptor");
  epoll_event wanted{};
  // Edge-triggered, so that it never has to be read empty; 2^64 wake-ups do not happen.
  wanted.events = EPOLLIN | EPOLLET;
  if (epoll_ctl(epoll.get(), EPOLL_CTL_ADD, event.get(), &wanted) != 0) {
    return skein::fail_errno(errno, "watching an event descriptor");
  }
  return std::unique_ptr<Loop>(new Loop(clock, std::move(epoll), std::move(event)));
}

Loop::Loop(const skein::Clock& clock, skein::Descriptor epoll, skein::Descriptor event)
    : clock_(clock),
      epoll_(std::move(epoll)),
      event_(std::move(event)),
      now_ms_(clock.monotonic_ms()),
      wheel_(now_ms_) {}

Loop::~Loop() {
  // Whoever posted what ended the last task, or called stop(), may still be on its way out of that
  // call, with the event descriptor in its hand.
  while (callers_.load(std::memory_order_acquire) != 0) std::this_thread::yield();
  while (Work* const work = ready_.pop()) {
    if (work->run_ != &Spawned::promise_type::start) continue;
    Spawned::promise_type::handle_of(*work).destroy();  // it was never begun
    tasks_ -= 1;
  }
  Work* work = posted_.load(std::memory_order_acquire);
  while (work != nullptr) {
    Work* const next = work->next_;
    if (work->run_ == &PostedFunction::call) delete static_cast<PostedFunction*>(work);
    work = next;
  }
  assert(tasks_ == 0);
}

Loop* Loop::current() {
  return current_loop;
}

void Loop::make_scratch() {
  scratch_ = std::make_unique_for_overwrite<std::byte[]>(kScratchBytes);
}

void Loop::run() {
  rounds([this] {
    return stop_.load(std::memory_order_acquire) && tasks() == 0 && ready_.empty() &&
           posted_.load(std::memory_order_acquire) == nullptr;
  });
  stop_.store(false, std::memory_order_relaxed);
}

void Loop::run_until(const bool& done) {
  rounds([&done] { return done; });
}

template <class Finished>
void Loop::rounds(Finished finished) {
  assert(current_loop == nullptr);  // one loop to a thread, and not from within a task
  struct Running {                  // a posted function may throw through here
    explicit Running(Loop& of) : loop(of) {
      current_loop = &loop;
      loop.thread_.store(std::this_thread::get_id(), std::memory_order_relaxed);
    }
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;
    ~Running() {
      loop.thread_.store(std::thread::id(), std::memory_order_relaxed);
      current_loop = nullptr;
    }
    Loop& loop;
  };
  const Running running(*this);
  now_ms_ = clock_.monotonic_ms();
  while (!finished()) one_round();
}

void Loop::one_round() {
  if (on_idle_) {
    if (wait_ms() != 0) on_idle_(wheel_.next_ms());
  } else {
    event_count_ =
        epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()), wait_ms());
    assert(event_count_ >= 0 || errno == EINTR);
  }
  now_ms_ = clock_.monotonic_ms();
  for (event_next_ = 0; event_next_ < event_count_;) {
    const epoll_event event = events_[static_cast<std::size_t>(event_next_++)];
    if (event_next_ < event_count_) {
      prefetch(events_[static_cast<std::size_t>(event_next_)].data.ptr);
    }
    if (event.data.ptr == nullptr) continue;  // woken, or unwatched by one before it
    auto& watch = *static_cast<Watch*>(event.data.ptr);
    watch.on_ready_(watch, event.events);
  }
  event_count_ = 0;
  wheel_.advance(now_ms_);
  run_posted();
  // Only what is ready by now: those who make themselves ready again wait for the next round, and
  // so let the descriptors have their turn.
  running_.append(ready_);
  while (Work* const work = running_.pop()) work->run();
}

int Loop::wait_ms() {
  if (!ready_.empty() || posted_.load(std::memory_order_acquire) != nullptr) return 0;
  const std::int64_t next_ms = wheel_.next_ms();
  if (next_ms < 0) return -1;
  const std::int64_t left_ms = next_ms - clock_.monotonic_ms();
  return static_cast<int>(std::clamp<std::int64_t>(left_ms, 0, std::numeric_limits<int>::max()));
}

void Loop::run_posted() {
  if (posted_.load(std::memory_order_relaxed) == nullptr) return;
  Work* last_first = posted_.exchange(nullptr, std::memory_order_acquire);
  Work* first = nullptr;
  while (last_first != nullptr) {
    Work* const next = last_first->next_;
    last_first->next_ = first;
    first = last_first;
    last_first = next;
  }
  while (first != nullptr) {
    Work* const next = first->next_;
    first->run();
    first = next;
  }
}

void Loop::post(Work& work) {
  const Inside inside(callers_);
  Work* head = posted_.load(std::memory_order_relaxed);
  do {
    work.next_ = head;
  } while (!posted_.compare_exchange_weak(head, &work, std::memory_order_release,
                                          std::memory_order_relaxed));
  // `work` may be gone from here on. If there was another before it, that one's caller wakes.
  if (head == nullptr) wake();
}

bool Loop::post(std::function<void()> function) {
  if (posted_functions_.fetch_add(1, std::memory_order_relaxed) >= kMaxPosted) {
    posted_functions_.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  auto posted = std::make_unique<PostedFunction>(std::move(function), posted_functions_);
  post(*posted.release());
  return true;
}

void Loop::wake() {
  const Inside inside(callers_);
  const std::uint64_t one = 1;
  const auto written = ::write(event_.get(), &one, sizeof(one));
  static_cast<void>(written);  // it fails only when full, and then the loop is awake
}

void Loop::stop() {
  const Inside inside(callers_);
  stop_.store(true, std::memory_order_release);
  wake();
}

void Loop::forget(Work& work) {
  if (work.queued() && !ready_.remove(work)) running_.remove(work);
}

Loop::Spawned Loop::run_spawned(Loop& loop, Task<void> task) {
  try {
    const Task<void> own = std::move(task);  // gone before it counts as ended
    co_await own;
  } catch (...) {
    loop.escape(std::current_exception());
  }
  loop.tasks_.fetch_sub(1, std::memory_order_relaxed);
}

void Loop::spawn(Task<void> task) {
  assert(thread_.load(std::memory_order_relaxed) == std::thread::id() || current_loop == this);
  Spawned spawned = run_spawned(*this, std::move(task));
  tasks_.fetch_add(1, std::memory_order_relaxed);
  ready_.push(spawned.handle.promise());
}

void Loop::escape(std::exception_ptr exception) {
  if (!on_escape_) std::terminate();
  on_escape_(std::move(exception));
}

skein::Result<void> Loop::watch(int fd, Watch& watch, std::uint32_t events) {
  epoll_event wanted{};
  wanted.events = events | EPOLLET;
  wanted.data.ptr = &watch;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &wanted) != 0) {
    return skein::fail_errno(errno, "watching a descriptor");
  }
  return {};
}

void Loop::unwatch(int fd, Watch& watch) {
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  // It may be about to be told in this very round.
  for (int i = event_next_; i < event_count_; ++i) {
    epoll_event& event = events_[static_cast<std::size_t>(i)];
    if (event.data.ptr == &watch) event.data.ptr = nullptr;
  }
}

}  // namespace socketserver
