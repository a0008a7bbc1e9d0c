// A client of HTTP in a few lines, for the tests of this folder. The test's thread.
#pragma once

#include <cctype>
#include <map>
#include <string>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "hub/test_support.h"

namespace skein::hub {

struct HttpAnswer {
  int status = 0;                             // 0: the connection ended without one
  std::map<std::string, std::string> fields;  // names in lower case
  std::string body;
  bool whole = false;
  [[nodiscard]] bool closes() const { return field("connection") == "close"; }
  [[nodiscard]] std::string field(const std::string& name) const {
    const auto found = fields.find(name);
    return found == fields.end() ? "" : found->second;
  }
};

class HttpPeer {
 public:
  explicit HttpPeer(Peer peer) : peer_(std::move(peer)) {}

  [[nodiscard]] socketserver::Stream& stream() { return peer_.stream(); }
  void send_raw(std::string_view bytes) { peer_.send_raw(bytes); }
  [[nodiscard]] Task<void> send_all(std::string_view bytes) { return peer_.send_all(bytes); }
  void leave() { peer_.leave(); }

  // "GET /rooms", with more fields ("A: b\r\n") and a body of known length.
  void send(std::string_view line, std::string_view fields = {}, std::string_view body = {}) {
    send_raw(request(line, fields, body));
  }
  static std::string request(std::string_view line, std::string_view fields = {},
                             std::string_view body = {}) {
    std::string length;
    if (!body.empty()) length = concat("Content-Length: ", std::to_string(body.size()), "\r\n");
    return concat(line, " HTTP/1.1\r\nHost: localhost\r\n", fields, length, "\r\n", body);
  }
  // The next answer; `bare`: one without a body, whatever its head says, as to HEAD.
  [[nodiscard]] Task<HttpAnswer> receive(bool bare = false) { return read_answer(bare); }
  [[nodiscard]] Task<HttpAnswer> ask(std::string_view line, std::string_view fields = {},
                                     std::string_view body = {}) {
    return ask_whole(request(line, fields, body));
  }
  // All that came of an answer so far, chunk heads too, as soon as it holds `text`; "!kind" is
  // added when the connection ends before.
  [[nodiscard]] Task<std::string> hear(std::string_view text) { return read_on(std::string(text)); }

 private:
  Task<bool> more() {
    std::byte buffer[4096];
    auto got = co_await peer_.stream().read_some(buffer, -1);
    if (!got || *got == 0) {
      ended_ = got ? "!end" : concat("!", got.error().kind().name);
      co_return false;
    }
    input_ += as_text(Bytes(buffer).first(*got));
    co_return true;
  }
  Task<bool> have(std::size_t bytes) {
    while (input_.size() < bytes) {
      const bool came = co_await more();
      if (!came) co_return false;
    }
    co_return true;
  }
  std::string take(std::size_t bytes) {
    std::string out = input_.substr(0, bytes);
    input_.erase(0, out.size());
    return out;
  }
  // With its end; empty: it never came.
  Task<std::string> line() {
    while (!input_.contains("\r\n")) {
      const bool came = co_await more();
      if (!came) co_return std::string();
    }
    co_return take(input_.find("\r\n") + 2);
  }
  Task<HttpAnswer> ask_whole(std::string bytes) {
    co_await send_all(bytes);
    auto answer = co_await receive();
    co_return answer;
  }
  Task<HttpAnswer> read_answer(bool bare) {
    HttpAnswer answer;
    std::string text = co_await line();
    if (text.empty()) co_return answer;
    EXPECT_TRUE(text.starts_with("HTTP/1.1 ")) << text;
    answer.status = std::stoi(text.substr(9, 3));
    for (text = co_await line(); text.size() > 2; text = co_await line()) {
      const std::size_t colon = text.find(": ");
      std::string name = text.substr(0, colon);
      for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
      answer.fields[name] = text.substr(colon + 2, text.size() - colon - 4);
    }
    const bool none = bare || answer.status < 200 || answer.status == 204;
    if (none) {
      answer.whole = true;
    } else if (answer.fields.contains("content-length")) {
      const std::size_t length = std::stoul(answer.field("content-length"));
      answer.whole = co_await have(length);
      answer.body = take(length);
    } else if (answer.field("transfer-encoding") == "chunked") {
      std::size_t size = 1;
      while (size > 0) {
        const std::string head = co_await line();
        if (head.empty()) co_return answer;
        size = std::stoul(head, nullptr, 16);
        const bool there = co_await have(size + 2);
        if (!there) co_return answer;
        answer.body += take(size);
        take(2);
      }
      answer.whole = true;
    } else {
      bool came = true;
      while (came) came = co_await more();
      answer.body = take(input_.size());
      answer.whole = ended_ == "!end";
    }
    co_return answer;
  }
  Task<std::string> read_on(std::string text) {
    while (!input_.contains(text)) {
      const bool came = co_await more();
      if (!came) co_return input_ + ended_;
    }
    co_return input_;
  }

  Peer peer_;
  std::string input_;
  std::string ended_;
};

// What comes of a hub's connections when they speak HTTP.
struct HttpTest : SessionTest {
  [[nodiscard]] HttpPeer browser(socketserver::FakeLink to_hub = {},
                                 socketserver::FakeLink from_hub = {}) {
    return HttpPeer(connect(to_hub, from_hub));
  }
};

}  // namespace skein::hub
