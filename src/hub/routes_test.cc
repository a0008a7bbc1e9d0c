#include "hub/routes.h"

#include <gtest/gtest.h>

#include "hub/chat_routes.h"
#include "hub/event_routes.h"
#include "hub/front_page.h"

namespace skein::hub {
namespace {

TEST(Routes, APathIsFoundWholeAndWhatIsBeneathItByWhatGoesOn) {
  EXPECT_EQ(find_route("GET", "/").route->carry_out, get_front_page);
  EXPECT_EQ(find_route("GET", "/events").route->carry_out, get_events);
  EXPECT_EQ(find_route("GET", "/rooms").route->carry_out, get_rooms);
  EXPECT_EQ(find_route("GET", "/rooms/").route->carry_out, get_room);
  const Match room = find_route("POST", "/rooms/a/b");
  EXPECT_EQ(room.route->carry_out, post_message);
  EXPECT_EQ(room.route->right, auth::Right::kTalk);
  EXPECT_EQ(room.rest, "a/b");
  for (const std::string_view path : {"", "/x", "/room", "/events/", "/roomsx", "//"}) {
    const Match nothing = find_route("GET", path);
    EXPECT_EQ(nothing.route, nullptr) << path;
    EXPECT_EQ(nothing.allow, "") << path;
  }
}

TEST(Routes, HeadIsServedByGetAndTheOtherMethodsAreNamed) {
  EXPECT_EQ(find_route("HEAD", "/rooms").route->carry_out, get_rooms);
  for (const std::string_view method : {"DELETE", "OPTIONS", "get", ""}) {
    const Match none = find_route(method, "/rooms/lobby");
    EXPECT_EQ(none.route, nullptr) << method;
    EXPECT_EQ(none.allow, "GET, HEAD, OPTIONS, POST") << method;
  }
}

}  // namespace
}  // namespace skein::hub
