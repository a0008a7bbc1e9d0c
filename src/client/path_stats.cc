#include "client/path_stats.h"

#include <algorithm>
#include <cassert>
#include <cstdlib>

namespace skein::client {

std::optional<std::int64_t> percentile(std::vector<std::int64_t> values, int percent) {
  assert(percent > 0 && percent <= 100);
  if (values.empty()) return std::nullopt;
  const std::size_t rank = (values.size() * static_cast<std::size_t>(percent) + 99) / 100;
  const auto at = values.begin() + static_cast<std::ptrdiff_t>(rank - 1);
  std::ranges::nth_element(values, at);
  return *at;
}

std::optional<std::int64_t> jitter(const std::vector<std::int64_t>& values) {
  if (values.size() < 2) return std::nullopt;
  std::int64_t sum = 0;
  for (std::size_t i = 1; i < values.size(); ++i) sum += std::abs(values[i] - values[i - 1]);
  return sum / static_cast<std::int64_t>(values.size() - 1);
}

bool Arrivals::arrived(std::size_t number) {
  if (number >= seen_.size()) return false;
  if (seen_[number]) {
    ++duplicates_;
    return false;
  }
  seen_[number] = true;
  if (came_++ > 0 && number < highest_) ++reordered_;
  highest_ = std::max(highest_, number);
  return true;
}

std::size_t SendWindow::room() const {
  const std::size_t open = window_ > under_way_ ? window_ - under_way_ : 0;
  return std::min(open, seen_.size() - next_);
}

std::size_t SendWindow::send(std::size_t count) {
  assert(count <= room());
  const std::size_t first = next_;
  next_ += count;
  under_way_ += count;
  return first;
}

bool SendWindow::arrived(std::size_t number) {
  if (number >= next_ || seen_[number]) return false;
  seen_[number] = true;
  ++came_;
  if (number < edge_) {
    ++came_below_edge_;  // late, not lost
  } else {
    --under_way_;
  }
  grow();
  if (number > kOvertaken) settle_to(number - kOvertaken);
  return true;
}

void SendWindow::stalled() {
  settle_to(next_);
}

void SendWindow::settle_to(std::size_t edge) {
  bool some_lost = false;
  for (; edge_ < edge; ++edge_) {
    if (seen_[edge_]) {
      ++came_below_edge_;
      continue;
    }
    --under_way_;
    if (edge_ >= recovered_at_) some_lost = true;
  }
  if (some_lost) shrink();
}

void SendWindow::grow() {
  if (window_ >= kMost) return;
  if (window_ < slow_from_) {
    ++window_;
  } else if (++credit_ >= window_) {
    credit_ = 0;
    ++window_;
  }
}

void SendWindow::shrink() {
  window_ = std::max(kLeast, window_ / 2);
  slow_from_ = window_;
  credit_ = 0;
  recovered_at_ = next_;
}

SizeSearch::SizeSearch(std::size_t least, std::size_t most) : bad_(most + 1) {
  assert(least > 0 && least <= most);
  // What is common: IPv6's least packet, tunnels, PPPoE, Ethernet, large frames, loopback; each
  // less the headers of IP and UDP.
  constexpr std::size_t kCommon[] = {508,  1232, 1252, 1352, 1372, 1392, 1412,
                                     1432, 1444, 1464, 1472, 8952, 8972, 32'000};
  round_.push_back(least);
  for (const std::size_t size : kCommon) {
    if (size > least && size < most) round_.push_back(size);
  }
  if (most > least) round_.push_back(most);
}

void SizeSearch::passed(std::size_t size) {
  if (std::ranges::find(round_, size) != round_.end()) good_ = std::max(good_, size);
}

void SizeSearch::end_round() {
  for (const std::size_t size : round_) {
    if (size > good_) {
      bad_ = std::min(bad_, size);
      break;
    }
  }
  // Loss may have made a smaller one fail that a larger one has shown to pass.
  bad_ = std::max(bad_, good_ + 1);
  ++rounds_;
  plan();
}

void SizeSearch::plan() {
  round_.clear();
  const std::size_t between = bad_ - good_ - 1;
  if (good_ == 0 || between == 0 || rounds_ >= kRounds) return;
  const std::size_t count = std::min(between, kSizesPerRound);
  for (std::size_t i = 1; i <= count; ++i) {
    round_.push_back(good_ + (between + 1) * i / (count + 1));
  }
  const auto same = std::ranges::unique(round_);
  round_.erase(same.begin(), same.end());
}

}  // namespace skein::client
