#include "cli/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "base/text.h"

namespace skein::cli {

using socketserver::Task;

namespace {

std::size_t terminal_columns() {
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

}  // namespace

void Speed::look(std::int64_t now_ms, std::uint64_t bytes) {
  if (now_ms > last_ms_ && bytes >= last_bytes_) {
    constexpr double kWeight = 0.1;
    const double now =
        static_cast<double>(bytes - last_bytes_) / static_cast<double>(now_ms - last_ms_);
    bytes_per_ms_ = bytes_per_ms_ == 0 ? now : bytes_per_ms_ * (1 - kWeight) + now * kWeight;
  }
  last_ms_ = now_ms;
  last_bytes_ = bytes;
}

std::string human_duration(std::int64_t ms) {
  const std::int64_t seconds = (ms + 500) / 1000;
  if (ms < 1000) return "less than 1 s";
  if (seconds < 100) return std::to_string(seconds) + " s";
  const std::int64_t minutes = (seconds + 30) / 60;
  if (minutes < 100) return std::to_string(minutes) + " min";
  return std::to_string((minutes + 30) / 60) + " h";
}

std::string header_line(std::string_view title, const client::Tally& tally) {
  return concat(title, "   ", counted(tally.files, "file"), "   ", human_bytes(tally.bytes));
}

std::string progress_line(const client::Tally& tally, double bytes_per_ms, std::size_t columns) {
  if (!tally.counted) {
    return cut_to_columns(
        concat("looking: ", counted(tally.files, "file"), "   ", human_bytes(tally.bytes)),
        columns);
  }
  std::array<char, 16> percent{};
  const double share =
      tally.bytes == 0 ? 1.0
                       : static_cast<double>(tally.bytes_done) / static_cast<double>(tally.bytes);
  // 100 only when it is all there.
  const int shown =
      std::min(static_cast<int>(share * 100), tally.bytes_done < tally.bytes ? 99 : 100);
  std::snprintf(percent.data(), percent.size(), "%3d%%", shown);
  std::string line =
      concat(percent.data(), "  ", human_bytes(tally.bytes_done), " of ", human_bytes(tally.bytes));
  if (bytes_per_ms > 0) {
    line += concat("   ", human_bytes(static_cast<std::uint64_t>(bytes_per_ms * 1000)), "/s");
    const std::uint64_t left = tally.bytes - std::min(tally.bytes, tally.bytes_done);
    const double left_ms = static_cast<double>(left) / bytes_per_ms;
    constexpr double kLongest = 99.0 * 3600 * 1000;
    if (left_ms < kLongest) {
      line += concat("   ", human_duration(static_cast<std::int64_t>(left_ms)), " left");
    }
  }
  line += concat("   ", escaped(tally.current));
  return cut_to_columns(line, columns);
}

Progress::Progress(socketserver::Loop& loop, const Clock& clock, const client::Tally& tally,
                   OutputFlags flags, Title title)
    : loop_(loop),
      clock_(clock),
      tally_(tally),
      title_(std::move(title)),
      visible_(!flags.json && !flags.quiet && isatty(STDERR_FILENO) == 1),
      started_ms_(clock.monotonic_ms()),
      speed_(started_ms_) {}

void Progress::start() {
  if (visible_) painting_.spawn(loop_, paint_until_stopped());
}

Task<void> Progress::stop() {
  stopping_.set();
  co_await painting_.close();
}

Task<void> Progress::paint_until_stopped() {
  while (true) {
    const bool stopped = co_await stopping_.wait_ms(kPaintEveryMs);
    if (stopped) break;
    paint();
  }
  std::fputs("\r\x1b[K", stderr);
}

void Progress::paint() {
  speed_.look(clock_.monotonic_ms(), tally_.bytes_done);
  const std::size_t columns = terminal_columns() - 1;
  if (title_ && tally_.counted) {
    if (const std::string title = title_(); !title.empty()) {
      title_ = nullptr;
      const std::string header = cut_to_columns(header_line(title, tally_), columns);
      std::fputs(concat("\r", header, "\x1b[K\n").c_str(), stderr);
    }
  }
  const std::string line = progress_line(tally_, speed_.bytes_per_ms(), columns);
  std::fputs(concat("\r", line, "\x1b[K").c_str(), stderr);
}

}  // namespace skein::cli
