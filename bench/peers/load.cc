// The load of the echo measurements: many clients in one thread, which check what comes back.
//
// usage: load tcp PORT CONNECTIONS IN_FLIGHT REQUESTS   prints requests per second
//        load udp PORT CLIENTS IN_FLIGHT REQUESTS       prints answered per second, and lost
//        load idle PORT CONNECTIONS                     connects, prints "idle", until its input
//        ends load churn PORT CONNECTIONS ROUNDS             comes, asks once and goes; prints per
//        second
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kBytes = 64;  // of a request
constexpr std::size_t kMaxInFlight = 64;
constexpr int kPatienceMs = 200;  // for a datagram, before it counts as lost

int good(int result, const char* doing) {
  if (result >= 0) return result;
  std::perror(doing);
  std::exit(1);
}

[[noreturn]] void wrong(const char* what) {
  std::fprintf(stderr, "load: %s\n", what);
  std::exit(1);
}

std::array<char, kBytes * kMaxInFlight> filled(char with) {
  std::array<char, kBytes * kMaxInFlight> all{};
  all.fill(with);
  return all;
}

const std::array<char, kBytes * kMaxInFlight> kQuestions = filled('q');
const std::array<char, kBytes * kMaxInFlight> kAnswers = filled('Q');

int connected(int type, std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = good(socket(AF_INET, type | SOCK_CLOEXEC, 0), "socket");
  // A new port for every connection runs out soon, so they come from several addresses.
  static unsigned next = 0;
  sockaddr_in own{};
  own.sin_family = AF_INET;
  own.sin_addr.s_addr = htonl(INADDR_LOOPBACK + next++ % 8);
  const int on = 1;
  setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  good(bind(fd, reinterpret_cast<sockaddr*>(&own), sizeof own), "bind");
  good(connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), "connect");
  if (type == SOCK_STREAM) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}

struct Client {
  int fd = -1;
  std::size_t waiting = 0;  // bytes (TCP), datagrams (UDP)
};

void watch_all(int epoll, std::vector<Client>& clients) {
  for (Client& client : clients) {
    epoll_event wanted{};
    wanted.events = EPOLLIN;
    wanted.data.ptr = &client;
    good(epoll_ctl(epoll, EPOLL_CTL_ADD, client.fd, &wanted), "epoll_ctl");
  }
}

double seconds_since(Clock::time_point started) {
  return std::chrono::duration<double>(Clock::now() - started).count();
}

// Each connection sends IN_FLIGHT requests at once, and the next when all are answered.
void tcp(std::uint16_t port, std::size_t count, std::size_t in_flight, std::size_t requests) {
  std::vector<Client> clients(count);
  for (Client& client : clients) client.fd = connected(SOCK_STREAM, port);
  const int epoll = good(epoll_create1(0), "epoll_create1");
  watch_all(epoll, clients);
  const std::size_t batch = in_flight * kBytes;
  const auto ask = [&](Client& client) {
    if (send(client.fd, kQuestions.data(), batch, MSG_NOSIGNAL) != static_cast<ssize_t>(batch)) {
      wrong("a send was short");
    }
    client.waiting = batch;
  };
  const auto started = Clock::now();
  for (Client& client : clients) ask(client);
  std::array<epoll_event, 128> events{};
  std::array<char, kBytes * kMaxInFlight> buffer{};
  for (std::size_t answered = 0; answered < requests;) {
    const int ready = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), 10'000);
    if (ready == 0) wrong("no answer for ten seconds");
    for (int i = 0; i < ready; ++i) {
      Client& client = *static_cast<Client*>(events[static_cast<std::size_t>(i)].data.ptr);
      const ssize_t got = recv(client.fd, buffer.data(), buffer.size(), 0);
      if (got <= 0) wrong("a connection was lost");
      const auto size = static_cast<std::size_t>(got);
      if (size > client.waiting || std::memcmp(buffer.data(), kAnswers.data(), size) != 0) {
        wrong("an answer is not what was asked, in upper case");
      }
      client.waiting -= size;
      if (client.waiting > 0) continue;
      answered += in_flight;
      ask(client);
    }
  }
  std::printf("%.0f\n", static_cast<double>(requests) / seconds_since(started));
  for (const Client& client : clients) close(client.fd);
}

