// Stands for part 2 of the tutorial, exceptions: what an error consists of, catching as little as
// possible, raise, custom types, assert. Run it: it prints the lesson. `./dev tutorial 2` checks
// what it prints.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cassert>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <iostream>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/result.h"
#include "base/text.h"
#include "socketserver/dial.h"
#include "socketserver/loop.h"
#include "socketserver/pool.h"
#include "socketserver/stream_server.h"

namespace {

using skein::concat;
using skein::Error;
using skein::Result;
using socketserver::Stream;
using socketserver::Task;

void heading(std::string_view title, std::string_view lesson) {
  std::cout << "\n== " << title << "\n   " << lesson << "\n";
}

void show(std::string_view label, std::string_view text) {
  std::cout << "   " << label << std::string(label.size() < 10 ? 10 - label.size() : 1, ' ') << text
            << "\n";
}

std::string place_of(const Error& error) {
  return concat(error.place().file_name(), ":", std::to_string(error.place().line()));
}

// ---- type, message, place

Result<void> open_movie(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return skein::fail_errno(errno, concat("opening ", skein::quoted(path)));
  close(fd);
  return {};
}

Result<void> upload(const std::string& path) {
  if (auto opened = open_movie(path); !opened) {
    return skein::pass(std::move(opened).error(), "uploading what the menu's number 1 stands for");
  }
  return {};
}

void type_message_place() {
  heading("type, message, place",
          "An exception has a type, a message and a place. So has an Error; it is a value, and it "
          "knows too what was being done.");
  const auto uploaded = upload("no/such/movie.mp4");
  const Error& error = uploaded.error();
  show("type", error.kind().name);
  show("message", error.message());
  show("place", place_of(error));
  for (const std::string& doing : error.doing()) show("while", doing);
  show("person", error.text());
  show("log", error.report());
}

// ---- catch as little as possible

Result<int> parse_choice(std::string_view line) {
  int number = 0;
  const auto [end, code] = std::from_chars(line.data(), line.data() + line.size(), number);
  if (code != std::errc() || end != line.data() + line.size()) {
    return skein::fail(skein::kBadRequest, concat("must be a number, not ", skein::quoted(line)));
  }
  return number;
}

Result<std::string> movie(int number) {
  static const std::vector<std::string> movies = {"a.mp4", "b.mp4"};
  if (number < 1 || number > static_cast<int>(movies.size())) {
    return skein::fail(skein::kNotFound, concat("not in range: ", std::to_string(number)));
  }
  return movies[static_cast<std::size_t>(number - 1)];
}

Result<std::string> choose(std::string_view line) {
  TRY_ASSIGN(const int number, parse_choice(line));
  TRY_ASSIGN(std::string name, movie(number));
  return name;
}

void catch_little() {
  heading(
      "catch as little as possible",
      "A Result says at each call whether it can fail, and one that is dropped does not compile. "
      "TRY passes an error on; whoever can do something about one kind tests that kind.");
  for (const std::string_view line : {"2", "7", "x"}) {
    const auto chosen = choose(line);
    if (chosen) {
      show(line, *chosen);
    } else if (chosen.error().is(skein::kNotFound)) {
      show(line, concat("handled here, by its kind: ", chosen.error().text()));
    } else {
      show(line, concat("not ours to handle, passed on: ", chosen.error().text()));
    }
  }
}

// ---- raise

Result<void> raise_as_value() {
  return skein::fail(skein::kRefused, "telling nothing but the truth");
}

void raise_as_exception() {
  throw Error(skein::kRefused, "telling nothing but the truth, and loudly");
}

void raising() {
  heading("raise",
          "`return fail(kind, message)` raises as a value. `throw Error(kind, message)` is there "
          "too, where there is nobody to return to.");
  show("returned", raise_as_value().error().report());
  try {
    raise_as_exception();
  } catch (const Error& error) {
    show("thrown", error.report());
  }
}

// ---- a kind of one's own

constexpr skein::ErrorKind kOutOfPopcorn{"out_of_popcorn"};

void custom() {
  heading("custom",
          "A type of one's own is one line: ErrorKind kOutOfPopcorn{\"out_of_popcorn\"}.");
  const Error error = Error(kOutOfPopcorn, "the film has not even begun")
                          .with_hint("ask the person in front of you");
  show("type", error.kind().name);
  show("message", error.message());
  show("hint", error.hint());
  show("tested", error.is(kOutOfPopcorn) ? "it is kOutOfPopcorn, and nothing else" : "?");
}

// ---- assert

// What became of a child process that runs `body`.
int status_of(void (*body)()) {
  std::cout.flush();
  const pid_t child = fork();
  if (child < 0) throw Error::from_errno(errno, "fork");
  if (child == 0) {
    const rlimit none{0, 0};
    setrlimit(RLIMIT_CORE, &none);
    dup2(STDOUT_FILENO, STDERR_FILENO);  // what assert says belongs to the lesson
    body();
    _exit(0);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) throw Error::from_errno(errno, "waitpid");
  }
  return status;
}

