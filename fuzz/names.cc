// Paths, listed entries and claims as they come from outside (docs/protocol.md): what is taken is
// safe to use, and means the same when it is written and read again.
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/text.h"
#include "store/path.h"
#include "transfer/fields.h"

namespace {

using skein::store::Path;

void check_path(std::string_view text) {
  const auto path = Path::parse(text);
  if (!path) return;
  assert(path->text() == text && !text.starts_with('/') &&
         text.size() <= skein::spec::kMaxPathBytes);
  assert(skein::escaped(text).find('\x1b') == std::string::npos);
  for (Path part = *path; !part.is_root(); part = part.parent()) {
    const std::string_view name = part.name();
    assert(!name.empty() && name != "." && name != "..");
    assert(!skein::store::is_reserved(name) && Path::parse_name(name));
  }
}

void check_entry(std::string_view line) {
  const auto listed = skein::transfer::decode_entry(line);
  if (!listed) return;
  const std::string text = skein::transfer::encode_entry(listed->entry);
  assert(text.find('\n') == std::string::npos);
  const auto again = skein::transfer::decode_entry(text);
  assert(again && again->entry.info.size_bytes == listed->entry.info.size_bytes);
}

void check_claims(skein::Bytes bytes) {
  skein::store::Claims claims;
  const skein::store::BlockPlan plan{1000, 7, 1};
  if (!skein::transfer::decode_claims(bytes, plan, claims)) return;
  std::string text;
  for (const auto& [block, digest] : claims) {
    assert(block < plan.count());
    skein::transfer::append_claim(text, block, digest);
  }
  skein::store::Claims again;
  assert(skein::transfer::decode_claims(skein::as_bytes(text), plan, again) && again == claims);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const skein::Bytes bytes = std::as_bytes(std::span(data, size));
  check_path(skein::as_text(bytes));
  check_entry(skein::as_text(bytes));
  check_claims(bytes);
  return 0;
}
