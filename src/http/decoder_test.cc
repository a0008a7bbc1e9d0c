#include "http/decoder.h"

#include <gmock/gmock.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "base/text.h"

namespace skein::http {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Step = RequestDecoder::Step;

// A decoder, and what came out of it so far. Stops at the first error.
struct Reader {
  RequestDecoder decoder{};
  std::vector<std::string> requests{};  // as described() has them
  std::string open{};
  std::string error{};
  int status = 0;
  bool ended = true;  // after kEnd, before the next kHead

  explicit Reader(std::string_view bytes = {}) { feed(bytes); }

  static std::string described(const Request& request) {
    std::string out = concat(request.method, " ", request.target, " 1.",
                             std::to_string(request.minor), request.keep_alive ? "" : " closes");
    for (const auto& [name, value] : request.fields) out += concat("|", name, "=", value);
    return out;
  }

  void feed(std::string_view text) {
    Bytes input = as_bytes(text);
    while (status == 0) {
      const auto step = decoder.next(input);
      if (!step) {
        error = step.error().message();
        status = decoder.status();
        return;
      }
      switch (*step) {
        case Step::kNeedMore: EXPECT_TRUE(input.empty()); return;
        case Step::kHead:
          EXPECT_TRUE(ended);
          ended = false;
          open = described(decoder.request()) + (decoder.request().has_body() ? "|" : "");
          break;
        case Step::kBody:
          EXPECT_TRUE(decoder.request().has_body());
          EXPECT_FALSE(decoder.piece().empty());
          open += as_text(decoder.piece());
          break;
        case Step::kEnd:
          EXPECT_FALSE(ended);
          EXPECT_TRUE(decoder.between_requests());
          requests.push_back(open);
          ended = true;
          break;
      }
    }
  }

