// What the tests of the blocking servers share: the eight kinds, their clients, and a server that
// remembers what its hooks were told. The test's thread, unless it says otherwise.
#pragma once

#include <stdlib.h>  // mkdtemp
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "socketserver/server.h"

namespace socketserver::testing {

using std::chrono::milliseconds;
using namespace std::chrono_literals;

inline constexpr milliseconds kPatience = 20s;

// Polls; false when patience is at its end.
inline bool comes_true(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

inline std::string upper(std::string text) {
  for (char& c : text) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  return text;
}

class Folder {
 public:
  Folder() {
    char name[] = "/tmp/socketserver_test_XXXXXX";
    path_ = mkdtemp(name);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  // A path in it that was not given before.
  std::string next() { return path_ + "/" + std::to_string(next_.fetch_add(1)); }

 private:
  std::string path_;
  std::atomic<int> next_ = 0;
};

// Remembers what it was told, and can be told to refuse.
template <class Server>
class Recording : public Server {
 public:
  using Server::Server;
  ~Recording() override {
    this->block_on_close = true;
    this->server_close();
  }

  bool verify_request(const Request&, const Address&) override { return !refuse; }
  void handle_error(const RequestFailure& failure) override {
    const std::lock_guard lock(mutex_);
    failures_.push_back(failure);
  }
  void handle_trouble(const Error& error) override {
    const std::lock_guard lock(mutex_);
    troubles_.push_back(error.report());
  }
  void handle_timeout() override { ++timeouts; }
  void service_actions() override { ++actions; }

  // Any thread.
  [[nodiscard]] std::vector<RequestFailure> failures() const {
    const std::lock_guard lock(mutex_);
    return failures_;
  }
  [[nodiscard]] std::vector<std::string> troubles() const {
    const std::lock_guard lock(mutex_);
    return troubles_;
  }

  std::atomic<bool> refuse = false;
  std::atomic<int> timeouts = 0;
  std::atomic<int> actions = 0;

 private:
  mutable std::mutex mutex_;
  std::vector<RequestFailure> failures_;
  std::vector<std::string> troubles_;
};

// serve_forever() on a thread of its own, as long as this lives.
class Served {
 public:
  explicit Served(BaseServer& server)
      : server_(server), thread_([&server] { server.serve_forever(10ms); }) {}
  Served(const Served&) = delete;
  Served& operator=(const Served&) = delete;
  ~Served() { stop(); }
  void stop() {
    if (!thread_.joinable()) return;
    server_.shutdown();
    thread_.join();
  }

 private:
  BaseServer& server_;
  std::thread thread_;
};

// One kind of server, with what differs between kinds.
template <class ServerType>
struct Kind {
  using Server = ServerType;
  static constexpr bool kUnix =
      std::is_base_of_v<UnixStreamServer, Server> || std::is_base_of_v<UnixDatagramServer, Server>;
  static constexpr bool kDatagram = std::is_base_of_v<UDPServer, Server>;
  static constexpr bool kThreads = requires(Server& server) { server.threads(); };
  using Handler = std::conditional_t<kDatagram, DatagramRequestHandler, StreamRequestHandler>;
  using Recorder = Recording<Server>;

  std::unique_ptr<Recorder> make(BaseServer::Factory factory, const ServerSettings& settings = {}) {
    if constexpr (kUnix) {
      return std::make_unique<Recorder>(folder.next(), std::move(factory), settings);
    } else {
      return std::make_unique<Recorder>(Address::loopback(), std::move(factory), settings);
    }
  }
  Socket call(const BaseServer& server) {
    if constexpr (!kDatagram) return Socket::connect(server.server_address(), kPatience);
    const Address near = kUnix ? Address::from_path(folder.next()) : Address::loopback();
    Socket socket = Socket::datagram(near, kPatience);
    if (::connect(socket.fileno(), server.server_address().get(), server.server_address().size()) !=
        0) {
      throw_system_error(errno, "connecting");
    }
    return socket;
  }
  static void say(Socket& socket, std::string_view text) {
    if constexpr (kDatagram) {
      socket.send(text);
    } else {
      socket.sendall(text);
    }
  }
  // Up to the end of a line, of the datagram, or of the connection.
  static std::string hear(Socket& socket) {
    if constexpr (kDatagram) return socket.recvfrom().data;
    std::string line;
    while (!line.ends_with('\n')) {
      const std::string more = socket.recv(1024);
      if (more.empty()) break;
      line += more;
    }
    return line;
  }
  std::string ask(const BaseServer& server, std::string_view text) {
    Socket socket = call(server);
    say(socket, text);
    return hear(socket);
  }

  Folder folder;
};

// Answers one line in upper case; told to "throw", it throws.
template <class Base>
struct UpperLine : Base {
  void handle() override {
    const auto line = this->rfile.read_line();
    if (!line) return;
    if (*line == "throw\n") throw TimeoutError("as told");
    if (*line == "out of range\n") throw std::out_of_range("row 7");
    this->wfile.write(upper(*line));
  }
};

}  // namespace socketserver::testing
