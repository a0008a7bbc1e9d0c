#include "store/journal.h"

#include <gtest/gtest.h>

#include <limits>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "store/test_support.h"

namespace skein::store {
namespace {

JournalHeader header() {
  return {.plan = {2'500'000, 1 << 20, 0x9f2c0e4b7a61d385},
          .inode = 42,
          .boot_id = "boot-1",
          .device = "device",
          .source = "41:2282",
          .target = "b/c.bin"};
}

Digest digest(unsigned char first) {
  Digest out = *Digest::from_hex("b52d6ccd38488af6ddd197788442a43e");
  out.bytes[0] = std::byte{first};
  return out;
}

Result<Journal> parse(std::string_view bytes) {
  return parse_journal(as_bytes(bytes));
}

// With a checksum that fits, so that only what stands in it can be wrong.
std::string sealed(std::string bytes) {
  append_le(bytes, checksum_of(as_bytes(bytes)));
  return bytes;
}

std::string with_body(std::string_view body) {
  std::string out = "skeinj1\n";
  append_le(out, static_cast<std::uint32_t>(body.size()));
  out += body;
  return sealed(std::move(out));
}

// --- the format

// Made from the text of docs/disk.md by another program.
TEST(JournalTest, TheBytesAreAsSpecified) {
  EXPECT_EQ(to_hex(as_bytes(encode_header(header()))),
            "736b65696e6a310a46000000a0252600000000000000100085d3617a4b0e2c9f"
            "2a0000000000000006000000626f6f742d310600000064657669636507000000"
            "34313a3232383207000000622f632e62696e7d127c35");
  EXPECT_EQ(to_hex(as_bytes(encode_claim(2, digest(0xb5)))),
            "0200000000000000b52d6ccd38488af6ddd197788442a43e010000004473d956");
  EXPECT_EQ(to_hex(as_bytes(encode_void(1))),
            "01000000000000000000000000000000000000000000000000000000edce6ff5");
}

TEST(JournalTest, AHeaderComesBackAsItWas) {
  const JournalHeader extremes[] = {
      header(),
      {.plan = {0, 1, 0}, .inode = 0, .boot_id = "", .device = "", .source = "", .target = ""},
      {.plan = {std::numeric_limits<std::uint64_t>::max(),
                std::numeric_limits<std::uint32_t>::max(),
                std::numeric_limits<std::uint64_t>::max()},
       .inode = std::numeric_limits<std::uint64_t>::max(),
       .boot_id = std::string(64, 'b'),
       .device = std::string(spec::kMaxNameBytes, 'd'),
       .source = std::string("\0\n\xff", 3),
       .target = std::string(spec::kMaxPathBytes, 't')}};
  for (const JournalHeader& written : extremes) {
    const std::string bytes = encode_header(written);
    const auto read = parse(bytes);
    ASSERT_TRUE(read) << read.error().report();
    EXPECT_EQ(read->header, written);
    EXPECT_EQ(read->claims, Claims{});
    EXPECT_EQ(read->valid_bytes, bytes.size());
  }
}

TEST(JournalTest, OfABlockSpokenOfTwiceTheLastRecordCounts) {
  const struct {
    const char* what;
    std::string records;
    Claims claims;
  } cases[] = {
      {"none", "", {}},
      {"a void of what was never claimed", encode_void(1), {}},
      {"claims in any order",
       encode_claim(2, digest(2)) + encode_claim(0, digest(0)) + encode_claim(1, digest(1)),
       {{0, digest(0)}, {1, digest(1)}, {2, digest(2)}}},
      {"claimed twice", encode_claim(1, digest(1)) + encode_claim(1, digest(9)), {{1, digest(9)}}},
      {"void after the claim",
       encode_claim(0, digest(0)) + encode_claim(1, digest(1)) + encode_void(0),
       {{1, digest(1)}}},
      {"claimed again after the void",
       encode_claim(0, digest(0)) + encode_void(0) + encode_claim(0, digest(7)),
       {{0, digest(7)}}},
  };
  for (const auto& [what, records, claims] : cases) {
    const auto read = parse(encode_header(header()) + records);
    ASSERT_TRUE(read) << what;
    EXPECT_EQ(read->claims, claims) << what;
    EXPECT_EQ(read->valid_bytes, encode_header(header()).size() + records.size()) << what;
  }
}

// --- damage

// What a journal of `records` may claim when only the first `whole` of them count.
Claims claims_of(const std::vector<std::string>& records, std::size_t whole) {
  std::string bytes = encode_header(header());
  for (std::size_t i = 0; i < whole; ++i) bytes += records[i];
  return parse(bytes)->claims;
}

const std::vector<std::string> kRecords = {encode_claim(0, digest(0)), encode_claim(1, digest(1)),
                                           encode_void(0), encode_claim(0, digest(8)),
                                           encode_claim(2, digest(2))};

std::string journal_of_all() {
  std::string bytes = encode_header(header());
  for (const std::string& record : kRecords) bytes += record;
  return bytes;
}

TEST(JournalTest, CutAnywhereItClaimsWhatItsWholeRecordsSay) {
  const std::string bytes = journal_of_all();
  const std::size_t head = encode_header(header()).size();
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    const auto read = parse(bytes.substr(0, size));
    if (size < head) {
      EXPECT_EQ(outcome(read), "io") << size;
      continue;
    }
    ASSERT_TRUE(read) << size;
    const std::size_t whole = (size - head) / kJournalRecordBytes;
    EXPECT_EQ(read->claims, claims_of(kRecords, whole)) << size;
    EXPECT_EQ(read->valid_bytes, head + whole * kJournalRecordBytes) << size;
  }
}

TEST(JournalTest, ABitFlippedAnywhereEndsTheReadingThere) {
  const std::string bytes = journal_of_all();
  const std::size_t head = encode_header(header()).size();
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    std::string damaged = bytes;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    const auto read = parse(damaged);
    if (bit / 8 < head) {
      EXPECT_EQ(outcome(read), "io") << bit;
      continue;
    }
    ASSERT_TRUE(read) << bit;
    const std::size_t whole = (bit / 8 - head) / kJournalRecordBytes;
    EXPECT_EQ(read->claims, claims_of(kRecords, whole)) << bit;
    EXPECT_EQ(read->valid_bytes, head + whole * kJournalRecordBytes) << bit;
  }
}

