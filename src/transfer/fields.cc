#include "transfer/fields.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "wire/protocol.h"

namespace skein::transfer {

namespace field = wire::field;

namespace {

constexpr std::int64_t kMaxMode = 0777;

std::unexpected<Error> wrong(std::string_view key, std::string_view wanted) {
  return fail(kBadRequest, concat("field ", quoted(key), " must be ", wanted));
}

// Nanoseconds do not fit the integers of JSON, so they travel as text.
Result<std::optional<std::int64_t>> mtime_field(const wire::Dictionary& fields) {
  TRY_ASSIGN(const std::optional<std::string> text, fields.text_if(field::kModified));
  if (!text) return std::nullopt;
  std::int64_t value = 0;
  const auto [end, code] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (code != std::errc() || end != text->data() + text->size()) {
    return wrong(field::kModified, "text with nanoseconds since 1970");
  }
  return value;
}

}  // namespace

Result<store::Path> path_field(const wire::Dictionary& fields, std::string_view key,
                               bool root_allowed) {
  if (root_allowed) {
    TRY_ASSIGN(const std::optional<std::string> text, fields.text_if(key));
    if (!text || text->empty()) return store::Path();
  }
  TRY_ASSIGN(const std::string text, fields.text(key));
  return store::Path::parse(text);
}

Result<store::Metadata> metadata_fields(const wire::Dictionary& fields) {
  store::Metadata metadata;
  TRY_ASSIGN(const auto mode, fields.integer_if(field::kMode, 0, kMaxMode));
  if (mode) metadata.mode = static_cast<std::uint32_t>(*mode);
  TRY_ASSIGN(metadata.mtime_ns, mtime_field(fields));
  return metadata;
}

void set_metadata(wire::Dictionary& to, const store::Metadata& metadata) {
  if (metadata.mode) to.set(field::kMode, static_cast<std::int64_t>(*metadata.mode));
  if (metadata.mtime_ns) to.set(field::kModified, std::to_string(*metadata.mtime_ns));
}

Result<std::optional<store::Digest>> digest_field(const wire::Dictionary& fields) {
  TRY_ASSIGN(const std::optional<std::string> text, fields.text_if(field::kDigest));
  if (!text) return std::nullopt;
  const std::optional<store::Digest> digest = store::Digest::from_hex(*text);
  if (!digest) return wrong(field::kDigest, "32 hexadecimal digits in lower case");
  return digest;
}

Result<std::string> name_field(const wire::Dictionary& fields, std::string_view key) {
  TRY_ASSIGN(const std::optional<std::string> text, fields.text_if(key));
  if (!text) return std::string();
  const bool control = std::ranges::any_of(
      *text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; });
  if (text->empty() || text->size() > spec::kMaxNameBytes || control) {
    return wrong(key, "text of 1 to 64 bytes without control characters");
  }
  return *text;
}

Result<std::string> device_field(const wire::Dictionary& fields) {
  TRY_ASSIGN(const std::optional<std::string> text, fields.text_if(field::kDevice));
  if (!text) return std::string();
  std::byte raw[16];
  if (!from_hex(*text, raw)) return wrong(field::kDevice, "32 hexadecimal digits in lower case");
  return *text;
}

Result<store::BlockPlan> plan_fields(const wire::Dictionary& fields, store::BlockPlan otherwise) {
  TRY_ASSIGN(const auto block_size, fields.integer_if(field::kBlockSize, 1, spec::kMaxBlockBytes));
  if (block_size) otherwise.block_bytes = static_cast<std::uint32_t>(*block_size);
  TRY_ASSIGN(const std::optional<std::string> seed, fields.text_if(field::kSeed));
  if (seed) {
    std::byte raw[8];
    if (!from_hex(*seed, raw)) return wrong(field::kSeed, "16 hexadecimal digits in lower case");
    std::reverse(std::begin(raw), std::end(raw));  // written with its highest digit first
    otherwise.seed = load_le<std::uint64_t>(raw);
  }
  return otherwise;
}

void set_plan(wire::Dictionary& to, const store::BlockPlan& plan) {
  std::byte raw[8];
  store_le(raw, plan.seed);
  std::reverse(std::begin(raw), std::end(raw));
  to.set(field::kBlockSize, static_cast<std::int64_t>(plan.block_bytes))
      .set(field::kSeed, to_hex(raw));
}

std::string_view kind_text(store::EntryKind kind) {
  switch (kind) {
    case store::EntryKind::kFile: return "file";
    case store::EntryKind::kFolder: return "folder";
    case store::EntryKind::kLink: return "link";
    case store::EntryKind::kOther: return "other";
  }
  std::unreachable();
}

store::EntryKind kind_of_text(std::string_view text) {
  using enum store::EntryKind;
  for (const store::EntryKind kind : {kFile, kFolder, kLink}) {
    if (kind_text(kind) == text) return kind;
  }
  return kOther;
}

std::string encode_entry(const store::Entry& entry) {
  const bool unnamed = !store::Path::parse_name(entry.name);
  const store::EntryKind kind = unnamed ? store::EntryKind::kOther : entry.info.kind;
  wire::Dictionary line;
  line.set(field::kName, unnamed ? escaped(entry.name) : entry.name)
      .set(field::kKind, kind_text(kind));
  set_metadata(line, {entry.info.mode, entry.info.mtime_ns});
  if (unnamed) line.set(field::kUnnamed, true);
  if (kind == store::EntryKind::kFile) {
    line.set(field::kSize, static_cast<std::int64_t>(
                               std::min<std::uint64_t>(entry.info.size_bytes, spec::kMaxInteger)));
  }
  if (kind == store::EntryKind::kLink) line.set(field::kTarget, entry.link_target);
  return line.to_json();
}

Result<ListedEntry> decode_entry(std::string_view text) {
  TRY_ASSIGN(const wire::Dictionary line, wire::Dictionary::parse(text));
  ListedEntry out;
  TRY_ASSIGN(out.entry.name, line.text(field::kName));
  TRY_ASSIGN(const std::string kind, line.text(field::kKind));
  out.entry.info.kind = kind_of_text(kind);
  TRY_ASSIGN(const store::Metadata metadata, metadata_fields(line));
  out.entry.info.mode = metadata.mode.value_or(0);
  out.entry.info.mtime_ns = metadata.mtime_ns.value_or(0);
  TRY_ASSIGN(const auto size, line.integer_if(field::kSize, 0, spec::kMaxInteger));
  out.entry.info.size_bytes = static_cast<std::uint64_t>(size.value_or(0));
  TRY_ASSIGN(const std::optional<std::string> target, line.text_if(field::kTarget));
  out.entry.link_target = target.value_or("");
  TRY_ASSIGN(out.unnamed, line.flag(field::kUnnamed));
  return out;
}

void append_claim(std::string& to, std::uint64_t block, const store::Digest& digest) {
  append_le(to, block);
  to += as_text(digest.bytes);
}

Result<void> decode_claims(Bytes payload, const store::BlockPlan& plan, store::Claims& into) {
  if (payload.size() % kClaimBytes != 0) return fail(kBadFrame, "a claim is cut");
  for (; !payload.empty(); payload = payload.subspan(kClaimBytes)) {
    const auto block = load_le<std::uint64_t>(payload.data());
    if (block >= plan.count()) continue;
    store::Digest digest;
    std::ranges::copy(payload.subspan(8, digest.bytes.size()), digest.bytes.begin());
    into.insert_or_assign(block, digest);
  }
  return {};
}

}  // namespace skein::transfer
