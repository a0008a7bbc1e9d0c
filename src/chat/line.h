// A message as one line of JSON, as it goes to whoever reads a room: over frames and over HTTP.
// docs/protocol.md, "Messages". Pure, any thread.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "chat/message.h"

namespace skein::chat {

// With its line feed. `room`: the room's name where lines of several rooms stand together; empty
// where who reads knows it from around the lines.
[[nodiscard]] std::string encode_line(const Message& message, std::string_view room = {});

// The same with its room in it, for a line that was encoded without; `line` is what encode_line()
// made.
[[nodiscard]] std::string add_room(std::string_view line, std::string_view room);

// Reads one without its line feed. `room` and `member` stay 0: they are the hub's own.
Result<Message> decode_line(std::string_view line);

// 32 hexadecimal digits in lower case.
[[nodiscard]] std::string cid_text(const Cid& cid);

}  // namespace skein::chat
