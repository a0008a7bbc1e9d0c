#include "hub/posted.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "base/limits.h"
#include "base/text.h"
#include "hub/exchange.h"

namespace skein::hub {
namespace {

Result<Posted> read_as(std::string_view type, std::string body) {
  TRY_ASSIGN(const PostedType parsed, PostedType::parse(type));
  return parsed.read(std::move(body));
}

TEST(PostedType, TextIsWhatIsNotSaidToBeAnythingElse) {
  for (const std::string_view type :
       {"", "text/plain", "TEXT/Plain ; charset=\"UTF-8\"", "text/plain;charset=us-ascii;x=y",
        "application/x-www-form-urlencoded"}) {
    const auto posted = read_as(type, R"({"text":"a+b%20c"})");
    ASSERT_TRUE(posted) << type;
    EXPECT_EQ(posted->text, R"({"text":"a+b%20c"})") << type;
  }
  for (const std::string_view type :
       {"text/html", "multipart/form-data; boundary=x", "text/plain; charset=latin1",
        "text/plain; x=y; CHARSET=utf-16", "application/json; charset=gbk", "text", ";", "*/*"}) {
    const auto posted = PostedType::parse(type);
    if (type == ";") {
      EXPECT_TRUE(posted) << "no type at all";
      continue;
    }
    ASSERT_FALSE(posted) << type;
    EXPECT_TRUE(posted.error().is(kUnsupportedMedia)) << type;
  }
}

TEST(PostedType, TheEndOfALineAtTheEndOfATextIsLeftOut) {
  for (const auto& [body, text] :
       {std::pair("a", "a"), std::pair("a\n", "a"), std::pair("a\r\n", "a"),
        std::pair("a\r", "a\r"), std::pair("a\n\n", "a\n"), std::pair("\n", ""),
        std::pair("", "")}) {
    EXPECT_EQ(read_as("", body)->text, text) << escaped(body);
  }
}

TEST(PostedType, JsonHasItsMembersAndIsRefusedWhenItIsNone) {
  const auto posted =
      read_as("application/json", R"({"text":"a\n","cid":"00ff","file":"b/c","more":[1]})");
  ASSERT_TRUE(posted);
  EXPECT_EQ(posted->text, "a\n");
  EXPECT_EQ(posted->cid, "00ff");
  EXPECT_EQ(posted->file, "b/c");
  const auto offer = read_as("application/json", R"({"file":"b"})");
  ASSERT_TRUE(offer);
  EXPECT_EQ(offer->text, "");
  EXPECT_FALSE(offer->cid);
  for (const std::string_view body :
       {"", "text", "[]", R"("text")", R"({"text":7})", R"({"text":"a","cid":7})",
        "{\"text\":\"\xFF\"}", R"({"text":"\ud800"})", R"({"text":"a"} x)"}) {
    const auto bad = read_as("application/json", std::string(body));
    ASSERT_FALSE(bad) << body;
    EXPECT_TRUE(bad.error().is(kBadRequest)) << body;
  }
  const auto name = read_as("application/json", R"({"text":"a","file":"../b"})");
  ASSERT_FALSE(name);
  EXPECT_TRUE(name.error().is(kBadName));
}

TEST(PostedType, TheLongestMessageFitsHoweverItIsWritten) {
  EXPECT_GE(PostedType::parse("")->most_bytes(), spec::kMaxMessageBytes + 2);
  std::string escaped_text;
  for (std::size_t i = 0; i < spec::kMaxMessageBytes; ++i) escaped_text += "\\u0001";
  const std::string body = concat("{\"text\":\"", escaped_text, "\"}");
  const auto json = PostedType::parse("application/json");
  EXPECT_LE(body.size(), json->most_bytes());
  EXPECT_EQ(json->read(body)->text, std::string(spec::kMaxMessageBytes, '\x01'));
}

}  // namespace
}  // namespace skein::hub
