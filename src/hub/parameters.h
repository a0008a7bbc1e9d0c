// Numbers as they stand in a query or a field of HTTP. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "http/target.h"

namespace skein::hub {

// A whole number within [least, most], in decimal; kBadRequest naming it otherwise.
[[nodiscard]] Result<std::int64_t> parse_integer(std::string_view name, std::string_view text,
                                                 std::int64_t least, std::int64_t most);
// The parameter of the query, or nothing when it is not there.
[[nodiscard]] Result<std::optional<std::int64_t>> integer_parameter(const http::Target& target,
                                                                    std::string_view name,
                                                                    std::int64_t least,
                                                                    std::int64_t most);

}  // namespace skein::hub
