// What serves one request of a blocking server: a class of yours with handle(), made anew for each
// connection or datagram. It lives on one thread.
//
//     struct Upper : socketserver::StreamRequestHandler {
//       void handle() override {
//         while (auto line = rfile.read_line()) wfile.write(upper(*line));
//       }
//     };
#pragma once

#include <chrono>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "socketserver/address.h"
#include "socketserver/factory.h"
#include "socketserver/socket.h"

namespace socketserver {

class BaseServer;

// One request, as a server got it and owns it: a connection, or a datagram.
struct Request {
  Socket socket;           // the connection; closed for a datagram
  std::string packet;      // the datagram, at most ServerSettings::max_packet_size bytes
  bool truncated = false;  // it was longer, and the rest is lost
  std::string step;        // what is being done with it, "Upper::handle": for handle_error()
};

// Writes with a buffer: what is written goes out when the buffer is full, when rfile has to wait
// for the peer, at flush(), and at the end of the request.
class WriteFile {
 public:
  // All of it or it throws (see Socket::sendall), now or later.
  void write(std::string_view bytes);
  void flush();
  // 0: everything goes out at once. What is in it is written first.
  void set_buffer(std::size_t size_bytes);
  [[nodiscard]] int fileno() const;

 private:
  friend class StreamRequestHandler;
  friend class DatagramRequestHandler;

  Socket* socket_ = nullptr;  // none: what is written is collected for one datagram
  std::string buffer_;
  std::size_t size_ = 8192;
  bool written_ = false;
};

// Reads with a buffer. The handler's timeout is for each call as a whole: a peer that sends a byte
// a second does not prolong it. Every call throws TimeoutError, ConnectionReset, Error, and what
// writing throws.
class ReadFile {
 public:
  static constexpr std::size_t kLineLimit = 65'536;
  static constexpr std::size_t kAllLimit = 16 * 1024 * 1024;

  // The next line with its '\n', which only the last one may lack; nullopt: the peer has ended its
  // side. LimitExceeded when a line is longer than the limit; nothing of it is taken then.
  [[nodiscard]] std::optional<std::string> read_line(std::size_t limit_bytes = kLineLimit);
  // Exactly so much; ConnectionClosed if the end comes before, and what came is lost then. A size
  // that a peer has told is best compared with a limit first; memory is taken only as the bytes
  // come.
  [[nodiscard]] std::string read_exactly(std::size_t size_bytes);
  void read_exactly(std::span<char> into);
  // What is there, from 1 byte on; waits for it. Empty: the end.
  [[nodiscard]] std::string read_some(std::size_t max_bytes = 65'536);
  // Everything up to the end; LimitExceeded if it is more than the limit.
  [[nodiscard]] std::string read_all(std::size_t limit_bytes = kAllLimit);

 private:
  friend class StreamRequestHandler;
  friend class DatagramRequestHandler;

  // Appends what is there to the buffer; false: the end.
  bool fill(std::optional<Socket::TimePoint> until);
  // Fewer only at the end.
  std::size_t read_up_to(std::span<char> into, std::optional<Socket::TimePoint> until);
  [[nodiscard]] std::optional<Socket::TimePoint> deadline() const;
  [[nodiscard]] std::string_view held() const { return std::string_view(buffer_).substr(at_); }
  [[nodiscard]] std::string take(std::size_t size);

  Socket* socket_ = nullptr;  // none: there is nothing but the buffer
  WriteFile* flushed_ = nullptr;
  std::string buffer_;
  std::size_t at_ = 0;  // before it everything was taken
};

// What the server does: makes a handler, sets its three attributes, then setup(), handle(),
// finish(). When setup() throws, the other two are not called; when handle() does, finish() is.
// What was thrown goes to BaseServer::handle_error(), the first of it if both throw.
class BaseRequestHandler {
 public:
  BaseRequestHandler() = default;
  BaseRequestHandler(const BaseRequestHandler&) = delete;
  BaseRequestHandler& operator=(const BaseRequestHandler&) = delete;
  virtual ~BaseRequestHandler() = default;

  virtual void setup() {}
  virtual void handle() = 0;
  virtual void finish() {}

  Request request;         // lent for the time from setup() to finish()
  Address client_address;  // none: a Unix client without a name
  BaseServer* server = nullptr;
};

// A class that overrides setup() or finish() calls the one here too, setup() first and finish()
// last.
class StreamRequestHandler : public BaseRequestHandler {
 public:
  void setup() override;
  void finish() override;

  ReadFile rfile;
  WriteFile wfile;

 protected:
  // To be set in the constructor of your class; they take effect in setup().
  Socket::Timeout timeout;  // nullopt: that of the server, ServerSettings::request_timeout
  bool disable_nagle_algorithm = false;
  std::size_t wbufsize = 8192;  // bytes
};

class DatagramRequestHandler : public BaseRequestHandler {
 public:
  void setup() override;
  // Sends what was written to wfile as one datagram to the client; nothing if nothing was written,
  // an empty one after write(""). Throws AddressError when the client has no address.
  void finish() override;
  // Sends a datagram to the client at once.
  void reply(std::string_view datagram);

  std::string packet;  // the datagram
  ReadFile rfile;      // over it
  WriteFile wfile;     // at most 65,507 bytes, else LimitExceeded
};

}  // namespace socketserver
