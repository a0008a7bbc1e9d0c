// The program's version, as it says it of itself.
#pragma once

#include <string_view>

namespace skein::cli {
inline constexpr std::string_view kProgramVersion = "0.1";
}
