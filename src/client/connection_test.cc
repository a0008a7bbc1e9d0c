#include "client/connection.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "base/limits.h"
#include "client/test_support.h"

namespace skein::client {
namespace {

using ::testing::HasSubstr;
using ::testing::UnorderedElementsAre;

wire::Dictionary request(std::string_view op) {
  wire::Dictionary fields;
  fields.set("op", op);
  return fields;
}

// A client, as far as it got: what each call came to is in `words`.
struct ConnectionTest : ClientTest {
  [[nodiscard]] Task<void> open() {
    Identity identity{"lin", "device"};
    socketserver::Endpoint endpoint = hub;
    auto opened =
        co_await Connection::open(*loop, pool, std::move(endpoint), std::move(identity), stop);
    outcome = store::outcome(opened);
    if (opened) {
      connection = *std::move(opened);
    } else {
      message = opened.error().text();
      hint = opened.error().hint();
    }
  }
  // Both ends of a connection after hello.
  [[nodiscard]] Task<Line> opened() {
    loop->spawn(open());
    Line line = co_await accept();
    co_await line.greet();
    co_await until([this] { return connection != nullptr; });
    co_return line;
  }
  [[nodiscard]] Task<void> call(std::string_view name, std::string_view payload = {}) {
    return call_and_note(std::string(name), std::string(payload));
  }
  [[nodiscard]] Task<void> call_and_note(std::string name, std::string payload) {
    wire::Dictionary fields = request(name);
    auto answer = co_await connection->call(std::move(fields), as_bytes(payload), nullptr);
    words.push_back(name + ":" +
                    (answer ? "ok" + std::string(as_text(answer->bytes()))
                            : std::string(answer.error().kind().name)));
  }
  [[nodiscard]] Task<void> said(std::size_t count) {
    return until([this, count] { return words.size() == count; });
  }
  [[nodiscard]] Task<void> close() {
    if (connection) co_await connection->close();
    connection.reset();
  }
  ~ConnectionTest() override { run(close()); }

