// What the tests of the event-driven servers share: clients that block, in the test's own thread.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "base/descriptor.h"
#include "socketserver/async.h"

namespace socketserver::testing {

// Looks again and again, until it holds or patience is at its end.
inline bool eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::yield();
  }
  return true;
}

inline AsyncOptions threads(std::size_t count) {
  AsyncOptions options;
  options.threads = count;
  return options;
}

// Serves on a thread of its own as long as it lives.
class Serving {
 public:
  explicit Serving(AsyncBaseServer& server)
      : server_(server), thread_([&server] { server.serve_forever(); }) {}
  Serving(const Serving&) = delete;
  Serving& operator=(const Serving&) = delete;
  ~Serving() { stop(); }
  void stop() {
    if (!thread_.joinable()) return;
    server_.shutdown();
    thread_.join();
  }
  void join() { thread_.join(); }  // somebody else shuts it down

 private:
  AsyncBaseServer& server_;
  std::thread thread_;
};

// A server that writes down what it is told.
template <class Server>
class AsyncRecording : public Server {
 public:
  using Server::Server;
  void handle_error(const RequestFailure& failure) override {
    const std::scoped_lock lock(mutex_);
    failures_.push_back(failure);
  }
  void handle_trouble(const std::string& message) override {
    const std::scoped_lock lock(mutex_);
    troubles_.push_back(message);
  }
  std::vector<RequestFailure> failures() const {
    const std::scoped_lock lock(mutex_);
    return failures_;
  }
  std::vector<std::string> troubles() const {
    const std::scoped_lock lock(mutex_);
    return troubles_;
  }

 private:
  mutable std::mutex mutex_;
  std::vector<RequestFailure> failures_;
  std::vector<std::string> troubles_;
};

class Client {
 public:
  // Not connected yet.
  explicit Client(const Address& to, int type = SOCK_STREAM, int receive_bytes = 0)
      : to_(to), socket_(::socket(to.family(), type | SOCK_CLOEXEC, 0)) {
    const timeval patience{.tv_sec = 20, .tv_usec = 0};
    setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
    if (receive_bytes > 0) {
      setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(receive_bytes));
    }
  }
  static Client connected(const Address& to, int type = SOCK_STREAM) {
    Client client(to, type);
    client.connect();
    return client;
  }
  void connect() {
    if (::connect(socket_.get(), to_.get(), to_.size()) != 0) std::abort();
  }

  void send(std::string_view text) const {
    do {
      const ssize_t put = ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (put < 0) return;
      text.remove_prefix(static_cast<std::size_t>(put));
    } while (!text.empty());
  }
  void end() const { ::shutdown(socket_.get(), SHUT_WR); }
  void reset() {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    socket_.reset();
  }
  void close() { socket_.reset(); }

  // So many bytes, or fewer and then "!" if the connection ended or patience did.
  [[nodiscard]] std::string read(std::size_t size) const {
    std::string text(size, '\0');
    std::size_t got = 0;
    while (got < size) {
      const ssize_t more = recv(socket_.get(), text.data() + got, size - got, 0);
      if (more <= 0) return text.substr(0, got) + "!";
      got += static_cast<std::size_t>(more);
    }
    return text;
  }
  // To the orderly end; "!" behind it if it was another end.
  [[nodiscard]] std::string read_all() const {
    std::string text;
    char buffer[4096];
    while (true) {
      const ssize_t more = recv(socket_.get(), buffer, sizeof(buffer), 0);
      if (more < 0) return text + "!";
      if (more == 0) return text;
      text.append(buffer, static_cast<std::size_t>(more));
    }
  }
  // Whether the server has ended the connection, one way or the other; never waits.
  [[nodiscard]] bool hung_up() const {
    char one = 0;
    const ssize_t got = recv(socket_.get(), &one, 1, MSG_PEEK | MSG_DONTWAIT);
    return got == 0 || (got < 0 && errno != EAGAIN);
  }
  // Waits for the next byte or the end: whether it was a reset that came.
  [[nodiscard]] bool is_reset() const {
    char one = 0;
    return recv(socket_.get(), &one, 1, 0) < 0 && errno == ECONNRESET;
  }
  [[nodiscard]] std::string receive() const {  // one datagram
    std::string text(70'000, '\0');
    const ssize_t got = recv(socket_.get(), text.data(), text.size(), 0);
    if (got < 0) return "!";
    text.resize(static_cast<std::size_t>(got));
    return text;
  }
  [[nodiscard]] std::string ask(std::string_view text) const {
    send(text);
    return read(text.size());
  }

 private:
  Address to_;
  skein::Descriptor socket_;
};

inline const Address kAnyPort = Address::loopback();

}  // namespace socketserver::testing
