#include "client/doctor.h"

#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "socketserver/dial.h"
#include "wire/protocol.h"

namespace skein::client {

using socketserver::Address;
using socketserver::DatagramSocket;
using socketserver::Task;
using wire::Probe;
using wire::ProbeKind;

namespace {

constexpr std::int64_t kAllMs = 9'500;
constexpr std::int64_t kReachMs = 3'000;  // TCP, all addresses together
constexpr std::int64_t kHelloMs = 2'500;
constexpr std::int64_t kKnockMs[] = {200, 400, 800};
constexpr std::size_t kRoundTrips = 160;
constexpr std::int64_t kPaceUs = 5'000;  // between two of them
constexpr std::int64_t kRateUs = 800'000;
constexpr std::size_t kTcpWorkers = 4;
constexpr std::size_t kLeastChunkBytes = 16UL * 1024;
constexpr std::size_t kMostChunkBytes = 256UL * 1024;
constexpr std::uint64_t kMostRateBytes = 256UL * 1024 * 1024;  // of a connection, one way
constexpr std::size_t kRateDatagramBytes = 1200;               // passes everywhere
constexpr std::size_t kMostRateDatagrams = 65'536;
constexpr int kTriesPerSize = 2;
constexpr std::size_t kMostSockBytes = 1024UL * 1024;

Reach reach_of(int code) {
  switch (code) {
    case 0: return Reach::kYes;
    case ECONNREFUSED:
    case ECONNRESET: return Reach::kRefused;
    case ETIMEDOUT: return Reach::kNoAnswer;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EADDRNOTAVAIL:
    case ENETDOWN:
    case EHOSTDOWN: return Reach::kNoRoute;
    case ECANCELED: return Reach::kNotTried;
    default: return Reach::kTrouble;
  }
}

std::int64_t per_second(std::uint64_t bytes, std::int64_t us) {
  return static_cast<std::int64_t>(static_cast<double>(bytes) * 1e6 /
                                   static_cast<double>(std::max<std::int64_t>(us, 1)));
}

wire::Dictionary probe_request() {
  wire::Dictionary request;
  request.set(wire::field::kOp, wire::op::kProbe);
  return request;
}

}  // namespace

Doctor::Doctor(socketserver::Loop& loop, socketserver::Pool& pool, Random& random,
               socketserver::Endpoint hub, OnStep on_step)
    : loop_(loop),
      pool_(pool),
      random_(random),
      hub_(std::move(hub)),
      on_step_(std::move(on_step)),
      filler_(kMostChunkBytes) {
  random.fill(filler_);
  report_.hub = hub_.text();
}

Doctor::Micros Doctor::now_us() {
  // Round trips of microseconds are to be told apart, which the loop's clock cannot.
  return std::chrono::duration_cast<std::chrono::microseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

Task<PathReport> Doctor::examine() {
  tasks_.spawn(loop_, watch_time());
  co_await examine_all();
  if (over()) report_.complete = false;
  done_.set();
  stop_.set();  // whoever still waits for it
  if (connection_) co_await connection_->close();
  co_await tasks_.close();
  connection_.reset();
  socket_.reset();
  co_return std::move(report_);
}

Task<void> Doctor::watch_time() {
  const bool done = co_await done_.wait_ms(kAllMs);
  if (!done) stop_.set();
}

// Somebody who takes connections and says nothing shall not use up the time for all else.
Task<void> Doctor::watch_hello() {
  const bool stopped = co_await stop_.wait_ms(kHelloMs);
  if (!stopped && greeted_) co_await stop_.wait();
  stop_connection_.set();
}

Task<void> Doctor::examine_all() {
  on_step_("looking the name up");
  const Micros asked_us = now_us();
  auto look_up = [this] { return socketserver::resolve(hub_, false); };
  auto addresses = co_await pool_.run(loop_, look_up);
  report_.resolve_us = now_us() - asked_us;
  if (!addresses) {
    report_.trouble = addresses.error().text();
    co_return;
  }
  on_step_("calling by TCP");
  co_await reach_tcp(*std::move(addresses));
  report_.address = address_.text();
  if (report_.tcp.reach == Reach::kYes) co_await say_hello();
  on_step_("knocking by UDP");
  co_await reach_udp();
  const bool tcp = connection_ != nullptr;
  const bool udp = report_.udp.reach == Reach::kYes;
  on_step_("round trips");
  if (tcp && !over()) co_await tcp_round_trips();
  if (udp && !over()) co_await udp_round_trips();
  on_step_("largest datagram");
  if (udp && !over()) co_await largest_datagram();
  for (const bool up : {true, false}) {
    on_step_(up ? "sending" : "receiving");
    if (tcp && !over()) co_await tcp_rate(up);
    if (udp && !over()) co_await udp_rate(up);
  }
  if (!tcp) co_return;
  tcp_info info{};
  socklen_t size = sizeof(info);
  if (getsockopt(connection_->descriptor(), IPPROTO_TCP, TCP_INFO, &info, &size) == 0) {
    report_.tcp_resent = info.tcpi_total_retrans;
  }
}

Task<void> Doctor::reach_tcp(std::vector<Address> addresses) {
  std::int64_t left = static_cast<std::int64_t>(addresses.size());
  const Micros end_us = now_us() + kReachMs * 1000;
  int first_code = 0;
  for (const Address& address : addresses) {
    const std::int64_t share_ms = std::max<std::int64_t>((end_us - now_us()) / 1000 / left--, 1);
    skein::Descriptor socket;
    const Micros called_us = now_us();
    const int code = co_await socketserver::connect_to(loop_, socket, address, share_ms, &stop_);
    if (code == 0) {
      report_.tcp.connect_us = now_us() - called_us;
      report_.tcp.reach = Reach::kYes;
      address_ = address;
      co_return;
    }
    if (first_code != 0) continue;  // the address that is preferred says why
    first_code = code;
    address_ = address;
    report_.tcp.reach = reach_of(code);
    if (report_.tcp.reach == Reach::kTrouble) {
      report_.tcp.why = Error::from_errno(code, concat("calling ", address.text())).text();
    }
  }
}

Task<void> Doctor::say_hello() {
  Identity identity{"doctor", random_.hex(16)};
  auto endpoint = socketserver::Endpoint::of(address_);
  tasks_.spawn(loop_, watch_hello());
  auto connection = co_await Connection::open(loop_, pool_, std::move(endpoint),
                                              std::move(identity), stop_connection_);
  if (!connection) {
    if (cancelled_) co_return;
    report_.tcp.reach = Reach::kNoHub;
    report_.tcp.why = connection.error().text();
    if (connection.error().is(kCancelled)) {
      report_.tcp.why = "it takes the connection, and does not answer";
    }
    co_return;
  }
  greeted_ = true;
  connection_ = *std::move(connection);
  report_.name = connection_->hub();
}

// --- datagrams

std::uint64_t Doctor::sequence(std::size_t number) const {
  return phase_ << 32U | static_cast<std::uint64_t>(number);
}

std::optional<std::size_t> Doctor::number_of(const Probe& probe) const {
  if (probe.sequence >> 32U != phase_) return std::nullopt;
  return static_cast<std::size_t>(probe.sequence & 0xffffffffU);
}

bool Doctor::send_echo(std::size_t number, std::size_t bytes) {
  Probe probe;
  probe.kind = ProbeKind::kEcho;
  probe.sequence = sequence(number);
  probe.cookie = cookie_;
  const MutableBytes datagram = MutableBytes(filler_).first(bytes);
  wire::encode_probe(probe, datagram);
  const auto sent = socket_->send_now(datagram);
  return sent && *sent;
}

bool Doctor::send_pull(std::size_t number, std::size_t count) {
  Probe probe;
  probe.kind = ProbeKind::kPull;
  probe.sequence = sequence(number);
  probe.cookie = cookie_;
  probe.count = static_cast<std::uint32_t>(count);
  probe.bytes = kRateDatagramBytes;
  const auto sent = socket_->send_now(wire::encode_probe(probe));
  return sent && *sent;
}

Task<bool> Doctor::receive(std::int64_t wait_ms, const OnProbe& on_probe) {
  const auto waited = co_await socket_->wait_readable(wait_ms);
  if (!waited) co_return waited.error().is(kTimeout);
  const auto got = socket_->receive_now(batch_);
  if (!got) co_return true;  // the network's word on an earlier one: that one counts as lost
  for (std::size_t i = 0; i < batch_.size(); ++i) {
    if (const auto probe = wire::decode_probe(batch_.bytes(i))) on_probe(*probe);
  }
  co_return true;
}

Task<void> Doctor::reach_udp() {
  PathSide& side = report_.udp;
  auto socket = DatagramSocket::connect(loop_, address_);
  if (!socket) {
    side.reach = reach_of(socket.error().system_code());
    side.why = socket.error().text();
    co_return;
  }
  socket_ = *std::move(socket);
  socket_->ask_for_buffers(kMostSockBytes);
  side.reach = Reach::kNoAnswer;
  ++phase_;
  for (const std::int64_t wait_ms : kKnockMs) {
    if (over()) {
      side.reach = Reach::kNotTried;
      co_return;
    }
    Probe knock;
    knock.sequence = sequence(0);
    const Micros sent_us = now_us();
    const auto sent = socket_->send_now(wire::encode_probe(knock));
    int code = sent ? 0 : sent.error().system_code();
    while (code == 0 && now_us() - sent_us < wait_ms * 1000) {
      const auto waited = co_await socket_->wait_readable(wait_ms);
      if (!waited) break;
      const auto got = socket_->receive_now(batch_);
      if (!got) code = got.error().system_code();
      for (std::size_t i = 0; i < batch_.size(); ++i) {
        const auto probe = wire::decode_probe(batch_.bytes(i));
        if (!probe || probe->kind != ProbeKind::kCookie || number_of(*probe) != 0U) continue;
        cookie_ = probe->cookie;
        side.reach = Reach::kYes;
        side.connect_us = now_us() - sent_us;
        co_return;
      }
    }
    if (code == 0) continue;
    side.reach = reach_of(code);
    if (side.reach == Reach::kTrouble) side.why = Error::from_errno(code, "knocking").text();
    co_return;
  }
}

Task<void> Doctor::udp_round_trips() {
  ++phase_;
  Arrivals arrivals(kRoundTrips);
  std::vector<Micros> sent_us(kRoundTrips);
  std::vector<Micros> took_us(kRoundTrips, -1);
  std::size_t came = 0;
  std::size_t next = 0;
  const OnProbe on_probe = [&](const Probe& probe) {
    const auto number = number_of(probe);
    if (probe.kind != ProbeKind::kEchoed || !number) return;
    if (!arrivals.arrived(*number)) return;
    took_us[*number] = now_us() - sent_us[*number];
    ++came;
  };
  const Micros begin_us = now_us();
  // The last gets as long as a knock took, twice, and half a second.
  const Micros grace_us =
      std::min<Micros>(500'000 + 2 * report_.udp.connect_us.value_or(0), 1'500'000);
  const Micros end_us = begin_us + static_cast<Micros>(kRoundTrips) * kPaceUs + grace_us;
  while (!over() && now_us() < end_us) {
    while (next < kRoundTrips && now_us() >= begin_us + static_cast<Micros>(next) * kPaceUs) {
      sent_us[next] = now_us();
      send_echo(next, wire::kProbeHeadBytes);  // what does not go out is lost
      ++next;
    }
    Micros until_us = end_us;
    if (next < kRoundTrips) until_us = begin_us + static_cast<Micros>(next) * kPaceUs;
    // One that came twice comes soon after: a moment more for that.
    const bool all_came = came == kRoundTrips;
    if (all_came) until_us = std::min(until_us, now_us() + 20'000);
    const std::int64_t wait_ms = std::max<Micros>((until_us - now_us() + 999) / 1000, 0);
    const std::size_t before = arrivals.duplicates();
    const bool more = co_await receive(wait_ms, on_probe);
    if (!more || (all_came && arrivals.duplicates() == before)) break;
  }
  if (next < kRoundTrips) co_return;  // interrupted: nothing can be said of the rest
  std::erase(took_us, -1);
  report_.udp.round_trip_p50_us = percentile(took_us, 50);
  report_.udp.round_trip_p99_us = percentile(took_us, 99);
  report_.udp.jitter_us = jitter(took_us);
  report_.sent = static_cast<std::int64_t>(arrivals.sent());
  report_.lost = static_cast<std::int64_t>(arrivals.lost());
  report_.duplicates = static_cast<std::int64_t>(arrivals.duplicates());
  report_.reordered = static_cast<std::int64_t>(arrivals.reordered());
}

Task<void> Doctor::largest_datagram() {
  const auto forbidden = socket_->forbid_fragments();
  if (!forbidden) co_return;
  SizeSearch search(wire::kProbeHeadBytes, socketserver::DatagramBatch::kMaxBytes);
  const Micros patience_us =
      std::min<Micros>(200'000 + 2 * report_.udp.round_trip_p99_us.value_or(0), 600'000);
  while (!search.round().empty() && !over()) {
    ++phase_;
    const std::vector<std::size_t> sizes = search.round();
    std::vector<bool> passed(sizes.size());
    std::size_t missing = 0;
    const OnProbe on_probe = [&](const Probe& probe) {
      const auto number = number_of(probe);
      if (probe.kind != ProbeKind::kEchoed || !number || *number >= sizes.size()) return;
      if (passed[*number] || probe.bytes != sizes[*number]) return;
      passed[*number] = true;
      --missing;
      search.passed(sizes[*number]);
    };
    std::vector<std::size_t> went_out;
    for (int tries = 0; tries < kTriesPerSize; ++tries) {
      for (std::size_t i = 0; i < sizes.size(); ++i) {
        if (passed[i]) continue;
        const bool out = send_echo(i, sizes[i]);
        if (out && std::ranges::find(went_out, i) == went_out.end()) {
          went_out.push_back(i);
          ++missing;
        }
        // Large ones fill the hub's buffer: let it answer in between.
        const bool more = co_await receive(0, on_probe);
        if (!more) co_return;
      }
      const Micros end_us = now_us() + patience_us / kTriesPerSize;
      while (missing > 0 && now_us() < end_us && !over()) {
        const bool more = co_await receive((end_us - now_us() + 999) / 1000, on_probe);
        if (!more) co_return;
      }
      if (missing == 0) break;
    }
    search.end_round();
  }
  if (!over() && search.largest() > 0) {
    report_.largest_bytes = static_cast<std::int64_t>(search.largest());
  }
}

Task<void> Doctor::udp_rate(bool up) {
  ++phase_;
  SendWindow window(kMostRateDatagrams);
  Micros last_us = now_us();
  const OnProbe on_probe = [&](const Probe& probe) {
    const auto number = number_of(probe);
    if (!number) return;
    if (up && probe.kind == ProbeKind::kEchoed) {
      if (window.arrived(*number)) last_us = now_us();
    } else if (!up && probe.kind == ProbeKind::kPulled) {
      if (window.arrived(*number + probe.count)) last_us = now_us();
    }
  };
  const Micros begin_us = now_us();
  const Micros end_us = begin_us + kRateUs;
  const std::int64_t stall_ms =
      200 + std::min<Micros>(3 * report_.udp.round_trip_p99_us.value_or(0), 600'000) / 1000;
  while (!over() && now_us() < end_us && !window.exhausted()) {
    if (up) {
      for (std::size_t room = window.room(); room > 0; --room) {
        if (!send_echo(window.send(1), kRateDatagramBytes)) break;
      }
    } else {
      while (const std::size_t room = std::min(window.room(), spec::kMaxPull)) {
        // Few and large questions, but never none.
        if (room < spec::kMaxPull / 2 && window.under_way() > 0) break;
        if (!send_pull(window.send(room), room)) break;
      }
    }
    const std::size_t before = window.came();
    const Micros waiting_us = now_us();
    const bool more = co_await receive(stall_ms, on_probe);
    if (!more) break;
    if (window.came() == before && now_us() - waiting_us >= stall_ms * 1000) window.stalled();
  }
  if (window.came() == 0) co_return;
  const std::int64_t rate = per_second(window.came() * kRateDatagramBytes, last_us - begin_us);
  (up ? report_.udp.up_bytes_per_s : report_.udp.down_bytes_per_s) = rate;
}

// --- the connection

Task<void> Doctor::tcp_round_trips() {
  std::vector<Micros> took_us;
  const Micros begin_us = now_us();
  const Micros end_us = begin_us + static_cast<Micros>(kRoundTrips) * kPaceUs;
  while (!over() && now_us() < end_us && took_us.size() < kRoundTrips) {
    wire::Dictionary request = probe_request();
    const Micros sent_us = now_us();
    auto answer = co_await connection_->call(std::move(request));
    if (!answer) break;
    const Micros took = now_us() - sent_us;
    took_us.push_back(took);
    if (took < kPaceUs) co_await loop_.sleep_ms((kPaceUs - took + 999) / 1000);
  }
  report_.tcp.round_trip_p50_us = percentile(took_us, 50);
  report_.tcp.round_trip_p99_us = percentile(took_us, 99);
  report_.tcp.jitter_us = jitter(took_us);
}

Task<void> Doctor::tcp_rate(bool up) {
  std::uint64_t bytes = 0;
  const Micros begin_us = now_us();
  {
    socketserver::Gate workers;
    for (std::size_t i = 0; i < kTcpWorkers; ++i) {
      workers.spawn(loop_, tcp_rate_worker(up, begin_us + kRateUs, bytes));
    }
    co_await workers.close();
  }
  if (bytes == 0) co_return;
  const std::int64_t rate = per_second(bytes, now_us() - begin_us);
  (up ? report_.tcp.up_bytes_per_s : report_.tcp.down_bytes_per_s) = rate;
}

// Chunks begin small, so that a slow line is not asked for what it cannot do in time.
Task<void> Doctor::tcp_rate_worker(bool up, Micros end_us, std::uint64_t& bytes) {
  constexpr Micros kQuickUs = 100'000;
  std::size_t chunk = kLeastChunkBytes;
  while (!over() && now_us() < end_us && bytes < kMostRateBytes) {
    wire::Dictionary request = probe_request();
    Bytes payload;
    if (up) {
      payload = Bytes(filler_).first(chunk);
    } else {
      request.set(wire::field::kBack, static_cast<std::int64_t>(chunk));
    }
    const Micros sent_us = now_us();
    auto answer = co_await connection_->call(std::move(request), payload, nullptr);
    if (!answer) co_return;
    bytes += chunk;
    if (now_us() - sent_us < kQuickUs) chunk = std::min(2 * chunk, kMostChunkBytes);
  }
}

}  // namespace skein::client
