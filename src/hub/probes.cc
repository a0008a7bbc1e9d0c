#include "hub/probes.h"

#include <span>
#include <utility>

#include "wire/protocol.h"

namespace skein::hub {

namespace {

// What all answers to `probe` carry, once for all of them; random for the same reason as below.
Bytes filler() {
  static const std::vector<std::byte> bytes = [] {
    std::vector<std::byte> made(spec::kMaxBackBytes);
    SystemRandom().fill(made);
    return made;
  }();
  return bytes;
}

}  // namespace

using socketserver::DatagramOut;
using socketserver::DatagramSocket;
using socketserver::Task;
using wire::Probe;
using wire::ProbeKind;

Result<std::unique_ptr<Probes>> Probes::listen(Context& context, Random& random,
                                               const socketserver::Address& near) {
  TRY_ASSIGN(auto socket, DatagramSocket::bind(context.loop, near));
  return std::unique_ptr<Probes>(new Probes(context, random, std::move(socket)));
}

Probes::Probes(Context& context, Random& random, std::unique_ptr<DatagramSocket> socket)
    : loop_(context.loop),
      cookies_(context.loop.clock(), random),
      socket_(std::move(socket)),
      pulled_(spec::kMaxPull * spec::kMaxPulledBytes) {
  out_.reserve(std::max(kBatch, spec::kMaxPull));
  random.fill(pulled_);  // or a way that compresses would seem faster than it is
}

Task<void> Probes::serve() {
  while (true) {
    const auto waited = co_await socket_->wait_readable(-1);
    if (!waited) co_return;
    const auto got = socket_->receive_now(batch_);
    if (got) answer_batch();
    // One batch, then the connections have their turn: a flood of datagrams must not starve them.
    co_await loop_.yield();
  }
}

// What is no probe, or not in order, is dropped without a word: it may be anybody's, in anybody's
// name.
void Probes::answer_batch() {
  out_.clear();
  for (std::size_t i = 0; i < batch_.size(); ++i) {
    const auto probe = wire::decode_probe(batch_.bytes(i));
    if (probe && answer(*probe, i)) {
      out_.push_back({answers_[i], batch_.peer_name(i), batch_.peer_name_bytes(i)});
    }
  }
  std::span<const DatagramOut> left(out_);
  while (!left.empty()) {
    const auto sent = socket_->send_now(left);
    if (sent && *sent == 0) break;  // no room: the rest is lost, as datagrams may be
    left = left.subspan(sent.value_or(1));
  }
  for (std::size_t i = 0; i < batch_.size(); ++i) {
    const auto probe = wire::decode_probe(batch_.bytes(i));
    if (probe && probe->kind == ProbeKind::kPull) send_pulled(*probe, i);
  }
}

// True: answers_[datagram] is to be sent. It is never longer than what came.
bool Probes::answer(const Probe& probe, std::size_t datagram) {
  Probe back;
  back.sequence = probe.sequence;
  if (probe.kind == ProbeKind::kKnock) {
    back.kind = ProbeKind::kCookie;
    back.cookie = cookies_.make(batch_.peer(datagram));
  } else if (probe.kind == ProbeKind::kEcho &&
             cookies_.is_good(probe.cookie, batch_.peer(datagram))) {
    back.kind = ProbeKind::kEchoed;
    back.bytes = static_cast<std::uint32_t>(batch_.sent_bytes(datagram));
  } else {
    return false;
  }
  wire::encode_probe(back, answers_[datagram]);
  return true;
}

void Probes::send_pulled(const Probe& probe, std::size_t datagram) {
  if (probe.count == 0 || probe.count > spec::kMaxPull || probe.bytes < wire::kProbeHeadBytes ||
      probe.bytes > spec::kMaxPulledBytes ||
      !cookies_.is_good(probe.cookie, batch_.peer(datagram))) {
    return;
  }
  Probe back;
  back.kind = ProbeKind::kPulled;
  back.sequence = probe.sequence;
  back.bytes = probe.bytes;
  out_.clear();
  for (std::uint32_t i = 0; i < probe.count; ++i) {
    back.count = i;
    const MutableBytes one =
        MutableBytes(pulled_).subspan(i * spec::kMaxPulledBytes).first(probe.bytes);
    wire::encode_probe(back, one);
    out_.push_back({one, batch_.peer_name(datagram), batch_.peer_name_bytes(datagram)});
  }
  const auto sent = socket_->send_now(out_);
  static_cast<void>(sent.has_value());  // what there was no room for is lost
}

Answering probe(Context&, Transfers&, Request& request) {
  const auto back =
      request.fields.integer_if(wire::field::kBack, 0, std::int64_t{spec::kMaxBackBytes});
  if (!back) co_return pass(back.error());
  Reply reply;
  reply.payload.bytes = filler().first(static_cast<std::size_t>(back->value_or(0)));
  co_return reply;
}

}  // namespace skein::hub
