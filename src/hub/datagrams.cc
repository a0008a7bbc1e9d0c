#include "hub/datagrams.h"

#include <utility>

#include "base/bytes.h"

namespace skein::hub {

using socketserver::DatagramSocket;
using socketserver::Task;

Result<std::unique_ptr<Datagrams>> Datagrams::listen(Context& context, Random& random,
                                                     const socketserver::Address& near) {
  TRY_ASSIGN(auto socket, DatagramSocket::bind(context.loop, near));
  return std::unique_ptr<Datagrams>(new Datagrams(context, random, std::move(socket)));
}

Datagrams::Datagrams(Context& context, Random& random, std::unique_ptr<DatagramSocket> socket)
    : loop_(context.loop),
      socket_(std::move(socket)),
      probes_(context.loop.clock(), random, *socket_),
      guests_(context, random, *socket_) {}

Task<void> Datagrams::serve() {
  while (true) {
    const auto waited = co_await socket_->wait_readable(-1);
    if (!waited) break;
    const auto got = socket_->receive_now(batch_);
    if (got) {
      probes_.answer(batch_);
      for (std::size_t i = 0; i < batch_.size(); ++i) {
        const std::string_view text = as_text(batch_.bytes(i));
        if (text.starts_with('\0')) continue;
        guests_.take(batch_.peer(i), text, batch_.sent_bytes(i));
      }
    }
    // One batch, then the connections have their turn: a flood of datagrams must not starve them.
    co_await loop_.yield();
  }
  co_await guests_.close();
}

}  // namespace skein::hub
