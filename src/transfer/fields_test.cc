#include "transfer/fields.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <utility>

#include "base/limits.h"
#include "transfer/test_support.h"

namespace skein::transfer {
namespace {

using store::Digest;
using store::EntryKind;
using store::Metadata;
using wire::Dictionary;

// Written with ' for ", to be readable.
std::string json(std::string text) {
  for (char& c : text) {
    if (c == '\'') c = '"';
  }
  return text;
}

Dictionary fields(const std::string& text) {
  auto parsed = Dictionary::parse(json(text));
  EXPECT_TRUE(parsed) << text;
  return parsed ? *std::move(parsed) : Dictionary();
}

// Each of the values in turn as the member `key`: every one must come to `kind`.
template <typename Read>
void expect_refused(const std::string& key, std::initializer_list<const char*> values,
                    const Read& read, const char* kind = "bad_request") {
  for (const char* const value : values) {
    const auto result = read(fields("{'" + key + "':" + value + "}"));
    EXPECT_EQ(outcome(result), kind) << key << ": " << value;
    if (!result && std::string_view(kind) == "bad_request") {
      EXPECT_NE(result.error().message().find("'" + key + "'"), std::string::npos)
          << result.error().message();
    }
  }
}

constexpr std::initializer_list<const char*> kNotText = {"1", "1.5", "true", "[]", "{}"};

// --- path

TEST(FieldsTest, APathIsRequired) {
  const auto read = [](const Dictionary& from) { return path_field(from, "path"); };
  EXPECT_EQ(read(fields("{'path':'a/b'}"))->text(), "a/b");
  EXPECT_EQ(outcome(read(fields("{}"))), "bad_request");
  expect_refused("path", {"null", "1", "1.5", "true", "[]", "{}"}, read);
  expect_refused("path", {"''", "'/a'", "'a/'", "'a//b'", "'..'", "'.skein/trash'", "'a\\u0000'"},
                 read, "bad_name");
}

TEST(FieldsTest, WhereTheRootIsAllowedAbsentAndEmptyMeanIt) {
  const auto read = [](const Dictionary& from) { return path_field(from, "path", true); };
  for (const char* text : {"{}", "{'path':null}", "{'path':''}"}) {
    const auto path = read(fields(text));
    ASSERT_TRUE(path) << text;
    EXPECT_TRUE(path->is_root()) << text;
  }
  EXPECT_EQ(read(fields("{'path':'a/b'}"))->text(), "a/b");
  expect_refused("path", kNotText, read);
  expect_refused("path", {"'/'", "'.'", "'..'"}, read, "bad_name");
}

// --- metadata

TEST(FieldsTest, MetadataComesBackAsItWas) {
  constexpr std::int64_t kLeast = std::numeric_limits<std::int64_t>::min();
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  const std::pair<Metadata, const char*> cases[] = {
      {{{}, {}}, "{}"},
      {{0, {}}, "{'mode':0}"},
      {{0777, {}}, "{'mode':511}"},
      {{{}, 0}, "{'mtime_ns':'0'}"},
      {{{}, -1}, "{'mtime_ns':'-1'}"},
      {{0644, 1'700'000'000'123'456'789}, "{'mode':420,'mtime_ns':'1700000000123456789'}"},
      {{{}, kLeast}, "{'mtime_ns':'-9223372036854775808'}"},
      {{{}, kMost}, "{'mtime_ns':'9223372036854775807'}"},
  };
  for (const auto& [metadata, text] : cases) {
    Dictionary written;
    set_metadata(written, metadata);
    EXPECT_EQ(written.to_json(), json(text));
    const auto read = metadata_fields(fields(text));
    ASSERT_TRUE(read) << text;
    EXPECT_EQ(read->mode, metadata.mode) << text;
    EXPECT_EQ(read->mtime_ns, metadata.mtime_ns) << text;
  }
}

TEST(FieldsTest, MetadataThatIsNoneIsRefused) {
  expect_refused("mode", {"-1", "512", "420.0", "4e2", "'420'", "true", "[]", "{}"},
                 metadata_fields);
  expect_refused("mtime_ns", kNotText, metadata_fields);
  expect_refused("mtime_ns",
                 {"''", "'-'", "'+1'", "' 1'", "'1 '", "'1.0'", "'1e9'", "'0x1'", "'--1'",
                  "'1\\u0000'", "'9223372036854775808'", "'-9223372036854775809'"},
                 metadata_fields);
}

// --- digest, names, device

TEST(FieldsTest, ADigestIs32DigitsInLowerCase) {
  const std::string hex = "b52d6ccd38488af6ddd197788442a43e";
  const auto digest = digest_field(fields("{'digest':'" + hex + "'}"));
  ASSERT_TRUE(digest);
  ASSERT_TRUE(*digest);
  EXPECT_EQ((*digest)->hex(), hex);
  EXPECT_EQ(*digest_field(fields("{}")), std::nullopt);
  EXPECT_EQ(*digest_field(fields("{'digest':null}")), std::nullopt);
  expect_refused("digest", kNotText, digest_field);
  expect_refused("digest",
                 {"''", "'b52d6ccd38488af6ddd197788442a43'", "'b52d6ccd38488af6ddd197788442a43e0'",
                  "'B52D6CCD38488AF6DDD197788442A43E'", "'g52d6ccd38488af6ddd197788442a43e'",
                  "' b52d6ccd38488af6ddd197788442a4e'"},
                 digest_field);
}

TEST(FieldsTest, ANameIsShortTextWithoutControlCharacters) {
  const auto read = [](const Dictionary& from) { return name_field(from, "source"); };
  const std::string longest(spec::kMaxNameBytes, 'x');
  EXPECT_EQ(*read(fields("{'source':'" + longest + "'}")), longest);
  EXPECT_EQ(*read(fields("{'source':'41:2282 \u00e9/..'}")), "41:2282 \u00e9/..");
  EXPECT_EQ(*read(fields("{}")), "");
  EXPECT_EQ(*read(fields("{'source':null}")), "");
  expect_refused("source", kNotText, read);
  const std::string too_long = "'x" + longest + "'";
  // 64 characters, but more bytes.
  const std::string too_many_bytes = "'\u00e9" + longest.substr(1) + "'";
  expect_refused("source",
                 {"''", too_long.c_str(), too_many_bytes.c_str(), "'a\\u0000'", "'\\n'",
                  "'\\u001f'", "'\\u007f'"},
                 read);
}

TEST(FieldsTest, ADeviceIs32DigitsInLowerCase) {
  const std::string hex = "5d1c04b0a7f2439e8b6604c81de23a97";
  EXPECT_EQ(*device_field(fields("{'device':'" + hex + "'}")), hex);
  EXPECT_EQ(*device_field(fields("{}")), "");
  EXPECT_EQ(*device_field(fields("{'device':null}")), "");
  expect_refused("device", kNotText, device_field);
  expect_refused("device",
                 {"''", "'5d1c'", "'5D1C04B0A7F2439E8B6604C81DE23A97'",
                  "'5d1c04b0a7f2439e8b6604c81de23a970'", "'5d1c04b0-7f2-39e8b6604c81de23a97'"},
                 device_field);
}

// --- plan

TEST(FieldsTest, APlanComesBackAsItWas) {
  const std::pair<store::BlockPlan, const char*> cases[] = {
      {{25, 1, 0}, "{'block_size':1,'seed':'0000000000000000'}"},
      {{25, 1 << 20, 0x9f2c0e4b7a61d385}, "{'block_size':1048576,'seed':'9f2c0e4b7a61d385'}"},
      {{25, spec::kMaxBlockBytes, ~std::uint64_t{0}},
       "{'block_size':4194304,'seed':'ffffffffffffffff'}"},
  };
  for (const auto& [plan, text] : cases) {
    Dictionary written;
    set_plan(written, plan);
    EXPECT_EQ(written.to_json(), json(text));
    EXPECT_EQ(*plan_fields(fields(text), {25, 7, 7}), plan);
  }
}

TEST(FieldsTest, WhatAPlanDoesNotSayStays) {
  const store::BlockPlan otherwise{25, 7, 9};
  EXPECT_EQ(*plan_fields(fields("{}"), otherwise), otherwise);
  EXPECT_EQ(*plan_fields(fields("{'block_size':8}"), otherwise), (store::BlockPlan{25, 8, 9}));
  EXPECT_EQ(*plan_fields(fields("{'seed':'000000000000000a'}"), otherwise),
            (store::BlockPlan{25, 7, 10}));
}

TEST(FieldsTest, APlanThatIsNoneIsRefused) {
  const auto read = [](const Dictionary& from) { return plan_fields(from, {25, 7, 9}); };
  expect_refused("block_size", {"0", "-1", "4194305", "1.0", "1e3", "'1'", "true", "[]"}, read);
  expect_refused("seed", kNotText, read);
  expect_refused("seed",
                 {"''", "'9f2c0e4b7a61d38'", "'9f2c0e4b7a61d3850'", "'9F2C0E4B7A61D385'",
                  "'0x2c0e4b7a61d385'", "'-f2c0e4b7a61d385'"},
                 read);
}

// --- lines of a listing

store::Entry entry(std::string name, EntryKind kind) {
  store::Entry out;
  out.name = std::move(name);
  out.info.kind = kind;
  out.info.mode = 0644;
  out.info.mtime_ns = 1'700'000'000'000'000'000;
  return out;
}

TEST(FieldsTest, ThingsAreListedAsSpecifiedAndComeBack) {
  store::Entry file = entry("a.jpg", EntryKind::kFile);
  file.info.size_bytes = 48213;
  store::Entry link = entry("new", EntryKind::kLink);
  link.link_target = "../2026/new";
  const std::pair<store::Entry, const char*> cases[] = {
      {file,
       "{'kind':'file','mode':420,'mtime_ns':'1700000000000000000','name':'a.jpg','size':48213}"},
      {entry("old", EntryKind::kFolder),
       "{'kind':'folder','mode':420,'mtime_ns':'1700000000000000000','name':'old'}"},
      {link,
       "{'kind':'link','mode':420,'mtime_ns':'1700000000000000000','name':'new',"
       "'target':'../2026/new'}"},
      {entry("pipe", EntryKind::kOther),
       "{'kind':'other','mode':420,'mtime_ns':'1700000000000000000','name':'pipe'}"},
  };
  for (const auto& [thing, line] : cases) {
    EXPECT_EQ(encode_entry(thing), json(line));
    const auto read = decode_entry(encode_entry(thing));
    ASSERT_TRUE(read) << line;
    EXPECT_FALSE(read->unnamed) << line;
    EXPECT_EQ(read->entry.name, thing.name);
    EXPECT_EQ(read->entry.info, thing.info) << line;
    EXPECT_EQ(read->entry.link_target, thing.link_target) << line;
  }
}

TEST(FieldsTest, ANameThatNoOperationCanReachIsShownEscapedAndMarked) {
  const std::pair<std::string, std::string> cases[] = {
      {"a\nb", "a\\x0ab"}, {"\xff", "\\xff"}, {"CON", "CON"}, {"a ", "a "}, {"c:x", "c:x"}};
  for (const auto& [name, shown] : cases) {
    store::Entry file = entry(name, EntryKind::kFile);
    file.info.size_bytes = 5;
    const std::string line = encode_entry(file);
    EXPECT_EQ(line.find('\n'), std::string::npos);
    const auto read = decode_entry(line);
    ASSERT_TRUE(read) << line;
    EXPECT_TRUE(read->unnamed) << line;
    EXPECT_EQ(read->entry.name, shown);
    EXPECT_EQ(read->entry.info.kind, EntryKind::kOther) << line;
    EXPECT_EQ(read->entry.info.size_bytes, 0U) << line;
  }
}

TEST(FieldsTest, ASizeThatNoNumberHoldsIsShownAsTheLargestOne) {
  store::Entry file = entry("f", EntryKind::kFile);
  file.info.size_bytes = ~std::uint64_t{0};
  EXPECT_EQ(decode_entry(encode_entry(file))->entry.info.size_bytes,
            static_cast<std::uint64_t>(spec::kMaxInteger));
}

TEST(FieldsTest, OfALineOnlyNameAndKindAreNeeded) {
  const auto least = decode_entry(json("{'name':'f','kind':'file'}"));
  ASSERT_TRUE(least);
  EXPECT_EQ(least->entry.info, store::Info{});
  // A kind and members of later versions.
  const auto later = decode_entry(json("{'name':'f','kind':'door','opens':true,'size':null}"));
  ASSERT_TRUE(later);
  EXPECT_EQ(later->entry.info.kind, EntryKind::kOther);
}

TEST(FieldsTest, ALineThatIsNoneIsRefused) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "bad_frame"},
      {"f", "bad_frame"},
      {"{'name':'f','kind':'file'", "bad_frame"},
      {"{'name':'f','kind':'file'}{}", "bad_frame"},
      {"['name']", "bad_frame"},
      {"{}", "bad_request"},
      {"{'name':'f'}", "bad_request"},
      {"{'kind':'file'}", "bad_request"},
      {"{'name':1,'kind':'file'}", "bad_request"},
      {"{'name':'f','kind':1}", "bad_request"},
      {"{'name':'f','kind':'file','size':-1}", "bad_request"},
      {"{'name':'f','kind':'file','size':9007199254740993}", "bad_request"},
      {"{'name':'f','kind':'file','size':1.5}", "bad_request"},
      {"{'name':'f','kind':'file','size':'1'}", "bad_request"},
      {"{'name':'f','kind':'file','mode':512}", "bad_request"},
      {"{'name':'f','kind':'file','mtime_ns':5}", "bad_request"},
      {"{'name':'f','kind':'link','target':5}", "bad_request"},
      {"{'name':'f','kind':'file','unnamed':1}", "bad_request"},
  };
  for (const auto& [line, kind] : cases) EXPECT_EQ(outcome(decode_entry(json(line))), kind) << line;
}

