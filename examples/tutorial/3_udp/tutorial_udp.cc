// Part 3 of the tutorial, UDP, with the library's sockets and server.
//
// usage: tutorial_udp show                      each of its properties, on this machine alone
//        tutorial_udp serve ADDR PORT           answers every datagram in upper case; PORT 0: any
//        tutorial_udp ask ADDR PORT TEXT...     a datagram for each text, and its answer
//        tutorial_udp send ADDR PORT TEXT...    the same without waiting for any answer
#include <socketserver/socketserver.h>

#include <charconv>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <exception>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace {

using socketserver::Address;
using socketserver::Socket;

constexpr auto kPatience = std::chrono::seconds(20);

std::string upper(std::string text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  return text;
}

struct Upper : socketserver::DatagramRequestHandler {
  void handle() override { reply(upper(packet)); }
};

// What stands in the output is what the tutorial claims, so it is printed as a reader would.
void heading(const char* text) {
  std::printf("== %s\n", text);
}
void line(const char* what, const std::string& value) {
  std::printf("  %-10s %s\n", what, value.c_str());
}

void three_are_three() {
  heading("three datagrams are three receives");
  const Address here = Address::loopback();
  Socket server = Socket::datagram(here, kPatience);
  Socket client = Socket::datagram(here);
  for (int i = 0; i < 3; ++i) client.sendto("hello", server.local_address());
  for (int i = 0; i < 3; ++i) line("received", "'" + server.recvfrom(1024).data + "'");
}

void empty_arrives() {
  heading("an empty datagram arrives");
  Socket server = Socket::datagram(Address::loopback(), kPatience);
  Socket client = Socket::datagram(Address::loopback());
  client.sendto("", server.local_address());
  client.sendto("after it", server.local_address());
  for (int i = 0; i < 2; ++i) {
    const socketserver::Datagram got = server.recvfrom(1024);
    line("received", std::to_string(got.data.size()) + " bytes");
  }
}

void too_long_is_cut() {
  heading("one that is longer than was asked for is cut, and the rest is gone");
  Socket server = Socket::datagram(Address::loopback(), kPatience);
  Socket client = Socket::datagram(Address::loopback());
  client.sendto("0123456789", server.local_address());
  client.sendto("next", server.local_address());
  for (int i = 0; i < 2; ++i) {
    const socketserver::Datagram got = server.recvfrom(4);
    line("received", "'" + got.data + (got.truncated ? "', cut" : "', whole"));
  }
}

void nobody_listens() {
  heading("sending where nobody listens");
  Address nobody;
  {
    const Socket gone = Socket::datagram(Address::loopback());
    nobody = gone.local_address();
  }
  Socket free = Socket::datagram(Address::loopback(), std::chrono::milliseconds(50));
  for (int i = 0; i < 3; ++i) free.sendto("anybody?", nobody);
  line("sender", "no error");
  try {
    static_cast<void>(free.recvfrom());
  } catch (const socketserver::TimeoutError&) {
    line("sender", "no answer either");
  }
  Socket connected = Socket::connected_datagram(nobody, kPatience);
  connected.send("anybody?");
  try {
    static_cast<void>(connected.recvfrom());
  } catch (const socketserver::ConnectionRefused& error) {
    line("connected", error.kind());
  }
}

// A receiver that is slow, and a sender that does not care: what there is no room for is dropped
// by the system, and only the numbers in the datagrams show it.
void loss_is_the_callers_matter() {
  heading("a lost datagram is the caller's matter");
  Socket server = Socket::datagram(Address::loopback(), std::chrono::milliseconds(200));
  Socket client = Socket::datagram(Address::loopback());
  constexpr int kSent = 5000;
  const std::string filler(1000, '.');
  for (int i = 0; i < kSent; ++i) {
    client.sendto(std::to_string(i) + filler, server.local_address());
  }
  line("sender", "no error");
  std::set<int> came;
  try {
    for (int i = 0; i < kSent; ++i) came.insert(std::stoi(server.recvfrom().data));
  } catch (const socketserver::TimeoutError&) {
    // Nothing more is on the way.
  }
  const bool lost = came.size() < kSent;
  line("received", lost ? "fewer than were sent" : "all that were sent");
  // Who needs them asks for what is missing, by number.
  std::vector<int> missing;
  for (int i = 0; i < kSent; ++i) {
    if (!came.contains(i)) missing.push_back(i);
  }
  for (const int number : missing) {
    client.sendto(std::to_string(number) + filler, server.local_address());
    came.insert(std::stoi(server.recvfrom().data));
  }
  line("asked again", came.size() == kSent ? "all are here" : "some are missing still");
}

socketserver::BaseServer* serving = nullptr;

void serve(const Address& address) {
  socketserver::ThreadingUDPServer server(address, socketserver::handler<Upper>);
  serving = &server;
  for (const int number : {SIGINT, SIGTERM}) {
    std::signal(number, [](int) { serving->shutdown(); });
  }
  std::printf("listening on %s\n", server.server_address().text().c_str());
  std::fflush(stdout);
  server.serve_forever();
}

void ask(const Address& address, std::span<char*> texts, bool wait) {
  Socket client = Socket::connected_datagram(address, kPatience);
  for (const char* const text : texts) {
    client.send(text);
    if (wait) std::printf("%s\n", client.recvfrom().data.c_str());
  }
}

Address address_of(char** arguments) {
  const std::string_view number = arguments[3];
  std::uint16_t port = 0;
  std::from_chars(number.data(), number.data() + number.size(), port);
  return {arguments[2], port};
}

int run(int count, char** arguments) {
  const std::string_view what = count > 1 ? arguments[1] : "";
  if (what == "show" && count == 2) {
    three_are_three();
    empty_arrives();
    too_long_is_cut();
    nobody_listens();
    loss_is_the_callers_matter();
  } else if (what == "serve" && count == 4) {
    serve(address_of(arguments));
  } else if ((what == "ask" || what == "send") && count > 4) {
    ask(address_of(arguments), std::span(arguments + 4, arguments + count), what == "ask");
  } else {
    std::fputs("usage: tutorial_udp show | serve ADDR PORT | ask|send ADDR PORT TEXT...\n", stderr);
    return 2;
  }
  return 0;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    return run(count, arguments);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tutorial_udp: error: %s\n", error.what());
    return 1;
  }
}
