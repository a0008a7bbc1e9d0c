// The yardstick of group commits: so many messages' worth of bytes written and synced at a time,
// one group after the other, as fast as the disk lets. What a database does besides (pages,
// indices, a search index) is left out on purpose: this is the disk, and nothing around it.
//
// The groups go round in a file whose blocks are there already, as a write-ahead log does between
// two checkpoints: a file that grows would have its size synced too, at twice the price.
//
// usage: bare_commit FILE ROWS BYTES COMMITS; prints commits per second
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr off_t kFileBytes = 4 * 1024 * 1024;

// Returns `result`, or ends the program when it is an error.
template <typename Number>
Number good(Number result, const char* doing) {
  if (result >= 0) return result;
  std::perror(doing);
  std::exit(1);
}

void write_at(int file, const std::vector<char>& group, off_t offset) {
  if (good(pwrite(file, group.data(), group.size(), offset), "pwrite") ==
      static_cast<ssize_t>(group.size())) {
    return;
  }
  std::fputs("bare_commit: a write was short\n", stderr);
  std::exit(1);
}

}  // namespace

int main(int count, char** arguments) {
  const auto number = [&](int i) { return i < count ? std::atol(arguments[i]) : 0; };
  const long bytes = number(2) * number(3);
  const long commits = number(4);
  if (count != 5 || bytes <= 0 || bytes > kFileBytes || commits <= 0) {
    std::fputs("usage: bare_commit FILE ROWS BYTES COMMITS\n", stderr);
    return 2;
  }
  const std::vector<char> group(static_cast<std::size_t>(bytes), 'x');
  const int file = good(open(arguments[1], O_RDWR | O_CREAT | O_TRUNC, 0600), "open");
  for (off_t offset = 0; offset < kFileBytes; offset += bytes) write_at(file, group, offset);
  good(fsync(file), "fsync");

  const auto started = Clock::now();
  off_t offset = 0;
  for (long i = 0; i < commits; ++i) {
    write_at(file, group, offset);
    good(fdatasync(file), "fdatasync");
    offset = offset + 2 * bytes <= kFileBytes ? offset + bytes : 0;
  }
  const std::chrono::duration<double> seconds = Clock::now() - started;
  std::printf("%.0f\n", static_cast<double>(commits) / seconds.count());
  good(close(file), "close");
  return 0;
}