void ask_datagrams(Client& client, std::size_t count) {
  std::array<iovec, kMaxInFlight> vectors{};
  std::array<mmsghdr, kMaxInFlight> messages{};
  for (std::size_t i = 0; i < count; ++i) {
    vectors[i] = {const_cast<char*>(kQuestions.data()), kBytes};
    messages[i].msg_hdr.msg_iov = &vectors[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  const int sent = sendmmsg(client.fd, messages.data(), static_cast<unsigned>(count), 0);
  client.waiting += static_cast<std::size_t>(std::max(sent, 0));
}

std::size_t take_datagrams(Client& client) {
  std::array<std::array<char, kBytes>, kMaxInFlight> bytes{};
  std::array<iovec, kMaxInFlight> vectors{};
  std::array<mmsghdr, kMaxInFlight> messages{};
  for (std::size_t i = 0; i < kMaxInFlight; ++i) {
    vectors[i] = {bytes[i].data(), kBytes};
    messages[i].msg_hdr.msg_iov = &vectors[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  const int got = recvmmsg(client.fd, messages.data(), kMaxInFlight, MSG_DONTWAIT, nullptr);
  for (int i = 0; i < got; ++i) {
    if (messages[static_cast<std::size_t>(i)].msg_len != kBytes || bytes[0][0] != 'Q') {
      wrong("an answer is not what was asked, in upper case");
    }
  }
  const auto count = static_cast<std::size_t>(std::max(got, 0));
  client.waiting -= std::min(client.waiting, count);
  return count;
}

void udp(std::uint16_t port, std::size_t count, std::size_t in_flight, std::size_t requests) {
  std::vector<Client> clients(count);
  for (Client& client : clients) client.fd = connected(SOCK_DGRAM, port);
  const int epoll = good(epoll_create1(0), "epoll_create1");
  watch_all(epoll, clients);
  const auto started = Clock::now();
  std::size_t answered = 0;
  std::size_t lost = 0;
  for (Client& client : clients) ask_datagrams(client, in_flight);
  std::array<epoll_event, 128> events{};
  while (answered + lost < requests) {
    const int ready =
        epoll_wait(epoll, events.data(), static_cast<int>(events.size()), kPatienceMs);
    for (int i = 0; i < ready; ++i) {
      Client& client = *static_cast<Client*>(events[static_cast<std::size_t>(i)].data.ptr);
      answered += take_datagrams(client);
      if (client.waiting < in_flight) ask_datagrams(client, in_flight - client.waiting);
    }
    if (ready > 0) continue;
    for (Client& client : clients) {
      lost += std::exchange(client.waiting, 0);
      ask_datagrams(client, in_flight);
    }
  }
  std::printf("%.0f %zu %zu\n", static_cast<double>(answered) / seconds_since(started), answered,
              lost);
}

void idle(std::uint16_t port, std::size_t count) {
  std::vector<int> fds;
  fds.reserve(count);
  for (std::size_t i = 0; i < count; ++i) fds.push_back(connected(SOCK_STREAM, port));
  // The last one is answered, so all before it are accepted.
  char answer = 0;
  if (send(fds.back(), "q", 1, 0) != 1 || recv(fds.back(), &answer, 1, 0) != 1) wrong("no answer");
  std::puts("idle");
  std::fflush(stdout);
  while (read(STDIN_FILENO, &answer, 1) > 0) continue;
}

void churn(std::uint16_t port, std::size_t count, std::size_t rounds) {
  const auto started = Clock::now();
  for (std::size_t round = 0; round < rounds; ++round) {
    std::vector<int> fds;
    fds.reserve(count);
    for (std::size_t i = 0; i < count; ++i) fds.push_back(connected(SOCK_STREAM, port));
    for (std::size_t i = 0; i < count; ++i) {
      // Some only come, some go by reset, some ask for what makes the handler throw ('!').
      if (i % 7 == 3) continue;
      const char* const text = i % 5 == 4 ? "!" : kQuestions.data();
      if (send(fds[i], text, 1, MSG_NOSIGNAL) != 1) wrong("a send was short");
    }
    for (std::size_t i = 0; i < count; ++i) {
      char answer = 0;
      if (i % 7 != 3 && i % 5 != 4 && i % 3 != 2) {
        if (recv(fds[i], &answer, 1, 0) != 1 || answer != 'Q') wrong("no answer");
      }
      if (i % 3 == 1) {
        const linger at_once{.l_onoff = 1, .l_linger = 0};
        setsockopt(fds[i], SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
      }
      close(fds[i]);
    }
  }
  std::printf("%.0f\n", static_cast<double>(count * rounds) / seconds_since(started));
}

}  // namespace

int main(int count, char** arguments) {
  const auto number = [&](int i) {
    return i < count ? static_cast<std::size_t>(std::strtoull(arguments[i], nullptr, 10)) : 0;
  };
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  const std::string_view what = count > 1 ? arguments[1] : "";
  const auto port = static_cast<std::uint16_t>(number(2));
  const std::size_t in_flight = std::min(std::max<std::size_t>(number(4), 1), kMaxInFlight);
  if (what == "tcp" && count == 6) {
    tcp(port, number(3), in_flight, number(5));
  } else if (what == "udp" && count == 6) {
    udp(port, number(3), in_flight, number(5));
  } else if (what == "idle" && count == 4) {
    idle(port, number(3));
  } else if (what == "churn" && count == 5) {
    churn(port, number(3), number(4));
  } else {
    std::fputs(
        "usage: load tcp|udp PORT CONNECTIONS IN_FLIGHT REQUESTS | idle PORT CONNECTIONS |\n"
        "       churn PORT CONNECTIONS ROUNDS\n",
        stderr);
    return 2;
  }
  return 0;
}
