// Coroutine frames from lists of free ones: as cheap as it gets, and no contention.
#include <array>
#include <cstddef>
#include <cstdlib>
#include <new>

#include "socketserver/task.h"

namespace socketserver::detail {

namespace {

// A sanitizer must see every frame made and freed, to find what is used too late.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kKeep = false;
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
constexpr bool kKeep = false;
#else
constexpr bool kKeep = true;
#endif
#else
constexpr bool kKeep = true;
#endif

// The sizes that malloc has, so that a frame takes no more than it would there.
constexpr std::size_t kStepBytes = 16;
constexpr std::size_t kFirstBytes = 24;
constexpr std::size_t kLists = 64;      // up to about 1 KiB
constexpr std::size_t kMaxInList = 64;  // of one thread and size: 2 MiB in all, if all are in use

struct Free {
  Free* next;
};
struct List {
  Free* first;
  std::size_t count;
};

// Plain data, so that a frame that is freed after the thread's destructors still finds it.
thread_local std::array<List, kLists> lists;
thread_local bool ended;

struct AtThreadEnd {
  AtThreadEnd() = default;
  AtThreadEnd(const AtThreadEnd&) = delete;
  AtThreadEnd& operator=(const AtThreadEnd&) = delete;
  ~AtThreadEnd() {
    ended = true;
    for (List& list : lists) {
      while (list.first != nullptr) {
        Free* const next = list.first->next;
        ::operator delete(list.first);
        list.first = next;
      }
    }
  }
  void begin() const {}
};
thread_local const AtThreadEnd at_thread_end;

std::size_t list_of(std::size_t size) {
  return size <= kFirstBytes ? 0 : (size - kFirstBytes + kStepBytes - 1) / kStepBytes;
}

}  // namespace

void* allocate_frame(std::size_t size) {
  const std::size_t index = list_of(size);
  if (!kKeep || index >= kLists) return ::operator new(size);
  List& list = lists[index];
  if (list.first == nullptr) return ::operator new(kFirstBytes + index * kStepBytes);
  Free* const frame = list.first;
  list.first = frame->next;
  --list.count;
  return frame;
}

void free_frame(void* frame, std::size_t size) noexcept {
  const std::size_t index = list_of(size);
  if (!kKeep || index >= kLists || ended || lists[index].count >= kMaxInList) {
    return ::operator delete(frame);
  }
  at_thread_end.begin();  // from here on this thread has something to clean up
  List& list = lists[index];
  list.first = new (frame) Free{list.first};
  ++list.count;
}

}  // namespace socketserver::detail
