// What the tests of this folder share: a hub's context on fakes, and a client of a few lines that
// speaks frames. The test's thread.
#pragma once

#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/log.h"
#include "base/random.h"
#include "base/text.h"
#include "chat/fake_log.h"
#include "hub/chat.h"
#include "hub/context.h"
#include "hub/session.h"
#include "socketserver/fake_stream.h"
#include "socketserver/sync.h"
#include "socketserver/test_support.h"
#include "store/fake_disk.h"
#include "store/store.h"
#include "store/test_support.h"
#include "wire/dictionary.h"
#include "wire/frame.h"

namespace skein::hub {

using socketserver::Task;

// A frame as it goes over the line; `json` is taken as it is.
inline std::string frame(std::string_view json, std::string_view payload = {}) {
  std::string out;
  append_le(out, static_cast<std::uint32_t>(json.size()));
  return out.append(json).append(payload);
}

class TestLog final : public Log {
 public:
  void write(LogLevel level, std::string_view line) override {
    const std::scoped_lock lock(mutex_);
    lines_.emplace_back(level, line);
  }
  [[nodiscard]] std::size_t count(LogLevel level) const {
    const std::scoped_lock lock(mutex_);
    std::size_t count = 0;
    for (const auto& line : lines_) count += line.first == level ? 1U : 0U;
    return count;
  }
  // Of all lines, those that hold `text`.
  [[nodiscard]] std::size_t count(std::string_view text) const {
    const std::scoped_lock lock(mutex_);
    std::size_t count = 0;
    for (const auto& line : lines_) count += line.second.contains(text) ? 1U : 0U;
    return count;
  }
  void clear() {
    const std::scoped_lock lock(mutex_);
    lines_.clear();
  }

 private:
  mutable std::mutex mutex_;
  std::vector<std::pair<LogLevel, std::string>> lines_;
};

// An answer, all of its parts.
struct Told {
  std::string outcome;      // "ok" or the error code; "end", "reset", … when none came
  std::int64_t id = 0;      // 0: the answer has none
  wire::Dictionary fields;  // of the first part
  std::string payload;      // of all parts
  int parts = 0;

  [[nodiscard]] std::string text(std::string_view key) const { return *fields.text(key); }
  [[nodiscard]] std::int64_t number(std::string_view key) const {
    return *fields.integer(key, 0, 1LL << 53);
  }
  [[nodiscard]] bool flag(std::string_view key) const { return *fields.flag(key); }
};

// The client's end of a connection.
class Peer {
 public:
  explicit Peer(std::unique_ptr<socketserver::Stream> stream) : stream_(std::move(stream)) {}

  [[nodiscard]] socketserver::Stream& stream() { return *stream_; }

  // What has room on the way, at once: bytes as they are.
  void send_raw(std::string_view bytes) {
    EXPECT_EQ(stream_->write_now(as_bytes(bytes)).value_or(0), bytes.size());
  }
  [[nodiscard]] Task<void> send_all(std::string_view bytes) {
    return write_all(std::string(bytes));
  }
  // A request without "id" and "size": they are set here; the id comes back.
  std::int64_t send(std::string_view json, std::string_view payload = {}) {
    const std::int64_t id = ++last_id_;
    send_raw(request(json, payload, id));
    return id;
  }
  // The next last answer, whatever request it is for.
  [[nodiscard]] Task<Told> receive() { return read_on(0, ""); }
  // What came so far of the answer that goes on, as soon as it holds `text` (empty: one part more).
  [[nodiscard]] Task<Told> hear(std::int64_t id, std::string_view text) {
    return read_on(id, std::string(text));
  }
  // One request and its answer.
  [[nodiscard]] Task<Told> ask(std::string_view json, std::string_view payload = {}) {
    return ask_whole(request(json, payload, ++last_id_));
  }
  [[nodiscard]] Task<Told> hello() {
    return ask(R"({"op":"hello","min":1,"max":1,"name":"lin",)"
               R"("device":"5d1c04b0a7f2439e8b6604c81de23a97"})");
  }
  // Opens a put, or goes on with it, for `text` in one block; all in order.
  [[nodiscard]] Task<Told> put_whole(std::string_view path, std::string_view text) {
    return put_one_block(std::string(path), std::string(text));
  }

