// Part 5 of the tutorial, socketserver: the handler class of its server, behind blocking servers
// and event-driven ones, TCP and UDP; and its clients.
//
// usage: tutorial_socketserver serve KIND ADDR PORT    KIND: tcp, threading_tcp, udp,
// threading_udp,
//                                                      async_tcp, async_udp; PORT 0: any
//        tutorial_socketserver ask tcp|udp ADDR PORT TEXT...
//
// Every server says whose request it serves and what was sent, and answers in upper case. A text
// that is "fail" makes the handler throw: the server says so, and serves on.
#include <socketserver/socketserver.h>

#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <mutex>
#include <span>
#include <string>
#include <string_view>

namespace {

using socketserver::Address;
using socketserver::handler;
using socketserver::Socket;
using socketserver::Task;

struct AskedToFail : socketserver::Error {
  using Error::Error;
};

// The work, which is the same whatever carries it.
std::string answer_to(const Address& client, std::string text) {
  std::printf("%s %s\n", client.text().c_str(), text.c_str());
  std::fflush(stdout);
  if (text == "fail") throw AskedToFail("as it was asked to");
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

// The tutorial's handler: a loop of recv and send, for one connection. The tutorial's never ends;
// this one ends when the client does.
struct OfConnection : socketserver::BaseRequestHandler {
  void handle() override {
    while (true) {
      const std::string data = request.socket.recv(1024);
      if (data.empty()) return;
      request.socket.sendall(answer_to(client_address, data));
    }
  }
};

// For a datagram there is no loop: handle() is called once for each.
struct OfDatagram : socketserver::DatagramRequestHandler {
  void handle() override { reply(answer_to(client_address, packet)); }
};

// The same, event-driven: what may wait is awaited.
struct AsyncOfConnection : socketserver::AsyncStreamRequestHandler {
  Task<void> handle() override {
    while (auto chunk = co_await request.read_some()) {
      const std::string answer = answer_to(client_address, std::string(std::string_view(chunk)));
      co_await request.write_all(answer);
    }
  }
};

struct AsyncOfDatagram : socketserver::AsyncDatagramRequestHandler {
  Task<void> handle() override {
    reply(answer_to(client_address, std::string(packet.begin(), packet.end())));
    co_return;
  }
};

// handle_error() may be overridden; the one that is there prints the same to standard error.
template <class Server>
struct Telling : Server {
  using Server::Server;
  ~Telling() override { this->server_close(); }
  void handle_error(const socketserver::RequestFailure& failure) override {
    std::printf("handler failed: %s: %s\n", failure.type.c_str(), failure.message.c_str());
    std::fflush(stdout);
  }
};

void (*stop_serving)() = nullptr;

// Only SIGINT and SIGTERM end it.
template <class Server, class Factory>
void serve_with(const Address& address, Factory factory) {
  Telling<Server> server(address, factory);
  static Telling<Server>* serving = nullptr;
  serving = &server;
  stop_serving = [] { serving->shutdown(); };
  for (const int number : {SIGINT, SIGTERM}) {
    std::signal(number, [](int) { stop_serving(); });
  }
  std::printf("listening on %s\n", server.server_address().text().c_str());
  std::fflush(stdout);
  server.serve_forever();
  for (const int number : {SIGINT, SIGTERM}) std::signal(number, SIG_IGN);
  serving = nullptr;
}

bool serve(std::string_view kind, const Address& address) {
  if (kind == "tcp") {
    serve_with<socketserver::TCPServer>(address, handler<OfConnection>);
  } else if (kind == "threading_tcp") {
    serve_with<socketserver::ThreadingTCPServer>(address, handler<OfConnection>);
  } else if (kind == "udp") {
    serve_with<socketserver::UDPServer>(address, handler<OfDatagram>);
  } else if (kind == "threading_udp") {
    serve_with<socketserver::ThreadingUDPServer>(address, handler<OfDatagram>);
  } else if (kind == "async_tcp") {
    serve_with<socketserver::AsyncTCPServer>(address, handler<AsyncOfConnection>);
  } else if (kind == "async_udp") {
    serve_with<socketserver::AsyncUDPServer>(address, handler<AsyncOfDatagram>);
  } else {
    return false;
  }
  return true;
}

bool ask(std::string_view kind, const Address& address, std::span<char*> texts) {
  constexpr auto kPatience = std::chrono::seconds(20);
  if (kind != "tcp" && kind != "udp") return false;
  Socket client = kind == "tcp" ? Socket::connect(address, kPatience)
                                : Socket::connected_datagram(address, kPatience);
  for (const std::string_view text : texts) {
    std::string answer;
    if (kind == "udp") {
      client.send(text);
      answer = client.recvfrom().data;
    } else {
      client.sendall(text);
      // TCP keeps no boundaries: an answer is as long as what was asked, however it arrives.
      while (answer.size() < text.size()) {
        const std::string some = client.recv(text.size() - answer.size());
        if (some.empty()) throw socketserver::ConnectionClosed("the server hung up");
        answer += some;
      }
    }
    std::printf("%s\n", answer.c_str());
  }
  return true;
}

int run(int count, char** arguments) {
  const std::string_view what = count > 4 ? arguments[1] : "";
  bool known = false;
  if (what == "serve" || what == "ask") {
    const std::string_view number = arguments[4];
    std::uint16_t port = 0;
    std::from_chars(number.data(), number.data() + number.size(), port);
    const Address address(arguments[3], port);
    known = what == "serve"
                ? serve(arguments[2], address)
                : ask(arguments[2], address, std::span(arguments + 5, arguments + count));
  }
  if (known) return 0;
  std::fputs("usage: tutorial_socketserver serve KIND ADDR PORT | ask tcp|udp ADDR PORT TEXT...\n",
             stderr);
  return 2;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    return run(count, arguments);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tutorial_socketserver: error: %s\n", error.what());
    return 1;
  }
}
