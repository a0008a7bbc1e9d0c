#include "socketserver/endpoint.h"

#include <gtest/gtest.h>

#include <string>

namespace socketserver {
namespace {

TEST(Endpoint, ReadsWhatAPersonWritesAndSaysItAgain) {
  for (const char* const text : {"127.0.0.1:8080", "[::1]:8080", ":8080", "hub.local:1", "a-b_c:0",
                                 "[fe80::1%eth0]:65535"}) {
    const auto endpoint = Endpoint::parse(text);
    ASSERT_TRUE(endpoint) << text;
    EXPECT_EQ(endpoint->text(), text);
  }
  EXPECT_EQ(Endpoint::parse("[::1]:80"), (Endpoint{"::1", 80}));
}

TEST(Endpoint, RefusesAnythingElseWithAHint) {
  for (const char* const text :
       {"",          "8080",           "127.0.0.1", "host:",    "host:x", "host:-1",   "host:65536",
        "host:+1",   "host: 1",        "host:1 ",   "::1:8080", "[::1]",  "[::1]8080", "[]:1",
        "[::1:8080", "http://host:80", "ho st:1",   "host\n:1", "h/o:1",  "\xff:1"}) {
    const auto endpoint = Endpoint::parse(text);
    ASSERT_FALSE(endpoint) << text;
    EXPECT_EQ(endpoint.error().kind(), skein::kUsage) << text;
    EXPECT_NE(endpoint.error().hint(), "") << text;
  }
}

TEST(Endpoint, LoopbackIsToldByItsWriting) {
  const auto loopback = [](const char* text) { return Endpoint::parse(text)->is_loopback(); };
  for (const char* const text : {"localhost:1", "LocalHost:1", "127.0.0.1:1", "127.200.3.4:1",
                                 "[::1]:1", "[::ffff:127.0.0.1]:1"}) {
    EXPECT_TRUE(loopback(text)) << text;
  }
  for (const char* const text : {":1", "0.0.0.0:1", "[::]:1", "192.168.0.1:1", "128.0.0.1:1",
                                 "localhost.example.org:1", "[::ffff:8.8.8.8]:1"}) {
    EXPECT_FALSE(loopback(text)) << text;
  }
}

TEST(Resolve, EmptyHostMeansEveryAddressOrThisMachine) {
  EXPECT_EQ(resolve({"", 80}, true)->front().text(), "[::]:80");
  EXPECT_EQ(resolve({"", 80}, false)->front().text(), "127.0.0.1:80");
}

TEST(Resolve, LocalhostIsKnown) {
  const auto found = resolve({"localhost", 80}, false);
  ASSERT_TRUE(found);
  for (const Address& address : *found) EXPECT_TRUE(address.is_loopback());
}

TEST(Resolve, UnknownNameIsNoHub) {
  const auto found = resolve({"no-such-host.invalid", 80}, false);
  ASSERT_FALSE(found);
  EXPECT_EQ(found.error().kind(), skein::kNoHub);
  EXPECT_NE(found.error().message().find("'no-such-host.invalid'"), std::string::npos);
}

}  // namespace
}  // namespace socketserver
