// Work: something to be called once, later, linked into a queue without allocation. It lives in
// its owner (most often an awaiter in a coroutine's frame), who keeps it alive while it is queued.
#pragma once

#include <coroutine>

namespace socketserver {

class Work {
 public:
  using Run = void (*)(Work&);

  explicit Work(Run call) : run_(call) {}
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;

  [[nodiscard]] bool queued() const { return queued_; }
  void run() { run_(*this); }  // may destroy this

 protected:
  ~Work() = default;

 private:
  friend class WorkQueue;
  friend class Loop;

  Run run_;
  Work* next_ = nullptr;
  bool queued_ = false;
};

// Continues a coroutine.
class Resumption final : public Work {
 public:
  Resumption() : Work([](Work& work) { static_cast<Resumption&>(work).handle.resume(); }) {}
  std::coroutine_handle<> handle;
};

// First in, first out. One thread, or under its owner's lock.
class WorkQueue {
 public:
  [[nodiscard]] bool empty() const { return first_ == nullptr; }
  void push(Work& work) {
    work.next_ = nullptr;
    work.queued_ = true;
    (last_ == nullptr ? first_ : last_->next_) = &work;
    last_ = &work;
  }
  Work* pop() {  // nullptr: empty
    Work* const work = first_;
    if (work == nullptr) return nullptr;
    first_ = work->next_;
    if (first_ == nullptr) last_ = nullptr;
    work->queued_ = false;
    return work;
  }
  // Takes it out, wherever it stands; linear, for destructors. False: it was not in here.
  bool remove(Work& work) {
    Work* before = nullptr;
    for (Work* at = first_; at != nullptr; before = at, at = at->next_) {
      if (at != &work) continue;
      (before == nullptr ? first_ : before->next_) = at->next_;
      if (last_ == at) last_ = before;
      work.queued_ = false;
      return true;
    }
    return false;
  }
  // Everything of `other` behind what is here.
  void append(WorkQueue& other) {
    if (other.first_ == nullptr) return;
    (last_ == nullptr ? first_ : last_->next_) = other.first_;
    last_ = other.last_;
    other.first_ = other.last_ = nullptr;
  }

 private:
  Work* first_ = nullptr;
  Work* last_ = nullptr;
};

}  // namespace socketserver