  void leave() { stream_->close(); }

 private:
  Task<Told> read_on(std::int64_t id, std::string text) {
    std::byte buffer[4096];
    while (true) {
      auto step = decoder_.next(input_);
      EXPECT_TRUE(step) << step.error().message();
      switch (*step) {
        case wire::FrameDecoder::Step::kDictionary: take_dictionary(); continue;
        case wire::FrameDecoder::Step::kPayload:
          open_[part_id_].payload += as_text(decoder_.piece());
          continue;
        case wire::FrameDecoder::Step::kEnd:
          if (!more_) co_return std::move(open_.extract(part_id_).mapped());
          if (part_id_ == id && open_[id].payload.contains(text)) co_return open_[id];
          continue;
        case wire::FrameDecoder::Step::kNeedMore: break;
      }
      auto got = co_await stream_->read_some(buffer, -1);
      Told ended;
      if (!got) ended.outcome = got.error().kind().name;
      if (got && *got == 0) ended.outcome = decoder_.between_frames() ? "end" : "cut";
      if (!ended.outcome.empty()) co_return ended;
      held_.assign(as_text(Bytes(buffer).first(*got)));
      input_ = as_bytes(held_);
    }
  }
  static std::string request(std::string_view json, std::string_view payload, std::int64_t id) {
    auto fields = wire::Dictionary::parse(json).value();
    fields.set("id", id);
    if (!payload.empty()) fields.set("size", static_cast<std::int64_t>(payload.size()));
    return wire::encode_frame(fields).append(payload);
  }
  Task<void> write_all(std::string bytes) {
    auto sent = co_await stream_->write_all(as_bytes(bytes), -1);
    EXPECT_TRUE(sent) << sent.error().message();
  }
  Task<Told> ask_whole(std::string bytes) {
    auto sent = co_await stream_->write_all(as_bytes(bytes), -1);
    static_cast<void>(sent.has_value());  // the answer, or its absence, tells
    auto told = co_await receive();
    co_return told;
  }
  Task<Told> put_one_block(std::string path, std::string text) {
    wire::Dictionary put;
    put.set("op", "put").set("path", path).set("total", static_cast<std::int64_t>(text.size()));
    const std::string opening = put.to_json();
    auto opened = co_await ask(opening);
    if (opened.outcome != "ok") co_return opened;
    const std::string handle = std::to_string(opened.number("handle"));
    if (!text.empty()) {
      const std::string block = concat(R"({"op":"block","block":0,"handle":)", handle, "}");
      auto sent = co_await ask(block, text);
      if (sent.outcome != "ok") co_return sent;
    }
    const std::string commit = concat(R"({"op":"commit","handle":)", handle, "}");
    auto committed = co_await ask(commit);
    co_return committed;
  }
  void take_dictionary() {
    const wire::Dictionary& fields = decoder_.dictionary();
    part_id_ = fields.integer_if("id", 1, 1LL << 53).value().value_or(0);
    more_ = fields.flag("more").value();
    Told& told = open_[part_id_];
    if (told.parts++ == 0) told.fields = fields;
    told.id = part_id_;
    told.outcome = fields.flag("ok").value() ? "ok" : fields.text("error").value();
  }

  std::unique_ptr<socketserver::Stream> stream_;
  std::int64_t last_id_ = 0;
  wire::FrameDecoder decoder_;
  std::string held_;
  Bytes input_;
  std::int64_t part_id_ = 0;
  bool more_ = false;
  std::map<std::int64_t, Told> open_;
};

// Keeps every thread of a pool busy, so that requests stay open as long as a test wants.
class HeldPool {
 public:
  HeldPool(socketserver::Loop& loop, socketserver::Pool& pool) : loop_(loop), pool_(pool) {}
  HeldPool(const HeldPool&) = delete;
  HeldPool& operator=(const HeldPool&) = delete;
  ~HeldPool() { let_go(); }