  std::unique_ptr<Connection> connection;
  std::string outcome;
  std::string message;
  std::string hint;
  std::vector<std::string> words;
};

TEST_F(ConnectionTest, HelloSaysWhoCallsAndTakesTheHubsNameEscaped) {
  const auto body = [](ConnectionTest& test) -> Task<void> {
    test.loop->spawn(test.open());
    Line line = co_await test.accept();
    const Asked hello = co_await line.next();
    EXPECT_EQ(hello.fields.to_json(),
              R"({"device":"device","id":1,"max":1,"min":1,"name":"lin","op":"hello"})");
    const bool told = co_await line.answer(hello, R"({"version":1,"hub":"a\u001b[1mda"})");
    EXPECT_TRUE(told);
    co_await test.until([&test] { return !test.outcome.empty(); });
    EXPECT_EQ(test.outcome, "ok");
    EXPECT_EQ(test.connection->hub(), R"(a\x1b[1mda)");
  };
  run(body(*this));
}

TEST_F(ConnectionTest, NobodyThereIsNoHubWithWhatToDo) {
  const auto body = [](ConnectionTest& test) -> Task<void> {
    co_await test.hang_up();
    co_await test.open();
    EXPECT_EQ(test.outcome, "no_hub");
    EXPECT_THAT(test.hint, HasSubstr("skein serve"));
  };
  run(body(*this));
}

TEST_F(ConnectionTest, WhoAnswersHelloWithSomethingElseIsNoHub) {
  const std::string answers[] = {
      "HTTP/1.1 400 Bad Request\r\n\r\n",
      "SSH-2.0-OpenSSH_9.2\r\n",
      "",
      std::string("\x08\0\0\0{\"ok\":1}", 12),
      std::string("\x13\0\0\0{\"id\":7,\"ok\":true}\n", 23),
  };
  for (const std::string& answer : answers) {
    const auto body = [](ConnectionTest& test, std::string_view bytes) -> Task<void> {
      test.outcome.clear();
      test.loop->spawn(test.open());
      Line line = co_await test.accept();
      const Asked hello = co_await line.next();
      EXPECT_EQ(hello.op, "hello");
      const bool told = co_await line.send(bytes);
      EXPECT_TRUE(told);
      line.stream().close();
      co_await test.until([&test] { return !test.outcome.empty(); });
    };
    run(body(*this, answer));
    EXPECT_EQ(outcome, "no_hub") << escaped(answer);
  }
}

TEST_F(ConnectionTest, HubThatSpeaksAnotherVersionSaysSo) {
  const auto body = [](ConnectionTest& test) -> Task<void> {
    test.loop->spawn(test.open());
    Line line = co_await test.accept();
    const Asked hello = co_await line.next();
    const bool told = co_await line.refuse(hello, skein::kVersion);
    EXPECT_TRUE(told);
    line.stream().close();
    co_await test.until([&test] { return !test.outcome.empty(); });
    EXPECT_EQ(test.outcome, "version");
  };
  run(body(*this));
}

TEST_F(ConnectionTest, HubThatAcceptsAndNeverAnswersIsGivenUpAfterSixtySeconds) {
  const auto body = [](ConnectionTest& test) -> Task<void> {
    test.loop->spawn(test.open());
    Line line = co_await test.accept();
    const Asked hello = co_await line.next();
    EXPECT_EQ(hello.op, "hello");
    co_await test.pass_ms(spec::kDeadAfterMs - 1'000);
    EXPECT_EQ(test.outcome, "");
    co_await test.pass_ms(2'000);
    co_await test.until([&test] { return !test.outcome.empty(); });
    EXPECT_EQ(test.outcome, "no_hub");
    EXPECT_THAT(test.message, HasSubstr("has not answered for 60 seconds"));
  };
  run(body(*this));
}

TEST_F(ConnectionTest, WaitingForHelloCanBeInterrupted) {
  const auto body = [](ConnectionTest& test) -> Task<void> {
    test.loop->spawn(test.open());
    Line line = co_await test.accept();
    const Asked hello = co_await line.next();
    EXPECT_EQ(hello.op, "hello");
    test.stop.set();
    co_await test.until([&test] { return !test.outcome.empty(); });
    EXPECT_EQ(test.outcome, "cancelled");
  };
  run(body(*this));
}

TEST_F(ConnectionTest, AnswersFindTheirRequestsInAnyOrder) {
  const auto body = [](ConnectionTest& test) -> Task<void> {
    Line line = co_await test.opened();
    for (const char* name : {"a", "b", "c"}) test.loop->spawn(test.call(name, "payload"));
    std::vector<Asked> asked;
    for (int i = 0; i < 3; ++i) {
      Asked one = co_await line.next();
      EXPECT_EQ(one.payload, "payload");
      asked.push_back(std::move(one));
    }
    for (const std::size_t i : {2U, 0U}) {
      const bool told = co_await line.answer(asked.at(i), "{}", asked.at(i).op);
      EXPECT_TRUE(told);
    }
    const bool told = co_await line.refuse(asked.at(1), kNotFound);
    EXPECT_TRUE(told);
    co_await test.said(3);
    EXPECT_THAT(test.words, UnorderedElementsAre("a:oka", "b:not_found", "c:okc"));
    EXPECT_FALSE(test.connection->broken());
  };
  run(body(*this));
}

TEST_F(ConnectionTest, AnswersInPartsGoToWhoAskedForThem) {
  const auto body = [](ConnectionTest& test) -> Task<void> {
    Line line = co_await test.opened();
    std::string parts;
    std::string last_one;
    test.loop->spawn([](ConnectionTest& of, std::string& heard, std::string& came) -> Task<void> {
      Connection::OnPart on_part = [&heard](const Answer& part) -> Result<void> {
        heard += as_text(part.bytes());
        heard += ",";
        return {};
      };
      wire::Dictionary ls = request("ls");
      const auto last = co_await of.connection->call(std::move(ls), {}, std::move(on_part));
      came = store::outcome(last);
    }(test, parts, last_one));
    const Asked asked = co_await line.next();
    for (const std::string_view part : {"one", "two"}) {
      const bool told = co_await line.answer(asked, R"({"more":true})", part);
      EXPECT_TRUE(told);
    }
    const bool told = co_await line.answer(asked, "{}", "three");
    EXPECT_TRUE(told);
    co_await test.until([&last_one] { return !last_one.empty(); });
    EXPECT_EQ(last_one, "ok");
    EXPECT_EQ(parts, "one,two,three,");
  };
  run(body(*this));
}

TEST_F(ConnectionTest, AnswerThatMakesNoSenseEndsTheConnectionForAllWhoWait) {
  struct Case {
    std::string_view answer;
    std::string_view outcome;
  };
  constexpr Case kCases[] = {
      {R"({"id":99,"ok":true})", "bad_frame"},
      {R"({"id":2,"ok":true,"more":true})", "bad_frame"},
      {R"({"id":2,"ok":true,"size":5000000})", "bad_frame"},
      {R"({"ok":true})", "bad_frame"},
      {R"(no json)", "bad_frame"},
      {R"({"id":"2","ok":true})", "bad_request"},
      {R"({"id":2,"ok":true,"more":5})", "bad_request"},
  };
  for (const Case& one : kCases) {
    const auto body = [](ConnectionTest& test, Case of) -> Task<void> {
      Line line = co_await test.opened();
      test.loop->spawn(test.call("a"));
      test.loop->spawn(test.call("b"));
      Asked asked = co_await line.next();
      asked = co_await line.next();
      std::string bytes;
      append_le(bytes, static_cast<std::uint32_t>(of.answer.size()));
      bytes += of.answer;
      const bool told = co_await line.send(bytes);
      EXPECT_TRUE(told);
      co_await test.said(2);
      EXPECT_TRUE(test.connection->broken());
      co_await test.call("late");
      const std::string why = ":" + std::string(of.outcome);
      EXPECT_THAT(test.words, UnorderedElementsAre("a" + why, "b" + why, "late" + why))
          << of.answer;
      test.words.clear();
      co_await test.close();
    };
    run(body(*this, one));
  }
}

TEST_F(ConnectionTest, ErrorWithoutAnIdTellsWhyTheHubEndsIt) {
  const auto body = [](ConnectionTest& test) -> Task<void> {
    Line line = co_await test.opened();
    test.loop->spawn(test.call("a"));
    Asked asked = co_await line.next();
    asked.id = 0;
    const bool told = co_await line.refuse(asked, kBadFrame);
    EXPECT_TRUE(told);
    co_await test.said(1);
    EXPECT_EQ(test.connection->trouble(), "as told");
  };
  run(body(*this));
}

TEST_F(ConnectionTest, LineThatIsLostEndsEveryCallAtOnce) {
  for (const bool by_reset : {false, true}) {
    const auto body = [](ConnectionTest& test, bool reset) -> Task<void> {
      Line line = co_await test.opened();
      for (const char* name : {"a", "b"}) test.loop->spawn(test.call(name));
      Asked asked = co_await line.next();
      asked = co_await line.next();
      // Half of an answer is none.
      const bool told = co_await line.send(std::string_view("\x12\0\0\0{\"id\"", 9));
      EXPECT_TRUE(told);
      co_await test.settle();
      reset ? line.stream().reset() : line.stream().close();
      co_await test.said(2);
      EXPECT_THAT(test.words, UnorderedElementsAre("a:closed", "b:closed"));
      EXPECT_TRUE(test.connection->broken());
      test.words.clear();
      co_await test.close();
    };
    run(body(*this, by_reset));
  }
}

TEST_F(ConnectionTest, SixtyFourRequestsAreOpenAtMostAndTheNextWaits) {
  const auto body = [](ConnectionTest& test) -> Task<void> {
    Line line = co_await test.opened();
    for (std::size_t i = 0; i < spec::kMaxOpenIds + 1; ++i) test.loop->spawn(test.call("a"));
    std::vector<Asked> asked;
    for (std::size_t i = 0; i < spec::kMaxOpenIds; ++i) {
      Asked one = co_await line.next();
      asked.push_back(std::move(one));
    }
    co_await test.settle();
    bool told = co_await line.answer(asked.front());
    EXPECT_TRUE(told);
    Asked last = co_await line.next();
    EXPECT_EQ(test.words.size(), 1U) << "it came only after an answer";
    asked.front() = std::move(last);
    for (const Asked& one : asked) {
      told = co_await line.answer(one);
      EXPECT_TRUE(told);
    }
    co_await test.said(spec::kMaxOpenIds + 1);
  };
  run(body(*this));
}

TEST_F(ConnectionTest, PingsAfterTwentySecondsOfSilenceAndLivesAsLongAsTheyAreAnswered) {
  const auto body = [](ConnectionTest& test) -> Task<void> {
    Line line = co_await test.opened();
    for (int i = 0; i < 5; ++i) {
      for (int seconds = 0; seconds < 25; seconds += 5) co_await test.pass_ms(5'000);
      const Asked ping = co_await line.next();
      EXPECT_EQ(ping.op, "ping");
      const bool told = co_await line.answer(ping);
      EXPECT_TRUE(told);
      co_await test.settle();
    }
    EXPECT_FALSE(test.connection->broken());
  };
  run(body(*this));
}

TEST_F(ConnectionTest, HubThatFallsSilentCountsAsDeadAfterSixtySeconds) {
  const auto body = [](ConnectionTest& test) -> Task<void> {
    Line line = co_await test.opened();
    test.loop->spawn(test.call("a"));
    const Asked asked = co_await line.next();
    EXPECT_EQ(asked.op, "a");
    for (int seconds = 0; seconds < 55; seconds += 5) co_await test.pass_ms(5'000);
    EXPECT_TRUE(test.words.empty());
    co_await test.pass_ms(6'000);
    co_await test.said(1);
    EXPECT_EQ(test.words.front(), "a:timeout");
    EXPECT_TRUE(test.connection->broken());
  };
  run(body(*this));
}

TEST_F(ConnectionTest, InterruptEndsWhatWaitsAndWhatIsCalledLater) {
  const auto body = [](ConnectionTest& test) -> Task<void> {
    Line line = co_await test.opened();
    test.loop->spawn(test.call("a"));
    const Asked asked = co_await line.next();
    EXPECT_EQ(asked.op, "a");
    test.stop.set();
    co_await test.said(1);
    co_await test.call("late");
    EXPECT_EQ(test.words, (std::vector<std::string>{"a:cancelled", "late:cancelled"}));
  };
  run(body(*this));
}

}  // namespace
}  // namespace skein::client
