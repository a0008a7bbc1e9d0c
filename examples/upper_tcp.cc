// An upper-case server for TCP, event-driven.
//
// usage: upper_tcp ADDR:PORT [--threads N]; ends at SIGINT or SIGTERM
#include <socketserver/async.h>

#include <charconv>
#include <csignal>
#include <cstdio>
#include <exception>
#include <span>
#include <string_view>

namespace {

// A function of its own: in a coroutine every variable lives in memory, where a char may change it.
void to_upper(std::span<char> text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
}

struct Upper : socketserver::AsyncStreamRequestHandler {
  socketserver::Task<void> handle() override {
    try {
      while (auto chunk = co_await request.read_some()) {
        to_upper(chunk);
        co_await request.write_all(chunk);
      }
    } catch (const socketserver::ConnectionError&) {
      // The client is gone, and so is whoever would have read the rest.
    }
  }
};

template <class Number>
bool number(std::string_view text, Number& into) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), into);
  return error == std::errc() && end == text.data() + text.size();
}

socketserver::AsyncBaseServer* serving = nullptr;

}  // namespace

int main(int count, char** arguments) {
  const std::string_view where = count > 1 ? arguments[1] : "";
  const std::size_t colon = where.rfind(':');
  std::uint16_t port = 0;
  socketserver::AsyncOptions options;
  const bool has_threads = count == 4 && std::string_view(arguments[2]) == "--threads";
  if (colon == std::string_view::npos || !number(where.substr(colon + 1), port) ||
      (count != 2 && !(has_threads && number(arguments[3], options.threads)))) {
    std::fputs("usage: upper_tcp ADDR:PORT [--threads N]\n", stderr);
    return 2;
  }
  try {
    std::string_view host = where.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    socketserver::AsyncTCPServer server({host, port}, socketserver::handler<Upper>, options);
    serving = &server;
    for (const int number : {SIGINT, SIGTERM}) {
      std::signal(number, [](int) { serving->shutdown(); });
    }
    std::printf("listening on %s\n", server.server_address().text().c_str());
    std::fflush(stdout);
    server.serve_forever();
  } catch (const std::exception& error) {
    std::fprintf(stderr, "upper_tcp: error: %s\n", error.what());
    return 1;
  }
  return 0;
}
