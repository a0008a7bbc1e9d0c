// The yardstick of UDP: an upper-case echo with nothing around it, one thread, datagrams received
// and sent by the batch.
//
// usage: bare_mmsg ADDR:PORT; prints "listening on ADDR:PORT", then serves until killed
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace {

constexpr std::size_t kBatch = 64;
constexpr std::size_t kBytes = 65'536;

int good(int result, const char* doing) {
  if (result >= 0) return result;
  std::perror(doing);
  std::exit(1);
}

}  // namespace

int main(int count, char** arguments) {
  const std::string where = count > 1 ? arguments[1] : "127.0.0.1:0";
  const std::size_t colon = where.rfind(':');
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(where.c_str() + colon + 1)));
  if (inet_pton(AF_INET, where.substr(0, colon).c_str(), &address.sin_addr) != 1) return 2;

  const int socket = good(::socket(AF_INET, SOCK_DGRAM, 0), "socket");
  socklen_t size = sizeof address;
  good(bind(socket, reinterpret_cast<sockaddr*>(&address), size), "bind");
  good(getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
  std::printf("listening on %s:%u\n", where.substr(0, colon).c_str(),
              static_cast<unsigned>(ntohs(address.sin_port)));
  std::fflush(stdout);

  std::vector<char> bytes(kBatch * kBytes);
  std::array<sockaddr_storage, kBatch> peers{};
  std::array<iovec, kBatch> vectors{};
  std::array<mmsghdr, kBatch> messages{};
  while (true) {
    for (std::size_t i = 0; i < kBatch; ++i) {
      vectors[i] = {bytes.data() + i * kBytes, kBytes};
      messages[i] = {};
      messages[i].msg_hdr.msg_iov = &vectors[i];
      messages[i].msg_hdr.msg_iovlen = 1;
      messages[i].msg_hdr.msg_name = &peers[i];
      messages[i].msg_hdr.msg_namelen = sizeof peers[i];
    }
    const int got = recvmmsg(socket, messages.data(), kBatch, MSG_WAITFORONE, nullptr);
    if (got < 0 && errno != EINTR) return 1;
    for (int i = 0; i < got; ++i) {
      mmsghdr& message = messages[static_cast<std::size_t>(i)];
      char* const text = static_cast<char*>(message.msg_hdr.msg_iov->iov_base);
      for (unsigned j = 0; j < message.msg_len; ++j) {
        if (text[j] >= 'a' && text[j] <= 'z') text[j] = static_cast<char>(text[j] - 32);
      }
      message.msg_hdr.msg_iov->iov_len = message.msg_len;
    }
    for (int sent = 0; sent < got;) {
      const int put =
          sendmmsg(socket, messages.data() + sent, static_cast<unsigned>(got - sent), 0);
      sent += put > 0 ? put : 1;
    }
  }
}
