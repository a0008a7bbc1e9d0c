// The journal of a partial file: which of its blocks were verified when they were written.
// Format: docs/disk.md, "The journal". It is a hint: what it claims counts only while its checks
// hold (partial.h says which). Pure: bytes in, values out.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/result.h"
#include "store/blocks.h"

namespace skein::store {

struct JournalHeader {
  BlockPlan plan;
  std::uint64_t inode = 0;  // of the partial file that is spoken of
  std::string boot_id;      // when it was begun; after another boot blocks may be lost
  std::string device;       // who sends, which file of theirs, to where: together the key
  std::string source;
  std::string target;
  friend bool operator==(const JournalHeader&, const JournalHeader&) = default;
};

inline constexpr std::size_t kJournalRecordBytes = 32;

[[nodiscard]] std::string encode_header(const JournalHeader& header);
[[nodiscard]] std::string encode_claim(std::uint64_t block, const Digest& digest);
// The block is about to be written anew: what was claimed of it no longer holds.
[[nodiscard]] std::string encode_void(std::uint64_t block);

struct Journal {
  JournalHeader header;
  Claims claims;                  // only of blocks within the plan
  std::uint64_t valid_bytes = 0;  // header and whole records; what follows is a torn tail
};

// kIo when the header is none of ours or damaged. A damaged record ends the reading: it and all
// that follows are ignored.
[[nodiscard]] Result<Journal> parse_journal(Bytes bytes);

}  // namespace skein::store
