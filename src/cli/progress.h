// The moving line of a transfer on a terminal, below a line that says what it is. The loop's
// thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "cli/output.h"
#include "client/tally.h"
#include "socketserver/loop.h"
#include "socketserver/sync.h"
#include "socketserver/task.h"

namespace skein::cli {

// How fast something moves, smoothed over some two seconds of looking five times a second: a number
// that jumps cannot be read.
class Speed {
 public:
  explicit Speed(std::int64_t now_ms) : last_ms_(now_ms) {}
  void look(std::int64_t now_ms, std::uint64_t bytes);                 // so many have moved by now
  [[nodiscard]] double bytes_per_ms() const { return bytes_per_ms_; }  // 0: not known

 private:
  std::int64_t last_ms_;
  std::uint64_t last_bytes_ = 0;
  double bytes_per_ms_ = 0;
};

class Progress {
 public:
  // What moves and where to, escaped; empty as long as that is not known.
  using Title = std::function<std::string()>;

  // `tally` outlives it. Draws on stderr if that is a terminal and the flags let it.
  Progress(socketserver::Loop& loop, const Clock& clock, const client::Tally& tally,
           OutputFlags flags, Title title);

  void start();
  // Must have ended before it is destroyed. Leaves no trace of the line.
  socketserver::Task<void> stop();

  [[nodiscard]] std::int64_t elapsed_ms() const { return clock_.monotonic_ms() - started_ms_; }

 private:
  socketserver::Task<void> paint_until_stopped();
  void paint();

  socketserver::Loop& loop_;
  const Clock& clock_;
  const client::Tally& tally_;
  Title title_;  // empty once it is shown
  const bool visible_;
  const std::int64_t started_ms_;
  Speed speed_;
  socketserver::Event stopping_;
  socketserver::Gate painting_;
};

// How often a line of progress is painted.
inline constexpr std::int64_t kPaintEveryMs = 200;

// "holiday/ to ada-laptop   1,204 files   3.1 GB"
[[nodiscard]] std::string header_line(std::string_view title, const client::Tally& tally);

// While it is not known how much there is: "looking: 1,204 files   3.1 GB". Then
// " 62%  1.9 of 3.1 GB   88 MB/s   14 s left   IMG_2041.mov", at most `columns` wide.
[[nodiscard]] std::string progress_line(const client::Tally& tally, double bytes_per_ms,
                                        std::size_t columns);

// "36 s", "4 min", "2 h"
[[nodiscard]] std::string human_duration(std::int64_t ms);

}  // namespace skein::cli
