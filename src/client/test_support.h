// What the tests of this folder share: a hub's end of connections that a test plays by hand, and a
// small hub in memory that breaks where it is told to. The test's thread.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "base/text.h"
#include "client/connection.h"
#include "client/link.h"
#include "socketserver/stream_server.h"
#include "socketserver/sync.h"
#include "socketserver/test_support.h"
#include "store/digest.h"
#include "store/test_support.h"
#include "transfer/fields.h"
#include "transfer/pack.h"
#include "wire/answer.h"
#include "wire/dictionary.h"
#include "wire/frame.h"

namespace skein::client {

using socketserver::Task;

// A folder on the real disk, gone with everything in it in the end.
class TempFolder {
 public:
  TempFolder() {
    if (mkdtemp(path_.data()) == nullptr) std::abort();
  }
  TempFolder(const TempFolder&) = delete;
  TempFolder& operator=(const TempFolder&) = delete;
  ~TempFolder() { std::filesystem::remove_all(path_); }

  [[nodiscard]] std::string at(std::string_view name) const { return concat(path_, "/", name); }
  void put_file(std::string_view name, std::string_view bytes) const {
    std::filesystem::create_directories(std::filesystem::path(at(name)).parent_path());
    std::ofstream(at(name), std::ios::binary) << bytes;
  }

 private:
  std::string path_ = std::filesystem::temp_directory_path() / "skein-client-XXXXXX";
};

// A request as it came. `op` is "end" when the client ended the connection.
struct Asked {
  std::string op;
  std::int64_t id = 0;
  wire::Dictionary fields;
  std::string payload;

  [[nodiscard]] std::string text(std::string_view key) const {
    return fields.text_if(key).value().value_or("");
  }
  [[nodiscard]] std::int64_t number(std::string_view key) const {
    return fields.integer(key, 0, 1LL << 53).value();
  }
};

// The hub's end of a connection.
class Line {
 public:
  explicit Line(std::unique_ptr<socketserver::Stream> stream) : stream_(std::move(stream)) {}

  [[nodiscard]] Task<Asked> next() {
    std::byte buffer[16 * 1024];
    Asked asked;
    while (true) {
      auto step = decoder_.next(input_);
      EXPECT_TRUE(step) << step.error().message();
      if (*step == wire::FrameDecoder::Step::kDictionary) {
        asked.fields = decoder_.dictionary();
        asked.op = asked.text("op");
        asked.id = asked.number("id");
      } else if (*step == wire::FrameDecoder::Step::kPayload) {
        asked.payload += as_text(decoder_.piece());
      } else if (*step == wire::FrameDecoder::Step::kEnd) {
        co_return asked;
      } else {
        auto got = co_await stream_->read_some(buffer, -1);
        if (!got || *got == 0) {
          asked.op = "end";
          co_return asked;
        }
        held_.assign(as_text(Bytes(buffer).first(*got)));
        input_ = as_bytes(held_);
      }
    }
  }
  // `json` has what belongs to the operation; id and ok are set here. False: the client is gone.
  [[nodiscard]] Task<bool> answer(const Asked& asked, std::string_view json = "{}",
                                  std::string_view payload = {}) {
    auto fields = wire::Dictionary::parse(json).value();
    fields.set("id", asked.id).set("ok", true);
    if (!payload.empty()) fields.set("size", static_cast<std::int64_t>(payload.size()));
    return send(wire::encode_frame(fields).append(payload));
  }
  [[nodiscard]] Task<bool> refuse(const Asked& asked, ErrorKind kind) {
    const Error error(kind, "as told");
    return send(wire::encode_frame(wire::error_answer(asked.id, error)));
  }
  [[nodiscard]] Task<bool> send(std::string_view bytes) { return write_all(std::string(bytes)); }
  // Takes the hello and answers it.
  [[nodiscard]] Task<void> greet() {
    const Asked hello = co_await next();
    EXPECT_EQ(hello.op, "hello");
    const bool told = co_await answer(hello, kGreeting);
    EXPECT_TRUE(told);
  }
  void cut() { stream_->reset(); }
  [[nodiscard]] socketserver::Stream& stream() { return *stream_; }

