// A message as a person sees it in a terminal. Pure, any thread.
#pragma once

#include <string>

#include "chat/message.h"

namespace skein::cli {

// "2026-11-24 17:02  lin: photos are up  [file 'photos.zip']", in local time, one line, everything
// from outside escaped.
[[nodiscard]] std::string message_line(const chat::Message& message);

}  // namespace skein::cli
