// An upper-case server for UDP, event-driven.
//
// usage: upper_udp ADDR:PORT [--threads N]; ends at SIGINT or SIGTERM
#include <socketserver/async.h>

#include <csignal>
#include <cstdio>
#include <exception>
#include <span>

#include "command_line.h"

namespace {

// A function of its own: in a coroutine every variable lives in memory, where a char may change it.
void to_upper(std::span<char> text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
}

struct Upper : socketserver::AsyncDatagramRequestHandler {
  socketserver::Task<void> handle() override {
    to_upper(packet);
    reply(packet);
    co_return;
  }
};

socketserver::AsyncBaseServer* serving = nullptr;

}  // namespace

int main(int count, char** arguments) {
  const auto line = parse_command_line("upper_udp", count, arguments);
  if (!line) return 2;
  try {
    socketserver::AsyncUDPServer server({line->host, line->port}, socketserver::handler<Upper>,
                                        line->options);
    serving = &server;
    for (const int number : {SIGINT, SIGTERM}) {
      std::signal(number, [](int) { serving->shutdown(); });
    }
    std::printf("listening on %s\n", server.server_address().text().c_str());
    std::fflush(stdout);
    server.serve_forever();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "upper_udp: error: %s\n", error.what());
    return 1;
  }
  return 0;
}
