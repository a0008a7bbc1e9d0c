#include "hub/routes.h"

#include <algorithm>
#include <array>
#include <vector>

#include "base/text.h"
#include "hub/chat_routes.h"
#include "hub/event_routes.h"
#include "hub/front_page.h"

namespace skein::hub {

namespace {

using auth::Right;

constexpr Route kRoutes[] = {
    {"GET", "/", Right::kConnect, get_front_page},  {"GET", "/rooms", Right::kListen, get_rooms},
    {"GET", "/rooms/", Right::kListen, get_room},   {"POST", "/rooms/", Right::kTalk, post_message},
    {"GET", "/search", Right::kListen, get_search}, {"GET", "/events", Right::kListen, get_events},
};

bool stands_at(const Route& route, std::string_view path) {
  const bool beneath = route.path.size() > 1 && route.path.ends_with('/');
  return beneath ? path.starts_with(route.path) : path == route.path;
}

}  // namespace

Match find_route(std::string_view method, std::string_view path) {
  const std::string_view wanted = method == "HEAD" ? "GET" : method;
  Match match;
  std::vector<std::string_view> methods;
  for (const Route& route : kRoutes) {
    if (!stands_at(route, path)) continue;
    methods.push_back(route.method);
    if (route.method == "GET") methods.push_back("HEAD");
    if (route.method != wanted) continue;
    match.route = &route;
    match.rest = path.substr(route.path.size());
  }
  if (methods.empty()) return match;
  methods.push_back("OPTIONS");
  std::ranges::sort(methods);
  for (const std::string_view one : methods) {
    match.allow += concat(match.allow.empty() ? "" : ", ", one);
  }
  return match;
}

}  // namespace skein::hub
