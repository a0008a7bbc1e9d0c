// Answers those who measure their path to the hub (skein doctor): datagrams on the hub's port, and
// the operation `probe`. docs/protocol.md, "Probes". The loop's thread only.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <vector>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/random.h"
#include "base/result.h"
#include "hub/context.h"
#include "hub/cookies.h"
#include "hub/request.h"
#include "hub/transfers.h"
#include "socketserver/address.h"
#include "socketserver/datagram.h"
#include "socketserver/task.h"
#include "wire/probe.h"

namespace skein::hub {

class Probes {
 public:
  // Takes datagrams at that address at once, answers them while serve() runs.
  static Result<std::unique_ptr<Probes>> listen(Context& context, Random& random,
                                                const socketserver::Address& near);
  Probes(const Probes&) = delete;
  Probes& operator=(const Probes&) = delete;

  // Until stop().
  socketserver::Task<void> serve();
  void stop() { socket_->cancel(); }
  [[nodiscard]] socketserver::Address address() const { return socket_->local_address(); }

 private:
  using Head = std::array<std::byte, wire::kProbeHeadBytes>;

  Probes(Context& context, Random& random, std::unique_ptr<socketserver::DatagramSocket> socket);
  void answer_batch();
  [[nodiscard]] bool answer(const wire::Probe& probe, std::size_t datagram);
  void send_pulled(const wire::Probe& probe, std::size_t datagram);

  static constexpr std::size_t kBatch = 32;
  static constexpr std::size_t kRoomBytes = 256;  // of a datagram only the head is looked at

  socketserver::Loop& loop_;
  Cookies cookies_;
  std::unique_ptr<socketserver::DatagramSocket> socket_;
  socketserver::DatagramBatch batch_{kBatch, kRoomBytes};
  std::array<Head, kBatch> answers_{};
  std::vector<socketserver::DatagramOut> out_;
  std::vector<std::byte> pulled_;  // filler, whose heads are written anew for each pull
};

// Carries out `probe`.
Answering probe(Context& context, Transfers& transfers, Request& request);

}  // namespace skein::hub