TEST(FieldsTest, KindsHaveTheirWords) {
  for (const auto& [kind, word] :
       {std::pair(EntryKind::kFile, "file"), std::pair(EntryKind::kFolder, "folder"),
        std::pair(EntryKind::kLink, "link"), std::pair(EntryKind::kOther, "other")}) {
    EXPECT_EQ(kind_text(kind), word);
    EXPECT_EQ(kind_of_text(word), kind);
  }
  for (const char* word : {"", "File", "files", "socket"}) {
    EXPECT_EQ(kind_of_text(word), EntryKind::kOther) << word;
  }
}

// --- claims

Digest digest(char first) {
  Digest out = *Digest::from_hex("002d6ccd38488af6ddd197788442a43e");
  out.bytes[0] = static_cast<std::byte>(first);
  return out;
}

// The example of docs/protocol.md.
TEST(FieldsTest, ClaimsAreAsSpecified) {
  std::string payload;
  append_claim(payload, 0, *Digest::from_hex("b52d6ccd38488af6ddd197788442a43e"));
  append_claim(payload, 2, *Digest::from_hex("9303edb5570f65c986f008a1056989c7"));
  EXPECT_EQ(to_hex(as_bytes(payload)),
            "0000000000000000b52d6ccd38488af6ddd197788442a43e"
            "02000000000000009303edb5570f65c986f008a1056989c7");
  store::Claims claims;
  ASSERT_TRUE(decode_claims(as_bytes(payload), kPlan, claims));
  EXPECT_EQ(claims, (store::Claims{{0, *Digest::from_hex("b52d6ccd38488af6ddd197788442a43e")},
                                   {2, *Digest::from_hex("9303edb5570f65c986f008a1056989c7")}}));
}

