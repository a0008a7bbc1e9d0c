#include "transfer/pack.h"

#include <algorithm>
#include <cassert>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "wire/answer.h"
#include "wire/protocol.h"

namespace skein::transfer {

namespace field = wire::field;

namespace {

constexpr std::size_t kDigestBytes = sizeof(store::Digest);
constexpr std::size_t kTimeAt = kDigestBytes;
constexpr std::size_t kSizeAt = kTimeAt + 8;
constexpr std::size_t kModeAt = kSizeAt + 4;
constexpr std::size_t kPathSizeAt = kModeAt + 2;
static_assert(kPathSizeAt + 2 == kPackedHeadBytes);

constexpr std::uint64_t kSeed = 0;
constexpr std::uint32_t kMostMode = 0777;
constexpr std::size_t kIndexBytes = 2;

// So that the lines of a whole pack fit an answer beside its files.
constexpr std::size_t kMostLineBytes = 1024;

}  // namespace

void write_packed_head(std::byte* to, const PackedFile& file) {
  assert(!file.path.empty() && file.path.size() <= spec::kMaxPathBytes);
  store_le(to + kTimeAt, static_cast<std::uint64_t>(file.mtime_ns));
  store_le(to + kSizeAt, file.size_bytes);
  store_le(to + kModeAt, static_cast<std::uint16_t>(file.mode));
  store_le(to + kPathSizeAt, static_cast<std::uint16_t>(file.path.size()));
  std::ranges::copy(as_bytes(file.path), to + kPackedHeadBytes);
}

void seal_packed(MutableBytes record) {
  const store::Digest digest = store::digest_of(record.subspan(kDigestBytes), kSeed);
  std::ranges::copy(digest.bytes, record.begin());
}

void append_packed_head(std::string& to, const PackedFile& file) {
  const std::size_t begin = to.size();
  to.resize(begin + packed_head_bytes(file.path));
  write_packed_head(std::as_writable_bytes(std::span(to)).data() + begin, file);
}

Result<store::Path> packed_path(const store::Path& folder, const PackedFile& file) {
  TRY_ASSIGN(const store::Path below, store::Path::parse(file.path));
  if (folder.is_root()) return below;
  store::Path whole = folder / below;
  if (whole.text().size() > spec::kMaxPathBytes) return store::Path::parse(whole.text());
  return whole;
}

// The bytes of head_ are a head, and its path.
Result<void> PackDecoder::read_head() {
  const Bytes head = as_bytes(head_);
  std::ranges::copy(head.first(kDigestBytes), declared_.bytes.begin());
  file_.mtime_ns = static_cast<std::int64_t>(load_le<std::uint64_t>(&head[kTimeAt]));
  file_.size_bytes = load_le<std::uint32_t>(&head[kSizeAt]);
  file_.mode = load_le<std::uint16_t>(&head[kModeAt]);
  file_.path.assign(head_, kPackedHeadBytes);
  if (file_.mode > kMostMode) return fail(kBadRequest, "a packed file has a mode above 511");
  if (++files_ > spec::kMaxPackedFiles) {
    return fail(kBadRequest,
                concat("a pack has more than ", std::to_string(spec::kMaxPackedFiles), " files"));
  }
  return {};
}

Result<PackDecoder::Step> PackDecoder::next(Bytes& input) {
  if (at_ == At::kHead) {
    std::size_t whole = kPackedHeadBytes;
    const auto take = [&] {
      const std::size_t part = std::min(whole - std::min(whole, head_.size()), input.size());
      head_ += as_text(input.first(part));
      input = input.subspan(part);
    };
    take();
    if (head_.size() >= kPackedHeadBytes) {
      const std::size_t path_bytes = load_le<std::uint16_t>(&as_bytes(head_)[kPathSizeAt]);
      if (path_bytes == 0 || path_bytes > spec::kMaxPathBytes) {
        return fail(kBadRequest, "a packed file has no path, or one over 4095 bytes");
      }
      whole += path_bytes;
      take();
    }
    if (head_.size() < whole) return Step::kNeedMore;
    TRY(read_head());
    if (what_ == What::kFiles) {
      hasher_.restart(kSeed);
      hasher_.update(as_bytes(head_).subspan(kDigestBytes));
      left_ = file_.size_bytes;
      at_ = At::kBytes;
    }
    head_.clear();
    return Step::kFile;
  }
  if (left_ == 0) {
    intact_ = hasher_.digest() == declared_;
    at_ = At::kHead;
    return Step::kEnd;
  }
  if (input.empty()) return Step::kNeedMore;
  piece_ = input.first(std::min<std::size_t>(left_, input.size()));
  input = input.subspan(piece_.size());
  left_ -= static_cast<std::uint32_t>(piece_.size());
  hasher_.update(piece_);
  return Step::kPiece;
}

Result<void> PackDecoder::end() const {
  if (at_ == At::kHead && head_.empty()) return {};
  return fail(kBadRequest, "a pack ends in the middle of a file");
}

Result<std::vector<PackedFile>> decode_packed_heads(Bytes payload) {
  PackDecoder decoder(PackDecoder::What::kHeads);
  std::vector<PackedFile> files;
  while (true) {
    TRY_ASSIGN(const auto step, decoder.next(payload));
    if (step == PackDecoder::Step::kNeedMore) break;
    files.push_back(decoder.file());
  }
  TRY(decoder.end());
  return files;
}

void append_packed_outcome(std::string& to, const PackedOutcome& outcome) {
  const auto line_for = [&](const Error& error) {
    wire::Dictionary line = wire::error_answer(0, error);
    line.set(field::kIndex, static_cast<std::int64_t>(outcome.index));
    return line.to_json();
  };
  std::string line;
  if (outcome.error) {
    line = line_for(*outcome.error);
    // What is this long is a path, and who sent it knows it.
    if (line.size() > kMostLineBytes) {
      const ErrorKind kind = outcome.error->kind();
      line = line_for(Error(kind, std::string(kind.name)));
    }
  } else {
    wire::Dictionary fields;
    fields.set(field::kIndex, static_cast<std::int64_t>(outcome.index))
        .set(field::kOk, true)
        .set(field::kReplaced, outcome.replaced);
    line = fields.to_json();
  }
  to += line;
  to += '\n';
}

Result<std::vector<PackedOutcome>> decode_packed_outcomes(Bytes lines) {
  std::vector<PackedOutcome> out;
  std::string_view rest = as_text(lines);
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    TRY_ASSIGN(const wire::Dictionary line, wire::Dictionary::parse(rest.substr(0, end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    PackedOutcome outcome;
    TRY_ASSIGN(const std::int64_t index,
               line.integer(field::kIndex, 0, std::int64_t{spec::kMaxPackedFiles} - 1));
    outcome.index = static_cast<std::size_t>(index);
    TRY_ASSIGN(const bool ok, line.flag(field::kOk));
    if (ok) {
      TRY_ASSIGN(outcome.replaced, line.flag(field::kReplaced));
    } else {
      auto told = wire::check_answer(line);
      outcome.error = std::move(told).error();
    }
    out.push_back(std::move(outcome));
  }
  return out;
}

void append_index(std::string& to, std::size_t index) {
  append_le(to, static_cast<std::uint16_t>(index));
}

Result<std::vector<std::size_t>> decode_indexes(Bytes payload, std::size_t count) {
  if (payload.size() % kIndexBytes != 0) return fail(kBadFrame, "an index is cut");
  std::vector<std::size_t> out;
  for (; !payload.empty(); payload = payload.subspan(kIndexBytes)) {
    const std::size_t index = load_le<std::uint16_t>(payload.data());
    if (index >= count || (!out.empty() && index <= out.back())) {
      return fail(kBadFrame, "an index that is out of range or order");
    }
    out.push_back(index);
  }
  return out;
}

}  // namespace skein::transfer
