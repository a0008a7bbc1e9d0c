#include "hub/presence.h"

#include <algorithm>
#include <limits>

#include "base/limits.h"
#include "wire/dictionary.h"
#include "wire/protocol.h"

namespace skein::hub {

namespace {

std::string line_of(const std::string& name, bool here) {
  wire::Dictionary fields;
  fields.set(wire::field::kName, name).set(wire::field::kOnline, here);
  std::string line = fields.to_json();
  line += '\n';
  return line;
}

}  // namespace

Presence::Presence(socketserver::Loop& loop)
    : loop_(loop), began_ms_(loop.now_ms()), tick_(*this) {}

void Presence::turn(chat::MemberId member, const std::string& name, bool here) {
  // Back again, or gone again: as if nothing had been.
  if (turns_.erase(name) > 0) return;
  const std::int64_t now_ms = loop_.now_ms();
  turns_.emplace(name, Turn{member, here, now_ms});
  if (!tick_.armed()) loop_.arm(tick_, now_ms + limits::kPresenceSettleMs);
}

void Presence::tell() {
  const std::int64_t now_ms = loop_.now_ms();
  std::int64_t next_ms = std::numeric_limits<std::int64_t>::max();
  const std::int64_t before = last_number_;
  for (auto one = turns_.begin(); one != turns_.end();) {
    const auto& [name, turn] = *one;
    const std::int64_t due_ms = turn.since_ms + limits::kPresenceSettleMs;
    if (due_ms > now_ms) {
      next_ms = std::min(next_ms, due_ms);
      ++one;
      continue;
    }
    // Who comes to a hub that has just begun was most likely there before.
    if (!turn.here || turn.since_ms >= began_ms_ + limits::kPresenceQuietMs) {
      told_.push_back({turn.member, line_of(name, turn.here)});
      ++last_number_;
    }
    one = turns_.erase(one);
  }
  while (told_.size() > limits::kPresenceKept) told_.pop_front();
  if (!turns_.empty()) loop_.arm(tick_, std::max(next_ms, now_ms + limits::kPresenceEveryMs));
  if (last_number_ == before) return;
  for (socketserver::Event* const wake : wakes_) wake->set();
}

Presence::Follower::Follower(Presence& presence, chat::MemberId self, socketserver::Event& wake)
    : presence_(presence), self_(self), wake_(wake), number_(presence.last_number_) {
  presence_.wakes_.insert(&wake_);
}

Presence::News Presence::Follower::next() {
  News news;
  const auto kept = static_cast<std::int64_t>(presence_.told_.size());
  const std::int64_t fresh = presence_.last_number_ - number_;
  news.missed = fresh > kept;
  for (std::int64_t i = kept - std::min(fresh, kept); i < kept; ++i) {
    const Told& told = presence_.told_[static_cast<std::size_t>(i)];
    if (told.member != self_) news.lines += told.line;
  }
  number_ = presence_.last_number_;
  return news;
}

}  // namespace skein::hub
