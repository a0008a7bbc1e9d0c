// Looks at the path to a hub: TCP and UDP side by side, in about ten seconds and with a bounded
// number of bytes. The loop's thread only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "client/connection.h"
#include "client/path_report.h"
#include "client/path_stats.h"
#include "socketserver/address.h"
#include "socketserver/datagram.h"
#include "socketserver/endpoint.h"
#include "socketserver/loop.h"
#include "socketserver/pool.h"
#include "socketserver/sync.h"
#include "socketserver/task.h"
#include "wire/probe.h"

namespace skein::client {

class Doctor {
 public:
  // Told what is being done, in a few words for a person.
  using OnStep = std::function<void(std::string_view)>;

  Doctor(socketserver::Loop& loop, socketserver::Pool& pool, Random& random,
         socketserver::Endpoint hub, OnStep on_step);
  Doctor(const Doctor&) = delete;
  Doctor& operator=(const Doctor&) = delete;

  // Once. What fails is what the report is about, so it always comes; with what was measured until
  // then after cancel(), or when time is up.
  socketserver::Task<PathReport> examine();
  void cancel() {
    cancelled_ = true;
    stop_.set();
  }

 private:
  using Micros = std::int64_t;
  using OnProbe = std::function<void(const wire::Probe&)>;

  [[nodiscard]] static Micros now_us();
  [[nodiscard]] bool over() const { return stop_.is_set(); }
  [[nodiscard]] std::uint64_t sequence(std::size_t number) const;
  [[nodiscard]] std::optional<std::size_t> number_of(const wire::Probe& probe) const;

  socketserver::Task<void> watch_time();
  socketserver::Task<void> watch_hello();
  socketserver::Task<void> examine_all();
  socketserver::Task<void> reach_tcp(std::vector<socketserver::Address> addresses);
  socketserver::Task<void> reach_udp();
  socketserver::Task<void> say_hello();
  socketserver::Task<void> tcp_round_trips();
  socketserver::Task<void> udp_round_trips();
  socketserver::Task<void> tcp_rate(bool up);
  socketserver::Task<void> tcp_rate_worker(bool up, Micros end_us, std::uint64_t& bytes);
  socketserver::Task<void> udp_rate(bool up);
  socketserver::Task<void> largest_datagram();
  // Takes all that came within `wait_ms`, if anything does. False: nothing more will.
  socketserver::Task<bool> receive(std::int64_t wait_ms, const OnProbe& on_probe);
  bool send_echo(std::size_t number, std::size_t bytes);
  [[nodiscard]] bool send_pull(std::size_t number, std::size_t count);

  socketserver::Loop& loop_;
  socketserver::Pool& pool_;
  Random& random_;
  socketserver::Endpoint hub_;
  OnStep on_step_;
  PathReport report_;
  socketserver::Address address_;
  std::unique_ptr<Connection> connection_;
  std::unique_ptr<socketserver::DatagramSocket> socket_;
  socketserver::DatagramBatch batch_{64, 256};
  wire::ProbeCookie cookie_{};
  std::uint64_t phase_ = 0;  // so that what is late is not taken for what is asked now
  std::vector<std::byte> filler_;
  bool cancelled_ = false;
  bool greeted_ = false;
  socketserver::Event stop_;             // of all
  socketserver::Event stop_connection_;  // and, too late a hello, of the connection alone
  socketserver::Event done_;
  socketserver::Gate tasks_;
};

}  // namespace skein::client
