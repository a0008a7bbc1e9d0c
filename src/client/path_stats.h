// The arithmetic of measuring a path: no I/O and no clock. Pure; one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace skein::client {

// The smallest value that at least `percent` of all do not exceed; nothing of nothing.
[[nodiscard]] std::optional<std::int64_t> percentile(std::vector<std::int64_t> values, int percent);

// How much one differs from the next on average: `values` in the order in which they were sent.
[[nodiscard]] std::optional<std::int64_t> jitter(const std::vector<std::int64_t>& values);

// What became of numbered datagrams. Numbers begin at 0.
class Arrivals {
 public:
  explicit Arrivals(std::size_t sent) : seen_(sent) {}

  // False: it came before, or was never sent.
  bool arrived(std::size_t number);

  [[nodiscard]] std::size_t sent() const { return seen_.size(); }
  [[nodiscard]] std::size_t lost() const { return seen_.size() - came_; }
  [[nodiscard]] std::size_t duplicates() const { return duplicates_; }
  // Those that were overtaken by a later one.
  [[nodiscard]] std::size_t reordered() const { return reordered_; }

 private:
  std::vector<bool> seen_;
  std::size_t came_ = 0;
  std::size_t duplicates_ = 0;
  std::size_t reordered_ = 0;
  std::size_t highest_ = 0;
};

// How many datagrams may be on their way at once: more with each that arrives, half as many when
// some do not, so that a path is filled and not flooded.
class SendWindow {
 public:
  static constexpr std::size_t kFirst = 16;
  static constexpr std::size_t kLeast = 8;
  static constexpr std::size_t kMost = 1024;
  // One that so many later ones have overtaken is lost.
  static constexpr std::size_t kOvertaken = 32;

  explicit SendWindow(std::size_t most_in_all) : seen_(most_in_all) {}

  [[nodiscard]] std::size_t room() const;
  // The number of the first of `count` that are sent now; count <= room().
  std::size_t send(std::size_t count);
  // False: it came before, or was never sent.
  bool arrived(std::size_t number);
  // Nothing has come for a while: what is on its way is lost.
  void stalled();

  [[nodiscard]] bool exhausted() const { return next_ == seen_.size(); }
  [[nodiscard]] std::size_t under_way() const { return under_way_; }
  [[nodiscard]] std::size_t came() const { return came_; }
  [[nodiscard]] std::size_t lost() const { return edge_ - came_below_edge_; }

 private:
  void settle_to(std::size_t edge);
  void grow();
  void shrink();

  std::vector<bool> seen_;
  std::size_t next_ = 0;
  std::size_t edge_ = 0;  // below it all are settled: here, or lost
  std::size_t came_ = 0;
  std::size_t came_below_edge_ = 0;
  std::size_t under_way_ = 0;
  std::size_t window_ = kFirst;
  std::size_t slow_from_ = kMost;  // from here on it grows by one per window
  std::size_t credit_ = 0;
  std::size_t recovered_at_ = 0;  // until then a loss is of the flight that was halved already
};

// Looks for the largest size that passes, by trying many at once, a few times.
class SizeSearch {
 public:
  static constexpr std::size_t kSizesPerRound = 16;
  static constexpr int kRounds = 5;

  // Sizes from `least` to `most`.
  SizeSearch(std::size_t least, std::size_t most);

  // What to try next, ascending; empty: found.
  [[nodiscard]] const std::vector<std::size_t>& round() const { return round_; }
  void passed(std::size_t size);
  // Whatever of this round has not passed by now does not pass.
  void end_round();

  // 0: not even the least.
  [[nodiscard]] std::size_t largest() const { return good_; }

 private:
  void plan();

  std::size_t good_ = 0;
  std::size_t bad_;  // the smallest known not to pass, or one more than the most
  int rounds_ = 0;
  std::vector<std::size_t> round_;
};

}  // namespace skein::client
