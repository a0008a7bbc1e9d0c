#include "http/gate.h"

#include <gmock/gmock.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "base/text.h"

namespace skein::http {
namespace {

using testing::HasSubstr;

constexpr int kPasses = 0;

// What `result` says of the gate that gave it: kPasses, or the status of its refusal.
template <typename T>
int outcome(const Gate& gate, const Result<T>& result) {
  EXPECT_EQ(result.has_value(), gate.status() == 0);
  if (result) return kPasses;
  const int status = gate.status();
  const bool too_large = status == 413 || status == 414 || status == 431;
  EXPECT_EQ(result.error().kind(), status == 400 ? kBadRequest
                                   : too_large   ? kTooLarge
                                                 : kUnsupported);
  EXPECT_FALSE(result.error().message().empty());
  return status;
}

int of_line(std::string_view with_end) {
  Gate gate;
  return outcome(gate, gate.line(with_end));
}
int of_request_line(std::string_view line) {
  Gate gate;
  return outcome(gate, gate.request_line(line));
}
int of_chunk_line(std::string_view line) {
  Gate gate;
  return outcome(gate, gate.chunk_line(line));
}

// Lets a head through as far as it goes.
Result<void> pass_head(Gate& gate, std::string_view version,
                       const std::vector<std::string_view>& fields) {
  TRY(gate.request_line(concat("GET / ", version)));
  for (const std::string_view field : fields) TRY(gate.field_line(field));
  return gate.end_of_head();
}
int of_head(std::string_view version, const std::vector<std::string_view>& fields) {
  Gate gate;
  return outcome(gate, pass_head(gate, version, fields));
}

TEST(GateTest, LinesEndWithCrLfAndHoldNoControlCharacter) {
  struct Case {
    std::string_view line;
    int status;
  };
  using namespace std::string_view_literals;
  const std::vector<Case> cases = {
      {"\r\n", kPasses},
      {"a: b\r\n", kPasses},
      {"a:\tb\r\n", kPasses},
      {"a: \xff\r\n", kPasses},
      {"\n", 400},
      {"a: b\n", 400},
      {"a: b\n\r", 400},
      {"a: b\r\r\n", 400},
      {"\ra: b\r\n", 400},
      {"a: b\rc\r\n", 400},
      {"a: b\nc: d\r\n", 400},
      {"a: b\0\r\n"sv, 400},
      {"a\0: b\r\n"sv, 400},
      {"a: b\x01\r\n"sv, 400},
      {"a: \x1f\r\n"sv, 400},
      {"a: \x7f\r\n"sv, 400},
      {"a: \x1b[31m\r\n"sv, 400},
      {"a: \v\r\n"sv, 400},
  };
  for (const Case& one : cases) EXPECT_EQ(of_line(one.line), one.status) << quoted(one.line);
  Gate gate;
  EXPECT_EQ(*gate.line("a: b\r\n"), "a: b");
}

TEST(GateTest, RequestLines) {
  struct Case {
    std::string_view name;
    std::string_view line;
    int status;
  };
  const std::vector<Case> cases = {
      {"plain", "GET / HTTP/1.1", kPasses},
      {"1.0", "GET / HTTP/1.0", kPasses},
      {"path and query", "PUT /a%20b/c?d=e&f=?/:@ HTTP/1.1", kPasses},
      {"any method", "M-SEARCH!#$%&'*+.^_`|~ / HTTP/1.1", kPasses},
      {"method in lower case", "get / HTTP/1.1", kPasses},
      {"two slashes", "GET //x HTTP/1.1", kPasses},
      {"nothing", "", 400},
      {"one part", "GET", 400},
      {"HTTP/0.9", "GET /", 400},
      {"no method", " / HTTP/1.1", 400},
      {"no target", "GET  HTTP/1.1", 400},
      {"no version", "GET / ", 400},
      {"two spaces", "GET  / HTTP/1.1", 400},
      {"two spaces behind", "GET /  HTTP/1.1", 400},
      {"space before", " GET / HTTP/1.1", 400},
      {"space behind", "GET / HTTP/1.1 ", 400},
      {"space in the target", "GET /a b HTTP/1.1", 400},
      {"HTAB between", "GET\t/\tHTTP/1.1", 400},
      {"HTAB in the method", "G\tET / HTTP/1.1", 400},
      {"HTAB in the target", "GET /\t HTTP/1.1", 400},
      {"no token", "G(T / HTTP/1.1", 400},
      {"no ASCII in the method", "G\xc3\x89T / HTTP/1.1", 400},
      {"another protocol", "GET / ICAP/1.0", 400},
      {"lower case", "GET / http/1.1", 400},
      {"two digits", "GET / HTTP/1.10", 400},
      {"no minor", "GET / HTTP/1", 400},
      {"a comma", "GET / HTTP/1,1", 400},
      {"no digit", "GET / HTTP/1.x", 400},
      {"signed", "GET / HTTP/+1.1", 400},
      {"HTTP/1.2", "GET / HTTP/1.2", 505},
      {"HTTP/2", "PRI * HTTP/2.0", 505},
      {"HTTP/0.9 said", "GET / HTTP/0.9", 505},
      {"absolute-form", "GET http://localhost/ HTTP/1.1", 400},
      {"authority-form", "CONNECT localhost:80 HTTP/1.1", 400},
      {"asterisk-form", "OPTIONS * HTTP/1.1", 400},
      {"a name", "GET index.html HTTP/1.1", 400},
      {"a fragment", "GET /#top HTTP/1.1", 400},
      {"DEL in the target", "GET /\x7f HTTP/1.1", 400},
      {"no ASCII in the target", "GET /\xe7\xba\xbf HTTP/1.1", 400},
  };
  for (const Case& one : cases) EXPECT_EQ(of_request_line(one.line), one.status) << one.name;
}

TEST(GateTest, LinesOfFields) {
  struct Case {
    std::string_view name;
    std::string_view line;
    int status;
  };
  const std::vector<Case> cases = {
      {"plain", "Accept: */*", kPasses},
      {"no space", "Accept:*/*", kPasses},
      {"many spaces", "Accept: \t  */*\t ", kPasses},
      {"no value", "Accept:", kPasses},
      {"colons in the value", "X: a:b: c", kPasses},
      {"any token", "!#$%&'*+-.^_`|~09azAZ: x", kPasses},
      {"no ASCII in the value", "X: \xe7\xba\xbf\xff", kPasses},
      {"no colon", "Accept", 400},
      {"no name", ": x", 400},
      {"space before the colon", "Content-Length : 5", 400},
      {"HTAB before the colon", "Transfer-Encoding\t: chunked", 400},
      {"folded", " and more", 400},
      {"folded by HTAB", "\tx: y", 400},
      {"space before the name", " X: y", 400},
      {"space in the name", "X Y: z", 400},
      {"no token", "X(Y): z", 400},
      {"no ASCII in the name", "X\xc3\xa9: z", 400},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(of_head("HTTP/1.1", {"Host: a", one.line}), one.status) << one.name;
    Gate gate;
    EXPECT_EQ(outcome(gate, gate.trailer_line(one.line)), one.status) << one.name << ", trailing";
  }
}

TEST(GateTest, Heads) {
  struct Case {
    std::string_view name;
    std::string_view version;
    std::vector<std::string_view> fields;
    int status;
  };
  constexpr std::string_view k10 = "HTTP/1.0";
  constexpr std::string_view k11 = "HTTP/1.1";
  const std::vector<Case> cases = {
      {"no host", k11, {}, 400},
      {"no host in 1.0", k10, {}, kPasses},
      {"host", k11, {"Host: localhost:8080"}, kPasses},
      {"host in any case", k11, {"hOsT: [::1]:8080"}, kPasses},
      {"host twice", k11, {"Host: a", "Host: a"}, 400},
      {"host twice in 1.0", k10, {"Host: a", "host: b"}, 400},
      {"host empty", k11, {"Host:"}, 400},
      {"host empty, then another", k11, {"Host: ", "Host: a"}, 400},
      {"two hosts", k11, {"Host: a, b"}, 400},
      {"host with a path", k11, {"Host: a/b"}, 400},
      {"host with userinfo", k11, {"Host: a@b"}, 400},
      {"host with a space", k11, {"Host: a b"}, 400},
      {"host with a quote", k11, {"Host: \"a\""}, 400},
      {"host with a backslash", k11, {"Host: a\\b"}, 400},
      {"host without ASCII", k11, {"Host: \xc3\xa9"}, 400},

      {"length", k11, {"Host: a", "Content-Length: 5"}, kPasses},
      {"length 0", k11, {"Host: a", "content-length:0"}, kPasses},
      {"length in 1.0", k10, {"Content-Length: 5"}, kPasses},
      {"the greatest length", k11, {"Host: a", "Content-Length: 9007199254740992"}, kPasses},
      {"a greater one", k11, {"Host: a", "Content-Length: 9007199254740993"}, 413},
      {"one of 65 bits", k11, {"Host: a", "Content-Length: 18446744073709551621"}, 413},
      {"one of many digits", k11, {"Host: a", "Content-Length: 99999999999999999999999999"}, 413},
      {"no length", k11, {"Host: a", "Content-Length:"}, 400},
      {"length with a sign", k11, {"Host: a", "Content-Length: +5"}, 400},
      {"length below zero", k11, {"Host: a", "Content-Length: -5"}, 400},
      {"hexadecimal length", k11, {"Host: a", "Content-Length: 0x5"}, 400},
      {"length with a point", k11, {"Host: a", "Content-Length: 5.0"}, 400},
      {"length with a space", k11, {"Host: a", "Content-Length: 5 5"}, 400},
      {"length in words", k11, {"Host: a", "Content-Length: five"}, 400},
      {"the same length twice", k11, {"Host: a", "Content-Length: 5", "Content-Length: 5"}, 400},
      {"two lengths", k11, {"Host: a", "Content-Length: 5", "Content-Length: 6"}, 400},
      {"a list of lengths", k11, {"Host: a", "Content-Length: 5, 5"}, 400},
      {"a list of one", k11, {"Host: a", "Content-Length: 5,"}, 400},

      {"chunked", k11, {"Host: a", "Transfer-Encoding: chunked"}, kPasses},
      {"chunked in any case", k11, {"Host: a", "transfer-encoding: CHUNKED"}, kPasses},
      {"chunked in 1.0", k10, {"Transfer-Encoding: chunked"}, 400},
      {"chunked, length", k11, {"Host: a", "Transfer-Encoding: chunked", "Content-Length: 5"}, 400},
      {"length, chunked", k11, {"Host: a", "Content-Length: 5", "Transfer-Encoding: chunked"}, 400},
      {"length, gzip", k11, {"Host: a", "Content-Length: 5", "Transfer-Encoding: gzip"}, 400},
      {"chunked, then chunked",
       k11,
       {"Host: a", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"},
       400},
      {"chunked, then identity",
       k11,
       {"Host: a", "Transfer-Encoding: chunked", "Transfer-Encoding: identity"},
       400},
      {"chunked twice in one", k11, {"Host: a", "Transfer-Encoding: chunked, chunked"}, 501},
      {"gzip", k11, {"Host: a", "Transfer-Encoding: gzip"}, 501},
      {"gzip, chunked", k11, {"Host: a", "Transfer-Encoding: gzip, chunked"}, 501},
      {"chunked, gzip", k11, {"Host: a", "Transfer-Encoding: chunked, gzip"}, 501},
      {"identity", k11, {"Host: a", "Transfer-Encoding: identity"}, 501},
      {"nothing", k11, {"Host: a", "Transfer-Encoding:"}, 501},
      {"nearly chunked", k11, {"Host: a", "Transfer-Encoding: xchunked"}, 501},
      {"quoted", k11, {"Host: a", "Transfer-Encoding: \"chunked\""}, 501},
      {"with a parameter", k11, {"Host: a", "Transfer-Encoding: chunked;q=1"}, 501},

      {"expect", k11, {"Host: a", "Expect: 100-continue", "Content-Length: 5"}, kPasses},
      {"expect in any case", k11, {"Host: a", "expect: 100-Continue"}, kPasses},
      {"expect another thing", k11, {"Host: a", "Expect: the-unexpected"}, 417},
      {"expect two things", k11, {"Host: a", "Expect: 100-continue, x"}, 417},
      {"expect nothing", k11, {"Host: a", "Expect:"}, 417},

      {"upgrade", k11, {"Host: a", "Connection: Upgrade", "Upgrade: h2c"}, kPasses},
  };
  for (const Case& one : cases) EXPECT_EQ(of_head(one.version, one.fields), one.status) << one.name;
}

TEST(GateTest, SaysHowTheBodyIsFramed) {
  Gate without;
  ASSERT_TRUE(pass_head(without, "HTTP/1.1", {"Host: a"}));
  EXPECT_FALSE(without.chunked());
  EXPECT_EQ(without.length(), std::nullopt);
  Gate with_length;
  ASSERT_TRUE(pass_head(with_length, "HTTP/1.1", {"Host: a", "Content-Length: 007"}));
  EXPECT_FALSE(with_length.chunked());
  EXPECT_EQ(with_length.length(), 7U);
  Gate chunked;
  ASSERT_TRUE(pass_head(chunked, "HTTP/1.1", {"Host: a", "Transfer-Encoding: chunked"}));
  EXPECT_TRUE(chunked.chunked());
  EXPECT_EQ(chunked.length(), std::nullopt);
}

TEST(GateTest, WhoWaitsToBeAskedForTheBody) {
  const auto waits = [](std::string_view version, const std::vector<std::string_view>& fields) {
    Gate gate;
    EXPECT_TRUE(pass_head(gate, version, fields));
    return gate.expects_continue();
  };
  constexpr std::string_view kExpect = "Expect: 100-continue";
  EXPECT_TRUE(waits("HTTP/1.1", {"Host: a", kExpect, "Content-Length: 1"}));
  EXPECT_TRUE(waits("HTTP/1.1", {"Host: a", kExpect, "Transfer-Encoding: chunked"}));
  EXPECT_FALSE(waits("HTTP/1.1", {"Host: a", "Content-Length: 1"}));
  EXPECT_FALSE(waits("HTTP/1.1", {"Host: a", kExpect}));
  EXPECT_FALSE(waits("HTTP/1.1", {"Host: a", kExpect, "Content-Length: 0"}));
  EXPECT_FALSE(waits("HTTP/1.0", {"Host: a", kExpect, "Content-Length: 1"}));
}

TEST(GateTest, AsManyFieldsAsTheLimitWithTheTrailers) {
  const auto of_fields = [](std::size_t in_head, std::size_t in_trailers) {
    Gate gate;
    for (std::size_t i = 0; i < in_head; ++i) {
      if (const auto passed = gate.field_line("X: y"); !passed) return outcome(gate, passed);
    }
    for (std::size_t i = 0; i < in_trailers; ++i) {
      if (const auto passed = gate.trailer_line("X: y"); !passed) return outcome(gate, passed);
    }
    return kPasses;
  };
  EXPECT_EQ(of_fields(limits::kMaxHttpFields, 0), kPasses);
  EXPECT_EQ(of_fields(limits::kMaxHttpFields + 1, 0), 431);
  EXPECT_EQ(of_fields(1, limits::kMaxHttpFields - 1), kPasses);
  EXPECT_EQ(of_fields(1, limits::kMaxHttpFields), 431);
}

TEST(GateTest, LinesOfChunks) {
  struct Case {
    std::string_view line;
    int status;
  };
  const std::vector<Case> cases = {
      {"0", kPasses},
      {"0000000000000005", kPasses},
      {"1aF", kPasses},
      {"5;", kPasses},
      {"5;name=value;other=\"a b\"", kPasses},
      {"20000000000000", kPasses},
      {"20000000000001", 413},
      {"ffffffffffffffff", 413},
      {"", 400},
      {";x", 400},
      {"00000000000000005", 400},
      {"10000000000000005", 400},
      {"5 ", 400},
      {" 5", 400},
      {"5 ;x", 400},
      {"5\t", 400},
      {"+5", 400},
      {"-5", 400},
      {"0x5", 400},
      {"5x", 400},
      {"5,5", 400},
      {"g", 400},
  };
  for (const Case& one : cases) EXPECT_EQ(of_chunk_line(one.line), one.status) << one.line;
  Gate gate;
  EXPECT_EQ(*gate.chunk_line("1aF"), 0x1afU);
  EXPECT_EQ(*gate.chunk_line("0000000000000005;five"), 5U);
}

TEST(GateTest, SaysWhatWasWrongAndWithoutHarm) {
  Gate gate;
  const auto refused = gate.request_line("GET /\x1b[2J");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message(), HasSubstr(R"('GET /\x1b[2J')"));
}

}  // namespace
}  // namespace skein::http
