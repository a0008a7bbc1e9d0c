#include "network.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <optional>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "transfer/fields.h"
#include "wire/protocol.h"

namespace skein::simulate {

using socketserver::Attempt;
namespace field = wire::field;
namespace op = wire::op;

namespace {
constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();
class End;
}  // namespace

// Both directions; index 0 is from the client to the hub.
class Wire {
 public:
  struct Direction {
    std::string frame;  // written, and not yet a whole frame
    wire::FrameDecoder decoder;
    std::string data;         // whole frames on their way
    std::size_t arrived = 0;  // of data: can be read
    std::uint64_t received = 0;
    std::uint64_t cut_after = kNever;
    std::uint64_t stall_after = kNever;
    std::uint64_t flip_frame = kNever;  // counts those that a digest guards
    std::uint64_t repeat_frame = kNever;
    std::uint64_t guarded = 0;
    std::uint64_t blocks = 0;
    bool ended = false;
    bool nobody_reads = false;
    bool writer_died = false;
  };

  Wire(Machine& of, Network& network, std::string caller, const Trouble& trouble)
      : network_(network), machine(of), who(std::move(caller)), arrival_(*this), revival_(*this) {
    Dice& dice = machine.dice;
    read_most = dice.one_of<std::size_t>({1 << 20, 1 << 20, 1 << 16, 700, 64});
    capacity = dice.one_of<std::size_t>({1 << 16, 1 << 16, 4096, 300});
    latency_ms = dice.one_of<std::int64_t>({0, 0, 1, 5, 40});
    for (Direction& way : ways) {
      if (dice.chance(trouble.cut, 200)) way.cut_after = dice.below(far(dice));
      if (dice.chance(trouble.stall, 200)) way.stall_after = dice.below(far(dice));
      if (dice.chance(trouble.flip, 200)) way.flip_frame = dice.below(12);
    }
    late_cut = dice.chance(1, 2);
    stall_ms = dice.one_of<std::int64_t>({500, 30'000, 70'000, 200'000});
    if (dice.chance(trouble.repeat, 100)) ways[0].repeat_frame = dice.below(8);
  }
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  ~Wire() = default;

  void kick();
  void wrote(std::size_t way, std::string_view bytes);
  void flush(std::size_t way);
  void break_off() {
    if (!broken) ++network_.cuts;
    broken = true;
    kick();
  }
  void died(std::size_t end) {  // 0: the client, 1: the hub
    ways[end].writer_died = true;
    ways[end].frame.clear();
    break_off();
  }
  // Whether a read of that direction has to wait because the line stands still.
  bool stalls(std::size_t way) {
    if (ways[way].received < ways[way].stall_after) return false;
    if (!stalled_) {
      stalled_ = true;
      machine.trace.note(who, "the line stands still");
      machine.loop->arm(revival_, machine.clock.monotonic_ms() + stall_ms);
    }
    return true;
  }

  Network& network_;
  Machine& machine;
  std::string who;
  Direction ways[2];
  End* ends[2] = {nullptr, nullptr};
  std::size_t read_most = 0;
  std::size_t capacity = 0;
  std::int64_t latency_ms = 0;
  std::int64_t stall_ms = 0;
  bool late_cut = false;  // the hub still reads what was on its way
  bool broken = false;

 private:
  struct Arrival : socketserver::Timer {
    explicit Arrival(Wire& of)
        : Timer([](Timer& timer) { static_cast<Arrival&>(timer).wire.arrive(); }), wire(of) {}
    Wire& wire;
  };
  struct Revival : socketserver::Timer {
    explicit Revival(Wire& of)
        : Timer([](Timer& timer) { static_cast<Revival&>(timer).wire.revive(); }), wire(of) {}
    Wire& wire;
  };
  static std::uint64_t far(Dice& dice) {
    return dice.one_of<std::uint64_t>({400, 3000, 12'000, 40'000});
  }
  void arrive() {
    for (Direction& way : ways) way.arrived = way.data.size();
    kick();
  }
  void revive() {
    for (Direction& way : ways) way.stall_after = kNever;
    stalled_ = false;
    kick();
  }
  void whole_frame(std::size_t way, std::string frame);
  void asked(const wire::Dictionary& fields);
  void answered(const wire::Dictionary& fields, std::string_view payload);
  std::string op_of(const wire::Dictionary& fields, std::size_t way);

  Arrival arrival_;
  Revival revival_;
  bool stalled_ = false;
  std::map<std::int64_t, std::string> ops_;       // by id
  std::map<std::int64_t, std::uint64_t> totals_;  // of puts, by id
  std::map<std::int64_t, store::Claims> claims_;  // by handle: what the hub said it holds
};

namespace {

class End final : public socketserver::Stream {
 public:
  End(std::shared_ptr<Wire> wire, std::size_t index)
      : Stream(*wire->machine.loop), wire_(std::move(wire)), index_(index), kick_(*this) {
    wire_->ends[index_] = this;
  }
  ~End() override {
    close_once(false);
    loop().forget(kick_);
    wire_->ends[index_] = nullptr;
  }
  [[nodiscard]] std::string peer() const override { return wire_->who; }
  void tell() {
    if (!kick_.queued()) loop().ready(kick_);
  }

 protected:
  Attempt try_read(MutableBytes into) override {
    const Attempt ready = try_peek();
    if (ready.state != Attempt::State::kDone) return ready;
    Wire::Direction& from = in();
    if (lost()) return {.state = Attempt::State::kFailed, .code = ECONNRESET};
    if (from.arrived == 0) return {};
    std::size_t size = std::min({into.size(), from.arrived, wire_->read_most});
    if (wire_->machine.dice.chance(1, 3)) size = wire_->machine.dice.between(1, size);
    const std::uint64_t until = std::min(from.cut_after, from.stall_after);
    size = static_cast<std::size_t>(std::min<std::uint64_t>(size, until - from.received));
    std::memcpy(into.data(), from.data.data(), size);
    from.data.erase(0, size);
    from.arrived -= size;
    from.received += size;
    if (from.received >= from.cut_after) {
      wire_->machine.trace.note(wire_->who, "the line is cut");
      wire_->break_off();
    }
    wire_->kick();
    return {.bytes = size};
  }

  Attempt try_peek() override {
    if (lost()) return {};
    const Wire::Direction& from = in();
    if (from.arrived > 0 && from.received < from.cut_after && wire_->stalls(1 - index_)) {
      return {.state = Attempt::State::kWantRead};
    }
    if (from.arrived > 0) return {};
    if (from.ended && from.data.empty()) return {};
    return {.state = Attempt::State::kWantRead};
  }

  Attempt try_write(std::span<const Bytes> parts) override {
    Wire::Direction& to = out();
    std::string bytes;
    for (const Bytes part : parts) bytes += as_text(part);
    if (to.writer_died) return {.bytes = bytes.size()};
    if (to.ended) return {.state = Attempt::State::kFailed, .code = EPIPE};
    if (wire_->broken || to.nobody_reads) {
      return {.state = Attempt::State::kFailed, .code = ECONNRESET};
    }
    if (to.data.size() >= wire_->capacity) return {.state = Attempt::State::kWantWrite};
    bytes.resize(std::min(bytes.size(), wire_->capacity - to.data.size()));
    wire_->wrote(index_, bytes);
    return {.bytes = bytes.size()};
  }

  Attempt try_unsent() override {
    if (wire_->broken) return {.state = Attempt::State::kFailed, .code = ECONNRESET};
    return {.bytes = out().data.size()};
  }
  Result<void> do_shutdown_write() override {
    wire_->flush(index_);
    out().ended = true;
    wire_->kick();
    return {};
  }
  void do_close(bool by_reset) override {
    if (by_reset) wire_->broken = true;
    wire_->flush(index_);
    out().ended = true;
    in().nobody_reads = true;
    wire_->kick();
  }

 private:
  struct Kick : socketserver::Work {
    explicit Kick(End& of)
        : Work([](Work& work) { static_cast<Kick&>(work).end.now_ready(true, true); }), end(of) {}
    End& end;
  };
  Wire::Direction& in() { return wire_->ways[1 - index_]; }
  Wire::Direction& out() { return wire_->ways[index_]; }
  // After a cut the hub may still find what had arrived; the client's end is gone at once.
  bool lost() {
    if (!wire_->broken) return false;
    return index_ == 0 || !wire_->late_cut || out().writer_died || in().arrived == 0;
  }

  std::shared_ptr<Wire> wire_;
  std::size_t index_;
  Kick kick_;
};

}  // namespace

void Wire::kick() {
  for (End* const end : ends) {
    if (end != nullptr) end->tell();
  }
}

void Wire::flush(std::size_t way) {
  ways[way].data += std::exchange(ways[way].frame, {});
  ways[way].arrived = ways[way].data.size();
}

void Wire::wrote(std::size_t way, std::string_view bytes) {
  Direction& to = ways[way];
  using Step = wire::FrameDecoder::Step;
  Bytes input = as_bytes(bytes);
  while (true) {
    const Bytes before = input;
    const auto step = to.decoder.next(input);
    to.frame += as_text(before.first(before.size() - input.size()));
    if (!step) {  // no frames of ours, or the answer to such
      to.frame += as_text(input);
      return flush(way);
    }
    if (*step == Step::kNeedMore) break;
    if (*step == Step::kEnd) whole_frame(way, std::exchange(to.frame, {}));
  }
  if (latency_ms == 0) {
    arrive();
  } else if (!arrival_.armed()) {
    machine.loop->arm(arrival_, machine.clock.monotonic_ms() + latency_ms);
  }
}

std::string Wire::op_of(const wire::Dictionary& fields, std::size_t way) {
  if (way == 0) return fields.text_if(field::kOp).value_or(std::nullopt).value_or("");
  const auto id = fields.integer(field::kId, 0, spec::kMaxInteger);
  const auto found = id ? ops_.find(*id) : ops_.end();
  return found == ops_.end() ? "" : found->second;
}

void Wire::whole_frame(std::size_t way, std::string frame) {
  Direction& to = ways[way];
  const wire::Dictionary& fields = to.decoder.dictionary();
  const std::string what = op_of(fields, way);
  const std::size_t head = 4 + load_le<std::uint32_t>(as_bytes(frame).data());
  const std::string_view json = std::string_view(frame).substr(4, head - 4);
  machine.trace.note(who, way == 0 ? "says" : "is told", json);
  if (way == 0) {
    asked(fields);
  } else {
    answered(fields, std::string_view(frame).substr(head));
  }
  // What a digest guards, and what cannot be taken for anything else: docs/protocol.md says that
  // names, times and modes rest on the connection's own checksum.
  // What a pack carries is guarded with its names, but not the folder that it is for.
  const bool packed = way == 0 && what == op::kPack && frame.size() > head;
  const bool guarded = what == op::kBlock || what == op::kRead || what == op::kCommit || packed;
  if (guarded && to.guarded++ == to.flip_frame) {
    const std::size_t from = packed ? head : 0;
    const std::uint64_t bit = from * 8 + machine.dice.below((frame.size() - from) * 8);
    machine.trace.note(who, "a bit flips", std::to_string(bit));
    frame[bit / 8] =
        static_cast<char>(static_cast<unsigned char>(frame[bit / 8]) ^ (1U << bit % 8));
  }
  to.data += frame;
  if (way == 0 && what == op::kBlock && to.blocks++ == to.repeat_frame) {
    machine.trace.note(who, "the block comes twice");
    to.data += frame;
  }
}

void Wire::asked(const wire::Dictionary& fields) {
  const auto id = fields.integer(field::kId, 1, spec::kMaxInteger);
  if (!id) return;
  const std::string what = op_of(fields, 0);
  ops_[*id] = what;
  if (what == op::kPut) {
    const auto total = fields.integer(field::kTotal, 0, spec::kMaxInteger);
    if (total) totals_[*id] = static_cast<std::uint64_t>(*total);
  }
  if (what != op::kBlock) return;
  const auto handle = fields.integer(field::kHandle, 1, spec::kMaxInteger);
  const auto block = fields.integer(field::kBlock, 0, spec::kMaxInteger);
  const auto digest = transfer::digest_field(fields);
  if (!handle || !block || !digest || !*digest) return;
  network_.block_bytes += static_cast<std::uint64_t>(
      fields.integer_if(field::kSize, 0, spec::kMaxInteger).value_or(0).value_or(0));
  const auto held = claims_.find(*handle);
  if (held == claims_.end()) return;
  const auto claim = held->second.find(static_cast<std::uint64_t>(*block));
  if (claim == held->second.end()) return;
  if (claim->second == **digest) {
    machine.trace.fault(concat(who, " sent a block again that the hub had verified"));
  }
  held->second.erase(claim);
}

void Wire::answered(const wire::Dictionary& fields, std::string_view payload) {
  if (op_of(fields, 1) != op::kPut) return;
  const auto handle = fields.integer(field::kHandle, 1, spec::kMaxInteger);
  const auto id = fields.integer(field::kId, 1, spec::kMaxInteger);
  if (!handle || !id || !totals_.contains(*id)) return;
  const auto plan = transfer::plan_fields(fields, {totals_[*id], 1, 0});
  if (!plan) return;
  static_cast<void>(
      transfer::decode_claims(as_bytes(payload), *plan, claims_[*handle]).has_value());
}

void Network::forget_ended() {
  std::erase_if(wires_, [](const auto& wire) {
    return wire->ends[0] == nullptr && wire->ends[1] == nullptr;
  });
}

void Network::hub_died() {
  for (const auto& wire : wires_) wire->died(1);
}

void Network::client_died(const std::string& who) {
  for (const auto& wire : wires_) {
    if (wire->who == who) wire->died(0);
  }
}

std::unique_ptr<socketserver::Stream> Network::call(const std::string& who) {
  forget_ended();
  if (!answer) return nullptr;
  auto wire = std::make_shared<Wire>(machine_, *this, who, trouble);
  wires_.push_back(wire);
  auto near = std::make_unique<End>(wire, 0);
  answer(std::make_unique<End>(wire, 1));
  return near;
}

socketserver::Task<Result<std::unique_ptr<socketserver::Stream>>> Line::dial(
    socketserver::Endpoint endpoint, std::int64_t, socketserver::Event& stop) {
  const bool stopped = co_await stop.wait_ms(1);
  if (stopped) co_return fail(kCancelled, "interrupted");
  auto stream = network_.call(who_);
  if (stream == nullptr) {
    network_.machine().trace.note(who_, "nobody answers");
    co_return fail(kNoHub, concat("nobody answers at ", endpoint.text()));
  }
  network_.machine().trace.note(who_, "calls the hub");
  co_return stream;
}

}  // namespace skein::simulate
