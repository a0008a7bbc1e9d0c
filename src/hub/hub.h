// The hub: listens, runs a session for every connection, answers datagrams on the same port, keeps
// its folder tidy, and drains when told to stop. The loop's thread only.
#pragma once

#include <cstdint>
#include <memory>

#include "base/random.h"
#include "base/result.h"
#include "hub/context.h"
#include "hub/datagrams.h"
#include "socketserver/endpoint.h"
#include "socketserver/stream_server.h"
#include "socketserver/sync.h"
#include "socketserver/task.h"

namespace skein::hub {

class Hub {
 public:
  // Listens at once, for connections and for datagrams; serves as soon as the loop runs. `context`
  // outlives the hub.
  static Result<std::unique_ptr<Hub>> start(Context& context,
                                            const socketserver::Endpoint& endpoint);
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  [[nodiscard]] socketserver::Address address() const { return server_->address(); }

  // Takes no newcomer, lets what is under way end within limits::kDrainMs, and cuts the rest off:
  // that can be resumed. Must have ended before the hub is destroyed.
  socketserver::Task<void> stop();

 private:
  explicit Hub(Context& context) : context_(context) {}
  Result<void> listen(const socketserver::Endpoint& endpoint);
  socketserver::Task<void> serve(std::unique_ptr<socketserver::Stream> stream);
  socketserver::Task<void> keep_tidy();

  Context& context_;
  SystemRandom random_;
  std::unique_ptr<socketserver::Server> server_;
  std::unique_ptr<Datagrams> datagrams_;
  socketserver::Event stopping_;
  socketserver::Gate housekeeping_;
};

}  // namespace skein::hub
