// Asio as its own examples use it: an upper-case echo of TCP, a coroutine for each connection, one
// thread.
//
// usage: asio_tcp ADDR:PORT; prints "listening on ADDR:PORT", then serves until killed
#include <array>
#include <boost/asio.hpp>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <span>
#include <string>
#include <utility>

namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

constexpr std::size_t kBufferBytes = 4096;

void to_upper(std::span<char> text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
}

asio::awaitable<void> echo(tcp::socket peer) {
  std::array<char, kBufferBytes> buffer;
  const asio::mutable_buffer whole = asio::buffer(buffer);
  try {
    while (true) {
      const std::size_t got = co_await peer.async_read_some(whole, asio::use_awaitable);
      to_upper({buffer.data(), got});
      const asio::const_buffer text(buffer.data(), got);
      co_await asio::async_write(peer, text, asio::use_awaitable);
    }
  } catch (const boost::system::system_error&) {
    // The client is gone.
  }
}

asio::awaitable<void> serve(tcp::acceptor* acceptor) {
  while (true) {
    tcp::socket peer = co_await acceptor->async_accept(asio::use_awaitable);
    peer.set_option(tcp::no_delay(true));
    asio::co_spawn(acceptor->get_executor(), echo(std::move(peer)), asio::detached);
  }
}

}  // namespace

int main(int count, char** arguments) {
  const std::string where = count > 1 ? arguments[1] : "127.0.0.1:0";
  const std::size_t colon = where.rfind(':');
  try {
    asio::io_context context(1);
    const tcp::endpoint endpoint(asio::ip::make_address(where.substr(0, colon)),
                                 static_cast<std::uint16_t>(std::atoi(where.c_str() + colon + 1)));
    tcp::acceptor acceptor(context, endpoint);
    acceptor.listen(4096);
    std::printf("listening on %s:%u\n", where.substr(0, colon).c_str(),
                static_cast<unsigned>(acceptor.local_endpoint().port()));
    std::fflush(stdout);
    asio::co_spawn(context, serve(&acceptor), [](std::exception_ptr failure) {
      if (failure) std::rethrow_exception(failure);
    });
    context.run();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "asio_tcp: error: %s\n", error.what());
    return 1;
  }
  return 0;
}
