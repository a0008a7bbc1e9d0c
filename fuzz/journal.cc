// The journal of a partial file (docs/disk.md): damage never adds a claim, and what was read can
// be written and read again.
#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "store/journal.h"

namespace {

std::string encoded(const skein::store::Journal& journal) {
  std::string out = encode_header(journal.header);
  for (const auto& [block, digest] : journal.claims) out += encode_claim(block, digest);
  return out;
}

// Bytes and what they say next, or 0 at their end.
class Input {
 public:
  explicit Input(skein::Bytes bytes) : bytes_(bytes) {}
  [[nodiscard]] bool empty() const { return bytes_.empty(); }
  std::uint8_t byte() {
    if (bytes_.empty()) return 0;
    const auto value = static_cast<std::uint8_t>(bytes_.front());
    bytes_ = bytes_.subspan(1);
    return value;
  }
  std::string text(std::size_t most) {
    const std::string out(skein::as_text(bytes_.first(std::min(most, bytes_.size()))));
    bytes_ = bytes_.subspan(out.size());
    return out;
  }

 private:
  skein::Bytes bytes_;
};

// A journal as a hub writes it, with one byte damaged: random bytes alone would never get past
// its checksums.
void check_damaged(Input input) {
  skein::store::JournalHeader header;
  header.plan = {input.byte() * 100ULL, input.byte() + 1U, input.byte()};
  header.device = input.text(input.byte() % 40);
  header.target = input.text(input.byte());
  const std::size_t place = input.byte() * 256U + input.byte();
  const auto damage = static_cast<char>(input.byte());

  std::string text = encode_header(header);
  skein::store::Claims ever;  // by block, the only digest that was ever claimed of it
  while (!input.empty()) {
    const std::uint8_t what = input.byte();
    const std::uint64_t block = what / 2U;
    const skein::store::Digest digest = skein::store::digest_of({}, block);
    if (what % 2 == 0) {
      text += encode_claim(block, digest);
      ever[block] = digest;
    } else {
      text += skein::store::encode_void(block);
    }
  }
  text[place % text.size()] = static_cast<char>(text[place % text.size()] ^ damage);
  const auto journal = skein::store::parse_journal(skein::as_bytes(text));
  if (!journal) {
    assert(damage != 0);
    return;
  }
  assert(journal->header == header);
  for (const auto& [block, digest] : journal->claims) {
    assert(block < header.plan.count() && ever.at(block) == digest);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const skein::Bytes bytes = std::as_bytes(std::span(data, size));
  check_damaged(Input(bytes));
  const auto journal = skein::store::parse_journal(bytes);
  if (!journal) return 0;
  assert(journal->valid_bytes <= size);
  for (const auto& [block, digest] : journal->claims) {
    assert(block < journal->header.plan.count());
  }
  const std::string text = encoded(*journal);
  const auto again = skein::store::parse_journal(skein::as_bytes(text));
  assert(again && again->header == journal->header && again->claims == journal->claims);

  // Cut anywhere it claims nothing that the whole one does not.
  const std::size_t cut = size == 0 ? 0 : data[0] * size / 256;
  const auto torn = skein::store::parse_journal(bytes.first(cut));
  if (torn) assert(torn->valid_bytes <= cut && torn->valid_bytes <= journal->valid_bytes);
  return 0;
}
