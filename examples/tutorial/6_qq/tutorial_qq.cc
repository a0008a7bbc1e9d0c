// The tutorial's part 6 with the library: a small QQ. Everybody hears everybody, and the operator
// types when he likes: nobody waits for him.
//
// usage: tutorial_qq serve HOST PORT      prints "listening on HOST:PORT"; what the operator types
//                                         goes to all clients; ends with its input
//        tutorial_qq ask HOST PORT TEXT…  sends each TEXT as a datagram and prints its answer
#include <socketserver/address.h>
#include <socketserver/server.h>
#include <socketserver/socket.h>

#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <deque>
#include <exception>
#include <iostream>
#include <map>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

constexpr std::size_t kMaxWaiting = 100;  // messages of one client that does not ask
constexpr std::size_t kMaxClients = 1000;
constexpr std::size_t kReplyBytes = 1024;  // what the tutorial's client reads of an answer
constexpr std::chrono::seconds kPatience{20};

// No more than the client reads, and no character cut in two: it dies of half a one.
std::string_view cut(std::string_view text) {
  if (text.size() <= kReplyBytes) return text;
  std::size_t end = kReplyBytes;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80) --end;
  return text.substr(0, end);
}

// What waits for each client. A client's address is all that is known of it, and it can be sent
// something only when it has just sent something: so messages wait here for its next datagram.
class Mailboxes {
 public:
  void put(const std::string& from, const std::string& text) {
    const std::scoped_lock lock(mutex_);
    for (auto& [name, waiting] : waiting_) {
      if (name == from) continue;
      if (waiting.size() >= kMaxWaiting) waiting.pop_front();
      waiting.push_back(from + ": " + text);
    }
  }
  // The next message for this client, who is known from now on; "ok" when there is none.
  std::string take(const std::string& name) {
    const std::scoped_lock lock(mutex_);
    if (!waiting_.contains(name) && waiting_.size() >= kMaxClients) return "too many are here";
    std::deque<std::string>& waiting = waiting_[name];
    if (waiting.empty()) return "ok";
    std::string next = std::move(waiting.front());
    waiting.pop_front();
    return next;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::deque<std::string>> waiting_;
};

Mailboxes mailboxes;

struct Qq : socketserver::DatagramRequestHandler {
  void handle() override {
    const std::string name = client_address.text();
    const std::string text(packet);
    if (!text.empty()) {
      std::printf("%s %s\n", name.c_str(), text.c_str());
      std::fflush(stdout);
      mailboxes.put(name, text);
    }
    reply(cut(mailboxes.take(name)));
  }
};

std::uint16_t port_of(std::string_view text) {
  std::uint16_t port = 0;
  std::from_chars(text.data(), text.data() + text.size(), port);
  return port;
}

void serve(std::string_view host, std::string_view port) {
  socketserver::ThreadingUDPServer server({host, port_of(port)}, socketserver::handler<Qq>);
  std::printf("listening on %s\n", server.server_address().text().c_str());
  std::fflush(stdout);
  std::thread serving([&server] { server.serve_forever(); });
  for (std::string line; std::getline(std::cin, line);) mailboxes.put("operator", line);
  server.shutdown();
  serving.join();
}

void ask(std::string_view host, std::string_view port, std::span<const std::string_view> texts) {
  const socketserver::Address address(host, port_of(port));
  auto client = socketserver::Socket::connected_datagram(address, kPatience);
  for (const std::string_view text : texts) {
    client.send(text);
    std::printf("%s\n", client.recvfrom().data.c_str());
    std::fflush(stdout);
  }
}

}  // namespace

int main(int count, char** arguments) {
  const std::vector<std::string_view> words(arguments + 1, arguments + count);
  try {
    if (words.size() == 3 && words[0] == "serve") {
      serve(words[1], words[2]);
      return 0;
    }
    if (words.size() > 3 && words[0] == "ask") {
      ask(words[1], words[2], std::span(words).subspan(3));
      return 0;
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "tutorial_qq: error: %s\n", error.what());
    return 1;
  }
  std::fputs("usage: tutorial_qq serve HOST PORT | ask HOST PORT TEXT...\n", stderr);
  return 2;
}