  static constexpr std::string_view kGreeting =
      R"({"version":1,"hub":"ada","member":"local/lin","features":""})";

 private:
  Task<bool> write_all(std::string bytes) {
    auto sent = co_await stream_->write_all(as_bytes(bytes), -1);
    co_return sent.has_value();
  }

  std::unique_ptr<socketserver::Stream> stream_;
  wire::FrameDecoder decoder_;
  std::string held_;
  Bytes input_;
};

// A port where clients call; the clock is turned by hand. In the end nothing may be under way.
struct ClientTest : ::testing::Test, socketserver::testing::WithFakeClock {
  ClientTest() { listen(); }
  ~ClientTest() override {
    run(finish());
    EXPECT_EQ(loop->tasks(), 0U);
  }

  void listen() {
    const auto take = [this](std::unique_ptr<socketserver::Stream> stream) {
      return keep(std::move(stream));
    };
    server = socketserver::Server::listen(*loop, {"127.0.0.1", 0}, take).value();
    hub = socketserver::Endpoint::of(server->address());
  }
  // Nobody listens there any more.
  [[nodiscard]] Task<void> hang_up() {
    called.clear();
    if (server) co_await server->drain(0);
    server.reset();
  }
  // The hub's end of the next connection.
  [[nodiscard]] Task<Line> accept() {
    co_await until([this] { return !called.empty(); });
    Line line(std::move(called.front()));
    called.pop_front();
    co_return line;
  }
  [[nodiscard]] Task<void> until(std::function<bool()> condition) {
    const bool holds = co_await socketserver::testing::eventually(*loop, std::move(condition));
    EXPECT_TRUE(holds);
  }
  [[nodiscard]] Task<void> settle() {
    for (int i = 0; i < 4; ++i) {
      co_await socketserver::testing::settle(*loop);
      auto nothing = [] {};
      co_await pool.run(*loop, nothing);  // its one thread has done all that came before
    }
  }
  [[nodiscard]] Task<void> pass_ms(std::int64_t ms) {
    co_await settle();
    clock.advance_ms(ms);
    co_await settle();
  }
  void run(Task<void> body) { run_until_done(*loop, std::move(body)); }

  [[nodiscard]] LinkOptions options(std::int64_t retry_for_ms = 30'000) const {
    return {hub, {"lin", std::string(32, 'd')}, retry_for_ms};
  }

  SeededRandom random{5};
  socketserver::Pool pool{1, 64};
  socketserver::Event stop;
  socketserver::Endpoint hub;
  std::deque<std::unique_ptr<socketserver::Stream>> called;
  std::unique_ptr<socketserver::Server> server;

 private:
  Task<void> keep(std::unique_ptr<socketserver::Stream> stream) {
    called.push_back(std::move(stream));
    co_return;
  }
  Task<void> finish() {
    co_await hang_up();
    co_await until([this] { return loop->tasks() == 1; });
  }
};

// A hub of a page, in memory: put, block, commit, get, read, close, ls, mkdir, and packs if it is
// to know them. Its connections end where a test wants them to.
class SmallHub {
 public:
  struct File {
    std::string contents;
    std::string mtime_ns = "17";
    std::int64_t mode = 420;
  };
  static constexpr std::size_t kBlock = 100;

  explicit SmallHub(ClientTest& test) : test_(test) {}

  std::map<std::string, File> files;
  // Of all requests but hello and ping, counted from 1: the connection is cut instead of
  // (`before`) or after carrying that one out, and no answer comes.
  std::uint64_t cut_before = 0;
  std::uint64_t cut_after = 0;
  std::uint64_t requests = 0;
  std::map<std::string, int> count;  // of requests by operation
  // What the next requests of an operation are answered with.
  std::map<std::string, std::deque<ErrorKind>> refusals;
  int spoil_reads = 0;  // so many blocks, or packed files, arrive with a bit turned
  bool packs = false;
  std::map<std::string, ErrorKind> refused_paths;  // in packs
  std::function<void(const Asked&)> on_request;