  [[nodiscard]] Task<void> hold() {
    for (std::size_t i = 0; i < pool_.threads(); ++i) loop_.spawn(occupy());
    const bool all = co_await socketserver::testing::eventually(
        loop_, [this] { return held_ == pool_.threads(); });
    EXPECT_TRUE(all);
  }
  [[nodiscard]] bool holding() const { return held_ > 0 && !free_; }
  void let_go() {
    free_ = true;
    free_.notify_all();
  }

 private:
  Task<void> occupy() {
    auto job = [this] {
      ++held_;
      free_.wait(false);
    };
    co_await pool_.run(loop_, job);
  }
  socketserver::Loop& loop_;
  socketserver::Pool& pool_;
  std::atomic<std::size_t> held_ = 0;
  std::atomic<bool> free_ = false;
};

// Sessions on a store on a fake disk, and a clock turned by hand. When a test ends, everything of
// its connections must have ended too.
struct SessionTest : ::testing::Test, socketserver::testing::WithFakeClock {
  SessionTest() { open_store({}); }
  ~SessionTest() override {
    held.let_go();
    run_until_done(*loop, all_left());
    EXPECT_EQ(loop->tasks(), 0U);
    EXPECT_EQ(disk.open_files(), 0U);
  }

  void open_store(store::StoreOptions options) {
    store = store::Store::open(disk, clock, random, options).value();
    EXPECT_TRUE(chat.begin());
    context = std::make_unique<Context>(Context{*loop, pool, *store, chat, log, "ada"});
  }
  // A peer and the session that serves it.
  [[nodiscard]] Peer connect(socketserver::FakeLink to_hub = {},
                             socketserver::FakeLink from_hub = {}) {
    links.push_back(std::make_unique<socketserver::FakePair>(*loop, to_hub, from_hub));
    served = links.back()->b.get();
    sessions.spawn(*loop, serve(std::move(links.back()->b)));
    return Peer(std::move(links.back()->a));
  }
  [[nodiscard]] Task<Peer> greeted() {
    Peer peer = connect();
    auto told = co_await peer.hello();
    EXPECT_EQ(told.outcome, "ok");
    co_return peer;
  }
  // True when so many sessions are left, sooner or later.
  [[nodiscard]] Task<bool> left(std::size_t count) {
    return socketserver::testing::eventually(*loop,
                                             [this, count] { return sessions.inside() == count; });
  }
  // Lets everything happen that can without time passing, in the pool too unless it is held.
  [[nodiscard]] Task<void> settle() {
    for (int i = 0; i < 8; ++i) {
      co_await socketserver::testing::settle(*loop);
      if (held.holding()) continue;
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

  // Everything in the shared folder but what is Skein's own.
  [[nodiscard]] store::FakeDisk::Tree shared() const {
    auto tree = disk.tree();
    std::erase_if(tree, [](const auto& item) { return item.first.starts_with(".skein"); });
    return tree;
  }
  // What lies in one of Skein's own folders.
  [[nodiscard]] std::size_t count_in(std::string_view folder) const {
    std::size_t count = 0;
    for (const auto& [path, what] : disk.tree()) count += path.starts_with(folder) ? 1U : 0U;
    return count;
  }

  store::FakeDisk disk;
  SeededRandom random{7};
  std::unique_ptr<store::Store> store;
  TestLog log;
  socketserver::Pool pool{1, 64};
  HeldPool held{*loop, pool};
  chat::FakeLog rooms;
  Chat chat{*loop, pool, rooms, rooms};
  std::unique_ptr<Context> context;
  std::vector<std::unique_ptr<socketserver::FakePair>> links;
  socketserver::Stream* served = nullptr;  // the hub's end of the newest connection, while it lasts
  socketserver::Gate sessions;

 private:
  Task<void> serve(std::unique_ptr<socketserver::Stream> stream) {
    Session session(*context, std::move(stream));
    co_await session.run();
  }
  Task<void> all_left() {
    co_await sessions.close();
    const bool ended =
        co_await socketserver::testing::eventually(*loop, [this] { return loop->tasks() == 1; });
    EXPECT_TRUE(ended) << "of what was begun, something has not ended";
  }
};

}  // namespace skein::hub
