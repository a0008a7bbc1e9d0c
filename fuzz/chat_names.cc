// Names of members and rooms (docs/protocol.md, "Names of members and rooms"): what is taken can be
// shown, and stays what it is however often it is folded.
#include <cassert>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/text.h"
#include "chat/names.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = skein::as_text(std::as_bytes(std::span(data, size)));
  const auto name = skein::chat::parse_name(text, "member");
  if (!name) {
    assert(skein::escaped(name.error().message()) == name.error().message());
    return 0;
  }
  assert(name->shown.size() <= skein::spec::kMaxNameBytes);
  assert(skein::escaped(name->shown) == name->shown && name->looks_like(*name));
  const auto again = skein::chat::parse_name(name->shown, "room");
  assert(again && again->shown == name->shown && again->folded == name->folded);
  assert(again->looks == name->looks);

  // Folded it may be too long, or no name by itself; else it is the same one.
  const auto folded = skein::chat::parse_name(name->folded, "member");
  if (!folded) return 0;
  assert(folded->folded == name->folded && folded->looks[0] == name->looks[1]);
  return 0;
}
