#include "socketserver/fake_stream.h"

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace socketserver {

// What lies between the two ends.
struct FakePair::Wire {
  struct Direction {
    FakeLink link;
    std::string data;
    std::size_t taken = 0;  // of data
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    bool ended = false;         // the writer has said its last
    bool nobody_reads = false;  // the reader has closed
    [[nodiscard]] std::size_t on_the_way() const { return data.size() - taken; }
  };

  Direction a_to_b;
  Direction b_to_a;
  FakeStream* a = nullptr;
  FakeStream* b = nullptr;
  bool stalled = false;
  bool broken = false;

  void tell_both();
};

class FakeStream final : public Stream {
 public:
  FakeStream(Loop& loop, std::shared_ptr<FakePair::Wire> wire, bool is_a)
      : Stream(loop), wire_(std::move(wire)), is_a_(is_a), kick_(*this) {}
  ~FakeStream() override {
    close_once(false);
    loop().forget(kick_);
    (is_a_ ? wire_->a : wire_->b) = nullptr;
  }

  [[nodiscard]] std::string peer() const override { return is_a_ ? "fake:b" : "fake:a"; }

  // From the loop's next round: the two ends never call into each other.
  void tell() {
    if (!kick_.queued()) loop().ready(kick_);
  }

 protected:
  Attempt try_read(skein::MutableBytes into) override {
    const Attempt ready = try_peek();
    FakePair::Wire::Direction& from = in();
    if (ready.state != Attempt::State::kDone) return ready;
    if (from.on_the_way() == 0) {
      if (wire_->broken) return {.state = Attempt::State::kFailed, .code = ECONNRESET};
      return {};
    }
    const std::size_t size = std::min({into.size(), from.link.max_read_bytes, from.on_the_way()});
    std::memcpy(into.data(), from.data.data() + from.taken, size);
    if (from.link.flip_at >= from.received && from.link.flip_at - from.received < size) {
      into[static_cast<std::size_t>(from.link.flip_at - from.received)] ^= std::byte{1};
    }
    from.taken += size;
    from.received += size;
    if (from.on_the_way() == 0) {
      from.data.clear();
      from.taken = 0;
    }
    tell_other();  // there is room again
    return {.bytes = size};
  }

  Attempt try_peek() override {
    if (wire_->stalled) return {.state = Attempt::State::kWantRead};
    if (in().on_the_way() > 0 || in().ended || wire_->broken) return {};
    return {.state = Attempt::State::kWantRead};
  }

  Attempt try_write(std::span<const skein::Bytes> parts) override {
    FakePair::Wire::Direction& to = out();
    if (wire_->stalled) return {.state = Attempt::State::kWantWrite};
    if (to.ended) return {.state = Attempt::State::kFailed, .code = EPIPE};
    if (wire_->broken || to.nobody_reads || to.sent >= to.link.cut_after) {
      break_wire();
      return {.state = Attempt::State::kFailed, .code = ECONNRESET};
    }
    const std::size_t room =
        to.link.capacity_bytes - std::min(to.link.capacity_bytes, to.on_the_way());
    if (room == 0) return {.state = Attempt::State::kWantWrite};
    std::uint64_t left =
        std::min<std::uint64_t>({room, to.link.max_write_bytes, to.link.cut_after - to.sent});
    Attempt tried;
    for (const skein::Bytes part : parts) {
      const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left, part.size()));
      to.data.append(skein::as_text(part.first(size)));
      tried.bytes += size;
      left -= size;
    }
    to.sent += tried.bytes;
    if (to.sent >= to.link.cut_after) break_wire();
    tell_other();
    return tried;
  }

  Attempt try_unsent() override {
    if (wire_->broken) return {.state = Attempt::State::kFailed, .code = ECONNRESET};
    return {.bytes = out().on_the_way()};
  }

  skein::Result<void> do_shutdown_write() override {
    out().ended = true;
    tell_other();
    return {};
  }

  void do_close(bool by_reset) override {
    if (by_reset) wire_->broken = true;
    out().ended = true;
    in().nobody_reads = true;
    tell_other();
  }

 private:
  struct Kick : Work {
    explicit Kick(FakeStream& of)
        : Work([](Work& work) { static_cast<Kick&>(work).stream.now_ready(true, true); }),
          stream(of) {}
    FakeStream& stream;
  };

  FakePair::Wire::Direction& in() { return is_a_ ? wire_->b_to_a : wire_->a_to_b; }
  FakePair::Wire::Direction& out() { return is_a_ ? wire_->a_to_b : wire_->b_to_a; }
  void tell_other() {
    if (FakeStream* const other = is_a_ ? wire_->b : wire_->a) other->tell();
  }
  void break_wire() {
    wire_->broken = true;
    wire_->tell_both();
  }

  std::shared_ptr<FakePair::Wire> wire_;
  bool is_a_;
  Kick kick_;
};

void FakePair::Wire::tell_both() {
  if (a != nullptr) a->tell();
  if (b != nullptr) b->tell();
}

FakePair::FakePair(Loop& loop, FakeLink a_to_b, FakeLink b_to_a) : wire_(std::make_shared<Wire>()) {
  wire_->a_to_b.link = a_to_b;
  wire_->b_to_a.link = b_to_a;
  auto first = std::make_unique<FakeStream>(loop, wire_, true);
  auto second = std::make_unique<FakeStream>(loop, wire_, false);
  wire_->a = first.get();
  wire_->b = second.get();
  a = std::move(first);
  b = std::move(second);
}

FakePair::~FakePair() = default;

FakeLink& FakePair::a_to_b() {
  return wire_->a_to_b.link;
}
FakeLink& FakePair::b_to_a() {
  return wire_->b_to_a.link;
}
std::uint64_t FakePair::sent_a_to_b() const {
  return wire_->a_to_b.sent;
}
std::uint64_t FakePair::sent_b_to_a() const {
  return wire_->b_to_a.sent;
}

void FakePair::stall(bool on) {
  wire_->stalled = on;
  if (!on) wire_->tell_both();
}

void FakePair::cut() {
  wire_->broken = true;
  wire_->tell_both();
}

}  // namespace socketserver
