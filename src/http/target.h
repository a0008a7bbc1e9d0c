// A request's target taken apart: path and query, each decoded exactly once. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace skein::http {

struct Target {
  std::string path;  // decoded, begins with '/'; may hold anything but NUL, UTF-8 for sure
  struct Parameter {
    std::string name;
    std::string value;
  };
  std::vector<Parameter> query;  // decoded; '+' is a space there

  // Of a parameter given twice the last counts, as in a dictionary of frames.
  [[nodiscard]] std::optional<std::string_view> parameter(std::string_view name) const;
};

// kBadRequest: not origin-form, a '%' without two hexadecimal digits, what is no UTF-8 or holds a
// NUL when decoded, a fragment, an encoded '/' (it would be a separator that is none).
[[nodiscard]] Result<Target> parse_target(std::string_view target);

}  // namespace skein::http
