// A message as it is posted over HTTP: text as it is, or JSON. docs/protocol.md, "HTTP". Pure.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace skein::hub {

struct Posted {
  std::string text;
  std::string file;                // a path in the shared folder; empty: none
  std::optional<std::string> cid;  // as it came
};

// What a Content-Type promises; an absent one, and the one that `curl -d` adds to any text, is
// text. kUnsupportedMedia: anything but text/plain and application/json, and what is not UTF-8.
class PostedType {
 public:
  [[nodiscard]] static Result<PostedType> parse(std::string_view content_type);

  // How long a body may be; whether its text is too long is for Chat to say.
  [[nodiscard]] std::size_t most_bytes() const;
  // kBadRequest, kBadName: JSON that is no message. The end of a line at the end of a text is left
  // out: a terminal, or `echo`, has added it.
  [[nodiscard]] Result<Posted> read(std::string body) const;

 private:
  explicit PostedType(bool json) : json_(json) {}
  bool json_;
};

}  // namespace skein::hub
