#include "socketserver/stream_server.h"

#include <system_error>
#include <typeinfo>
#include <utility>

#include "base/text.h"
#include "socketserver/listener.h"
#include "socketserver/tcp_stream.h"
#include "socketserver/type_name.h"

namespace socketserver {

using skein::concat;

skein::Error error_from(std::exception_ptr exception) {
  try {
    std::rethrow_exception(std::move(exception));
  } catch (const skein::Error& error) {
    return error;
  } catch (const std::system_error& error) {
    if (error.code().category() == std::generic_category() ||
        error.code().category() == std::system_category()) {
      return skein::Error::from_errno(error.code().value(),
                                      concat("uncaught ", type_name(typeid(error))));
    }
    return {skein::kInternal,
            concat("uncaught ", type_name(typeid(error)), ": ", skein::escaped(error.what()))};
  } catch (const std::exception& error) {
    return {skein::kInternal,
            concat("uncaught ", type_name(typeid(error)), ": ", skein::escaped(error.what()))};
  } catch (...) {
    return {skein::kInternal, "uncaught exception that is no std::exception"};
  }
}

skein::Result<std::unique_ptr<Server>> Server::listen(Loop& loop, const Endpoint& endpoint,
                                                      Handler handler, ServerOptions options) {
  TRY_ASSIGN(skein::Descriptor listener, listen_on(endpoint, options.backlog));
  std::unique_ptr<Server> server(
      new Server(loop, std::move(listener), std::move(handler), std::move(options)));
  TRY(server->acceptor_.begin());
  return server;
}

Server::Server(Loop& loop, skein::Descriptor listener, Handler handler, ServerOptions options)
    : loop_(loop),
      address_(Address::of_socket(listener.get())),
      handler_(std::move(handler)),
      options_(std::move(options)),
      acceptor_(
          loop, std::move(listener),
          [this](skein::Descriptor socket, const Address& peer) { take(std::move(socket), peer); },
          [this](const skein::Error& error, const std::string& peer) { tell(error, peer); }) {}

Server::~Server() = default;

void Server::take(skein::Descriptor socket, const Address& peer) {
  if (open_.load(std::memory_order_relaxed) >= options_.max_connections) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    socket.reset();
    acceptor_.complain_of_refusal(
        skein::Error(skein::kTooMany,
                     concat("turned away: ", skein::human_count(options_.max_connections),
                            " connections are open, as many as are allowed")),
        peer.text());
    return;
  }
  auto stream = TcpStream::adopt(loop_, std::move(socket), peer);
  if (!stream) {
    refused_.fetch_add(1, std::memory_order_relaxed);
    acceptor_.complain_of_failure(std::move(stream).error(), peer.text());
    return;
  }
  streams_.add(**stream);
  accepted_.fetch_add(1, std::memory_order_relaxed);
  open_.fetch_add(1, std::memory_order_relaxed);
  loop_.spawn(serve(gate_.enter(), *std::move(stream), peer));
}

Task<void> Server::serve(Gate::Pass pass, std::unique_ptr<Stream> stream, Address peer) {
  try {
    const Task<void> task = handler_(std::move(stream));
    co_await task;
  } catch (...) {
    failed_.fetch_add(1, std::memory_order_relaxed);
    tell(error_from(std::current_exception()), peer.text());
  }
  open_.fetch_sub(1, std::memory_order_relaxed);
  if (gate_.inside() == 1) all_left_.set();
  pass.leave();
}

void Server::tell(const skein::Error& error, const std::string& peer) {
  if (options_.on_error) options_.on_error(error, peer);
}

Task<void> Server::drain(std::int64_t timeout_ms) {
  acceptor_.close();
  stopping_.set();
  streams_.cancel_idle();
  if (gate_.inside() > 0) {
    all_left_.reset();
    const bool left = co_await all_left_.wait_ms(timeout_ms);
    if (!left) streams_.cancel_all();
  }
  co_await gate_.close();
}

ServerCounters Server::counters() const {
  return {.accepted = accepted_.load(std::memory_order_relaxed),
          .open = open_.load(std::memory_order_relaxed),
          .refused = refused_.load(std::memory_order_relaxed),
          .failed = failed_.load(std::memory_order_relaxed)};
}

}  // namespace socketserver
