// libuv at its best: an upper-case echo of UDP, datagrams received by the batch (recvmmsg), each
// answer tried at once.
//
// usage: libuv_udp ADDR:PORT; prints "listening on ADDR:PORT", then serves until killed
#include <netinet/in.h>
#include <uv.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>

namespace {

// As many as libuv takes at once, each with the room that it gives a datagram.
constexpr std::size_t kBatch = 20;
constexpr std::size_t kBytes = 65'536;

std::array<char, kBatch * kBytes> shared_buffer;

void good(int result, const char* doing) {
  if (result >= 0) return;
  std::fprintf(stderr, "%s: %s\n", doing, uv_strerror(result));
  std::exit(1);
}

void to_upper(std::span<char> text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
}

void lend_buffer(uv_handle_t* /*handle*/, std::size_t /*suggested*/, uv_buf_t* buffer) {
  *buffer = uv_buf_init(shared_buffer.data(), shared_buffer.size());
}

void answer(uv_udp_t* socket, ssize_t got, const uv_buf_t* buffer, const sockaddr* peer,
            unsigned /*flags*/) {
  if (got < 0 || peer == nullptr) return;  // no peer: the batch is at its end
  to_upper({buffer->base, static_cast<std::size_t>(got)});
  const uv_buf_t text = uv_buf_init(buffer->base, static_cast<unsigned>(got));
  // What does not fit is lost, as datagrams may be.
  uv_udp_try_send(socket, &text, 1, peer);
}

}  // namespace

int main(int count, char** arguments) {
  const std::string where = count > 1 ? arguments[1] : "127.0.0.1:0";
  const std::size_t colon = where.rfind(':');
  sockaddr_in address{};
  if (uv_ip4_addr(where.substr(0, colon).c_str(), std::atoi(where.c_str() + colon + 1), &address)) {
    return 2;
  }

  uv_loop_t* const loop = uv_default_loop();
  uv_udp_t socket{};
  good(uv_udp_init_ex(loop, &socket, AF_INET | UV_UDP_RECVMMSG), "uv_udp_init_ex");
  good(uv_udp_bind(&socket, reinterpret_cast<sockaddr*>(&address), 0), "uv_udp_bind");
  good(uv_udp_using_recvmmsg(&socket) == 1 ? 0 : UV_ENOTSUP, "recvmmsg");
  good(uv_udp_recv_start(&socket, lend_buffer, answer), "uv_udp_recv_start");
  int size = sizeof address;
  good(uv_udp_getsockname(&socket, reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
  std::printf("listening on %s:%u\n", where.substr(0, colon).c_str(),
              static_cast<unsigned>(ntohs(address.sin_port)));
  std::fflush(stdout);
  return uv_run(loop, UV_RUN_DEFAULT);
}
