// A pack: many small files one after the other, each a record of a head, its path and its bytes.
// Taken apart and put together in one place for hub and client alike. docs/protocol.md, "Packs".
// Pure; one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"
#include "base/result.h"
#include "store/digest.h"
#include "store/disk.h"
#include "store/path.h"

namespace skein::transfer {

struct PackedFile {
  std::string path;  // as it came, below the pack's folder
  std::uint32_t size_bytes = 0;
  std::uint32_t mode = 0;
  std::int64_t mtime_ns = 0;

  [[nodiscard]] store::Metadata metadata() const { return {mode, mtime_ns}; }
};

inline constexpr std::size_t kPackedHeadBytes = 32;

// What comes before the file's bytes: head and path.
[[nodiscard]] inline std::size_t packed_head_bytes(std::string_view path) {
  return kPackedHeadBytes + path.size();
}
// Writes packed_head_bytes() to `to`, the digest left out.
void write_packed_head(std::byte* to, const PackedFile& file);
// Writes the digest of a whole record into its head.
void seal_packed(MutableBytes record);
// The head alone, for a list of files.
void append_packed_head(std::string& to, const PackedFile& file);

// The whole path of a file in `folder`; kBadName.
[[nodiscard]] Result<store::Path> packed_path(const store::Path& folder, const PackedFile& file);

// Takes records apart that come in any pieces.
class PackDecoder {
 public:
  enum class What { kFiles, kHeads };  // with their bytes, or without
  explicit PackDecoder(What what) : what_(what) {}

  enum class Step {
    kNeedMore,  // `input` is used up
    kFile,      // file() is the next one
    kPiece,     // piece() are the next of its bytes
    kEnd,       // that was all of it; intact() tells whether it is what its digest says
  };
  // Takes from the front of `input`. kBadRequest: a head that cannot be, or more than
  // spec::kMaxPackedFiles.
  Result<Step> next(Bytes& input);
  [[nodiscard]] const PackedFile& file() const { return file_; }
  [[nodiscard]] Bytes piece() const { return piece_; }
  [[nodiscard]] bool intact() const { return intact_; }

  // kBadRequest when the pack may not end here.
  [[nodiscard]] Result<void> end() const;

 private:
  enum class At { kHead, kBytes, kEnd };
  Result<void> read_head();

  const What what_;
  At at_ = At::kHead;
  std::string head_;  // what came of it
  store::Digest declared_;
  PackedFile file_;
  std::uint32_t left_ = 0;  // bytes of it that are to come
  std::size_t files_ = 0;
  Bytes piece_;
  bool intact_ = false;
  store::Hasher hasher_;
};

// A list of files, heads alone.
[[nodiscard]] Result<std::vector<PackedFile>> decode_packed_heads(Bytes payload);

// What became of a file of a pack, by its place in it. In an answer only those are told that were
// not plainly stored, each as a line.
struct PackedOutcome {
  std::size_t index = 0;
  std::optional<Error> error;
  bool replaced = false;
};
void append_packed_outcome(std::string& to, const PackedOutcome& outcome);
[[nodiscard]] Result<std::vector<PackedOutcome>> decode_packed_outcomes(Bytes lines);

// Places in a list, each 2 bytes.
void append_index(std::string& to, std::size_t index);
[[nodiscard]] Result<std::vector<std::size_t>> decode_indexes(Bytes payload, std::size_t count);

}  // namespace skein::transfer
