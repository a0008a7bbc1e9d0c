// Holds docs/protocol.md and the constants together: its tables, its transcripts and its bytes.
#include "wire/protocol.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "base/text.h"
#include "wire/dictionary.h"
#include "wire/frame.h"
#include "wire/probe.h"

namespace skein::wire {
namespace {

using testing::ElementsAreArray;
using testing::IsEmpty;
using testing::Not;
using testing::SizeIs;
using testing::UnorderedElementsAreArray;

std::string read_from_root(std::string_view path) {
  std::ifstream file(std::filesystem::path(SKEIN_SOURCE_DIR) / path, std::ios::binary);
  EXPECT_TRUE(file) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

const std::string& page() {
  static const std::string text = read_from_root("docs/protocol.md");
  return text;
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

// The lines below a heading, to the next one of the same or a higher level.
std::vector<std::string> section(std::string_view heading) {
  const std::size_t level = heading.find(' ');
  std::vector<std::string> out;
  bool inside = false;
  for (const std::string& line : lines_of(page())) {
    const std::size_t marks = line.find_first_not_of('#');
    if (marks != 0 && marks != std::string::npos && marks <= level && line[marks] == ' ') {
      inside = line == heading;
    } else if (inside) {
      out.push_back(line);
    }
  }
  EXPECT_THAT(out, Not(IsEmpty())) << heading;
  return out;
}

// The rows "| `name` | second | …" of it: name and second cell.
struct Row {
  std::string name;
  std::string second;
};
std::vector<Row> rows_of(std::string_view heading) {
  constexpr std::string_view kBegin = "| `";
  constexpr std::string_view kBetween = "` | ";
  std::vector<Row> rows;
  for (const std::string& line : section(heading)) {
    const std::size_t between = line.find(kBetween);
    if (!line.starts_with(kBegin) || between == std::string::npos) continue;
    const std::size_t second = between + kBetween.size();
    rows.push_back({line.substr(kBegin.size(), between - kBegin.size()),
                    line.substr(second, line.find(" |", second) - second)});
  }
  return rows;
}
std::vector<std::string> names_of(std::string_view heading) {
  std::vector<std::string> names;
  for (const Row& row : rows_of(heading)) names.push_back(row.name);
  return names;
}

// Every constant of one namespace in one of our headers: its name, and its text where it is one.
std::map<std::string, std::string> constants_of(std::string_view header, std::string_view space) {
  std::string text = read_from_root(header);
  text.erase(0, text.find(concat("namespace ", space, " {")));
  text.erase(text.find(concat("}  // namespace ", space)));
  constexpr std::string_view kBegin = "inline constexpr ";
  std::map<std::string, std::string> out;
  for (std::size_t at = text.find(kBegin); at != std::string::npos;
       at = text.find(kBegin, at + 1)) {
    const std::string statement = text.substr(at, text.find(';', at) - at);
    const std::size_t equals = statement.find(" =");
    const std::size_t name = statement.rfind(' ', equals - 1) + 1;
    const std::size_t quote = statement.find('"');
    out[statement.substr(name, equals - name)] =
        quote == std::string::npos ? ""
                                   : statement.substr(quote + 1, statement.rfind('"') - quote - 1);
  }
  return out;
}

std::set<std::string> fields() {
  std::set<std::string> out;
  for (const auto& [name, text] : constants_of("src/wire/protocol.h", "field")) out.insert(text);
  return out;
}

// tables

TEST(ProtocolPageTest, Operations) {
  std::vector<std::string> listed = names_of("## Operations");
  ASSERT_GE(listed.size(), kOperations.size());
  listed.resize(kOperations.size());  // what follows are the tables of its subsections
  EXPECT_THAT(listed, ElementsAreArray(kOperations));
  std::set<std::string> constants;
  for (const auto& [name, text] : constants_of("src/wire/protocol.h", "op")) constants.insert(text);
  EXPECT_THAT(constants, UnorderedElementsAreArray(kOperations));
}

TEST(ProtocolPageTest, EveryOperationHasItsSectionAndATranscript) {
  for (const std::string_view name : kOperations) {
    const auto lines = section(concat("### `", name, "`"));
    const std::string request = concat(R"(C {"op":")", name, "\"");
    EXPECT_TRUE(std::ranges::any_of(lines, [&](const std::string& line) {
      return line.starts_with(request);
    })) << name;
  }
}

TEST(ProtocolPageTest, EveryFieldOfAnOperationIsAField) {
  const std::set<std::string> known = fields();
  for (const std::string_view name : kOperations) {
    for (const std::string& field : names_of(concat("### `", name, "`"))) {
      EXPECT_TRUE(known.contains(field)) << name << ": " << field;
    }
  }
}

TEST(ProtocolPageTest, Fields) {
  EXPECT_THAT(names_of("## Fields"), UnorderedElementsAreArray(fields()));
}

TEST(ProtocolPageTest, Limits) {
  const std::map<std::string, std::pair<std::string, std::int64_t>> limits = {
      {"dictionary", {"kMaxDictionaryBytes", spec::kMaxDictionaryBytes}},
      {"payload", {"kMaxPayloadBytes", spec::kMaxPayloadBytes}},
      {"integer", {"kMaxInteger", spec::kMaxInteger}},
      {"depth", {"kMaxJsonDepth", spec::kMaxJsonDepth}},
      {"open_ids", {"kMaxOpenIds", spec::kMaxOpenIds}},
      {"open_transfers", {"kMaxOpenTransfers", spec::kMaxOpenTransfers}},
      {"block_size", {"kMaxBlockBytes", spec::kMaxBlockBytes}},
      {"packed_files", {"kMaxPackedFiles", spec::kMaxPackedFiles}},
      {"heads", {"kMaxHeadsBytes", spec::kMaxHeadsBytes}},
      {"fetched", {"kMaxFetchedBytes", spec::kMaxFetchedBytes}},
      {"path", {"kMaxPathBytes", spec::kMaxPathBytes}},
      {"component", {"kMaxComponentBytes", spec::kMaxComponentBytes}},
      {"name", {"kMaxNameBytes", spec::kMaxNameBytes}},
      {"ping_after", {"kPingAfterMs", spec::kPingAfterMs}},
      {"dead_after", {"kDeadAfterMs", spec::kDeadAfterMs}},
      {"back", {"kMaxBackBytes", spec::kMaxBackBytes}},
      {"pull", {"kMaxPull", spec::kMaxPull}},
      {"pulled", {"kMaxPulledBytes", spec::kMaxPulledBytes}},
      {"cookie", {"kCookieMs", spec::kCookieMs}},
      {"message", {"kMaxMessageBytes", spec::kMaxMessageBytes}},
      {"topic", {"kMaxTopicBytes", spec::kMaxTopicBytes}},
      {"words", {"kMaxSearchBytes", spec::kMaxSearchBytes}},
      {"messages", {"kMaxMessagesInAnswer", spec::kMaxMessagesInAnswer}},
      {"http_head", {"kMaxHttpHeadBytes", spec::kMaxHttpHeadBytes}},
      {"heartbeat", {"kHeartbeatMs", spec::kHeartbeatMs}},
  };
  const std::vector<Row> rows = rows_of("## Limits");
  EXPECT_EQ(rows.size(), limits.size());
  for (const Row& row : rows) {
    ASSERT_TRUE(limits.contains(row.name)) << row.name;
    const auto& [constant, value] = limits.at(row.name);
    std::string_view unit;
    if (constant.ends_with("Bytes")) unit = " bytes";
    if (constant.ends_with("Ms")) unit = " ms";
    EXPECT_EQ(row.second, concat(std::to_string(value), unit)) << row.name;
  }

  std::set<std::string> compared;
  for (const auto& [name, limit] : limits) compared.insert(limit.first);
  std::set<std::string> constants;
  for (const auto& [name, text] : constants_of("src/base/limits.h", "skein::spec")) {
    constants.insert(name);
  }
  EXPECT_THAT(compared, UnorderedElementsAreArray(constants));
}

TEST(ProtocolPageTest, ErrorCodes) {
  std::vector<std::string> codes;
  codes.reserve(kErrorCodes.size());
  for (const ErrorKind kind : kErrorCodes) codes.emplace_back(kind.name);
  EXPECT_THAT(names_of("## Error codes"), ElementsAreArray(codes));
}

TEST(ProtocolPageTest, WordsInBackticksAreWordsOfTheProtocol) {
  // Every `word_with_underscore` is a field or a code: a name that was changed on one side only
  // shows here.
  std::set<std::string> known = fields();
  for (const ErrorKind kind : kErrorCodes) known.emplace(kind.name);
  for (const Row& row : rows_of("## Limits")) known.insert(row.name);
  std::string prose;
  bool fenced = false;
  for (const std::string& line : lines_of(page())) {
    if (line.starts_with("```")) {
      fenced = !fenced;
    } else if (!fenced) {
      prose += line + "\n";
    }
  }
  int words = 0;
  for (std::size_t open = prose.find('`'); open != std::string::npos;) {
    const std::size_t close = prose.find('`', open + 1);
    ASSERT_NE(close, std::string::npos) << prose.substr(open, 40);
    const std::string word = prose.substr(open + 1, close - open - 1);
    if (word.contains('_') &&
        std::ranges::all_of(word, [](char c) { return c == '_' || (c >= 'a' && c <= 'z'); })) {
      ++words;
      EXPECT_TRUE(known.contains(word)) << word;
    }
    open = prose.find('`', close + 1);
  }
  EXPECT_GT(words, 50);
}

// transcripts

struct Line {
  bool from_client;
  std::string json;
  std::uint64_t payload_bytes;
  std::string payload;  // the lines shown below it, one after the other
};

std::vector<Line> transcripts() {
  std::vector<Line> out;
  bool fenced = false;
  bool in_code = false;  // fenced, and of no language
  for (const std::string& line : lines_of(page())) {
    if (line.starts_with("```")) {
      fenced = !fenced;
      in_code = fenced && line == "```";
    } else if (in_code && (line.starts_with("C {") || line.starts_with("H {"))) {
      const std::size_t end = line.rfind('}') + 1;
      const std::string rest = line.substr(end);
      std::uint64_t payload_bytes = 0;
      if (!rest.empty()) {
        EXPECT_TRUE(rest.starts_with(" + ") && rest.ends_with(" bytes")) << line;
        payload_bytes = std::stoull(rest.substr(3));
      }
      out.push_back({line[0] == 'C', line.substr(2, end - 2), payload_bytes, ""});
    } else if (in_code && line.starts_with("    ") && !out.empty()) {
      out.back().payload += line.substr(4) + "\n";
    } else if (in_code) {
      EXPECT_THAT(line, testing::AnyOf("", testing::StartsWith("frame = "))) << "in a transcript";
    }
  }
  EXPECT_THAT(out, SizeIs(testing::Gt(30U)));
  return out;
}

TEST(ProtocolPageTest, TranscriptsAreFrames) {
  const std::set<std::string> known = fields();
  for (const Line& line : transcripts()) {
    const auto dictionary = Dictionary::parse(line.json);
    ASSERT_TRUE(dictionary) << line.json;
    const auto size = payload_size(*dictionary);
    ASSERT_TRUE(size) << line.json;
    EXPECT_EQ(*size, line.payload_bytes) << line.json;
    for (std::size_t at = line.json.find("\":"); at != std::string::npos;
         at = line.json.find("\":", at + 1)) {
      const std::size_t open = line.json.rfind('"', at - 1) + 1;
      const std::string key = line.json.substr(open, at - open);
      EXPECT_TRUE(known.contains(key) || key == "msg") << key << " in " << line.json;
    }
    if (is_tutorial_upload(*dictionary)) continue;
    EXPECT_TRUE(dictionary->integer(field::kId, 1, spec::kMaxInteger)) << line.json;
    if (line.from_client) {
      EXPECT_THAT(kOperations, testing::Contains(*dictionary->text(field::kOp))) << line.json;
      continue;
    }
    EXPECT_TRUE(dictionary->has(field::kOk)) << line.json;
    if (!*dictionary->flag(field::kOk)) {
      const std::string code = *dictionary->text(field::kError);
      EXPECT_TRUE(std::ranges::any_of(kErrorCodes, [&](ErrorKind kind) {
        return kind.name == code;
      })) << line.json;
    }
  }
}

TEST(ProtocolPageTest, PayloadsShownHaveTheSizeTold) {
  int shown = 0;
  for (const Line& line : transcripts()) {
    if (line.payload.empty()) continue;
    ++shown;
    if (line.payload.starts_with("{")) {
      EXPECT_EQ(line.payload.size(), line.payload_bytes) << line.json;
      for (const std::string& entry : lines_of(line.payload)) {
        EXPECT_TRUE(Dictionary::parse(entry)) << entry;
      }
    } else {
      std::string digits = line.payload;
      std::erase_if(digits, [](char c) { return c == ' ' || c == '\n'; });
      std::vector<std::byte> bytes(line.payload_bytes);
      EXPECT_TRUE(from_hex(digits, bytes)) << line.json;
    }
  }
  EXPECT_GE(shown, 3);
}

TEST(ProtocolPageTest, TheFrameShownByteByByte) {
  const auto lines = section("## One frame, byte by byte");
  constexpr std::size_t kOffsetColumns = 4;  // "00  ", then 16 bytes of three columns
  std::string digits;
  bool fenced = false;
  for (const std::string& line : lines) {
    if (line == "```") break;
    if (fenced) digits += line.substr(kOffsetColumns, std::size_t{16} * 3);
    if (line == "```hex") fenced = true;
  }
  std::erase(digits, ' ');
  std::vector<std::byte> bytes(digits.size() / 2);
  ASSERT_TRUE(from_hex(digits, bytes));
  EXPECT_THAT(lines, testing::Contains(
                         testing::HasSubstr(concat(" ", std::to_string(bytes.size()), " bytes"))));

  FrameDecoder decoder;
  Bytes input = bytes;
  ASSERT_EQ(*decoder.next(input), FrameDecoder::Step::kDictionary);
  EXPECT_EQ(*decoder.dictionary().text(field::kOp), op::kBlock);
  for (const std::string_view key : {field::kId, field::kHandle, field::kBlock, field::kSize}) {
    EXPECT_TRUE(decoder.dictionary().integer(key, 0, spec::kMaxInteger)) << key;
  }
  EXPECT_THAT(lines, testing::Contains(testing::HasSubstr(
                         concat("(", std::to_string(load_le<std::uint32_t>(bytes.data())), ")"))));
  ASSERT_EQ(*decoder.next(input), FrameDecoder::Step::kPayload);
  EXPECT_EQ(as_text(decoder.piece()), "hello\n");
  ASSERT_EQ(*decoder.next(input), FrameDecoder::Step::kEnd);
  EXPECT_TRUE(input.empty());
}

// probes

// "| 3 | `echo` | client | …" of the table of kinds.
TEST(ProtocolPageTest, KindsOfProbes) {
  const std::vector<std::pair<ProbeKind, std::string_view>> kinds = {
      {ProbeKind::kKnock, "`knock` | client"}, {ProbeKind::kCookie, "`cookie` | hub"},
      {ProbeKind::kEcho, "`echo` | client"},   {ProbeKind::kEchoed, "`echoed` | hub"},
      {ProbeKind::kPull, "`pull` | client"},   {ProbeKind::kPulled, "`pulled` | hub"}};
  const auto lines = section("## Probes");
  for (const auto& [kind, words] : kinds) {
    EXPECT_THAT(lines, testing::Contains(testing::StartsWith(concat(
                           "| ", std::to_string(static_cast<int>(kind)), " | ", words, " |"))));
  }
}

TEST(ProtocolPageTest, TheProbesShownByteByByte) {
  constexpr std::size_t kOffsetColumns = 4;
  std::vector<std::string> digits(1);
  bool fenced = false;
  for (const std::string& line : section("## Probes")) {
    if (line == "```") break;
    if (fenced && line.empty()) digits.emplace_back();
    if (fenced && !line.empty()) digits.back() += line.substr(kOffsetColumns, std::size_t{16} * 3);
    if (line == "```hex") fenced = true;
  }
  std::vector<Probe> probes;
  for (std::string& one : digits) {
    std::erase(one, ' ');
    std::vector<std::byte> bytes(kProbeHeadBytes);
    ASSERT_TRUE(from_hex(one, bytes)) << one;
    const auto probe = decode_probe(bytes);
    ASSERT_TRUE(probe) << one;
    EXPECT_EQ(to_hex(encode_probe(*probe)), one);
    probes.push_back(*probe);
  }
  ASSERT_THAT(probes, SizeIs(4));
  EXPECT_EQ(probes[0].kind, ProbeKind::kKnock);
  EXPECT_EQ(probes[0].cookie, ProbeCookie());
  EXPECT_EQ(probes[1].kind, ProbeKind::kCookie);
  EXPECT_EQ(probes[1].sequence, probes[0].sequence);
  EXPECT_EQ(probes[2].kind, ProbeKind::kEcho);
  EXPECT_EQ(probes[2].cookie, probes[1].cookie);
  EXPECT_EQ(probes[3].kind, ProbeKind::kEchoed);
  EXPECT_EQ(probes[3].bytes, 1000U);
}

}  // namespace
}  // namespace skein::wire
