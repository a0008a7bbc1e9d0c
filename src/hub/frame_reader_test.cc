#include "hub/frame_reader.h"

#include <string>
#include <vector>

#include "base/limits.h"
#include "hub/test_support.h"

namespace skein::hub {
namespace {

using socketserver::testing::settle;
using Step = FrameReader::Step;

// Everything that comes, as words: "{…}" for a dictionary, "+…" for a payload, "." for a frame's
// end, "!kind" for the end of all.
Task<void> read_all(FrameReader& reader, std::int64_t rest_ms, std::string& words) {
  while (true) {
    const auto step = co_await reader.next(rest_ms);
    if (!step) {
      words += concat("!", step.error().kind().name, reader.between_frames() ? "" : " inside");
      co_return;
    }
    if (*step == Step::kDictionary) words += reader.dictionary().to_json();
    if (*step == Step::kPayload) {
      if (!words.contains('+') || words.ends_with('.')) words += "+";
      words += as_text(reader.piece().bytes);
    }
    if (*step == Step::kEnd) words += ".";
  }
}

struct FrameReaderTest : ::testing::Test, socketserver::testing::WithFakeClock {
  void send(std::string_view bytes) {
    EXPECT_EQ(links.a->write_now(as_bytes(bytes)).value_or(0), bytes.size());
  }
  [[nodiscard]] Task<void> pass_ms(std::int64_t ms) {
    co_await settle(*loop);
    clock.advance_ms(ms);
    co_await settle(*loop);
  }
  void start(std::int64_t rest_ms) { loop->spawn(read_all(reader, rest_ms, words)); }
  void run(Task<void> body) { run_until_done(*loop, std::move(body)); }
  ~FrameReaderTest() override {
    links.a->close();
    const auto ended = [](FrameReaderTest& test) -> Task<void> { co_await settle(*test.loop); };
    run(ended(*this));
  }

