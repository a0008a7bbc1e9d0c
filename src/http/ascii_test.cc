#include "http/ascii.h"

#include <gtest/gtest.h>

#include <string>

namespace skein::http {
namespace {

TEST(AsciiTest, Tokens) {
  std::string characters;
  for (int c = 0; c < 256; ++c) {
    const std::string one(1, static_cast<char>(c));
    if (is_token(one)) characters += one;
  }
  EXPECT_EQ(characters,
            "!#$%&'*+-.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ^_`abcdefghijklmnopqrstuvwxyz|~");
  EXPECT_TRUE(is_token(characters));
  EXPECT_FALSE(is_token(""));
  EXPECT_FALSE(is_token("a b"));
}

TEST(AsciiTest, ControlCharacters) {
  for (int c = 0; c < 256; ++c) {
    EXPECT_EQ(is_control(static_cast<char>(c)), (c < 32 && c != '\t') || c == 127) << c;
  }
}

TEST(AsciiTest, EqualIgnoringCase) {
  EXPECT_TRUE(equal_ignoring_case("Content-Length", "cONTENT-lENGTH"));
  EXPECT_TRUE(equal_ignoring_case("", ""));
  EXPECT_FALSE(equal_ignoring_case("Host", "Hosts"));
  EXPECT_FALSE(equal_ignoring_case("[", "{"));  // a bit apart, as letters are
  EXPECT_FALSE(equal_ignoring_case("\xc3\x89", "\xc3\xa9"));
}

TEST(AsciiTest, Trimmed) {
  EXPECT_EQ(trimmed(" \t a\t b \t"), "a\t b");
  EXPECT_EQ(trimmed("a"), "a");
  EXPECT_EQ(trimmed(" \t "), "");
  EXPECT_EQ(trimmed(""), "");
  EXPECT_EQ(trimmed("\va\v"), "\va\v");
}

}  // namespace
}  // namespace skein::http