  // Serves one connection after the other until end(). While nobody calls, time passes: who has
  // lost us waits before the next try.
  Task<void> serve() {
    while (!ended_) {
      if (test_.called.empty()) {
        co_await test_.pass_ms(10);
        continue;
      }
      Line line = co_await test_.accept();
      co_await converse(line);
    }
    over_.set();
  }
  [[nodiscard]] Task<void> end() {
    ended_ = true;
    co_await over_.wait();
  }
  // For another serve(): what it holds stays.
  void again() {
    ended_ = false;
    over_.reset();
  }
  void forget_requests() {
    cut_before = cut_after = requests = 0;
    count.clear();
    refusals.clear();
  }
  void forget() {
    forget_requests();
    files.clear();
    held_.clear();
  }

 private:
  struct Open {
    std::string path;
    File file;  // of a put: as it will be
    std::string source;
    bool put = false;
  };

  Task<void> converse(Line& line) {
    std::map<std::int64_t, Open> open;
    while (true) {
      const Asked asked = co_await line.next();
      if (asked.op == "end") co_return;
      if (asked.op == "hello" || asked.op == "ping") {
        std::string_view greeting = Line::kGreeting;
        if (packs) greeting = kPackingGreeting;
        const bool told = co_await line.answer(asked, greeting);
        if (!told) co_return;
        continue;
      }
      ++requests;
      ++count[asked.op];
      if (on_request) on_request(asked);
      if (requests == cut_before) break;
      auto& refused = refusals[asked.op];
      if (!refused.empty()) {
        const ErrorKind kind = refused.front();
        refused.pop_front();
        const bool told = co_await line.refuse(asked, kind);
        if (!told) co_return;
        continue;
      }
      std::string payload;
      wire::Dictionary fields;
      const std::optional<ErrorKind> fault = carry_out(asked, open, fields, payload);
      if (requests == cut_after) break;
      bool told = false;
      const std::string json = fields.to_json();
      if (fault) {
        told = co_await line.refuse(asked, *fault);
      } else {
        told = co_await line.answer(asked, json, payload);
      }
      if (!told) co_return;
    }
    line.cut();
  }

