// What the tests of this folder share. The test's thread.
#pragma once

#include <dirent.h>
#include <sys/socket.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "base/bytes.h"
#include "base/clock.h"
#include "socketserver/loop.h"
#include "socketserver/stream.h"
#include "socketserver/task.h"
#include "socketserver/tcp_stream.h"

namespace socketserver::testing {

inline constexpr std::int64_t kPatienceMs = 20'000;

// A loop on the real clock, or on one that is turned by hand: a base of fixtures.
struct WithLoop {
  skein::SystemClock clock;
  std::unique_ptr<Loop> loop = Loop::create(clock).value();
};
struct WithFakeClock {
  skein::FakeClock clock;
  std::unique_ptr<Loop> loop = Loop::create(clock).value();
};

// Lets the loop turn until the condition holds; false when patience is at its end.
inline Task<bool> eventually(Loop& loop, std::function<bool()> condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(kPatienceMs);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) co_return false;
    co_await loop.yield();
  }
  co_return true;
}

// Lets everything that can happen without time passing happen.
inline Task<void> settle(Loop& loop) {
  for (int i = 0; i < 20; ++i) co_await loop.yield();
}

// A test that cannot set its stage has nothing to say.
inline void must(int zero) {
  if (zero != 0) std::abort();
}

struct StreamPair {
  std::unique_ptr<TcpStream> a;
  std::unique_ptr<TcpStream> b;
};

inline StreamPair unix_pair(Loop& loop) {
  int fds[2] = {-1, -1};
  must(socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
  return {TcpStream::adopt(loop, skein::Descriptor(fds[0])).value(),
          TcpStream::adopt(loop, skein::Descriptor(fds[1])).value()};
}

// Two ends of one TCP connection on loopback, with the smallest buffers that the system gives.
inline StreamPair tcp_pair(Loop& loop) {
  const skein::Descriptor listener(socket(AF_INET, SOCK_STREAM, 0));
  const int tiny = 1;
  setsockopt(listener.get(), SOL_SOCKET, SO_RCVBUF, &tiny, sizeof(tiny));
  const Address any = *Address::from_number("127.0.0.1", 0);
  must(bind(listener.get(), any.get(), any.size()));
  must(listen(listener.get(), 1));
  const Address address = Address::of_socket(listener.get());
  skein::Descriptor near(socket(AF_INET, SOCK_STREAM, 0));
  setsockopt(near.get(), SOL_SOCKET, SO_SNDBUF, &tiny, sizeof(tiny));
  must(connect(near.get(), address.get(), address.size()));
  skein::Descriptor far(accept(listener.get(), nullptr, nullptr));
  return {TcpStream::adopt(loop, std::move(near)).value(),
          TcpStream::adopt(loop, std::move(far)).value()};
}

// Everything up to the peer's end; what went wrong instead is appended as "!kind".
inline Task<std::string> read_to_end(Stream& stream) {
  std::string all;
  std::byte buffer[4096];
  while (true) {
    auto got = co_await stream.read_some(buffer, kPatienceMs);
    if (!got) {
      all += "!";
      all += got.error().kind().name;
    }
    if (!got || *got == 0) co_return all;
    all += skein::as_text(skein::Bytes(buffer).first(*got));
  }
}

inline std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + i % 23);
  return text;
}

inline std::size_t open_descriptors() {
  std::size_t count = 0;
  DIR* const folder = opendir("/proc/self/fd");
  while (readdir(folder) != nullptr) ++count;
  closedir(folder);
  return count;
}

}  // namespace socketserver::testing
