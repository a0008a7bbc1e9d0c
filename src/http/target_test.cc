#include "http/target.h"

#include <gmock/gmock.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/text.h"

namespace skein::http {
namespace {

using testing::ElementsAre;
using testing::FieldsAre;
using testing::IsEmpty;

TEST(TargetTest, Paths) {
  struct Case {
    std::string_view target;
    std::string_view path;
  };
  const std::vector<Case> cases = {
      {"/", "/"},
      {"/files/a/b.txt", "/files/a/b.txt"},
      {"/a%20b", "/a b"},
      {"/%e7%ba%BF%E5%9B%A2", "/线团"},
      {"/a+b", "/a+b"},
      {"/a&b=c", "/a&b=c"},
      {"/a%3Fb", "/a?b"},
      {"/a%23b", "/a#b"},
      {"/a%25b", "/a%b"},
      {"/a%252Fb", "/a%2Fb"},  // decoded once, not twice
      {"/a%252e%252e", "/a%2e%2e"},
      {"/%2e%2E/x", "/../x"},  // which names there may be, the store says
      {"/a%5cb", "/a\\b"},
      {"/a%0Ab", "/a\nb"},
      {"//a//", "//a//"},
  };
  for (const Case& one : cases) {
    const auto target = parse_target(one.target);
    ASSERT_TRUE(target) << one.target << ": " << target.error().message();
    EXPECT_EQ(target->path, one.path);
    EXPECT_THAT(target->query, IsEmpty()) << one.target;
  }
}

TEST(TargetTest, Queries) {
  const auto target = parse_target("/a?after=3&q=%e7%ba%bf+x%2By&&flag&=v&a=b=c?/&after=4&%26=%3d");
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, "/a");
  EXPECT_THAT(target->query,
              ElementsAre(FieldsAre("after", "3"), FieldsAre("q", "线 x+y"), FieldsAre("flag", ""),
                          FieldsAre("", "v"), FieldsAre("a", "b=c?/"), FieldsAre("after", "4"),
                          FieldsAre("&", "=")));
  EXPECT_EQ(target->parameter("after"), "4");  // the last counts
  EXPECT_EQ(target->parameter("flag"), "");
  EXPECT_EQ(target->parameter("After"), std::nullopt);
  EXPECT_EQ(parse_target("/a?b=%2f")->parameter("b"), "/");
  EXPECT_THAT(parse_target("/a?")->query, IsEmpty());
  EXPECT_THAT(parse_target("/a?&&")->query, IsEmpty());
}

TEST(TargetTest, Refused) {
  const std::vector<std::string_view> targets = {"",
                                                 "*",
                                                 "a",
                                                 "http://a/",
                                                 "?a",
                                                 "/a#b",
                                                 "/a?b#c",
                                                 "/%",
                                                 "/%4",
                                                 "/%4g",
                                                 "/%g4",
                                                 "/%%41",
                                                 "/%u0041",
                                                 "/%-1",
                                                 "/%+1",
                                                 "/% 1",
                                                 "/a%2fb",
                                                 "/a%2Fb",
                                                 "/%2f",
                                                 "/%00",
                                                 "/a%00b",
                                                 "/a?%",
                                                 "/a?b=%0",
                                                 "/a?b=%00",
                                                 "/a?%00=b",
                                                 "/a?b=c&d=%x1",
                                                 "/%ff",
                                                 "/%c3",
                                                 "/%c0%af",
                                                 "/%ed%a0%80",
                                                 "/%f4%90%80%80",
                                                 "/a?b=%ff",
                                                 "/a?%ff=b",
                                                 "/%c3?%a9",
                                                 "/a?b=%c3&c=%a9"};
  for (const std::string_view text : targets) {
    const auto target = parse_target(text);
    ASSERT_FALSE(target) << text;
    EXPECT_EQ(target.error().kind(), kBadRequest) << text;
  }
}

TEST(TargetTest, AnythingMayComePercentEncoded) {
  std::string all;
  for (int c = 1; c < 128; ++c) {
    if (c != '/') all += static_cast<char>(c);
  }
  all += "线团\u202e";
  std::string encoded = "/";
  for (const std::byte byte : as_bytes(all)) encoded += concat("%", to_hex({&byte, 1}));
  const auto target = parse_target(encoded);
  ASSERT_TRUE(target);
  EXPECT_EQ(target->path, concat("/", all));
  EXPECT_THAT(target->query, IsEmpty());
}

}  // namespace
}  // namespace skein::http
