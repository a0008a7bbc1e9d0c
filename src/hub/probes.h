// Answers those who measure their path to the hub (skein doctor): datagrams that begin with a NUL,
// and the operation `probe`. docs/protocol.md, "Probes". The loop's thread only.
#pragma once

#include <array>
#include <cstddef>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/random.h"
#include "hub/context.h"
#include "hub/cookies.h"
#include "hub/request.h"
#include "hub/transfers.h"
#include "socketserver/datagram.h"
#include "wire/probe.h"

namespace skein::hub {

class Probes {
 public:
  // `clock` and `socket` outlive it.
  Probes(const Clock& clock, Random& random, socketserver::DatagramSocket& socket);
  Probes(const Probes&) = delete;
  Probes& operator=(const Probes&) = delete;

  // Answers what probes there are in the batch, which came by the socket. What is none is left
  // alone.
  void answer(const socketserver::DatagramBatch& batch);

 private:
  using Head = std::array<std::byte, wire::kProbeHeadBytes>;

  [[nodiscard]] bool answer(const wire::Probe& probe, const socketserver::DatagramBatch& batch,
                            std::size_t datagram);
  void send_pulled(const wire::Probe& probe, const socketserver::DatagramBatch& batch,
                   std::size_t datagram);

  Cookies cookies_;
  socketserver::DatagramSocket& socket_;
  std::array<Head, socketserver::DatagramBatch::kMaxDatagrams> answers_{};
  std::vector<socketserver::DatagramOut> out_;
  std::vector<std::byte> pulled_;  // filler, whose heads are written anew for each pull
};

// Carries out `probe`.
Answering probe(Context& context, Transfers& transfers, Request& request);

}  // namespace skein::hub
