// Part 4 of the tutorial: what tells TCP from UDP, side by side, on this machine alone. The program
// beside it, tcp_vs_udp.py, shows the same in Python; both print the same lines.
//
// usage: tutorial_tcp_vs_udp
#include <dirent.h>
#include <socketserver/socketserver.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using socketserver::Address;
using socketserver::Socket;

constexpr auto kPatience = std::chrono::seconds(20);

void heading(const char* text) {
  std::printf("== %s\n", text);
}
void row(const char* tcp, const char* udp) {
  std::printf("  tcp  %s\n  udp  %s\n", tcp, udp);
}

// Hands every connection that comes to whoever asks, as accept() does: for lessons that want the
// server's end itself.
class Listener {
 public:
  struct Hand : socketserver::BaseRequestHandler {
    explicit Hand(Listener& of) : listener(of) {}
    // Out of the server's hands: it shall neither close it nor wait for it.
    void handle() override { listener.taken_ = Socket(request.socket.release()); }
    Listener& listener;
  };

  Listener() : server_(Address::loopback(), [this] { return std::make_unique<Hand>(*this); }) {}
  [[nodiscard]] Address address() const { return server_.server_address(); }
  [[nodiscard]] Socket accept() {
    server_.handle_request();
    taken_.set_timeout(kPatience);
    return std::move(taken_);
  }

 private:
  Socket taken_;
  socketserver::TCPServer server_;
};

Address where_nobody_listens() {
  const Listener gone;
  return gone.address();
}

void connection_or_none() {
  heading("a connection, or none");
  const Address nobody = where_nobody_listens();
  const char* tcp = "connects to nobody";
  try {
    static_cast<void>(Socket::connect(nobody, kPatience));
  } catch (const socketserver::ConnectionRefused&) {
    tcp = "is refused before a byte is sent";
  }
  Socket udp = Socket::datagram(Address::loopback());
  udp.sendto("hello", nobody);
  row(tcp, "sends, and hears nothing");
}

std::string received(Socket& from, std::size_t bytes) {
  std::string all;
  while (all.size() < bytes) {
    const std::string some = from.recv(1024);
    if (some.empty()) break;
    all += some;
  }
  return all;
}

void stream_or_datagrams() {
  heading("a stream, or datagrams");
  Listener listener;
  Socket client = Socket::connect(listener.address(), kPatience);
  for (int i = 0; i < 3; ++i) client.sendall("hello");
  client.shutdown_write();
  Socket server = listener.accept();
  const std::string stream = received(server, 1024);

  Socket there = Socket::datagram(Address::loopback(), kPatience);
  Socket here = Socket::datagram(Address::loopback());
  for (int i = 0; i < 3; ++i) here.sendto("hello", there.local_address());
  std::string datagrams;
  for (int i = 0; i < 3; ++i) datagrams += "[" + there.recvfrom(1024).data + "]";
  row(("[" + stream + "]").c_str(), datagrams.c_str());
}

// A receiver that does not read for a while: TCP makes the sender wait, UDP drops.
void whole_or_lossy() {
  heading("all of it in order, or what there was room for");
  constexpr int kNumbers = 5000;
  constexpr std::size_t kSize = 1000;
  const auto piece = [](int number) {
    std::string text = std::to_string(number);
    return text.append(kSize - text.size(), '.');
  };

  Listener listener;
  Socket client = Socket::connect(listener.address(), kPatience);
  std::jthread sender([&] {
    for (int i = 0; i < kNumbers; ++i) client.sendall(piece(i));
    client.shutdown_write();
  });
  Socket server = listener.accept();
  int in_order = 0;
  std::string next(kSize, '\0');
  while (in_order < kNumbers) {
    next.clear();
    while (next.size() < kSize) {
      const std::string some = server.recv(kSize - next.size());
      if (some.empty()) break;
      next += some;
    }
    if (next != piece(in_order)) break;
    ++in_order;
  }
  sender.join();

  Socket there = Socket::datagram(Address::loopback(), std::chrono::milliseconds(200));
  Socket here = Socket::datagram(Address::loopback());
  for (int i = 0; i < kNumbers; ++i) here.sendto(piece(i), there.local_address());
  int came = 0;
  try {
    for (; came < kNumbers; ++came) static_cast<void>(there.recvfrom());
  } catch (const socketserver::TimeoutError&) {
    // Nothing more is on the way.
  }
  row(in_order == kNumbers ? "all 5000, in order" : "not all",
      came < kNumbers ? "fewer than 5000, and no error" : "all 5000");
}

int open_descriptors() {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir("/proc/self/fd"), &closedir);
  int count = 0;
  while (readdir(folder.get()) != nullptr) ++count;
  return count;
}

// What a server of 50 clients has open for them.
void much_or_little() {
  heading("what 50 clients cost the server");
  constexpr int kClients = 50;
  std::vector<Socket> clients;
  std::vector<Socket> ends;
  clients.reserve(kClients);
  ends.reserve(kClients);
  Listener listener;
  for (int i = 0; i < kClients; ++i) {
    clients.push_back(Socket::connect(listener.address(), kPatience));
  }
  int before = open_descriptors();
  for (int i = 0; i < kClients; ++i) ends.push_back(listener.accept());
  const int tcp = open_descriptors() - before;

  Socket server = Socket::datagram(Address::loopback(), kPatience);
  std::vector<Socket> senders;
  senders.reserve(kClients);
  for (int i = 0; i < kClients; ++i) senders.push_back(Socket::datagram(Address::loopback()));
  before = open_descriptors();
  for (Socket& sender : senders) {
    sender.sendto("hello", server.local_address());
    const socketserver::Datagram got = server.recvfrom();
    server.sendto(got.data, got.from);
  }
  const int udp = open_descriptors() - before;
  row((std::to_string(tcp) + " sockets more").c_str(),
      (std::to_string(udp) + " sockets more").c_str());
}

}  // namespace

int main() {
  try {
    connection_or_none();
    stream_or_datagrams();
    whole_or_lossy();
    much_or_little();
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tutorial_tcp_vs_udp: error: %s\n", error.what());
    return 1;
  }
}
