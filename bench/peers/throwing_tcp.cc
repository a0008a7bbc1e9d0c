// The server of the soak: an upper-case echo whose handler throws at a '!'. It says nothing of it.
//
// usage: throwing_tcp ADDR:PORT [--threads N]
#include <socketserver/async.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

namespace {

struct Upper : socketserver::AsyncStreamRequestHandler {
  socketserver::Task<void> handle() override {
    while (auto chunk = co_await request.read_some()) {
      for (char& c : chunk) {
        if (c == '!') throw std::runtime_error("as asked");
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
      }
      co_await request.write_all(chunk);
    }
  }
};

struct Quiet : socketserver::AsyncTCPServer {
  using AsyncTCPServer::AsyncTCPServer;
  void handle_error(const socketserver::RequestFailure& /*failure*/) override {}
};

socketserver::AsyncBaseServer* serving = nullptr;

}  // namespace

int main(int count, char** arguments) {
  const std::string where = count > 1 ? arguments[1] : "127.0.0.1:0";
  const std::size_t colon = where.rfind(':');
  socketserver::AsyncOptions options;
  options.request_queue_size = 4096;
  if (count > 3) options.threads = std::strtoul(arguments[3], nullptr, 10);
  Quiet server(
      {where.substr(0, colon), static_cast<std::uint16_t>(std::atoi(where.c_str() + colon + 1))},
      socketserver::handler<Upper>, options);
  serving = &server;
  std::signal(SIGTERM, [](int) { serving->shutdown(); });
  std::printf("listening on %s\n", server.server_address().text().c_str());
  std::fflush(stdout);
  server.serve_forever();
  return 0;
}
