// The yardstick of a verified transfer: one file over one connection, read, hashed and sent, and
// received, hashed and written, with the system's calls alone and nothing else: no names, no
// resume, no answer but the digest, nothing synced.
//
// bare_copy receive FILE            prints the port, takes one file, then prints its digest
// bare_copy send PORT FILE          to 127.0.0.1; prints the digest
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>
#include <xxhash.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <vector>

namespace {

constexpr std::size_t kPieceBytes = 1024 * 1024;

// Returns `result`, or ends the program when it is an error.
template <typename Number>
Number good(Number result, const char* doing) {
  if (result >= 0) return result;
  std::perror(doing);
  std::exit(1);
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

// Pacing, as BBR does it, halves what loopback carries.
void choose_cubic(int socket) {
  good(setsockopt(socket, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5), "choosing cubic");
}

void print_digest(const XXH3_state_t* state) {
  const XXH128_hash_t digest = XXH3_128bits_digest(state);
  std::printf("%016llx%016llx\n", static_cast<unsigned long long>(digest.high64),
              static_cast<unsigned long long>(digest.low64));
}

void receive(const char* path) {
  const int listener = good(socket(AF_INET, SOCK_STREAM, 0), "socket");
  choose_cubic(listener);
  sockaddr_in address = loopback(0);
  socklen_t size = sizeof address;
  good(bind(listener, reinterpret_cast<sockaddr*>(&address), size), "bind");
  good(listen(listener, 1), "listen");
  good(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
  std::printf("%u\n", static_cast<unsigned>(ntohs(address.sin_port)));
  std::fflush(stdout);

  const int peer = good(accept(listener, nullptr, nullptr), "accept");
  const int file = good(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644), "open");
  std::vector<char> piece(kPieceBytes);
  XXH3_state_t* state = XXH3_createState();
  XXH3_128bits_reset(state);
  off_t offset = 0;
  while (true) {
    const ssize_t got = good(recv(peer, piece.data(), piece.size(), 0), "recv");
    if (got == 0) break;
    XXH3_128bits_update(state, piece.data(), static_cast<std::size_t>(got));
    for (ssize_t written = 0; written < got;) {
      written += good(pwrite(file, piece.data() + written, static_cast<std::size_t>(got - written),
                             offset + written),
                      "pwrite");
    }
    offset += got;
  }
  print_digest(state);
  XXH3_freeState(state);
  good(close(file), "close");
}

void send(std::uint16_t port, const char* path) {
  const int file = good(open(path, O_RDONLY), "open");
  const int peer = good(socket(AF_INET, SOCK_STREAM, 0), "socket");
  choose_cubic(peer);
  const sockaddr_in address = loopback(port);
  good(connect(peer, reinterpret_cast<const sockaddr*>(&address), sizeof address), "connect");
  std::vector<char> piece(kPieceBytes);
  XXH3_state_t* state = XXH3_createState();
  XXH3_128bits_reset(state);
  off_t offset = 0;
  while (true) {
    const ssize_t got = good(pread(file, piece.data(), piece.size(), offset), "pread");
    if (got == 0) break;
    offset += got;
    XXH3_128bits_update(state, piece.data(), static_cast<std::size_t>(got));
    for (ssize_t sent = 0; sent < got;) {
      sent +=
          good(::send(peer, piece.data() + sent, static_cast<std::size_t>(got - sent), 0), "send");
    }
  }
  print_digest(state);
  XXH3_freeState(state);
  good(shutdown(peer, SHUT_WR), "shutdown");
  char end = 0;
  good(recv(peer, &end, 1, 0), "recv");  // until the other side has everything, and hangs up
}

}  // namespace

int main(int count, char** arguments) {
  const std::string_view what = count > 1 ? arguments[1] : "";
  if (what == "receive" && count == 3) {
    receive(arguments[2]);
  } else if (what == "send" && count == 4) {
    send(static_cast<std::uint16_t>(std::atoi(arguments[2])), arguments[3]);
  } else {
    std::fputs("usage: bare_copy receive FILE | send PORT FILE\n", stderr);
    return 2;
  }
  return 0;
}
