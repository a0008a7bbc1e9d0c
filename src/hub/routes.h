// The table of routes: what stands at which path of HTTP, and who carries it out.
#pragma once

#include <string>
#include <string_view>

#include "auth/policy.h"
#include "hub/context.h"
#include "hub/exchange.h"

namespace skein::hub {

struct Route {
  std::string_view method;  // GET serves HEAD too
  std::string_view path;    // one that ends with '/' stands for all beneath it, but "/" for itself
  auth::Right right;
  // An error before the answer has begun is answered by the session.
  socketserver::Task<Result<void>> (*carry_out)(Context&, Exchange&);
};

struct Match {
  const Route* route = nullptr;  // nullptr: nothing there, or nothing for this method
  std::string_view rest;         // of `path`, behind the route's
  std::string allow;             // the methods there, as Allow lists them; empty: nothing there
};

[[nodiscard]] Match find_route(std::string_view method, std::string_view path);

}  // namespace skein::hub
