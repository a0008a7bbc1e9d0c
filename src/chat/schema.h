// What stands in hub/rooms.sqlite, by version: docs/disk.md, "The room log". A file of ours is
// brought to the newest version; any other is left as it is.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "base/result.h"
#include "chat/sqlite.h"

namespace skein::chat {

inline constexpr std::int64_t kApplicationId = 0x736B6569;  // "skei"

// steps[i] are the statements that make version i + 1 of version i.
using SchemaSteps = std::span<const char* const>;
[[nodiscard]] SchemaSteps schema_steps();

// The file at `path`, made when missing or empty. kIo: it is damaged, or none of ours. kVersion: a
// newer program made it. After an error it is as it was, also when a step failed.
Result<Connection> open_schema(const std::string& path, SchemaSteps steps,
                               const std::string& vfs = {});

}  // namespace skein::chat
