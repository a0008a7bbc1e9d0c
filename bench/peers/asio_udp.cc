// Asio as its own examples use it: an upper-case echo of UDP, one coroutine, one thread.
//
// usage: asio_udp ADDR:PORT; prints "listening on ADDR:PORT", then serves until killed
#include <array>
#include <boost/asio.hpp>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <span>
#include <string>

namespace {

namespace asio = boost::asio;
using asio::ip::udp;

constexpr std::size_t kBytes = 65'536;

void to_upper(std::span<char> text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
}

asio::awaitable<void> echo(udp::socket* socket) {
  std::array<char, kBytes> buffer;
  const asio::mutable_buffer whole = asio::buffer(buffer);
  udp::endpoint peer;
  while (true) {
    const std::size_t got = co_await socket->async_receive_from(whole, peer, asio::use_awaitable);
    to_upper({buffer.data(), got});
    const asio::const_buffer text(buffer.data(), got);
    co_await socket->async_send_to(text, peer, asio::use_awaitable);
  }
}

}  // namespace

int main(int count, char** arguments) {
  const std::string where = count > 1 ? arguments[1] : "127.0.0.1:0";
  const std::size_t colon = where.rfind(':');
  try {
    asio::io_context context(1);
    const udp::endpoint endpoint(asio::ip::make_address(where.substr(0, colon)),
                                 static_cast<std::uint16_t>(std::atoi(where.c_str() + colon + 1)));
    udp::socket socket(context, endpoint);
    std::printf("listening on %s:%u\n", where.substr(0, colon).c_str(),
                static_cast<unsigned>(socket.local_endpoint().port()));
    std::fflush(stdout);
    asio::co_spawn(context, echo(&socket), asio::detached);
    context.run();
    std::fputs("asio_udp: error: the socket failed\n", stderr);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "asio_udp: error: %s\n", error.what());
  }
  return 1;
}
