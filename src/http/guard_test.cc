#include "http/guard.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/text.h"

namespace skein::http {
namespace {

bool may(const Request& request) {
  const auto checked = check_local(request);
  if (!checked) {
    EXPECT_EQ(checked.error().kind(), kRefused);
  }
  return checked.has_value();
}

Request request_with(std::vector<Field> fields, std::string_view method = "GET") {
  return {.method = std::string(method), .target = "/", .fields = std::move(fields)};
}

TEST(GuardTest, Hosts) {
  const std::vector<std::string_view> local = {
      "localhost",       "localhost:8080", "LocalHost:1", "localhost:65535",
      "127.0.0.1",       "127.0.0.1:8080", "127.0.0.0",   "127.1.2.3:9",
      "127.255.255.255", "[::1]",          "[::1]:8080"};
  for (const auto host : local) {
    EXPECT_TRUE(may(request_with({{"Host", std::string(host)}}))) << host;
  }
  const std::vector<std::string_view> others = {
      "",
      "example.org",
      "example.org:8080",
      "localhost.example.org",
      "localhost.",
      "localhost.:8080",
      "a.localhost",
      "localhosts",
      "127.0.0.1.example.org",
      "127.0.0.1.",
      ".127.0.0.1",
      "127.0.0.1.1",
      "127.0.0",
      "127.1",
      "127",
      "127.",
      "127...",
      "127.0.0.256",
      "127.0.0.01",
      "127.0.0.0x1",
      "127.0.0.+1",
      "127.0.0.-1",
      "127.0.0. 1",
      "0177.0.0.1",
      "0x7f.0.0.1",
      "2130706433",
      "126.0.0.1",
      "128.0.0.1",
      "0.0.0.0",
      "10.0.0.1",
      "::1",
      "[::]",
      "[::2]",
      "[0:0:0:0:0:0:0:1]",
      "[::ffff:127.0.0.1]",
      "[::1",
      "[::1]x",
      "[::1]x:80",
      "[[::1]]",
      "[localhost]",
      "localhost:",
      "localhost:0",
      "localhost:080",
      "localhost:65536",
      "localhost:99999999999999999999",
      "localhost:-1",
      "localhost:+1",
      "localhost:8080x",
      "localhost: 8080",
      "localhost:80:80",
      "localhost:http",
      ":8080",
      "user@localhost",
      "localhost@example.org",
      "localhost:8080@example.org",
      "localhost/",
      "localhost, localhost",
      "local%68ost",
      " localhost",
  };
  for (const auto host : others) {
    EXPECT_FALSE(may(request_with({{"Host", std::string(host)}}))) << host;
  }
}

TEST(GuardTest, WithoutHost) {
  EXPECT_TRUE(may(request_with({})));  // HTTP/1.0; in 1.1 the decoder wants one
  EXPECT_FALSE(may(request_with({{"Origin", "http://localhost"}})));
}

TEST(GuardTest, WhatAProxyPassedOn) {
  for (const std::string_view name :
       {"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto",
        "x-forwarded-anything", "X-Real-IP", "x-real-ip", "Via", "VIA"}) {
    EXPECT_FALSE(may(request_with({{"Host", "localhost"}, {std::string(name), ""}}))) << name;
  }
  for (const std::string_view name : {"X-Forwarded", "Forwarded-For", "Viable", "X-Real"}) {
    EXPECT_TRUE(may(request_with({{"Host", "localhost"}, {std::string(name), ""}}))) << name;
  }
}

TEST(GuardTest, Origins) {
  struct Case {
    std::string_view host;
    std::string_view origin;
    bool may;
  };
  const std::vector<Case> cases = {
      {"localhost:8080", "http://localhost:8080", true},
      {"LOCALHOST:8080", "http://localhost:8080", true},
      {"127.0.0.1:8080", "http://127.0.0.1:8080", true},
      {"[::1]:8080", "http://[::1]:8080", true},
      {"localhost", "http://localhost", true},
      {"localhost:80", "http://localhost", true},
      {"localhost", "http://localhost:80", true},
      {"localhost:8080", "http://localhost:3000", false},
      {"localhost:8080", "http://localhost", false},
      {"localhost", "http://localhost:8080", false},
      {"localhost:8080", "http://127.0.0.1:8080", false},
      {"127.0.0.1:8080", "http://127.0.0.2:8080", false},
      {"127.0.0.1:8080", "http://[::1]:8080", false},
      {"localhost:8080", "https://localhost:8080", false},
      {"localhost:8080", "http://example.org", false},
      {"localhost:8080", "http://example.org:8080", false},
      {"localhost:8080", "http://localhost:8080.example.org", false},
      {"localhost:8080", "http://localhost:8080/", false},
      {"localhost:8080", "http://localhost:8080 http://localhost:8080", false},
      {"localhost:8080", "http://user@localhost:8080", false},
      {"localhost:8080", "localhost:8080", false},
      {"localhost:8080", "//localhost:8080", false},
      {"localhost:8080", "file://", false},
      {"localhost:8080", "null", false},
      {"localhost:8080", "", false},
  };
  for (const Case& one : cases) {
    for (const std::string_view method : {"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"}) {
      const std::vector<Field> fields = {{"host", std::string(one.host)},
                                         {"origin", std::string(one.origin)}};
      EXPECT_EQ(may(request_with(fields, method)), one.may)
          << method << " " << one.host << " " << one.origin;
    }
  }
}

TEST(GuardTest, EveryOneOfWhatStandsTwiceCounts) {
  const Field host = {"Host", "localhost"};
  EXPECT_FALSE(
      may(request_with({host, {"Origin", "http://localhost"}, {"Origin", "http://example.org"}})));
  EXPECT_FALSE(may(
      request_with({host, {"Sec-Fetch-Site", "same-origin"}, {"Sec-Fetch-Site", "cross-site"}})));
}

TEST(GuardTest, SitesThatAsk) {
  struct Case {
    std::string_view method;
    std::string_view site;
    std::string_view mode;
    std::string_view dest;
    bool may;
  };
  const std::vector<Case> cases = {
      // our own page, and who types the address in
      {"GET", "same-origin", "cors", "empty", true},
      {"POST", "same-origin", "cors", "empty", true},
      {"GET", "same-origin", "no-cors", "image", true},
      {"GET", "none", "navigate", "document", true},
      // a link on another site
      {"GET", "cross-site", "navigate", "document", true},
      {"HEAD", "same-site", "navigate", "document", true},
      // its form, frame, script, picture, fetch()
      {"POST", "cross-site", "navigate", "document", false},
      {"get", "cross-site", "navigate", "document", false},
      {"GET", "cross-site", "navigate", "iframe", false},
      {"GET", "cross-site", "navigate", "embed", false},
      {"GET", "cross-site", "navigate", "", false},
      {"GET", "cross-site", "no-cors", "script", false},
      {"GET", "cross-site", "no-cors", "image", false},
      {"GET", "cross-site", "cors", "empty", false},
      {"GET", "cross-site", "nested-navigate", "document", false},
      {"GET", "cross-site", "", "document", false},
      {"POST", "cross-site", "no-cors", "empty", false},
      // another port of this machine is another page
      {"GET", "same-site", "no-cors", "script", false},
      {"POST", "same-site", "cors", "empty", false},
      // what no browser says
      {"GET", "", "cors", "empty", false},
      {"GET", "Same-Origin", "cors", "empty", false},
      {"GET", "same-origin, cross-site", "cors", "empty", false},
  };
  for (const Case& one : cases) {
    const std::vector<Field> fields = {{"Host", "localhost:8080"},
                                       {"Sec-Fetch-Site", std::string(one.site)},
                                       {"Sec-Fetch-Mode", std::string(one.mode)},
                                       {"Sec-Fetch-Dest", std::string(one.dest)}};
    EXPECT_EQ(may(request_with(fields, one.method)), one.may)
        << one.method << " " << one.site << " " << one.mode << " " << one.dest;
  }
}

TEST(GuardTest, ANavigationExcusesNothingElse) {
  const std::vector<Field> navigation = {{"Sec-Fetch-Site", "cross-site"},
                                         {"Sec-Fetch-Mode", "navigate"},
                                         {"Sec-Fetch-Dest", "document"}};
  for (const Field& field : {Field{"Host", "example.org"}, Field{"Via", "1.1 a"},
                             Field{"Origin", "http://example.org"}, Field{"Origin", "null"}}) {
    std::vector<Field> fields = navigation;
    fields.push_back(field);
    EXPECT_FALSE(may(request_with(fields))) << field.name << " " << field.value;
  }
}

TEST(GuardTest, CommandLinesMayAsk) {
  EXPECT_TRUE(
      may(request_with({{"Host", "127.0.0.1:8080"}, {"User-Agent", "curl/7.88.1"}}, "PUT")));
}

}  // namespace
}  // namespace skein::http