  std::optional<ErrorKind> carry_out(const Asked& asked, std::map<std::int64_t, Open>& open,
                                     wire::Dictionary& fields, std::string& payload) {
    const std::string path = asked.text("path");
    if (asked.op == "put") {
      const auto there = files.find(path);
      const auto total = static_cast<std::size_t>(asked.number("total"));
      if (there != files.end() && there->second.contents.size() == total &&
          there->second.mtime_ns == asked.text("mtime_ns") &&
          there->second.mode == asked.number("mode")) {
        fields.set("same", true);
        return std::nullopt;
      }
      Open put{path,
               {std::string(total, '\0'), asked.text("mtime_ns"), asked.number("mode")},
               asked.text("source") + path,
               true};
      for (const auto& [block, bytes] : held_[put.source]) {
        transfer::append_claim(payload, block, store::digest_of(bytes, kSeed + block));
      }
      fields.set("handle", ++last_handle_).set("generation", 1);
      transfer::set_plan(fields, {total, kBlock, kSeed});
      open.emplace(last_handle_, std::move(put));
      return std::nullopt;
    }
    if (asked.op == "get") {
      const auto there = files.find(path);
      if (there == files.end()) return kNotFound;
      const auto plan =
          transfer::plan_fields(asked.fields, {there->second.contents.size(), kBlock, kSeed});
      plans_[++last_handle_] = plan.value();
      fields.set("handle", last_handle_)
          .set("total", static_cast<std::int64_t>(there->second.contents.size()))
          .set("mtime_ns", there->second.mtime_ns)
          .set("mode", there->second.mode);
      transfer::set_plan(fields, *plan);
      open.emplace(last_handle_, Open{path, there->second, "", false});
      return std::nullopt;
    }
    if (asked.op == "ls") return list(path, fields, payload);
    if (asked.op == "missing") return find_missing(path, asked.payload, payload);
    if (asked.op == "pack") return take_pack(path, asked.payload, fields, payload);
    if (asked.op == "fetch") return fetch(path, asked.payload, fields, payload);
    if (asked.op == "mkdir") {
      const bool there = std::ranges::any_of(
          files, [&](const auto& file) { return file.first.starts_with(path + "/"); });
      fields.set("same", there);
    }
    if (asked.op != "block" && asked.op != "commit" && asked.op != "read" && asked.op != "close") {
      return std::nullopt;  // mkdir, link, rm and their like are well
    }
    const auto found = open.find(asked.number("handle"));
    if (found == open.end()) return kBadRequest;
    Open& one = found->second;
    if (asked.op == "block") {
      const auto block = static_cast<std::uint64_t>(asked.number("block"));
      if (store::digest_of(asked.payload, kSeed + block).hex() != asked.text("digest")) {
        return kDigestMismatch;
      }
      held_[one.source][block] = asked.payload;
    } else if (asked.op == "commit") {
      std::string whole;
      for (const auto& [block, bytes] : held_[one.source]) whole += bytes;
      if (whole.size() != one.file.contents.size()) return kIncomplete;
      one.file.contents = whole;
      fields.set("durable", true)
          .set("verified", "digest")
          .set("replaced", files.contains(one.path));
      files[one.path] = one.file;
      held_.erase(one.source);
      open.erase(found);
    } else if (asked.op == "read") {
      const File& now = files[one.path];
      if (now.contents != one.file.contents) return kChanged;
      const auto block = static_cast<std::uint64_t>(asked.number("block"));
      const store::BlockPlan& plan = plans_[asked.number("handle")];
      payload = now.contents.substr(plan.offset(block), plan.size(block));
      const std::string digest = store::digest_of(payload, plan.seed_of(block)).hex();
      if (digest == asked.text("digest")) {
        payload.clear();
        fields.set("same", true);
        return std::nullopt;
      }
      fields.set("digest", digest);
      if (spoil_reads > 0) {
        --spoil_reads;
        payload.front() = static_cast<char>(payload.front() ^ 1);
      }
    } else {
      open.erase(found);
    }
    return std::nullopt;
  }