TEST(JournalTest, ARecordThatMakesNoSenseEndsTheReading) {
  const auto record = [](std::uint64_t block, std::uint32_t what) {
    std::string out;
    append_le(out, block);
    out += std::string(16, 'd');
    append_le(out, what);
    return sealed(std::move(out));
  };
  const std::size_t head = encode_header(header()).size();
  const std::pair<const char*, std::string> cases[] = {
      {"the block after the last", record(3, 1)},
      {"its void", record(3, 0)},
      {"the largest block", record(std::numeric_limits<std::uint64_t>::max(), 1)},
      {"neither claim nor void", record(1, 2)},
      {"zeroes, as a file system fills in", std::string(kJournalRecordBytes, '\0')},
  };
  for (const auto& [what, bad] : cases) {
    const auto read = parse(encode_header(header()) + encode_claim(0, digest(0)) + bad +
                            encode_claim(1, digest(1)));
    ASSERT_TRUE(read) << what;
    EXPECT_EQ(read->claims, (Claims{{0, digest(0)}})) << what;
    EXPECT_EQ(read->valid_bytes, head + kJournalRecordBytes) << what;
  }
}

TEST(JournalTest, AFileWithoutBlocksCanClaimNone) {
  JournalHeader empty = header();
  empty.plan.total_bytes = 0;
  const auto read = parse(encode_header(empty) + encode_claim(0, digest(0)));
  ASSERT_TRUE(read);
  EXPECT_EQ(read->claims, Claims{});
}

TEST(JournalTest, AHeaderThatMakesNoSenseIsNone) {
  const std::string good = encode_header(header());
  const std::string body = good.substr(12, good.size() - 16);
  ASSERT_EQ(with_body(body), good);
  std::string no_blocks = body;
  no_blocks.replace(8, 4, 4, '\0');
  std::string long_text = body;
  long_text.replace(28, 4, "\xff\xff\xff\xff");
  std::string large = body.substr(0, body.size() - 11);  // all but the target
  append_le(large, std::uint32_t{64 * 1024});
  large += std::string(64 * 1024, 't');
  const std::pair<const char*, std::string> cases[] = {
      {"nothing", ""},
      {"another version", "skeinj2\n" + good.substr(8)},
      {"blocks of no size", with_body(no_blocks)},
      {"a text longer than the body", with_body(long_text)},
      {"something behind the last text", with_body(body + "x")},
      {"a body that is cut", with_body(body.substr(0, body.size() - 1))},
      {"no body", with_body("")},
      {"a body over the limit", with_body(large)},
  };
  for (const auto& [what, bytes] : cases) EXPECT_EQ(outcome(parse(bytes)), "io") << what;
}

TEST(JournalTest, RandomBytesClaimNothing) {
  SeededRandom random(1);
  for (int i = 0; i < 2000; ++i) {
    const std::string noise = text_of(random.u64() % 300, random.u64());
    EXPECT_EQ(outcome(parse(noise)), "io");
    EXPECT_EQ(outcome(parse("skeinj1\n" + noise)), "io");
    const auto read = parse(encode_header(header()) + noise);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->claims, Claims{});
  }
}

}  // namespace
}  // namespace skein::store