  // All that came out of it, the same for the same bytes.
  [[nodiscard]] std::string all() const {
    std::string out;
    for (const std::string& request : requests) out += request + "\n";
    return out + (ended ? "" : open + "\n") + std::to_string(status) + " " + error;
  }
};

Reader read(std::string_view bytes) {
  return Reader(bytes);
}

// However they are split in two, and byte by byte, the bytes say the same.
void expect_the_same_however_split(std::string_view bytes) {
  const std::string whole = read(bytes).all();
  for (std::size_t at = 0; at <= bytes.size(); ++at) {
    Reader reader;
    reader.feed(bytes.substr(0, at));
    reader.feed(bytes.substr(at));
    ASSERT_EQ(reader.all(), whole) << quoted(bytes) << " at " << at;
  }
  Reader reader;
  for (std::size_t at = 0; at < bytes.size(); ++at) reader.feed(bytes.substr(at, 1));
  ASSERT_EQ(reader.all(), whole) << quoted(bytes);
}

constexpr std::string_view kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
constexpr std::string_view kChunkedHead =
    "PUT /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
// As Reader describes it, in front of the body.
constexpr std::string_view kChunkedRequest = "PUT /x 1.1|Host=a|Transfer-Encoding=chunked|";

TEST(DecoderTest, AHeadTakenApart) {
  Reader reader;
  reader.feed(
      "POST /rooms/lobby?after=3 HTTP/1.0\r\nHost: localhost:8080\r\n"
      "X-Empty:\r\ncontent-LENGTH: 2 \r\nX-Twice: \t a  b\t\r\nx-twice:\xff\r\n\r\n{}");
  ASSERT_EQ(reader.error, "");
  const Request& request = reader.decoder.request();
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/rooms/lobby?after=3");
  EXPECT_EQ(request.minor, 0);
  EXPECT_EQ(request.length, 2U);
  EXPECT_FALSE(request.chunked);
  EXPECT_FALSE(request.expects_continue);
  EXPECT_THAT(reader.requests,
              ElementsAre("POST /rooms/lobby?after=3 1.0 closes|Host=localhost:8080|X-Empty=|"
                          "content-LENGTH=2|X-Twice=a  b|x-twice=\xff|{}"));
}

TEST(DecoderTest, NoBody) {
  EXPECT_THAT(read(kGet).requests, ElementsAre("GET / 1.1|Host=a"));
  EXPECT_THAT(read("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").requests,
              ElementsAre("PUT / 1.1|Host=a|Content-Length=0"));
}

TEST(DecoderTest, ChunkedBodies) {
  struct Case {
    std::string_view name;
    std::string_view chunks;
    std::string_view body;
  };
  using namespace std::string_view_literals;
  const std::vector<Case> cases = {
      {"none", "0\r\n\r\n", ""},
      {"one", "5\r\nhello\r\n0\r\n\r\n", "hello"},
      {"several", "1\r\na\r\n2\r\nbc\r\n0003\r\ndef\r\n000\r\n\r\n", "abcdef"},
      {"hexadecimal", "C\r\nabcdefghijkl\r\na\r\n0123456789\r\n0\r\n\r\n",
       "abcdefghijkl0123456789"},
      {"any bytes", "6\r\n\r\n0\r\n\0\r\n0\r\n\r\n"sv, "\r\n0\r\n\0"sv},
      {"extensions", "3;a=b\r\nxyz\r\n0;c=\"d;e\"\r\n\r\n", "xyz"},
      {"trailers", "3\r\nxyz\r\n0\r\nDigest: q\r\nContent-Length: 7\r\n\r\n", "xyz"},
  };
  for (const Case& one : cases) {
    const Reader reader = read(concat(kChunkedHead, one.chunks));
    EXPECT_EQ(reader.error, "") << one.name;
    EXPECT_THAT(reader.requests, ElementsAre(concat(kChunkedRequest, one.body))) << one.name;
  }
}

TEST(DecoderTest, TrailersAreDropped) {
  const Reader reader = read(concat(kChunkedHead, "0\r\nX: y\r\nConnection: close\r\n\r\n"));
  EXPECT_EQ(reader.requests.size(), 1U);
  EXPECT_EQ(reader.decoder.request().field("X"), std::nullopt);
  EXPECT_TRUE(reader.decoder.request().keep_alive);
}

TEST(DecoderTest, PiecesAreTheInputsOwnBytes) {
  for (const std::string_view body :
       {"Content-Length: 5\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"}) {
    const std::string bytes = concat("PUT / HTTP/1.1\r\nHost: a\r\n", body);
    RequestDecoder decoder;
    Bytes input = as_bytes(bytes);
    ASSERT_EQ(*decoder.next(input), Step::kHead);
    ASSERT_EQ(*decoder.next(input), Step::kBody);
    EXPECT_EQ(as_text(decoder.piece()).data(), bytes.data() + bytes.find("hello"));
    EXPECT_EQ(as_text(decoder.piece()), "hello");
  }
}

TEST(DecoderTest, WhatIsBehindARequestStaysInTheInput) {
  const std::string bytes = concat(kGet, kGet, "GET");
  RequestDecoder decoder;
  Bytes input = as_bytes(bytes);
  ASSERT_EQ(*decoder.next(input), Step::kHead);
  ASSERT_EQ(*decoder.next(input), Step::kEnd);
  EXPECT_EQ(as_text(input), concat(kGet, "GET"));
  ASSERT_EQ(*decoder.next(input), Step::kHead);
  ASSERT_EQ(*decoder.next(input), Step::kEnd);
  EXPECT_EQ(as_text(input), "GET");
  ASSERT_EQ(*decoder.next(input), Step::kNeedMore);
  EXPECT_FALSE(decoder.between_requests());
}

TEST(DecoderTest, NothingOfOneRequestIsInTheNext) {
  const Reader reader =
      read(concat("PUT /x HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n"
                  "Connection: close\r\n\r\nabc",
                  kGet, kChunkedHead, "1\r\nz\r\n0\r\n\r\n", kGet));
  EXPECT_EQ(reader.error, "");
  EXPECT_THAT(
      reader.requests,
      ElementsAre("PUT /x 1.1 closes|Host=a|Expect=100-continue|Content-Length=3|Connection=close|"
                  "abc",
                  "GET / 1.1|Host=a", concat(kChunkedRequest, "z"), "GET / 1.1|Host=a"));
  EXPECT_FALSE(reader.decoder.request().expects_continue);
  EXPECT_FALSE(reader.decoder.request().chunked);
  EXPECT_EQ(reader.decoder.request().length, std::nullopt);
}

TEST(DecoderTest, TheSameHoweverSplit) {
  const std::string bytes = concat(
      "POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 12\r\n\r\nhello\r\n\r\nyou", "\r\n",
      kChunkedHead, "4;x=y\r\nab\r\n\r\n00a\r\n0123456789\r\n0\r\nX: y\r\nZ: \r\n\r\n", kGet);
  EXPECT_THAT(read(bytes).requests,
              ElementsAre("POST /a 1.1|Host=a|Content-Length=12|hello\r\n\r\nyou",
                          concat(kChunkedRequest, "ab\r\n0123456789"), "GET / 1.1|Host=a"));
  expect_the_same_however_split(bytes);
}

TEST(DecoderTest, TheSameHoweverSplitInThree) {
  const std::string bytes =
      concat(kChunkedHead, "2\r\nab\r\nA;\r\n0123456789\r\n0\r\nX: y\r\n\r\n", kGet);
  const std::string whole = read(bytes).all();
  for (std::size_t first = 0; first <= bytes.size(); ++first) {
    for (std::size_t second = first; second <= bytes.size(); ++second) {
      Reader reader;
      reader.feed(std::string_view(bytes).substr(0, first));
      reader.feed(std::string_view(bytes).substr(first, second - first));
      reader.feed(std::string_view(bytes).substr(second));
      ASSERT_EQ(reader.all(), whole) << first << ", " << second;
    }
  }
}

// The rules line by line are the gate's (gate_test.cc); these are about how lines make requests.
TEST(DecoderTest, Refused) {
  struct Case {
    std::string_view name;
    std::string bytes;
    int status;
  };
  using namespace std::string_view_literals;
  const auto chunks = [](std::string_view text) { return concat(kChunkedHead, text); };
  const std::vector<Case> cases = {
      {"LF behind the request line", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400},
      {"LF behind a field", "GET / HTTP/1.1\r\nHost: a\n\r\n", 400},
      {"LF at the end", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400},
      {"CR in a field", "GET / HTTP/1.1\r\nHost: a\rX: y\r\n\r\n", 400},
      {"CR at the end", "GET / HTTP/1.1\r\nHost: a\r\n\r\r\n", 400},
      {"NUL in a field", std::string("GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n"sv), 400},
      {"folded", "GET / HTTP/1.1\r\nHost: a\r\nX: y\r\n z\r\n\r\n", 400},
      {"folded at once", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
      {"two empty lines before", concat("\r\n\r\n", kGet), 400},
      {"LF before", concat("\n", kGet), 400},
      {"CR before", concat("\r", kGet), 400},
      {"space before", concat(" ", kGet), 400},
      {"HTTP/0.9", "GET /\r\n", 400},
      {"HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
      {"no host", "GET / HTTP/1.1\r\n\r\n", 400},
      {"two lengths", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1, 1\r\n\r\nx", 400},
      {"too long", "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 9007199254740993\r\n\r\n", 413},
      {"both framings",
       "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"gzip", "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501},
      {"chunked in 1.0", "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {"expectation", "GET / HTTP/1.1\r\nHost: a\r\nExpect: more\r\n\r\n", 417},
      {"no list in Connection", "GET / HTTP/1.1\r\nHost: a\r\nConnection: a b\r\n\r\n", 400},

      {"a chunk without size", chunks("\r\nhello\r\n0\r\n\r\n"), 400},
      {"a size that is none", chunks("five\r\nhello\r\n0\r\n\r\n"), 400},
      {"a size with a sign", chunks("+5\r\nhello\r\n0\r\n\r\n"), 400},
      {"a size with 0x", chunks("0x5\r\nhello\r\n0\r\n\r\n"), 400},
      {"a size of 17 digits", chunks("10000000000000005\r\nhello\r\n0\r\n\r\n"), 400},
      {"a size above every other", chunks("ffffffffffffffff\r\nhello\r\n0\r\n\r\n"), 413},
      {"LF behind a size", chunks("5\nhello\r\n0\r\n\r\n"), 400},
      {"CR behind a size", chunks("5\rhello\r\n0\r\n\r\n"), 400},
      {"LF in an extension", chunks("5;a=\"\n\"\r\nhello\r\n0\r\n\r\n"), 400},
      {"a chunk longer than said", chunks("4\r\nhello\r\n0\r\n\r\n"), 400},
      {"a chunk shorter than said", chunks("7\r\nhello\r\n0\r\n\r\n"), 400},
      {"LF behind a chunk", chunks("5\r\nhello\n0\r\n\r\n"), 400},
      {"CR behind a chunk", chunks("5\r\nhello\r0\r\n\r\n"), 400},
      {"nothing behind a chunk", chunks("5\r\nhello0\r\n\r\n"), 400},
      {"known by its first byte", chunks("5\r\nhello0"), 400},
      {"LF behind the last", chunks("0\n\r\n"), 400},
      {"LF at the end of all", chunks("0\r\n\n"), 400},
      {"something at the end of all", chunks("0\r\nGET / HTTP/1.1\r\n\r\n"), 400},
      {"a trailer that is none", chunks("0\r\nX : y\r\n\r\n"), 400},
      {"a folded trailer", chunks("0\r\nX: y\r\n z\r\n\r\n"), 400},
      {"LF behind a trailer", chunks("0\r\nX: y\n\r\n"), 400},
  };
  for (const Case& one : cases) {
    const Reader reader = read(one.bytes);
    EXPECT_EQ(reader.status, one.status) << one.name << ": " << reader.error;
    EXPECT_THAT(reader.requests, IsEmpty()) << one.name;
    expect_the_same_however_split(one.bytes);
  }
}

// Smuggling needs bytes that are a body to one and a request to another.
TEST(DecoderTest, NothingBehindARefusedRequestIsRead) {
  RequestDecoder decoder;
  const std::string bytes = concat(
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
      kGet);
  Bytes input = as_bytes(bytes);
  EXPECT_FALSE(decoder.next(input));
  EXPECT_EQ(as_text(input), kGet);
  EXPECT_FALSE(decoder.between_requests());
}

TEST(DecoderTest, OneEmptyLineBeforeARequestIsSkipped) {
  Reader reader;
  for (int i = 0; i < 3; ++i) {
    reader.feed("\r");
    EXPECT_FALSE(reader.decoder.between_requests());
    reader.feed("\n");
    EXPECT_TRUE(reader.decoder.between_requests());
    reader.feed(kGet);
  }
  EXPECT_EQ(reader.error, "");
  EXPECT_EQ(reader.requests.size(), 3U);
}

TEST(DecoderTest, BetweenRequests) {
  const std::string bytes = concat(kChunkedHead, "1\r\na\r\n0\r\n\r\n");
  Reader reader;
  EXPECT_TRUE(reader.decoder.between_requests());
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    reader.feed(std::string_view(bytes).substr(at, 1));
    EXPECT_EQ(reader.decoder.between_requests(), at + 1 == bytes.size()) << at;
  }
}

TEST(DecoderTest, WhetherTheConnectionIsKept) {
  struct Case {
    std::string_view minor;
    std::string_view fields;
    bool kept;
  };
  const std::vector<Case> cases = {
      {"1", "", true},
      {"1", "Connection: keep-alive\r\n", true},
      {"1", "Connection: close\r\n", false},
      {"1", "connection: CLOSE\r\n", false},
      {"1", "Connection: x , close,y\r\n", false},
      {"1", "Connection: Upgrade\r\nConnection: close\r\n", false},
      {"1", "Connection: closed\r\n", true},
      {"1", "Connection:\r\n", true},
      {"1", "Proxy-Connection: close\r\n", true},
      {"0", "", false},
      {"0", "Connection: keep-alive\r\n", true},
      {"0", "Connection: Keep-Alive, x\r\n", true},
      {"0", "Connection: close\r\n", false},
      {"0", "Connection: keep-alive, close\r\n", false},
      {"0", "Proxy-Connection: keep-alive\r\n", false},
  };
  for (const Case& one : cases) {
    const Reader reader =
        read(concat("GET / HTTP/1.", one.minor, "\r\nHost: a\r\n", one.fields, "\r\n"));
    EXPECT_EQ(reader.error, "") << one.fields;
    EXPECT_EQ(reader.decoder.request().keep_alive, one.kept) << one.minor << " " << one.fields;
  }
}

TEST(DecoderTest, ExpectsContinue) {
  const Reader reader =
      read("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_EQ(reader.error, "");
  EXPECT_TRUE(reader.decoder.request().expects_continue);
}

// limits: what is as large passes, what is larger by a byte is refused, before its end is there.

std::string of_size(std::string_view begin, std::size_t size, std::string_view end) {
  return concat(begin, std::string(size - begin.size() - end.size(), 'x'), end);
}

TEST(DecoderTest, RequestLineOfTheLargestSize) {
  constexpr std::size_t kMost = limits::kMaxHttpRequestLineBytes;
  const auto line = [](std::size_t size) { return of_size("GET /", size, " HTTP/1.1\r\n"); };
  EXPECT_EQ(read(concat(line(kMost), "Host: a\r\n\r\n")).requests.size(), 1U);
  EXPECT_EQ(read(line(kMost + 1)).status, 414);
  EXPECT_EQ(read(std::string(kMost - 1, 'x')).status, 0);
  EXPECT_EQ(read(std::string(kMost, 'x')).status, 414);
}

TEST(DecoderTest, HeadOfTheLargestSize) {
  constexpr std::size_t kMost = spec::kMaxHttpHeadBytes;
  const auto head = [](std::size_t size) {
    return of_size("GET / HTTP/1.1\r\nHost: a\r\nX: ", size, "\r\n\r\n");
  };
  EXPECT_EQ(read(head(kMost)).requests.size(), 1U);
  EXPECT_EQ(read(concat(head(kMost), kGet)).requests.size(), 2U);
  for (std::size_t more = 1; more <= 4; ++more) {
    const Reader reader = read(head(kMost + more));
    EXPECT_EQ(reader.status, 431) << more;
    EXPECT_THAT(reader.error, HasSubstr("16,384")) << more;
  }
  EXPECT_EQ(read(head(kMost * 2).substr(0, kMost - 1)).status, 0);
  EXPECT_EQ(read(head(kMost * 2).substr(0, kMost)).status, 431);
}

TEST(DecoderTest, AsManyFieldsAsTheLimit) {
  const auto head = [](std::size_t fields) {
    std::string out = "GET / HTTP/1.1\r\nHost: a\r\n";
    for (std::size_t i = 1; i < fields; ++i) out += "X: y\r\n";
    return out + "\r\n";
  };
  EXPECT_EQ(read(head(limits::kMaxHttpFields)).requests.size(), 1U);
  EXPECT_EQ(read(head(limits::kMaxHttpFields + 1)).status, 431);
}

TEST(DecoderTest, LineOfAChunkOfTheLargestSize) {
  constexpr std::size_t kMost = limits::kMaxHttpChunkLineBytes;
  const auto body = [](std::size_t size) {
    return concat(kChunkedHead, of_size("1;", size, "\r\n"), "a\r\n0\r\n\r\n");
  };
  EXPECT_EQ(read(body(kMost)).requests.size(), 1U);
  EXPECT_EQ(read(body(kMost + 1)).status, 400);
  EXPECT_EQ(read(concat(kChunkedHead, std::string(kMost, '0'))).status, 400);
}

TEST(DecoderTest, TrailersOfTheLargestSize) {
  constexpr std::size_t kMost = spec::kMaxHttpHeadBytes;
  const auto body = [](std::size_t size) {
    return concat(kChunkedHead, "0\r\n", of_size("X: ", size, "\r\n\r\n"));
  };
  EXPECT_EQ(read(body(kMost)).requests.size(), 1U);
  EXPECT_EQ(read(body(kMost + 1)).status, 431);
  std::string many = concat(kChunkedHead, "0\r\n");
  for (std::size_t i = 0; i < limits::kMaxHttpFields; ++i) many += "X: y\r\n";
  EXPECT_EQ(read(many).status, 431);
}

TEST(DecoderTest, BodiesLargerThanMemoryPassThrough) {
  constexpr std::uint64_t kLength = 1ULL << 40U;
  for (const std::string& head : {concat("PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: ",
                                         std::to_string(kLength), "\r\n\r\n"),
                                  concat(kChunkedHead, "10000000000\r\n")}) {
    RequestDecoder decoder;
    Bytes input = as_bytes(head);
    ASSERT_EQ(*decoder.next(input), Step::kHead);
    ASSERT_EQ(*decoder.next(input), Step::kNeedMore);
    const std::string part(1 << 20U, 'x');
    for (int i = 0; i < 8; ++i) {
      input = as_bytes(part);
      ASSERT_EQ(*decoder.next(input), Step::kBody);
      ASSERT_EQ(decoder.piece().data(), as_bytes(part).data());
      ASSERT_EQ(decoder.piece().size(), part.size());
      ASSERT_EQ(*decoder.next(input), Step::kNeedMore);
    }
  }
}

}  // namespace
}  // namespace skein::http
