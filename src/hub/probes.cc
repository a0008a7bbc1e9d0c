#include "hub/probes.h"

#include <algorithm>
#include <span>
#include <utility>

#include "base/limits.h"
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

using socketserver::DatagramBatch;
using socketserver::DatagramOut;
using socketserver::DatagramSocket;
using wire::Probe;
using wire::ProbeKind;

Probes::Probes(const Clock& clock, Random& random, DatagramSocket& socket)
    : cookies_(clock, random), socket_(socket), pulled_(spec::kMaxPull * spec::kMaxPulledBytes) {
  out_.reserve(std::max(DatagramBatch::kMaxDatagrams, spec::kMaxPull));
  random.fill(pulled_);  // or a way that compresses would seem faster than it is
}

// What is no probe, or not in order, is dropped without a word: it may be anybody's, in anybody's
// name.
void Probes::answer(const DatagramBatch& batch) {
  out_.clear();
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const auto probe = wire::decode_probe(batch.bytes(i));
    if (probe && answer(*probe, batch, i)) {
      out_.push_back({answers_[i], batch.peer_name(i), batch.peer_name_bytes(i)});
    }
  }
  std::span<const DatagramOut> left(out_);
  while (!left.empty()) {
    const auto sent = socket_.send_now(left);
    if (sent && *sent == 0) break;  // no room: the rest is lost, as datagrams may be
    left = left.subspan(sent.value_or(1));
  }
  for (std::size_t i = 0; i < batch.size(); ++i) {
    const auto probe = wire::decode_probe(batch.bytes(i));
    if (probe && probe->kind == ProbeKind::kPull) send_pulled(*probe, batch, i);
  }
}

// True: answers_[datagram] is to be sent. It is never longer than what came.
bool Probes::answer(const Probe& probe, const DatagramBatch& batch, std::size_t datagram) {
  Probe back;
  back.sequence = probe.sequence;
  if (probe.kind == ProbeKind::kKnock) {
    back.kind = ProbeKind::kCookie;
    back.cookie = cookies_.make(batch.peer(datagram));
  } else if (probe.kind == ProbeKind::kEcho &&
             cookies_.is_good(probe.cookie, batch.peer(datagram))) {
    back.kind = ProbeKind::kEchoed;
    back.bytes = static_cast<std::uint32_t>(batch.sent_bytes(datagram));
  } else {
    return false;
  }
  wire::encode_probe(back, answers_[datagram]);
  return true;
}

void Probes::send_pulled(const Probe& probe, const DatagramBatch& batch, std::size_t datagram) {
  if (probe.count == 0 || probe.count > spec::kMaxPull || probe.bytes < wire::kProbeHeadBytes ||
      probe.bytes > spec::kMaxPulledBytes ||
      !cookies_.is_good(probe.cookie, batch.peer(datagram))) {
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
    out_.push_back({one, batch.peer_name(datagram), batch.peer_name_bytes(datagram)});
  }
  const auto sent = socket_.send_now(out_);
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
