#include "chat_dialect.h"

#include <array>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <random>

namespace chat_load {

void wrong(std::string_view what) {
  std::fprintf(stderr, "chat_load: %.*s\n", static_cast<int>(what.size()), what.data());
  std::exit(1);
}

namespace {

std::int64_t number_at(std::string_view text, std::size_t at) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), number);
  if (error != std::errc()) wrong("what should be a number is none");
  return number;
}

// The member of one JSON object in a line; -1: it is not there.
std::int64_t number_of(std::string_view json, std::string_view key) {
  const std::size_t found = json.find(key);
  return found == std::string_view::npos ? -1 : number_at(json, found + key.size());
}

class Skein final : public Dialect {
 public:
  std::string enter(const Entry& entry) override {
    std::string out;
    append(out, R"({"op":"hello","id":1,"min":1,"max":1,"name":")" + entry.name + R"("})");
    if (!entry.follows) {
      // Who is known and has joined is not overtaken by what it says next.
      append(out, R"({"op":"join","id":2,"room":"lobby"})");
      return out;
    }
    std::string follow = R"({"op":"follow","id":2,"room":"lobby")";
    if (entry.after >= 0) follow += R"(,"after":)" + std::to_string(entry.after);
    append(out, follow + "}");
    return out;
  }

  void say(std::string_view text, std::string& out) override {
    static const std::uint64_t run = std::random_device{}() * 0x100000001ULL;
    static std::uint64_t count = 0;
    const std::int64_t id = kFirstSay + said_++;
    std::array<char, 160> head{};
    const int size =
        std::snprintf(head.data(), head.size(),
                      R"({"op":"say","id":%lld,"room":"lobby","cid":"%016llx%016llx","size":%zu})",
                      static_cast<long long>(id), static_cast<unsigned long long>(run),
                      static_cast<unsigned long long>(count++), text.size());
    append(out, {head.data(), static_cast<std::size_t>(size)});
    out += text;
  }

  std::string ping() const override {
    std::string out;
    append(out, R"({"op":"ping","id":3})");
    return out;
  }

  std::size_t hear(std::string_view bytes, Ear& ear) override {
    std::size_t taken = 0;
    while (bytes.size() - taken >= kLengthBytes) {
      std::uint32_t length = 0;
      std::memcpy(&length, bytes.data() + taken, kLengthBytes);
      if (bytes.size() - taken < kLengthBytes + length) break;
      const std::string_view fields = bytes.substr(taken + kLengthBytes, length);
      const std::int64_t size = number_of(fields, R"("size":)");
      const std::size_t payload = size < 0 ? 0 : static_cast<std::size_t>(size);
      const std::size_t whole = kLengthBytes + length + payload;
      if (bytes.size() - taken < whole) break;
      if (!fields.contains(R"("ok":true)")) wrong(fields);
      hear_answer(fields, bytes.substr(taken + whole - payload, payload), ear);
      taken += whole;
    }
    return taken;
  }

 private:
  static constexpr std::size_t kLengthBytes = 4;
  static constexpr std::int64_t kFirstSay = 4;  // the ids before it: hello, follow or join, ping

  static void append(std::string& out, std::string_view fields) {
    const auto length = static_cast<std::uint32_t>(fields.size());
    out.append(reinterpret_cast<const char*>(&length), kLengthBytes);
    out += fields;
  }

  void hear_answer(std::string_view fields, std::string_view lines, Ear& ear) {
    const std::int64_t id = number_of(fields, R"("id":)");
    if (id >= kFirstSay) return ear.acknowledged(static_cast<std::size_t>(id - kFirstSay));
    if (id == 2 && lines.empty()) return ear.entered();
    while (!lines.empty()) {
      const std::size_t seq = find_again(lines, R"("seq":)", seq_at_);
      const std::size_t text = find_again(lines, R"("text":")", text_at_);
      ear.heard(lines.substr(text, kTextBytes), number_at(lines, seq));
      const std::size_t end = lines.find('\n', text + kTextBytes);
      if (end == std::string_view::npos) wrong("a line has no end");
      lines.remove_prefix(end + 1);
    }
  }

  // Where the value of the first such member begins: most often where it did in the line before.
  static std::size_t find_again(std::string_view lines, std::string_view key, std::size_t& at) {
    if (lines.size() < at || !lines.substr(at).starts_with(key)) {
      at = lines.find(key);
      if (at == std::string_view::npos) wrong("a line lacks what every line has");
    }
    return at + key.size();
  }

  std::int64_t said_ = 0;
  std::size_t seq_at_ = 0;
  std::size_t text_at_ = 0;
};

class Nats final : public Dialect {
 public:
  std::string enter(const Entry& entry) override {
    std::string out =
        R"(CONNECT {"verbose":false,"pedantic":false,"name":")" + entry.name + "\"}\r\n";
    if (entry.follows) out += "SUB lobby 1\r\n";
    return out + "PING\r\n";
  }

  void say(std::string_view text, std::string& out) override {
    out += "PUB lobby 128\r\n";
    out += text;
    out += "\r\nPING\r\n";
  }

  std::string ping() const override { return {}; }

  std::size_t hear(std::string_view bytes, Ear& ear) override {
    constexpr std::size_t kBreak = 2;
    std::size_t taken = 0;
    while (true) {
      const std::string_view rest = bytes.substr(taken);
      const std::size_t end = rest.find('\r');
      if (end == std::string_view::npos || rest.size() < end + kBreak) return taken;
      const std::string_view line = rest.substr(0, end);
      if (line.starts_with("MSG ")) {
        const std::string_view message = rest.substr(end + kBreak);
        if (message.size() < kTextBytes + kBreak) return taken;
        if (number_at(line, line.rfind(' ') + 1) != std::int64_t{kTextBytes}) wrong(line);
        ear.heard(message.substr(0, kTextBytes), 0);
        taken += kTextBytes + kBreak;
      } else if (line == "PONG") {
        hear_pong(ear);
      } else if (line == "PING") {
        ear.must_answer("PONG\r\n");
      } else if (!line.starts_with("INFO ")) {
        wrong(line);
      }
      taken += end + kBreak;
    }
  }

 private:
  void hear_pong(Ear& ear) {
    if (!entered_) {
      entered_ = true;
      ear.entered();
    } else {
      ear.acknowledged(acknowledged_++);
    }
  }

  bool entered_ = false;
  std::size_t acknowledged_ = 0;
};

// To bare_epoll, which sends back whatever it gets: a room of one. What it would put into upper
// case no message has.
class Echo final : public Dialect {
 public:
  std::string enter(const Entry&) override { return std::string(kTextBytes, ' '); }
  void say(std::string_view text, std::string& out) override { out += text; }
  std::string ping() const override { return {}; }

  std::size_t hear(std::string_view bytes, Ear& ear) override {
    std::size_t taken = 0;
    for (; bytes.size() - taken >= kTextBytes; taken += kTextBytes) {
      const std::string_view text = bytes.substr(taken, kTextBytes);
      if (text[0] == ' ') {
        ear.entered();
      } else {
        ear.heard(text, 0);
        ear.acknowledged(acknowledged_++);
      }
    }
    return taken;
  }

 private:
  std::size_t acknowledged_ = 0;
};

}  // namespace

std::unique_ptr<Dialect> make_dialect(std::string_view name) {
  if (name == "skein") return std::make_unique<Skein>();
  if (name == "nats") return std::make_unique<Nats>();
  if (name == "echo") return std::make_unique<Echo>();
  return nullptr;
}

}  // namespace chat_load
