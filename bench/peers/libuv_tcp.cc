// libuv at its best: an upper-case echo of TCP with one buffer for the whole loop, each answer
// tried at once; only what a socket does not take is copied and queued, and nothing is read
// meanwhile.
//
// usage: libuv_tcp ADDR:PORT; prints "listening on ADDR:PORT", then serves until killed
#include <netinet/in.h>
#include <uv.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>
#include <vector>

namespace {

struct Connection {
  uv_tcp_t stream;
  uv_write_t request;
  std::vector<char> rest;  // of an answer, while it is queued
};

std::array<char, 64 * 1024> shared_buffer;

void good(int result, const char* doing) {
  if (result >= 0) return;
  std::fprintf(stderr, "%s: %s\n", doing, uv_strerror(result));
  std::exit(1);
}

void to_upper(std::span<char> text) {
  for (char& c : text) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
}

void hang_up(Connection* connection) {
  uv_close(reinterpret_cast<uv_handle_t*>(&connection->stream),
           [](uv_handle_t* closed) { delete static_cast<Connection*>(closed->data); });
}

void lend_buffer(uv_handle_t* /*handle*/, std::size_t /*suggested*/, uv_buf_t* buffer) {
  *buffer = uv_buf_init(shared_buffer.data(), shared_buffer.size());
}

void answer(uv_stream_t* stream, ssize_t got, const uv_buf_t* buffer);

void queue(Connection* connection, std::span<const char> rest) {
  auto* const stream = reinterpret_cast<uv_stream_t*>(&connection->stream);
  uv_read_stop(stream);
  connection->rest.assign(rest.begin(), rest.end());
  const uv_buf_t queued =
      uv_buf_init(connection->rest.data(), static_cast<unsigned>(connection->rest.size()));
  const auto on_written = [](uv_write_t* request, int status) {
    auto* const written = static_cast<Connection*>(request->handle->data);
    if (status < 0 || uv_read_start(request->handle, lend_buffer, answer) < 0) hang_up(written);
  };
  if (uv_write(&connection->request, stream, &queued, 1, on_written) < 0) hang_up(connection);
}

void answer(uv_stream_t* stream, ssize_t got, const uv_buf_t* buffer) {
  auto* const connection = static_cast<Connection*>(stream->data);
  if (got < 0) hang_up(connection);
  if (got <= 0) return;
  const std::span<char> text(buffer->base, static_cast<std::size_t>(got));
  to_upper(text);
  const uv_buf_t whole = uv_buf_init(text.data(), static_cast<unsigned>(text.size()));
  const int sent = uv_try_write(stream, &whole, 1);
  if (sent < 0 && sent != UV_EAGAIN) {
    hang_up(connection);
  } else if (sent < got) {
    queue(connection, text.subspan(static_cast<std::size_t>(std::max(sent, 0))));
  }
}

void accept(uv_stream_t* listener, int status) {
  good(status, "connection");
  auto* const connection = new Connection{};
  uv_tcp_init(listener->loop, &connection->stream);
  connection->stream.data = connection;
  auto* const stream = reinterpret_cast<uv_stream_t*>(&connection->stream);
  if (uv_accept(listener, stream) < 0 || uv_tcp_nodelay(&connection->stream, 1) < 0 ||
      uv_read_start(stream, lend_buffer, answer) < 0) {
    hang_up(connection);
  }
}

}  // namespace

int main(int count, char** arguments) {
  const std::string where = count > 1 ? arguments[1] : "127.0.0.1:0";
  const std::size_t colon = where.rfind(':');
  sockaddr_in address{};
  if (uv_ip4_addr(where.substr(0, colon).c_str(), std::atoi(where.c_str() + colon + 1), &address)) {
    return 2;
  }
  std::signal(SIGPIPE, SIG_IGN);

  uv_loop_t* const loop = uv_default_loop();
  uv_tcp_t listener{};
  good(uv_tcp_init(loop, &listener), "uv_tcp_init");
  good(uv_tcp_bind(&listener, reinterpret_cast<sockaddr*>(&address), 0), "uv_tcp_bind");
  good(uv_listen(reinterpret_cast<uv_stream_t*>(&listener), 4096, accept), "uv_listen");
  int size = sizeof address;
  good(uv_tcp_getsockname(&listener, reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
  std::printf("listening on %s:%u\n", where.substr(0, colon).c_str(),
              static_cast<unsigned>(ntohs(address.sin_port)));
  std::fflush(stdout);
  return uv_run(loop, UV_RUN_DEFAULT);
}
