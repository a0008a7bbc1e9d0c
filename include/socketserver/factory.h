// How a server makes its handlers. Any thread.
#pragma once

#include <memory>

namespace socketserver {

// `TCPServer server(address, handler<Upper>)`: a new Upper for each request, made with no
// arguments. For one that takes some write a lambda: [&] { return std::make_unique<Upper>(table); }
template <class Handler>
[[nodiscard]] std::unique_ptr<Handler> handler() {
  return std::make_unique<Handler>();
}

}  // namespace socketserver
