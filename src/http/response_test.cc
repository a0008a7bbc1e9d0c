#include "http/response.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <map>
#include <regex>
#include <string>

#include "base/text.h"

namespace skein::http {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr std::string_view kAlways =
    "X-Content-Type-Options: nosniff\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "Cache-Control: no-store\r\n";

TEST(ResponseTest, AHeadWithALength) {
  EXPECT_EQ(encode_head({.status = 200, .fields = {{"Content-Type", "text/plain"}}, .length = 5},
                        true, 1),
            concat("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n", kAlways,
                   "Content-Length: 5\r\n\r\n"));
  EXPECT_EQ(encode_head({}, true, 1),
            concat("HTTP/1.1 200 OK\r\n", kAlways, "Content-Length: 0\r\n\r\n"));
}

TEST(ResponseTest, HowTheBodyEndsAndWhetherTheConnectionIsKept) {
  struct Case {
    bool keep_alive;
    int minor;
    std::optional<std::uint64_t> length;
    std::string_view said;
  };
  const std::vector<Case> cases = {
      {true, 1, 3, "Content-Length: 3\r\n"},
      {false, 1, 3, "Content-Length: 3\r\nConnection: close\r\n"},
      {true, 0, 3, "Content-Length: 3\r\nConnection: keep-alive\r\n"},
      {false, 0, 3, "Content-Length: 3\r\nConnection: close\r\n"},
      {true, 1, std::nullopt, "Transfer-Encoding: chunked\r\n"},
      {false, 1, std::nullopt, "Transfer-Encoding: chunked\r\nConnection: close\r\n"},
      {true, 0, std::nullopt, "Connection: close\r\n"},
      {false, 0, std::nullopt, "Connection: close\r\n"},
  };
  for (const Case& one : cases) {
    EXPECT_EQ(encode_head({.status = 200, .length = one.length}, one.keep_alive, one.minor),
              concat("HTTP/1.1 200 OK\r\n", kAlways, one.said, "\r\n"));
  }
}

TEST(ResponseTest, SomeHaveNoBody) {
  for (const int status : {204, 304}) {
    for (const std::optional<std::uint64_t> length : {std::optional<std::uint64_t>(), {0}, {5}}) {
      EXPECT_EQ(encode_head({.status = status, .length = length}, true, 1),
                concat("HTTP/1.1 ", std::to_string(status), " ", reason_of(status), "\r\n", kAlways,
                       "\r\n"));
    }
  }
  EXPECT_THAT(encode_head({.status = 304, .length = std::nullopt}, true, 0),
              HasSubstr("Connection: keep-alive\r\n"));
}

TEST(ResponseTest, AnInterimAnswerIsItsLine) {
  EXPECT_EQ(encode_head({.status = 100}, true, 1), "HTTP/1.1 100 Continue\r\n\r\n");
  EXPECT_EQ(encode_head({.status = 100}, false, 1), "HTTP/1.1 100 Continue\r\n\r\n");
}

TEST(ResponseTest, CachingIsTheCallersWhereItSays) {
  const std::string head =
      encode_head({.status = 200, .fields = {{"cache-control", "no-cache"}}, .length = 0}, true, 1);
  EXPECT_THAT(head, HasSubstr("cache-control: no-cache\r\n"));
  EXPECT_THAT(head, Not(HasSubstr("no-store")));
}

TEST(ResponseTest, AStatusWithoutReasonHasALineStill) {
  EXPECT_EQ(reason_of(299), "");
  EXPECT_THAT(encode_head({.status = 299}, true, 1), testing::StartsWith("HTTP/1.1 299 \r\n"));
}

TEST(ResponseDeathTest, NothingCanBeSmuggledIntoAHead) {
  for (const Field& field :
       {Field{"X", "a\r\nY: b"}, Field{"X", "a\nb"}, Field{"X", std::string(1, '\0')},
        Field{"X y", "a"}, Field{"X:", "a"}, Field{"", "a"}, Field{"connection", "close"},
        Field{"content-length", "1"}, Field{"Transfer-Encoding", "chunked"}}) {
    EXPECT_DEATH(static_cast<void>(encode_head({.status = 200, .fields = {field}}, true, 1)),
                 "ssertion");
  }
}

TEST(ResponseTest, Chunks) {
  EXPECT_EQ(encode_chunk_head(1), "1\r\n");
  EXPECT_EQ(encode_chunk_head(0xabc), "abc\r\n");
  EXPECT_EQ(encode_chunk_head(std::numeric_limits<std::size_t>::max()), "ffffffffffffffff\r\n");
  EXPECT_DEATH(static_cast<void>(encode_chunk_head(0)), "ssertion");
}

// A kind that is added to base/error.h has a status by choice, not for want of one.
TEST(ResponseTest, EveryKindOfErrorHasItsStatus) {
  const std::map<std::string, int> statuses = {
      {"usage", 400},
      {"bad_frame", 400},
      {"bad_request", 400},
      {"bad_name", 400},
      {"unknown_operation", 501},
      {"version", 400},
      {"refused", 403},
      {"not_found", 404},
      {"exists", 409},
      {"not_a_folder", 409},
      {"is_a_folder", 409},
      {"not_a_file", 409},
      {"changed", 409},
      {"digest_mismatch", 422},
      {"superseded", 409},
      {"incomplete", 409},
      {"no_space", 507},
      {"read_only", 403},
      {"too_large", 413},
      {"too_many", 429},
      {"busy", 423},
      {"unsupported", 501},
      {"io", 500},
      {"timeout", 503},
      {"closed", 503},
      {"cancelled", 503},
      {"no_hub", 503},
      {"internal", 500},
  };
  std::ifstream file(std::filesystem::path(SKEIN_SOURCE_DIR) / "src/base/error.h");
  const std::string header{std::istreambuf_iterator<char>(file), {}};
  const std::regex kind(R"(inline constexpr ErrorKind k\w+\{\s*"(\w+)\"\})");
  std::size_t kinds = 0;
  for (auto it = std::sregex_iterator(header.begin(), header.end(), kind);
       it != std::sregex_iterator(); ++it) {
    const std::string name = (*it)[1];
    ++kinds;
    ASSERT_TRUE(statuses.contains(name)) << name;
    EXPECT_EQ(status_of(ErrorKind{name}), statuses.at(name)) << name;
    EXPECT_NE(reason_of(statuses.at(name)), "") << name;
  }
  EXPECT_EQ(kinds, statuses.size());
  EXPECT_EQ(status_of(ErrorKind{"out_of_paper"}), 500);
}

TEST(ResponseTest, WhatTheDecoderRefusesWithHasAReason) {
  for (const int status : {400, 413, 414, 417, 431, 501, 505}) {
    EXPECT_NE(reason_of(status), "") << status;
  }
}

}  // namespace
}  // namespace skein::http
