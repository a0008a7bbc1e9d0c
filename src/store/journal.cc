#include "store/journal.h"

#include <cassert>
#include <optional>
#include <string_view>

namespace skein::store {

namespace {

constexpr std::string_view kMagic = "skeinj1\n";
constexpr std::size_t kFixedBytes = 8 + 4;  // magic, length of the header's body
constexpr std::uint32_t kMaxBodyBytes = 64 * 1024;
constexpr std::uint32_t kVoid = 0;
constexpr std::uint32_t kClaim = 1;

void append_text(std::string& to, std::string_view text) {
  append_le(to, static_cast<std::uint32_t>(text.size()));
  to += text;
}

// Reads from the front of `from`; every read of what is not there makes it fail for good.
class Reader {
 public:
  explicit Reader(Bytes from) : from_(from) {}
  template <typename Int>
  Int integer() {
    const Bytes raw = take(sizeof(Int));
    return ok_ ? load_le<Int>(raw.data()) : Int{0};
  }
  std::string text() { return std::string(as_text(take(integer<std::uint32_t>()))); }
  [[nodiscard]] bool used_up() const { return ok_ && from_.empty(); }

 private:
  Bytes take(std::size_t bytes) {
    if (bytes > from_.size()) ok_ = false;
    if (!ok_) return {};
    const Bytes out = from_.first(bytes);
    from_ = from_.subspan(bytes);
    return out;
  }
  Bytes from_;
  bool ok_ = true;
};

std::string encode_record(std::uint64_t block, const Digest& digest, std::uint32_t what) {
  std::string out;
  append_le(out, block);
  out += as_text(digest.bytes);
  append_le(out, what);
  append_le(out, checksum_of(as_bytes(out)));
  assert(out.size() == kJournalRecordBytes);
  return out;
}

std::unexpected<Error> no_journal() {
  return fail(kIo, "not a journal of a partial file");
}

}  // namespace

std::string encode_header(const JournalHeader& header) {
  std::string body;
  append_le(body, header.plan.total_bytes);
  append_le(body, header.plan.block_bytes);
  append_le(body, header.plan.seed);
  append_le(body, header.inode);
  append_text(body, header.boot_id);
  append_text(body, header.device);
  append_text(body, header.source);
  append_text(body, header.target);
  assert(body.size() <= kMaxBodyBytes);
  std::string out(kMagic);
  append_le(out, static_cast<std::uint32_t>(body.size()));
  out += body;
  append_le(out, checksum_of(as_bytes(out)));
  return out;
}

std::string encode_claim(std::uint64_t block, const Digest& digest) {
  return encode_record(block, digest, kClaim);
}

std::string encode_void(std::uint64_t block) {
  return encode_record(block, Digest{}, kVoid);
}

Result<Journal> parse_journal(Bytes bytes) {
  if (bytes.size() < kFixedBytes || !as_text(bytes).starts_with(kMagic)) return no_journal();
  const auto body_bytes = load_le<std::uint32_t>(bytes.data() + kMagic.size());
  const std::size_t checked = kFixedBytes + std::size_t{body_bytes};
  if (body_bytes > kMaxBodyBytes || bytes.size() < checked + sizeof(std::uint32_t) ||
      load_le<std::uint32_t>(bytes.data() + checked) != checksum_of(bytes.first(checked))) {
    return no_journal();
  }

  Journal journal;
  JournalHeader& header = journal.header;
  Reader reader(bytes.subspan(kFixedBytes, body_bytes));
  header.plan.total_bytes = reader.integer<std::uint64_t>();
  header.plan.block_bytes = reader.integer<std::uint32_t>();
  header.plan.seed = reader.integer<std::uint64_t>();
  header.inode = reader.integer<std::uint64_t>();
  header.boot_id = reader.text();
  header.device = reader.text();
  header.source = reader.text();
  header.target = reader.text();
  if (!reader.used_up() || header.plan.block_bytes == 0) return no_journal();

  journal.valid_bytes = checked + sizeof(std::uint32_t);
  const std::uint64_t count = header.plan.count();
  for (Bytes rest = bytes.subspan(journal.valid_bytes); rest.size() >= kJournalRecordBytes;
       rest = rest.subspan(kJournalRecordBytes)) {
    constexpr std::size_t kChecked = kJournalRecordBytes - sizeof(std::uint32_t);
    if (load_le<std::uint32_t>(rest.data() + kChecked) != checksum_of(rest.first(kChecked))) break;
    const auto block = load_le<std::uint64_t>(rest.data());
    const auto what = load_le<std::uint32_t>(rest.data() + 24);
    if (block >= count || what > kClaim) break;
    if (what == kClaim) {
      Digest digest;
      std::copy_n(rest.data() + 8, digest.bytes.size(), digest.bytes.begin());
      journal.claims.insert_or_assign(block, digest);
    } else {
      journal.claims.erase(block);
    }
    journal.valid_bytes += kJournalRecordBytes;
  }
  return journal;
}

}  // namespace skein::store
