#include "hub/hub.h"

#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "hub/session.h"

namespace skein::hub {

using socketserver::Task;

Result<std::unique_ptr<Hub>> Hub::start(Context& context, const socketserver::Endpoint& endpoint) {
  auto hub = std::unique_ptr<Hub>(new Hub(context));
  // Where the system chooses the port, it chooses one for connections; somebody may have that one
  // for datagrams.
  constexpr int kAttempts = 8;
  auto listening = hub->listen(endpoint);
  for (int i = 1; i < kAttempts && endpoint.port == 0 && !listening; ++i) {
    if (!listening.error().is(kBusy)) break;
    listening = hub->listen(endpoint);
  }
  TRY(std::move(listening));
  hub->housekeeping_.spawn(context.loop, hub->keep_tidy());
  hub->housekeeping_.spawn(context.loop, hub->datagrams_->serve());
  return hub;
}

Result<void> Hub::listen(const socketserver::Endpoint& endpoint) {
  socketserver::ServerOptions options;
  options.backlog = limits::kListenBacklog;
  options.max_connections = context_.max_connections;
  options.on_error = [&context = context_](const Error& error, const std::string& peer) {
    context.log.error(concat(peer, ": ", error.report()));
  };
  const auto handler = [this](std::unique_ptr<socketserver::Stream> stream) {
    return serve(std::move(stream));
  };
  TRY_ASSIGN(server_, socketserver::Server::listen(context_.loop, endpoint, handler, options));
  TRY_ASSIGN(datagrams_, Datagrams::listen(context_, random_, server_->address()));
  return {};
}

Task<void> Hub::serve(std::unique_ptr<socketserver::Stream> stream) {
  Session session(context_, std::move(stream));
  co_await session.run();
}

Task<void> Hub::keep_tidy() {
  while (!stopping_.is_set()) {
    auto job = [this] { return context_.store.purge(); };
    auto purged = co_await context_.pool.run(context_.loop, job);
    if (!purged) context_.log.warning(concat("tidying up: ", purged.error().report()));
    static_cast<void>(co_await stopping_.wait_ms(limits::kTidyEveryMs));
  }
}

Task<void> Hub::stop() {
  stopping_.set();
  datagrams_->stop();
  co_await server_->drain(limits::kDrainMs);
  co_await housekeeping_.close();
  co_await context_.chat.close();
}

}  // namespace skein::hub
