#include "transfer/pack.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/limits.h"
#include "store/test_support.h"

namespace skein::transfer {
namespace {

using Step = PackDecoder::Step;
using What = PackDecoder::What;

std::string record(const PackedFile& file, std::string_view contents) {
  std::string out;
  append_packed_head(out, file);
  out += contents;
  seal_packed(std::as_writable_bytes(std::span(out)));
  return out;
}

PackedFile file_of(std::string path, std::string_view contents) {
  return {std::move(path), static_cast<std::uint32_t>(contents.size()), 0640, -5};
}

// What comes out of it: "path size mode mtime: contents", with "!" when it is not intact; then
// the error, if any. The pack comes in pieces of `step` bytes.
std::vector<std::string> decoded(std::string_view pack, std::size_t step) {
  PackDecoder decoder(What::kFiles);
  std::vector<std::string> out;
  while (true) {
    const std::string_view part = pack.substr(0, step);
    pack.remove_prefix(part.size());
    Bytes input = as_bytes(part);
    while (true) {
      const auto next = decoder.next(input);
      if (!next) {
        out.emplace_back(next.error().kind().name);
        return out;
      }
      if (*next == Step::kNeedMore) break;
      const PackedFile& file = decoder.file();
      if (*next == Step::kFile) {
        out.push_back(file.path + " " + std::to_string(file.size_bytes) + " " +
                      std::to_string(file.mode) + " " + std::to_string(file.mtime_ns) + ": ");
      }
      if (*next == Step::kPiece) out.back() += as_text(decoder.piece());
      if (*next == Step::kEnd && !decoder.intact()) out.back() += "!";
    }
    EXPECT_TRUE(input.empty());
    if (pack.empty()) break;
  }
  if (!decoder.end()) out.emplace_back("cut");
  return out;
}

TEST(PackTest, RecordsComeOutAsTheyWentInHoweverTheyAreSplit) {
  const std::string pack = record(file_of("a/b", "text"), "text") + record(file_of("c", ""), "") +
                           record(file_of("d", "more"), "more");
  const std::vector<std::string> all = {"a/b 4 416 -5: text", "c 0 416 -5: ", "d 4 416 -5: more"};
  for (std::size_t step = 1; step <= pack.size(); ++step) EXPECT_EQ(decoded(pack, step), all);
  EXPECT_EQ(decoded("", 1), std::vector<std::string>{});
}

TEST(PackTest, WhatIsShownOnThePageIsSo) {
  const std::string hello = record({"a.txt", 6, 0644, 1'700'000'000'000'000'000}, "hello\n");
  EXPECT_EQ(to_hex(as_bytes(hello)),
            "b731a42c8fafc05285bb6afba1dfaf7d"
            "00002a36fe9c97170600"
            "0000a4010500612e747874"
            "68656c6c6f0a");
}

TEST(PackTest, ADamagedBitAnywhereIsNoticed) {
  const std::string whole = record(file_of("name", "text"), "text");
  for (std::size_t bit = 0; bit < whole.size() * 8; ++bit) {
    std::string damaged = whole;
    damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
    const auto out = decoded(damaged, damaged.size());
    EXPECT_TRUE(out.back().ends_with("!") || out.back() == "cut" || out.back() == "bad_request")
        << bit << ": " << out.back();
  }
}

TEST(PackTest, APackThatIsCutIsNotWhole) {
  const std::string whole = record(file_of("name", "text"), "text");
  for (std::size_t size = 1; size < whole.size(); ++size) {
    EXPECT_EQ(decoded(whole.substr(0, size), 7).back(), "cut") << size;
  }
}

TEST(PackTest, HeadsThatCannotBeAreRefused) {
  std::string no_path = record(file_of("x", ""), "");
  no_path[30] = 0;
  EXPECT_EQ(decoded(no_path, 100).back(), "bad_request");
  std::string long_path = record(file_of("x", ""), "");
  long_path[31] = 0x10;  // 4097
  EXPECT_EQ(decoded(long_path, 100).back(), "bad_request");
  PackedFile odd = file_of("x", "");
  odd.mode = 01000;
  EXPECT_EQ(decoded(record(odd, ""), 100).back(), "bad_request");
}

TEST(PackTest, ItHoldsSoManyFilesAndNoMore) {
  std::string pack;
  std::string heads;
  for (std::size_t i = 0; i < spec::kMaxPackedFiles; ++i) {
    pack += record(file_of(std::to_string(i), ""), "");
    append_packed_head(heads, file_of(std::to_string(i), ""));
  }
  EXPECT_EQ(decoded(pack, 1000).size(), spec::kMaxPackedFiles);
  EXPECT_EQ(decode_packed_heads(as_bytes(heads)).value().size(), spec::kMaxPackedFiles);
  pack += record(file_of("more", ""), "");
  append_packed_head(heads, file_of("more", ""));
  EXPECT_EQ(decoded(pack, 1000).back(), "bad_request");
  EXPECT_EQ(store::outcome(decode_packed_heads(as_bytes(heads))), "bad_request");
}

TEST(PackTest, AListIsHeadsAlone) {
  std::string heads;
  append_packed_head(heads, file_of("a", "1"));
  append_packed_head(heads, file_of("b/c", "22"));
  const auto files = decode_packed_heads(as_bytes(heads)).value();
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[1].path, "b/c");
  EXPECT_EQ(files[1].size_bytes, 2U);
  heads.pop_back();
  EXPECT_EQ(store::outcome(decode_packed_heads(as_bytes(heads))), "bad_request");
}

TEST(PackTest, PathsAreHeldToTheRulesBelowTheirFolder) {
  const auto in = [](std::string_view folder, std::string path) {
    const auto whole = packed_path(store::at(folder), file_of(std::move(path), ""));
    return whole ? whole->text() : std::string(whole.error().kind().name);
  };
  EXPECT_EQ(in("", "a/b"), "a/b");
  EXPECT_EQ(in("to", "a/b"), "to/a/b");
  EXPECT_EQ(in("to", "../b"), "bad_name");
  EXPECT_EQ(in("to", "/b"), "bad_name");
  EXPECT_EQ(in("to", ".skein/b"), "bad_name");
  EXPECT_EQ(in("to", std::string(4090, 'x')), "bad_name");
}

TEST(PackTest, OutcomesComeOutAsTheyWentIn) {
  std::string lines;
  append_packed_outcome(lines, {3, Error(kIsAFolder, "a folder").with_hint("move it"), false});
  append_packed_outcome(lines, {200, std::nullopt, true});
  append_packed_outcome(lines, {255, Error(kBadName, std::string(5000, 'x')), false});
  EXPECT_LT(lines.size(), 2000U);
  const auto outcomes = decode_packed_outcomes(as_bytes(lines)).value();
  ASSERT_EQ(outcomes.size(), 3U);
  EXPECT_EQ(outcomes[0].index, 3U);
  EXPECT_TRUE(outcomes[0].error->is(kIsAFolder));
  EXPECT_EQ(outcomes[0].error->hint(), "move it");
  EXPECT_EQ(outcomes[1].index, 200U);
  EXPECT_FALSE(outcomes[1].error);
  EXPECT_TRUE(outcomes[1].replaced);
  EXPECT_TRUE(outcomes[2].error->is(kBadName));
  EXPECT_EQ(store::outcome(decode_packed_outcomes(as_bytes(R"({"index":256,"ok":true})"))),
            "bad_request");
  EXPECT_EQ(store::outcome(decode_packed_outcomes(as_bytes("x\n"))), "bad_frame");
}

TEST(PackTest, IndexesRiseWithinTheList) {
  std::string indexes;
  for (const std::size_t index : {0U, 7U, 255U}) append_index(indexes, index);
  EXPECT_EQ(decode_indexes(as_bytes(indexes), 256).value(), (std::vector<std::size_t>{0, 7, 255}));
  EXPECT_EQ(store::outcome(decode_indexes(as_bytes(indexes), 255)), "bad_frame");
  EXPECT_EQ(store::outcome(decode_indexes(as_bytes(indexes).first(3), 256)), "bad_frame");
  append_index(indexes, 255);
  EXPECT_EQ(store::outcome(decode_indexes(as_bytes(indexes), 256)), "bad_frame");
}

}  // namespace
}  // namespace skein::transfer
