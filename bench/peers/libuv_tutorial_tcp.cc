// libuv as tutorials show it: an upper-case echo of TCP in which every read allocates its buffer
// and every answer its request, and the callback of the write frees both.
//
// usage: libuv_tutorial_tcp ADDR:PORT; prints "listening on ADDR:PORT", then serves until killed
#include <netinet/in.h>
#include <uv.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string>

namespace {

struct Answer {
  uv_write_t request;  // first, so that a pointer to it is one to the whole
  uv_buf_t text;
};

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

void hang_up(uv_stream_t* stream) {
  auto* const handle = reinterpret_cast<uv_handle_t*>(stream);
  if (uv_is_closing(handle) == 0) uv_close(handle, [](uv_handle_t* closed) { std::free(closed); });
}

void allocate(uv_handle_t* /*handle*/, std::size_t suggested, uv_buf_t* buffer) {
  buffer->base = static_cast<char*>(std::malloc(suggested));
  buffer->len = suggested;
}

void on_written(uv_write_t* request, int status) {
  if (status < 0) hang_up(request->handle);
  auto* const answer = reinterpret_cast<Answer*>(request);
  std::free(answer->text.base);
  std::free(answer);
}

void on_read(uv_stream_t* stream, ssize_t got, const uv_buf_t* buffer) {
  if (got < 0) hang_up(stream);
  if (got <= 0) {
    std::free(buffer->base);
    return;
  }
  to_upper({buffer->base, static_cast<std::size_t>(got)});
  auto* const answer = static_cast<Answer*>(std::malloc(sizeof(Answer)));
  answer->text = uv_buf_init(buffer->base, static_cast<unsigned>(got));
  good(uv_write(&answer->request, stream, &answer->text, 1, on_written), "uv_write");
}

void on_connection(uv_stream_t* listener, int status) {
  good(status, "connection");
  auto* const client = static_cast<uv_tcp_t*>(std::malloc(sizeof(uv_tcp_t)));
  uv_tcp_init(listener->loop, client);
  auto* const stream = reinterpret_cast<uv_stream_t*>(client);
  if (uv_accept(listener, stream) < 0 || uv_read_start(stream, allocate, on_read) < 0) {
    hang_up(stream);
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
  good(uv_listen(reinterpret_cast<uv_stream_t*>(&listener), 4096, on_connection), "uv_listen");
  int size = sizeof address;
  good(uv_tcp_getsockname(&listener, reinterpret_cast<sockaddr*>(&address), &size), "getsockname");
  std::printf("listening on %s:%u\n", where.substr(0, colon).c_str(),
              static_cast<unsigned>(ntohs(address.sin_port)));
  std::fflush(stdout);
  return uv_run(loop, UV_RUN_DEFAULT);
}
