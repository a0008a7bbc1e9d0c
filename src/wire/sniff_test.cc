#include "wire/sniff.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/limits.h"

namespace skein::wire {
namespace {

using namespace std::string_view_literals;

Speech sniff_text(std::string_view text) {
  return sniff(as_bytes(text));
}

std::string length_then(std::uint32_t length, std::string_view rest) {
  std::string out;
  append_le(out, length);
  return out.append(rest);
}

TEST(SniffTest, TooFewBytesDecideNothing) {
  for (const std::string_view text : {"GET /"sv, "\x16\x03\x01\x02\x00"sv, "\x02\0\0\0{"sv}) {
    for (std::size_t size = 0; size < kSniffBytes; ++size) {
      EXPECT_EQ(sniff_text(text.substr(0, size)), Speech::kUndecided) << text << size;
    }
    EXPECT_NE(sniff_text(text), Speech::kUndecided) << text;
  }
}

TEST(SniffTest, EveryMethod) {
  for (const std::string_view method :
       {"GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "CONNECT", "TRACE"}) {
    const std::string line = std::string(method) + " / HTTP/1.1\r\n";
    EXPECT_EQ(sniff_text(line), Speech::kHttp) << line;
    EXPECT_EQ(sniff_text(line.substr(0, kSniffBytes)), Speech::kHttp) << line;
  }
}

TEST(SniffTest, WhatOnlyResemblesAMethodIsUnknown) {
  for (const std::string_view text : {"get / ", "GETS /", "GE   ", "PUTT /", "BREW /", "HELO x",
                                      "SSH-2.0-", "\r\n\r\n\r\n", " GET /"}) {
    EXPECT_EQ(sniff_text(text), Speech::kUnknown) << text;
  }
}

TEST(SniffTest, TlsRecords) {
  for (const char minor : {'\x01', '\x02', '\x03', '\x04'}) {
    EXPECT_EQ(sniff_text(std::string("\x16\x03") + minor + "\x02\x01"), Speech::kTls);
    EXPECT_EQ(sniff_text(std::string("\x16\x03") + minor + "\x01{"), Speech::kTls);
  }
  EXPECT_EQ(sniff_text("\x16\x02\x01\x02\x01"), Speech::kUnknown);
  EXPECT_EQ(sniff_text("\x17\x03\x01\x02\x01"), Speech::kUnknown);
}

TEST(SniffTest, LengthsOfFrames) {
  constexpr auto kMost = static_cast<std::uint32_t>(spec::kMaxDictionaryBytes);
  EXPECT_EQ(sniff_text(length_then(2, "{}")), Speech::kFrames);
  EXPECT_EQ(sniff_text(length_then(kMost, "{")), Speech::kFrames);
  EXPECT_EQ(sniff_text(length_then(0, "{}")), Speech::kUnknown);
  EXPECT_EQ(sniff_text(length_then(kMost + 1, "{")), Speech::kUnknown);
  EXPECT_EQ(sniff_text(length_then(0xFFFFFFFF, "{")), Speech::kUnknown);
  EXPECT_EQ(sniff_text(length_then(2, " {}")), Speech::kUnknown);
  EXPECT_EQ(sniff_text(length_then(2, "[]")), Speech::kUnknown);
}

// 790 is 16 03 00 00, the beginning of a record of SSL 3.0.
TEST(SniffTest, NoLengthWithinTheLimitIsTakenForAnythingElse) {
  for (std::uint32_t length = 1; length <= spec::kMaxDictionaryBytes; ++length) {
    ASSERT_EQ(sniff_text(length_then(length, "{")), Speech::kFrames) << length;
  }
}

}  // namespace
}  // namespace skein::wire