TEST(FieldsTest, ClaimsOfSeveralPartsAddUpAndTheLastOfABlockCounts) {
  store::Claims claims;
  std::string payload;
  append_claim(payload, 0, digest('a'));
  append_claim(payload, 1, digest('b'));
  ASSERT_TRUE(decode_claims(as_bytes(payload), kPlan, claims));
  payload.clear();
  append_claim(payload, 2, digest('c'));
  append_claim(payload, 0, digest('d'));
  ASSERT_TRUE(decode_claims(as_bytes(payload), kPlan, claims));
  EXPECT_EQ(claims, (store::Claims{{0, digest('d')}, {1, digest('b')}, {2, digest('c')}}));
  ASSERT_TRUE(decode_claims({}, kPlan, claims));
  EXPECT_EQ(claims.size(), 3U);
}

TEST(FieldsTest, ClaimsOutsideTheFileAreIgnored) {
  std::string payload;
  append_claim(payload, 3, digest('a'));
  append_claim(payload, ~std::uint64_t{0}, digest('b'));
  append_claim(payload, 2, digest('c'));
  store::Claims claims;
  ASSERT_TRUE(decode_claims(as_bytes(payload), kPlan, claims));
  EXPECT_EQ(claims, (store::Claims{{2, digest('c')}}));
}

TEST(FieldsTest, ACutClaimIsRefusedBeforeAnyCounts) {
  std::string payload;
  append_claim(payload, 0, digest('a'));
  append_claim(payload, 1, digest('b'));
  for (std::size_t size = 1; size < payload.size(); ++size) {
    if (size == kClaimBytes) continue;
    store::Claims claims;
    EXPECT_EQ(outcome(decode_claims(as_bytes(payload.substr(0, size)), kPlan, claims)),
              "bad_frame");
    EXPECT_EQ(claims, store::Claims{});
  }
}

}  // namespace
}  // namespace skein::transfer
