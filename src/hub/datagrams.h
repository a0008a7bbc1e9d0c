// Datagrams: the hub's port for UDP. Those that begin with a NUL are probes, all others are text of
// guests. The loop's thread only.
#pragma once

#include <cstddef>
#include <memory>

#include "base/limits.h"
#include "base/random.h"
#include "base/result.h"
#include "hub/context.h"
#include "hub/guests.h"
#include "hub/probes.h"
#include "socketserver/address.h"
#include "socketserver/datagram.h"
#include "socketserver/task.h"

namespace skein::hub {

class Datagrams {
 public:
  // Takes datagrams at that address at once, answers them while serve() runs. `context` and
  // `random` outlive it.
  static Result<std::unique_ptr<Datagrams>> listen(Context& context, Random& random,
                                                   const socketserver::Address& near);
  Datagrams(const Datagrams&) = delete;
  Datagrams& operator=(const Datagrams&) = delete;

  // Until stop(); then what guests said is on disk.
  socketserver::Task<void> serve();
  void stop() { socket_->cancel(); }
  [[nodiscard]] socketserver::Address address() const { return socket_->local_address(); }

 private:
  Datagrams(Context& context, Random& random, std::unique_ptr<socketserver::DatagramSocket> socket);

  static constexpr std::size_t kBatch = 32;

  socketserver::Loop& loop_;
  std::unique_ptr<socketserver::DatagramSocket> socket_;
  socketserver::DatagramBatch batch_{kBatch, spec::kMaxMessageBytes};
  Probes probes_;
  Guests guests_;
};

}  // namespace skein::hub
