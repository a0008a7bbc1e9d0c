// Messages as lines (docs/protocol.md, "Messages"): one line whatever was said, and read as it was
// written.
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/text.h"
#include "chat/line.h"

namespace {

using skein::chat::Message;

void check(const Message& message, std::string_view room) {
  const std::string line = skein::chat::encode_line(message, room);
  assert(line.find('\n') == line.size() - 1);
  const auto read = skein::chat::decode_line(std::string_view(line).substr(0, line.size() - 1));
  assert(read && *read == message);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = skein::as_text(std::as_bytes(std::span(data, size)));
  if (const auto read = skein::chat::decode_line(text)) check(*read, "");
  // What is not UTF-8 is escaped on its way, so that it is read as that.
  const std::string said = skein::is_utf8(text) ? std::string(text) : skein::escaped(text);
  check({1, 0, 1, 0, said, -1, said, said}, said);
  return 0;
}
