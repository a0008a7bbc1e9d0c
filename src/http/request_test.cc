#include "http/request.h"

#include <gtest/gtest.h>

namespace skein::http {
namespace {

TEST(RequestTest, FieldsAreFoundWithoutCase) {
  const Request request{.fields = {{"Host", "a"}, {"X-Many", "1"}, {"x-many", "2"}, {"Empty", ""}}};
  EXPECT_EQ(request.field("hOST"), "a");
  EXPECT_EQ(request.field("X-MANY"), "1");
  EXPECT_EQ(request.field("empty"), "");
  EXPECT_EQ(request.field("Hos"), std::nullopt);
  EXPECT_EQ(request.field("Hosts"), std::nullopt);
  EXPECT_EQ(request.field(""), std::nullopt);
}

TEST(RequestTest, HasABody) {
  EXPECT_FALSE(Request().has_body());
  EXPECT_FALSE(Request{.length = 0}.has_body());
  EXPECT_TRUE(Request{.length = 1}.has_body());
  EXPECT_TRUE(Request{.chunked = true}.has_body());
}

}  // namespace
}  // namespace skein::http