void assert_wrongly() {
  const std::vector<int> list = {1, 2, 3};
  assert(list.empty());
}

void asserting() {
  heading(
      "assert",
      "For our own bugs only, never for what a peer or a disk does: the program ends at once, in "
      "release builds too. Here a child process does it, so that the lesson goes on.");
  const int status = status_of(assert_wrongly);
  if (WIFSIGNALED(status)) {
    show("outcome", concat("the child was ended by ", sigabbrev_np(WTERMSIG(status)),
                           ", and the parent saw it by waitpid"));
  } else {
    show("outcome", "the child lives, so nothing was asserted");
  }
}

// ---- the one boundary of a connection

Task<void> handle(std::unique_ptr<Stream> stream) {
  std::byte buffer[64];
  constexpr std::int64_t kPatienceMs = 10'000;
  auto got = co_await stream->read_some(buffer, kPatienceMs);
  if (!got) throw Error(std::move(got).error());
  const std::string_view said = skein::as_text(skein::Bytes(buffer).first(*got));
  if (said == "out of range") throw std::out_of_range("the handler's own mistake");
  if (said == "popcorn") throw Error(kOutOfPopcorn, "none left");
  auto sent = co_await stream->write_all(skein::as_bytes("well served"), kPatienceMs);
  if (!sent) throw Error(std::move(sent).error());
}

// What the server answered; empty when it only hung up.
Task<std::string> ask(socketserver::Loop& loop, socketserver::Pool& pool,
                      socketserver::Endpoint server, std::string words) {
  constexpr std::int64_t kPatienceMs = 10'000;
  auto dialled = co_await socketserver::dial(loop, pool, std::move(server), kPatienceMs);
  if (!dialled) throw Error(std::move(dialled).error());
  const std::unique_ptr<Stream> stream = *std::move(dialled);
  auto sent = co_await stream->write_all(skein::as_bytes(words), kPatienceMs);
  if (!sent) throw Error(std::move(sent).error());
  std::byte buffer[64];
  auto got = co_await stream->read_some(buffer, kPatienceMs);
  if (!got) co_return "";
  co_return std::string(skein::as_text(skein::Bytes(buffer).first(*got)));
}

Task<void> talk(socketserver::Loop& loop, socketserver::Pool& pool, socketserver::Server& server) {
  const socketserver::Endpoint endpoint = socketserver::Endpoint::of(server.address());
  const std::vector<std::string> all = {"out of range", "popcorn", "hello"};
  for (const std::string& words : all) {
    const std::string answer = co_await ask(loop, pool, endpoint, words);
    show(words, answer.empty() ? "hung up" : answer);
  }
  co_await server.drain(0);
}

void one_boundary() {
  heading("one boundary for each connection",
          "What escapes a handler ends that connection and nothing else: it is told once, and the "
          "next client is served. No `except Exception` around everything, no server that dies.");
  const skein::SystemClock clock;
  const auto loop = socketserver::Loop::create(clock).value();
  socketserver::Pool pool(1, 8);
  socketserver::ServerOptions options;
  options.on_error = [](const Error& error, const std::string&) {
    show("told", concat(error.kind().name, ": ", error.message()));
  };
  const auto server =
      socketserver::Server::listen(*loop, {"127.0.0.1", 0}, &handle, std::move(options)).value();
  socketserver::run_until_done(*loop, talk(*loop, pool, *server));
  show("counted", concat(std::to_string(server->counters().accepted), " clients, ",
                         std::to_string(server->counters().failed), " handlers that threw"));
}

}  // namespace

int main() {
  try {
    type_message_place();
    catch_little();
    raising();
    custom();
    asserting();
    one_boundary();
    std::cout.flush();
  } catch (const Error& error) {
    std::cerr << "skein: error: " << error.text() << "\n";
    return 1;
  }
  return std::cout.good() ? 0 : 1;
}