  static std::string below(const std::string& folder, const std::string& path) {
    return folder.empty() ? path : folder + "/" + path;
  }
  std::optional<ErrorKind> find_missing(const std::string& folder, std::string_view heads,
                                        std::string& payload) const {
    const auto wanted = transfer::decode_packed_heads(as_bytes(heads)).value();
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const auto there = files.find(below(folder, wanted[i].path));
      if (there == files.end() || there->second.contents.size() != wanted[i].size_bytes ||
          there->second.mtime_ns != std::to_string(wanted[i].mtime_ns)) {
        transfer::append_index(payload, i);
      }
    }
    return std::nullopt;
  }
  std::optional<ErrorKind> take_pack(const std::string& folder, std::string_view pack,
                                     wire::Dictionary& fields, std::string& payload) {
    using Decoder = transfer::PackDecoder;
    Decoder decoder(Decoder::What::kFiles);
    Bytes input = as_bytes(pack);
    std::string contents;
    for (std::size_t i = 0;;) {
      const auto step = decoder.next(input);
      if (!step) return step.error().kind();
      if (*step == Decoder::Step::kNeedMore) break;
      if (*step == Decoder::Step::kFile) contents.clear();
      if (*step == Decoder::Step::kPiece) contents += as_text(decoder.piece());
      if (*step != Decoder::Step::kEnd) continue;
      const transfer::PackedFile& file = decoder.file();
      const std::string path = below(folder, file.path);
      std::optional<Error> error;
      if (const auto told = refused_paths.find(path); told != refused_paths.end()) {
        error = Error(told->second, "as told");
      } else if (spoil_reads > 0) {
        --spoil_reads;
        error = Error(kDigestMismatch, "as told");
      }
      const bool replaced = files.contains(path);
      if (!error) files[path] = {contents, std::to_string(file.mtime_ns), file.mode};
      if (error || replaced) transfer::append_packed_outcome(payload, {i, error, replaced});
      ++i;
    }
    fields.set("durable", true);
    return std::nullopt;
  }
  std::optional<ErrorKind> fetch(const std::string& folder, std::string_view heads,
                                 wire::Dictionary& fields, std::string& payload) {
    std::string lines;
    const auto wanted = transfer::decode_packed_heads(as_bytes(heads)).value();
    for (std::size_t i = 0; i < wanted.size(); ++i) {
      const auto there = files.find(below(folder, wanted[i].path));
      std::optional<ErrorKind> fault;
      if (there == files.end()) {
        fault = kNotFound;
      } else if (there->second.contents.size() != wanted[i].size_bytes) {
        fault = kChanged;
      }
      if (fault) {
        transfer::append_packed_outcome(lines, {i, Error(*fault, "as told"), false});
        continue;
      }
      std::string record;
      transfer::append_packed_head(record, {wanted[i].path, wanted[i].size_bytes,
                                            static_cast<std::uint32_t>(there->second.mode),
                                            std::stoll(there->second.mtime_ns)});
      record += there->second.contents;
      transfer::seal_packed(std::as_writable_bytes(std::span(record)));
      if (spoil_reads > 0) {
        --spoil_reads;
        record.back() = static_cast<char>(record.back() ^ 1);
      }
      payload += record;
    }
    payload += lines;
    if (!lines.empty()) fields.set("lines", static_cast<std::int64_t>(lines.size()));
    return std::nullopt;
  }

  std::optional<ErrorKind> list(const std::string& path, wire::Dictionary& fields,
                                std::string& payload) {
    const auto line = [&](const std::string& name, const File* file) {
      wire::Dictionary entry;
      entry.set("name", name).set("kind", file == nullptr ? "folder" : "file").set("mode", 493);
      entry.set("mtime_ns", "23");
      if (file != nullptr) {
        entry.set("mtime_ns", file->mtime_ns)
            .set("mode", file->mode)
            .set("size", static_cast<std::int64_t>(file->contents.size()));
      }
      payload += entry.to_json() + "\n";
    };
    if (const auto there = files.find(path); there != files.end()) {
      fields.set("kind", "file");
      line(path.substr(path.rfind('/') + 1), &there->second);
      return std::nullopt;
    }
    fields.set("kind", "folder");
    const std::string below = path.empty() ? "" : path + "/";
    std::string last;
    for (const auto& [name, file] : files) {
      if (!name.starts_with(below)) continue;
      const std::string rest = name.substr(below.size());
      const std::string first = rest.substr(0, rest.find('/'));
      if (first != std::exchange(last, first)) line(first, first == rest ? &file : nullptr);
    }
    if (last.empty() && !path.empty()) return kNotFound;
    return std::nullopt;
  }

  static constexpr std::uint64_t kSeed = 77;
  static constexpr std::string_view kPackingGreeting =
      R"({"version":1,"hub":"ada","member":"local/lin","features":"put pack"})";
  ClientTest& test_;
  bool ended_ = false;
  socketserver::Event over_;
  std::int64_t last_handle_ = 0;
  std::map<std::string, std::map<std::uint64_t, std::string>> held_;  // by source
  std::map<std::int64_t, store::BlockPlan> plans_;                    // of gets, by handle
};

}  // namespace skein::client
