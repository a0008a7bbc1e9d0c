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
  Request request;
  EXPECT_FALSE(request.has_body());
  request.length = 0;
  EXPECT_FALSE(request.has_body());
  request.length = 1;
  EXPECT_TRUE(request.has_body());
  request.length.reset();
  request.chunked = true;
  EXPECT_TRUE(request.has_body());
}

}  // namespace
}  // namespace skein::http
