#include "socketserver/handler.h"

#include <algorithm>
#include <cerrno>

#include "base/text.h"
#include "socketserver/error.h"
#include "socketserver/server.h"

namespace socketserver {

using skein::concat;

namespace {

constexpr std::size_t kChunk = 16 * 1024;
constexpr std::size_t kLargestDatagram = 65'507;

[[noreturn]] void throw_cut(std::size_t got, std::size_t wanted) {
  throw ConnectionClosed(EPIPE, concat("the peer ended after ", std::to_string(got), " of ",
                                       std::to_string(wanted), " bytes"));
}

}  // namespace

void WriteFile::write(std::string_view bytes) {
  written_ = true;
  if (socket_ == nullptr) {
    if (bytes.size() > kLargestDatagram - buffer_.size()) {
      throw LimitExceeded(EMSGSIZE,
                          concat("an answer of more than ", std::to_string(kLargestDatagram),
                                 " bytes fits no datagram"));
    }
    buffer_ += bytes;
    return;
  }
  if (buffer_.size() + bytes.size() > size_) flush();
  if (bytes.size() >= size_) {
    socket_->sendall(bytes);
  } else {
    buffer_ += bytes;
  }
}

void WriteFile::flush() {
  if (socket_ == nullptr || buffer_.empty()) return;
  // Emptied even when it fails: a second try could send the beginning twice.
  const struct Emptied {
    std::string& buffer;
    ~Emptied() { buffer.clear(); }
  } emptied{buffer_};
  socket_->sendall(buffer_);
}

void WriteFile::set_buffer(std::size_t size_bytes) {
  flush();
  size_ = size_bytes;
}

int WriteFile::fileno() const {
  return socket_ == nullptr ? -1 : socket_->fileno();
}

std::optional<Socket::TimePoint> ReadFile::deadline() const {
  return socket_ == nullptr ? std::nullopt : socket_->deadline();
}

bool ReadFile::fill(std::optional<Socket::TimePoint> until) {
  if (socket_ == nullptr) return false;
  if (flushed_ != nullptr) flushed_->flush();
  buffer_.erase(0, at_);
  at_ = 0;
  const std::size_t before = buffer_.size();
  // Shortened again whatever happens: what was not read must not be taken for bytes.
  struct Sized {
    std::string& buffer;
    std::size_t size;
    ~Sized() { buffer.resize(size); }
  } sized{buffer_, before};
  buffer_.resize(before + kChunk);
  const std::size_t got = socket_->recv(std::span(buffer_).subspan(before), until);
  sized.size = before + got;
  return got != 0;
}

std::string ReadFile::take(std::size_t size) {
  std::string taken(held().substr(0, size));
  at_ += taken.size();
  return taken;
}

std::optional<std::string> ReadFile::read_line(std::size_t limit_bytes) {
  const auto until = deadline();
  std::size_t seen = 0;
  while (true) {
    const std::string_view text = held();
    const std::size_t end = text.find('\n', seen);
    const std::size_t size = end == std::string_view::npos ? text.size() : end + 1;
    if (size > limit_bytes) {
      throw LimitExceeded(EMSGSIZE,
                          concat("a line has more than ", std::to_string(limit_bytes), " bytes"));
    }
    if (end != std::string_view::npos) return take(size);
    seen = text.size();
    if (fill(until)) continue;
    if (held().empty()) return std::nullopt;
    return take(held().size());
  }
}

std::size_t ReadFile::read_up_to(std::span<char> into, std::optional<Socket::TimePoint> until) {
  const std::string first = take(into.size());
  std::copy(first.begin(), first.end(), into.begin());
  std::size_t got = first.size();
  if (got < into.size() && flushed_ != nullptr) flushed_->flush();
  while (got < into.size()) {
    const std::size_t more = socket_ == nullptr ? 0 : socket_->recv(into.subspan(got), until);
    if (more == 0) break;
    got += more;
  }
  return got;
}

std::string ReadFile::read_exactly(std::size_t size_bytes) {
  const auto until = deadline();
  std::string all;
  while (all.size() < size_bytes) {
    // Not all at once: it may be the peer who says how much it will be.
    const std::size_t before = all.size();
    all.resize(before + std::min(size_bytes - before, std::max(kChunk * 4, before)));
    const std::size_t got = read_up_to(std::span(all).subspan(before), until);
    if (before + got < all.size()) throw_cut(before + got, size_bytes);
  }
  return all;
}

void ReadFile::read_exactly(std::span<char> into) {
  const std::size_t got = read_up_to(into, deadline());
  if (got < into.size()) throw_cut(got, into.size());
}

std::string ReadFile::read_some(std::size_t max_bytes) {
  if (held().empty() && !fill(deadline())) return {};
  return take(max_bytes);
}

std::string ReadFile::read_all(std::size_t limit_bytes) {
  const auto until = deadline();
  do {
    if (held().size() > limit_bytes) {
      throw LimitExceeded(EMSGSIZE,
                          concat("more than ", std::to_string(limit_bytes), " bytes came"));
    }
  } while (fill(until));
  return take(held().size());
}

void StreamRequestHandler::setup() {
  if (timeout) request.socket.set_timeout(timeout);
  if (disable_nagle_algorithm) request.socket.disable_nagle_algorithm();
  wfile.socket_ = &request.socket;
  wfile.size_ = wbufsize;
  rfile.socket_ = &request.socket;
  rfile.flushed_ = &wfile;
}

void StreamRequestHandler::finish() {
  wfile.flush();
}

void DatagramRequestHandler::setup() {
  packet = request.packet;
  rfile.buffer_ = packet;
}

void DatagramRequestHandler::finish() {
  if (wfile.written_) reply(wfile.buffer_);
}

void DatagramRequestHandler::reply(std::string_view datagram) {
  const bool unnamed = client_address.family() == AF_UNIX && client_address.path().empty();
  if (!client_address.is_set() || unnamed) {
    throw AddressError(EDESTADDRREQ, "the client has no address to be answered at");
  }
  server->socket().sendto(datagram, client_address);
}

}  // namespace socketserver
