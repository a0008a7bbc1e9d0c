// The yardstick of TCP: an upper-case echo with nothing around it, one thread, one epoll loop,
// level-triggered, one buffer, one recv and one send per request.
//
// usage: bare_epoll ADDR:PORT; prints "listening on ADDR:PORT", then serves until killed
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>

namespace {

constexpr std::size_t kBufferBytes = 64 * 1024;

int good(int result, const char* doing) {
  if (result >= 0) return result;
  std::perror(doing);
  std::exit(1);
}

void to_upper(std::span<char> text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
}

void watch(int epoll, int fd) {
  epoll_event wanted{};
  wanted.events = EPOLLIN;
  wanted.data.fd = fd;
  good(epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &wanted), "epoll_ctl");
}

void accept_all(int epoll, int listener) {
  while (true) {
    const int peer = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (peer < 0) return;
    const int on = 1;
    setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    watch(epoll, peer);
  }
}

void answer(int peer, char* buffer) {
  const ssize_t got = recv(peer, buffer, kBufferBytes, 0);
  if (got <= 0) {
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) return;
    close(peer);
    return;
  }
  to_upper({buffer, static_cast<std::size_t>(got)});
  // What does not fit is lost with the connection: a yardstick measures, it does not serve.
  if (send(peer, buffer, static_cast<std::size_t>(got), MSG_NOSIGNAL) != got) close(peer);
}

}  // namespace

int main(int count, char** arguments) {
  const std::string where = count > 1 ? arguments[1] : "127.0.0.1:0";
  const std::size_t colon = where.rfind(':');
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(where.c_str() + colon + 1)));
  if (inet_pton(AF_INET, where.substr(0, colon).c_str(), &address.sin_addr) != 1) return 2;

  const int listener = good(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0), "socket");
  const int on = 1;
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  socklen_t size = sizeof address;
  good(bind(listener, reinterpret_cast<sockaddr*>(&address), size), "bind");
  good(listen(listener, 4096), "listen");
  good(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
  std::printf("listening on %s:%u\n", where.substr(0, colon).c_str(),
              static_cast<unsigned>(ntohs(address.sin_port)));
  std::fflush(stdout);

  const int epoll = good(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
  watch(epoll, listener);
  static std::array<char, kBufferBytes> buffer;
  std::array<epoll_event, 128> events{};
  while (true) {
    const int ready = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
    for (int i = 0; i < ready; ++i) {
      const int fd = events[static_cast<std::size_t>(i)].data.fd;
      if (fd == listener) {
        accept_all(epoll, listener);
      } else {
        answer(fd, buffer.data());
      }
    }
  }
}