  socketserver::FakePair links{*loop};
  Intake intake{*links.b};
  FrameReader reader{intake};
  std::string words;
};

TEST_F(FrameReaderTest, ConversationSplitAtEveryByteIsTheSame) {
  const std::string said = frame(R"({"id":1})") + frame(R"({"id":2,"size":5})", "abcde") +
                           frame(R"({"file_name":"a","file_size":0})") + frame(R"( {"id":3} )");
  const std::string expected =
      R"({"id":1}.{"id":2,"size":5}+abcde.{"file_name":"a","file_size":0}.{"id":3}.!closed)";
  for (std::size_t at = 0; at <= said.size(); ++at) {
    const auto body = [](socketserver::Loop& on, std::string_view first,
                         std::string_view second) -> Task<std::string> {
      socketserver::FakePair pair(on);
      Intake bytes(*pair.b);
      FrameReader split(bytes);
      std::string heard;
      on.spawn(read_all(split, -1, heard));
      EXPECT_EQ(pair.a->write_now(as_bytes(first)).value_or(0), first.size());
      co_await settle(on);
      EXPECT_EQ(pair.a->write_now(as_bytes(second)).value_or(0), second.size());
      pair.a->close();
      co_await settle(on);
      co_return heard;
    };
    const std::string_view whole(said);
    EXPECT_EQ(run_until_done(*loop, body(*loop, whole.substr(0, at), whole.substr(at))), expected)
        << at;
  }
}

TEST_F(FrameReaderTest, EndOfTheStreamIsInGoodOrderOnlyBetweenFrames) {
  const std::string said = frame(R"({"id":2,"size":3})", "abc");
  for (std::size_t at = 0; at <= said.size(); ++at) {
    const auto body = [](socketserver::Loop& on, std::string_view sent) -> Task<std::string> {
      socketserver::FakePair pair(on);
      Intake bytes(*pair.b);
      FrameReader cut(bytes);
      std::string heard;
      on.spawn(read_all(cut, -1, heard));
      EXPECT_EQ(pair.a->write_now(as_bytes(sent)).value_or(0), sent.size());
      pair.a->close();
      co_await settle(on);
      co_return heard;
    };
    const std::string heard =
        run_until_done(*loop, body(*loop, std::string_view(said).substr(0, at)));
    const bool whole = at == 0 || at == said.size();
    EXPECT_TRUE(heard.ends_with(whole ? "!closed" : "!closed inside")) << at << ": " << heard;
  }
}

TEST_F(FrameReaderTest, SniffedBytesAreReadAgainAsFrames) {
  const auto body = [](FrameReaderTest& test) -> Task<void> {
    test.links.a_to_b().max_read_bytes = 1;
    test.send(frame(R"({"id":1})"));
    const auto speech = co_await test.intake.sniff();
    EXPECT_EQ(speech.value(), wire::Speech::kFrames);
    EXPECT_FALSE(test.reader.between_frames());
    test.start(-1);
    co_await settle(*test.loop);
    EXPECT_EQ(test.words, R"({"id":1}.)");
    EXPECT_TRUE(test.reader.between_frames());
  };
  run(body(*this));
}

// A piece that is still being written to disk keeps its bytes while the next ones arrive.
TEST_F(FrameReaderTest, PieceStaysAsItIsForWhoeverHoldsIt) {
  const auto body = [](FrameReaderTest& test) -> Task<void> {
    test.send(frame(R"({"size":9})", "abc"));
    std::vector<Slice> held;
    for (const std::string_view more : {"def", "ghi", ""}) {
      auto step = co_await test.reader.next(-1);
      if (step && *step == Step::kDictionary) step = co_await test.reader.next(-1);
      EXPECT_EQ(step.value(), Step::kPayload);
      held.push_back(test.reader.piece());
      test.send(more);
    }
    std::string all;
    for (const Slice& slice : held) all += as_text(slice.bytes);
    EXPECT_EQ(all, "abcdefghi");
  };
  run(body(*this));
}

TEST_F(FrameReaderTest, RestBetweenFramesHasTheLimitThatIsAskedFor) {
  const auto body = [](FrameReaderTest& test) -> Task<void> {
    test.start(5'000);
    co_await test.pass_ms(4'000);
    test.send(frame("{}"));
    co_await test.pass_ms(4'999);
    EXPECT_EQ(test.words, "{}.");
    co_await test.pass_ms(1'001);
    EXPECT_EQ(test.words, "{}.!timeout");
  };
  run(body(*this));
}

TEST_F(FrameReaderTest, RestWithoutLimitLastsForEver) {
  const auto body = [](FrameReaderTest& test) -> Task<void> {
    test.start(-1);
    co_await test.pass_ms(1'000'000'000);
    test.send(frame("{}"));
    co_await settle(*test.loop);
    EXPECT_EQ(test.words, "{}.");
  };
  run(body(*this));
}

TEST_F(FrameReaderTest, DictionaryHasItsLimitFromItsFirstByteHoweverItDrips) {
  const auto body = [](FrameReaderTest& test) -> Task<void> {
    test.start(-1);
    const std::string whole = frame(R"({"id":1})");
    // Each frame has its limit anew.
    for (int i = 0; i < 2; ++i) {
      test.send(std::string_view(whole).substr(0, 6));
      co_await test.pass_ms(limits::kFrameTimeoutMs - 1'000);
      test.send(std::string_view(whole).substr(6));
      co_await settle(*test.loop);
    }
    EXPECT_EQ(test.words, R"({"id":1}.{"id":1}.)");
    for (std::size_t i = 0; i < 6; ++i) {
      EXPECT_FALSE(test.words.contains('!')) << i;
      test.send(std::string_view(whole).substr(i, 1));
      co_await test.pass_ms(limits::kFrameTimeoutMs / 6 + 500);
    }
    EXPECT_EQ(test.words, R"({"id":1}.{"id":1}.!timeout inside)");
  };
  run(body(*this));
}

TEST_F(FrameReaderTest, PayloadHasItsLimitFromOneReadToTheNext) {
  const auto body = [](FrameReaderTest& test) -> Task<void> {
    test.start(-1);
    test.send(frame(R"({"size":4})"));
    for (const std::string_view byte : {"a", "b", "c"}) {
      co_await test.pass_ms(limits::kStallTimeoutMs - 1'000);
      test.send(byte);
    }
    co_await test.pass_ms(limits::kStallTimeoutMs + 1'000);
    EXPECT_EQ(test.words, R"({"size":4}+abc!timeout inside)");
  };
  run(body(*this));
}

TEST_F(FrameReaderTest, SniffingWaitsForEverAndThenHasTheLimitOfADictionary) {
  const auto sniffed = [](FrameReaderTest& test) -> Task<void> {
    const auto speech = co_await test.intake.sniff();
    test.words = speech ? "speaks" : speech.error().kind().name;
  };
  const auto body = [](FrameReaderTest& test) -> Task<void> {
    co_await test.pass_ms(1'000'000'000);
    for (int i = 0; i < 3; ++i) {
      EXPECT_EQ(test.words, "");
      test.send(std::string_view("\x10\0\0\0", 4).substr(static_cast<std::size_t>(i), 1));
      co_await test.pass_ms(limits::kFrameTimeoutMs / 3 + 100);
    }
    EXPECT_EQ(test.words, "timeout");
  };
  loop->spawn(sniffed(*this));
  run(body(*this));
}

TEST_F(FrameReaderTest, FrameBeyondTheLimitsIsRefusedAtItsFirstBytes) {
  const auto body = [](FrameReaderTest& test) -> Task<void> {
    test.start(-1);
    test.send(std::string_view("\x01\0\x01\0", 4));
    co_await settle(*test.loop);
    EXPECT_EQ(test.words, "!bad_frame inside");
  };
  run(body(*this));
}

}  // namespace
}  // namespace skein::hub
