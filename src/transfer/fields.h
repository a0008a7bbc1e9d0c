// The values of a transfer as they stand in dictionaries and payloads: read, checked and written
// in one place for hub and client alike. docs/protocol.md, "Operations". Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "store/blocks.h"
#include "store/disk.h"
#include "store/path.h"
#include "wire/dictionary.h"

namespace skein::transfer {

// Required, unless `root_allowed`: absent or empty then means the shared folder itself.
[[nodiscard]] Result<store::Path> path_field(const wire::Dictionary& fields, std::string_view key,
                                             bool root_allowed = false);
// mode and mtime_ns, each optional.
[[nodiscard]] Result<store::Metadata> metadata_fields(const wire::Dictionary& fields);
void set_metadata(wire::Dictionary& to, const store::Metadata& metadata);

[[nodiscard]] Result<std::optional<store::Digest>> digest_field(const wire::Dictionary& fields);

// Optional text of 1 to spec::kMaxNameBytes without control characters; empty when absent.
[[nodiscard]] Result<std::string> name_field(const wire::Dictionary& fields, std::string_view key);

// Optional: 32 hexadecimal digits in lower case, or empty when absent.
[[nodiscard]] Result<std::string> device_field(const wire::Dictionary& fields);

// block_size and seed, each optional, over what `otherwise` says.
[[nodiscard]] Result<store::BlockPlan> plan_fields(const wire::Dictionary& fields,
                                                   store::BlockPlan otherwise);
void set_plan(wire::Dictionary& to, const store::BlockPlan& plan);

[[nodiscard]] std::string_view kind_text(store::EntryKind kind);
[[nodiscard]] store::EntryKind kind_of_text(std::string_view text);  // kOther for any other word

// One thing of a listing, as a line without its line feed. A name that breaks the rules is shown
// escaped and marked `unnamed`.
[[nodiscard]] std::string encode_entry(const store::Entry& entry);
struct ListedEntry {
  store::Entry entry;
  bool unnamed = false;
};
[[nodiscard]] Result<ListedEntry> decode_entry(std::string_view line);

// 24 bytes each. Decoding refuses (kBadFrame) a cut claim and ignores blocks outside the plan.
inline constexpr std::size_t kClaimBytes = 24;
void append_claim(std::string& to, std::uint64_t block, const store::Digest& digest);
[[nodiscard]] Result<void> decode_claims(Bytes payload, const store::BlockPlan& plan,
                                         store::Claims& into);

}  // namespace skein::transfer
