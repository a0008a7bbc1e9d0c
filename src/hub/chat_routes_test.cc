#include "hub/chat_routes.h"

#include <string>
#include <string_view>

#include "base/limits.h"
#include "hub/test_http.h"

namespace skein::hub {
namespace {

constexpr std::string_view kJson = "Content-Type: application/json\r\n";
constexpr std::string_view kCid = "00112233445566778899aabbccddeeff";

struct ChatRoutesTest : HttpTest {
  // As the log has them, by seq.
  void fill(chat::RoomId room, int count, std::string_view text) {
    for (int i = 1; i <= count; ++i) {
      chat::Draft draft;
      draft.room = room;
      draft.from = "lin";
      draft.text = concat(std::to_string(i), " ", text);
      random.fill(draft.cid);
      EXPECT_TRUE(rooms.append(std::span(&draft, 1)));
    }
  }
  static std::string seqs(const std::string& lines) {
    std::string out;
    for (std::size_t at = lines.find("\"seq\":"); at != std::string::npos;
         at = lines.find("\"seq\":", at + 1)) {
      out += concat(out.empty() ? "" : " ", lines.substr(at + 6, lines.find(',', at) - at - 6));
    }
    return out;
  }
  void body_of(Task<void> (*body)(ChatRoutesTest&)) { run(body(*this)); }
};

TEST_F(ChatRoutesTest, WhatIsPostedIsInTheRoomByItsNameOrAddress) {
  body_of([](ChatRoutesTest& test) -> Task<void> {
    HttpPeer peer = test.browser();
    HttpAnswer answer = co_await peer.ask("POST /rooms/lobby?name=lin", "", "照片\r\n");
    EXPECT_EQ(answer.status, 201);
    EXPECT_EQ(answer.field("content-type"), "application/json");
    EXPECT_EQ(answer.body, "{\"number\":1,\"repeated\":false,\"seq\":1}\n");
    answer = co_await peer.ask("POST /rooms/lobby", "", "by a guest");
    EXPECT_EQ(answer.status, 201);
    const std::string offer = R"({"text":"photos","file":"photos.zip"})";
    answer = co_await peer.ask("POST /rooms/lobby?name=lin", kJson, offer);
    EXPECT_EQ(answer.status, 201);
    const auto said = test.rooms.read(test.chat.lobby(), {}).value();
    EXPECT_EQ(said.size(), 3U);
    EXPECT_EQ(said[0].from, "lin");
    EXPECT_EQ(said[0].text, "照片");
    EXPECT_EQ(said[1].from, socketserver::Address().text());
    EXPECT_EQ(said[1].member, 0);
    EXPECT_EQ(said[2].file, "photos.zip");
    EXPECT_EQ(said[2].member, said[0].member);
  });
}

TEST_F(ChatRoutesTest, ARetryIsKnownByItsCid) {
  body_of([](ChatRoutesTest& test) -> Task<void> {
    HttpPeer peer = test.browser();
    const std::string in_query = concat("POST /rooms/lobby?name=lin&cid=", kCid);
    HttpAnswer answer = co_await peer.ask(in_query, "", "once");
    EXPECT_TRUE(answer.body.contains("\"repeated\":false")) << answer.body;
    const std::string in_json = concat(R"({"text":"twice","cid":")", kCid, "\"}");
    answer = co_await peer.ask("POST /rooms/lobby?name=lin", kJson, in_json);
    EXPECT_EQ(answer.status, 201);
    EXPECT_EQ(answer.body, "{\"number\":1,\"repeated\":true,\"seq\":1}\n");
    for (int i = 0; i < 2; ++i) {  // without one each is a message of its own
      answer = co_await peer.ask("POST /rooms/lobby?name=lin", "", "same");
      EXPECT_TRUE(answer.body.contains("\"repeated\":false")) << answer.body;
    }
    EXPECT_EQ(test.rooms.last_number().value(), 3);
  });
}

TEST_F(ChatRoutesTest, BadInputIsRefusedAndNothingIsSaid) {
  struct Case {
    std::string line;
    std::string fields;
    std::string body;
    int status;
  };
  const std::string json(kJson);
  const std::vector<Case> cases = {
      {"POST /rooms/lobby", "", "", 400},
      {"POST /rooms/lobby", "", "\n", 400},
      {"POST /rooms/lobby", "", "\xC3\x28", 400},
      {"POST /rooms/lobby", "", std::string(spec::kMaxMessageBytes + 1, 'x'), 413},
      {"POST /rooms/lobby", "Content-Length: 9999999999999\r\n", "", 413},
      {"POST /rooms/lobby", "Content-Type: text/html\r\n", "<b>", 415},
      {"POST /rooms/lobby", json, "no json", 400},
      {"POST /rooms/lobby", json, R"({"text":""})", 400},
      {"POST /rooms/lobby", json, R"({"text":"a","cid":"00"})", 400},
      {"POST /rooms/lobby?cid=XX", "", "a", 400},
      {"POST /rooms/lobby?name=lin", json, R"({"text":"a","file":"../b"})", 400},
      {"POST /rooms/lobby", json, R"({"text":"a","file":"b"})", 403},
      {"POST /rooms/lobby?name=", "", "a", 400},
      {"POST /rooms/lobby?name=%23lin", "", "a", 400},
      {"POST /rooms/lobby?name=a%0Ab", "", "a", 400},
      {"POST /rooms/nowhere", "", "a", 404},
      {"POST /rooms/", "", "a", 404},
      {"POST /rooms/a/b", "", "a", 404},
      {"POST /rooms/%6", "", "a", 400},
      {"POST /rooms/@lin", "", "a", 403},
      {"POST /rooms/@nobody?name=lin", "", "a", 404},
      {"GET /rooms/nowhere", "", "", 404},
      {"GET /rooms/@lin", "", "", 403},
      {"GET /rooms/lobby?after=-1", "", "", 400},
      {"GET /rooms/lobby?after=", "", "", 400},
      {"GET /rooms/lobby?before=1x", "", "", 400},
      {"GET /rooms/lobby?after=9007199254740993", "", "", 400},
      {"GET /rooms/lobby?limit=0", "", "", 400},
      {"GET /rooms/lobby?limit=1001", "", "", 400},
      {"GET /search", "", "", 400},
      {"GET /search?words=a&room=nowhere", "", "", 404},
      {"GET /search?words=a&room=@lin", "", "", 403},
  };
  for (const Case& one : cases) {
    const auto body = [](ChatRoutesTest& test, Case of) -> Task<void> {
      HttpPeer peer = test.browser();
      const HttpAnswer answer = co_await peer.ask(of.line, of.fields, of.body);
      EXPECT_EQ(answer.status, of.status) << of.line << " " << of.body.substr(0, 40);
      EXPECT_TRUE(answer.body.starts_with("skein: error: ")) << answer.body;
    };
    run(body(*this, one));
  }
  EXPECT_EQ(rooms.last_number().value(), 0);
}

TEST_F(ChatRoutesTest, TheLongestMessageIsTakenHoweverItIsSent) {
  body_of([](ChatRoutesTest& test) -> Task<void> {
    HttpPeer peer = test.browser();
    const std::string longest(spec::kMaxMessageBytes, '\x01');
    std::string escaped_text;
    for (std::size_t i = 0; i < longest.size(); ++i) escaped_text += "\\u0001";
    const std::string json = concat("{\"text\":\"", escaped_text, "\"}");
    const std::string line_end = concat(longest, "\n");
    for (const auto& [fields, body] :
         {std::pair(std::string_view(), line_end), std::pair(kJson, json)}) {
      const HttpAnswer answer = co_await peer.ask("POST /rooms/lobby", fields, body);
      EXPECT_EQ(answer.status, 201) << answer.body;
    }
    const auto said = test.rooms.read(test.chat.lobby(), {}).value();
    for (const chat::Message& one : said) EXPECT_EQ(one.text, longest);
  });
}

TEST_F(ChatRoutesTest, ARangeIsThatOfTheLog) {
  fill(chat.lobby(), 205, "x");
  struct Case {
    std::string_view query;
    std::string_view seqs;
  };
  constexpr Case kCases[] = {
      {"?limit=3", "203 204 205"},
      {"?after=202", "203 204 205"},
      {"?after=202&limit=2", "203 204"},
      {"?before=4", "1 2 3"},
      {"?before=4&limit=2", "2 3"},
      {"?after=1&before=4", "2 3"},
      {"?after=1&before=9&limit=2", "7 8"},
      {"?before=999999&limit=1", "205"},
      {"?after=205", ""},
      {"?after=9007199254740992", ""},
      {"?before=0", ""},
      {"?before=1", ""},
      {"?after=7&before=7", ""},
      {"?after=98&limit=4", "99 100 101 102"},
      {"?limit=3&limit=1", "205"},
  };
  for (const Case& one : kCases) {
    const auto body = [](ChatRoutesTest& test, Case of) -> Task<void> {
      HttpPeer peer = test.browser();
      const std::string line = concat("GET /rooms/lobby", of.query);
      const HttpAnswer answer = co_await peer.ask(line);
      EXPECT_EQ(answer.status, 200) << of.query;
      EXPECT_EQ(seqs(answer.body), of.seqs) << of.query;
    };
    run(body(*this, one));
  }
  // More than a page of the log, and the usual one.
  body_of([](ChatRoutesTest& test) -> Task<void> {
    HttpPeer peer = test.browser();
    HttpAnswer answer = co_await peer.ask("GET /rooms/lobby?limit=1000");
    EXPECT_TRUE(seqs(answer.body).starts_with("1 2 3 ")) << seqs(answer.body);
    EXPECT_TRUE(seqs(answer.body).ends_with(" 204 205")) << seqs(answer.body);
    answer = co_await peer.ask("GET /rooms/lobby");
    EXPECT_TRUE(seqs(answer.body).starts_with("106 107 ")) << seqs(answer.body);
  });
}

TEST_F(ChatRoutesTest, ALongAnswerComesInPartsAndToAnOldClientUntilTheEnd) {
  fill(chat.lobby(), 150, std::string(2'000, 'x'));
  body_of([](ChatRoutesTest& test) -> Task<void> {
    HttpPeer peer = test.browser();
    const HttpAnswer parts = co_await peer.ask("GET /rooms/lobby?limit=150");
    EXPECT_EQ(parts.field("transfer-encoding"), "chunked");
    EXPECT_TRUE(parts.whole && !parts.closes());
    EXPECT_TRUE(seqs(parts.body).ends_with(" 149 150"));
    peer.send_raw("GET /rooms/lobby?limit=150 HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    const HttpAnswer old = co_await peer.receive();
    EXPECT_EQ(old.field("transfer-encoding"), "");
    EXPECT_TRUE(old.whole && old.closes());
    EXPECT_EQ(old.body, parts.body);
  });
}

TEST_F(ChatRoutesTest, RoomsAreListedAsTheOneWhoAsksSeesThem) {
  body_of([](ChatRoutesTest& test) -> Task<void> {
    Peer lin = test.connect();
    const Told hello = co_await lin.ask(R"({"op":"hello","min":1,"max":1,"name":"lin"})");
    EXPECT_EQ(hello.outcome, "ok");
    for (const std::string_view request : {R"({"op":"join","room":"holiday"})",
                                           R"({"op":"topic","room":"holiday","topic":"sea"})"}) {
      const Told told = co_await lin.ask(request);
      EXPECT_EQ(told.outcome, "ok");
    }
    HttpPeer peer = test.browser();
    HttpAnswer answer = co_await peer.ask("GET /rooms");
    EXPECT_EQ(answer.body,
              "{\"last_seq\":0,\"room\":\"holiday\",\"topic\":\"sea\"}\n"
              "{\"last_seq\":0,\"room\":\"lobby\"}\n");
    answer = co_await peer.ask("GET /rooms?name=ada");
    EXPECT_TRUE(answer.body.contains(R"({"joined":true,"last_seq":0,"read_seq":0,"room":"lobby"})"))
        << answer.body;
    answer = co_await peer.ask("POST /rooms/@ada?name=lin", "", "between us");
    EXPECT_EQ(answer.status, 201);
    answer = co_await peer.ask("GET /rooms/@lin?name=ada");
    EXPECT_TRUE(answer.body.contains("between us")) << answer.body;
    answer = co_await peer.ask("GET /rooms/%40lin?name=eve");
    EXPECT_EQ(answer.body, "");
    answer = co_await peer.ask("GET /rooms");
    EXPECT_FALSE(answer.body.contains("@")) << answer.body;
    // A room's name is one component, whatever is in it.
    const Told joined = co_await lin.ask(R"({"op":"join","room":"a b?&%41"})");
    EXPECT_EQ(joined.outcome, "ok");
    answer = co_await peer.ask("POST /rooms/a%20b%3F%26%2541", "", "odd");
    EXPECT_EQ(answer.status, 201);
  });
}

TEST_F(ChatRoutesTest, WordsAreFoundWhereOneMayRead) {
  body_of([](ChatRoutesTest& test) -> Task<void> {
    HttpPeer peer = test.browser();
    for (const std::string_view line :
         {"GET /rooms?name=ada", "POST /rooms/lobby?name=lin", "POST /rooms/@ada?name=lin"}) {
      const HttpAnswer said = co_await peer.ask(line, "", "the photos");
      EXPECT_LT(said.status, 300) << line;
    }
    HttpAnswer answer = co_await peer.ask("GET /search?words=photos");
    EXPECT_TRUE(answer.body.contains(R"("room":"lobby")")) << answer.body;
    EXPECT_FALSE(answer.body.contains("@")) << answer.body;
    answer = co_await peer.ask("GET /search?words=the+photos&name=ada&limit=1");
    EXPECT_TRUE(answer.body.contains(R"("room":"@lin")")) << answer.body;
    answer = co_await peer.ask("GET /search?words=photos&name=ada&before=2");
    EXPECT_FALSE(answer.body.contains("@lin")) << answer.body;
    answer = co_await peer.ask("GET /search?words=photos&name=ada&room=lobby");
    EXPECT_FALSE(answer.body.contains("@lin")) << answer.body;
    EXPECT_TRUE(answer.body.contains(R"("room":"lobby")")) << answer.body;
    const std::string too_long = concat("GET /search?words=", std::string(257, 'x'));
    answer = co_await peer.ask(too_long);
    EXPECT_EQ(answer.status, 413);
  });
}

TEST_F(ChatRoutesTest, WhoSaysTooMuchIsToldWhenToTryAgain) {
  body_of([](ChatRoutesTest& test) -> Task<void> {
    const auth::Principal lin = auth::local_principal("lin", "");
    const auto person = co_await test.chat.person(lin);  // as by a connection of hers
    HttpPeer peer = test.browser();
    for (std::int64_t i = 0; i < limits::kMessagesAtOnce; ++i) {
      const HttpAnswer answer = co_await peer.ask("POST /rooms/lobby?name=lin", "", "x");
      EXPECT_EQ(answer.status, 201);
    }
    HttpAnswer answer = co_await peer.ask("POST /rooms/lobby?name=lin", "", "x");
    EXPECT_EQ(answer.status, 429);
    EXPECT_EQ(answer.field("retry-after"), "1");
    co_await test.pass_ms(1'000);
    answer = co_await peer.ask("POST /rooms/lobby?name=lin", "", "x");
    EXPECT_EQ(answer.status, 201);
  });
}

TEST_F(ChatRoutesTest, GuestsOfOneAddressShareItsLimit) {
  body_of([](ChatRoutesTest& test) -> Task<void> {
    for (std::int64_t i = 0; i < limits::kAddressMessagesAtOnce; ++i) {
      Chat::Saying saying;
      saying.room = test.chat.lobby();
      test.random.fill(saying.cid);
      saying.text = "x";
      const auto said = co_await test.chat.say_as_guest("eve", {}, std::move(saying));
      EXPECT_TRUE(said);
    }
    HttpPeer peer = test.browser();
    const HttpAnswer answer = co_await peer.ask("POST /rooms/lobby", "", "x");
    EXPECT_EQ(answer.status, 429);
    EXPECT_EQ(answer.field("retry-after"), "1");
  });
}

TEST_F(ChatRoutesTest, ADiskThatIsFullIsSaid) {
  body_of([](ChatRoutesTest& test) -> Task<void> {
    HttpPeer peer = test.browser();
    test.rooms.fail_next(1, kNoSpace);
    HttpAnswer answer = co_await peer.ask("POST /rooms/lobby", "", "x");
    EXPECT_EQ(answer.status, 507);
    test.rooms.fail_next_reads(1, kIo);
    answer = co_await peer.ask("GET /rooms/lobby");
    EXPECT_EQ(answer.status, 500);
    answer = co_await peer.ask("POST /rooms/lobby", "", "x");
    EXPECT_EQ(answer.status, 201);
  });
}

}  // namespace
}  // namespace skein::hub
