#include "wire/frame.h"

#include <gmock/gmock.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/limits.h"
#include "base/text.h"
#include "wire/protocol.h"

namespace skein::wire {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Step = FrameDecoder::Step;

std::string raw_frame(std::string_view json, std::string_view payload = {}) {
  std::string out;
  append_le(out, static_cast<std::uint32_t>(json.size()));
  return out.append(json).append(payload);
}

struct Frame {
  std::string json;
  std::string payload;
  friend bool operator==(const Frame&, const Frame&) = default;
  friend void PrintTo(const Frame& frame, std::ostream* out) {
    *out << frame.json << " + " << quoted(frame.payload);
  }
};

// A decoder, and what came out of it so far. Stops at the first error.
struct Reader {
  FrameDecoder decoder{};
  std::vector<Frame> frames{};
  Frame open{};
  std::string error{};
  bool ended = true;  // after kEnd, before the next kDictionary

  void feed(std::string_view text) {
    Bytes input = as_bytes(text);
    while (error.empty()) {
      const auto step = decoder.next(input);
      if (!step) {
        EXPECT_EQ(step.error().kind(), kBadFrame);
        error = step.error().message();
        return;
      }
      switch (*step) {
        case Step::kNeedMore: EXPECT_TRUE(input.empty()); return;
        case Step::kDictionary:
          EXPECT_TRUE(ended);
          ended = false;
          open = {decoder.dictionary().to_json(), ""};
          break;
        case Step::kPayload:
          EXPECT_FALSE(decoder.piece().empty());
          open.payload += as_text(decoder.piece());
          break;
        case Step::kEnd:
          EXPECT_EQ(decoder.payload_left(), 0U);
          frames.push_back(open);
          ended = true;
          break;
      }
    }
  }
};

std::string error_of(std::string_view bytes) {
  Reader reader;
  reader.feed(bytes);
  return reader.error;
}

const std::vector<Frame> kFrames = {
    {R"({"id":1,"op":"ping"})", ""},
    {R"({"id":2,"op":"block","size":5})", std::string("ab\0{\n", 5)},
    {R"({"file_name":"a.txt","file_size":3})", "xyz"},
    {"{}", ""},
    {R"({"id":3,"op":"ls","size":0})", ""},
};

std::string bytes_of(const std::vector<Frame>& frames) {
  std::string out;
  for (const Frame& frame : frames) out += raw_frame(frame.json, frame.payload);
  return out;
}

TEST(FrameTest, SeveralFramesInOneRead) {
  Reader reader;
  reader.feed(bytes_of(kFrames));
  EXPECT_EQ(reader.error, "");
  EXPECT_EQ(reader.frames, kFrames);
  EXPECT_TRUE(reader.decoder.between_frames());
}

TEST(FrameTest, SplitAtEveryByte) {
  const std::string bytes = bytes_of(kFrames);
  for (std::size_t at = 0; at <= bytes.size(); ++at) {
    Reader reader;
    reader.feed(std::string_view(bytes).substr(0, at));
    reader.feed(std::string_view(bytes).substr(at));
    ASSERT_EQ(reader.error, "") << at;
    ASSERT_EQ(reader.frames, kFrames) << at;
  }
}

TEST(FrameTest, SplitAtEveryTwoBytes) {
  const std::string bytes = bytes_of({kFrames[1], kFrames[2]});
  for (std::size_t first = 0; first <= bytes.size(); ++first) {
    for (std::size_t second = first; second <= bytes.size(); ++second) {
      Reader reader;
      reader.feed(std::string_view(bytes).substr(0, first));
      reader.feed(std::string_view(bytes).substr(first, second - first));
      reader.feed(std::string_view(bytes).substr(second));
      ASSERT_THAT(reader.frames, ElementsAre(kFrames[1], kFrames[2])) << first << " " << second;
    }
  }
}

TEST(FrameTest, OneByteAtATime) {
  Reader reader;
  for (const char byte : bytes_of(kFrames)) reader.feed({&byte, 1});
  EXPECT_EQ(reader.error, "");
  EXPECT_EQ(reader.frames, kFrames);
}

TEST(FrameTest, RestsOnlyBetweenFrames) {
  const std::string bytes = bytes_of({kFrames[1]});
  Reader reader;
  EXPECT_TRUE(reader.decoder.between_frames());
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    reader.feed({&bytes[at], 1});
    EXPECT_EQ(reader.decoder.between_frames(), at + 1 == bytes.size()) << at;
  }
}

TEST(FrameTest, TruncatedAnywhereYieldsNothingWhole) {
  const std::string bytes = bytes_of({kFrames[1]});
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    Reader reader;
    reader.feed(std::string_view(bytes).substr(0, size));
    ASSERT_EQ(reader.error, "");
    ASSERT_TRUE(reader.frames.empty()) << size;
  }
}

TEST(FrameTest, PiecesAreTheInputItself) {
  const std::string bytes = raw_frame(R"({"size":8})", "01234567");
  FrameDecoder decoder;
  Bytes input = as_bytes(std::string_view(bytes).substr(0, bytes.size() - 3));
  ASSERT_EQ(*decoder.next(input), Step::kDictionary);
  EXPECT_EQ(decoder.payload_left(), 8U);
  ASSERT_EQ(*decoder.next(input), Step::kPayload);
  EXPECT_EQ(as_text(decoder.piece()), "01234");
  EXPECT_EQ(as_text(decoder.piece()).data(), bytes.data() + bytes.size() - 8);
  EXPECT_EQ(decoder.payload_left(), 3U);
  ASSERT_EQ(*decoder.next(input), Step::kNeedMore);
  input = as_bytes(std::string_view(bytes).substr(bytes.size() - 3));
  ASSERT_EQ(*decoder.next(input), Step::kPayload);
  EXPECT_EQ(as_text(decoder.piece()), "567");
  ASSERT_EQ(*decoder.next(input), Step::kEnd);
}

TEST(FrameTest, PayloadReadPastTheDecoder) {
  const std::string next = raw_frame("{}");
  FrameDecoder decoder;
  const std::string head = raw_frame(R"({"size":10})", "ab");
  Bytes input = as_bytes(head);
  ASSERT_EQ(*decoder.next(input), Step::kDictionary);
  ASSERT_EQ(*decoder.next(input), Step::kPayload);
  decoder.skip_payload(3);
  EXPECT_EQ(decoder.payload_left(), 5U);
  EXPECT_EQ(*decoder.next(input), Step::kNeedMore);
  decoder.skip_payload(0);
  decoder.skip_payload(5);
  EXPECT_FALSE(decoder.between_frames());
  ASSERT_EQ(*decoder.next(input), Step::kEnd);
  EXPECT_TRUE(decoder.between_frames());
  input = as_bytes(next);
  EXPECT_EQ(*decoder.next(input), Step::kDictionary);
}

TEST(FrameTest, LengthsOutOfRange) {
  EXPECT_THAT(error_of(std::string(4, '\0')), HasSubstr("length is 0"));
  const std::string over = std::string("\x01\x00\x01\x00", 4);
  EXPECT_THAT(error_of(over), HasSubstr("length is 65537"));
  EXPECT_THAT(error_of("\xFF\xFF\xFF\xFF"), HasSubstr("length is 4294967295"));
  EXPECT_THAT(error_of("GET / HTTP/1.1\r\n"), HasSubstr("length is"));
}

TEST(FrameTest, TheLongestDictionaryPasses) {
  std::string json = R"({"message":")";
  json.append(spec::kMaxDictionaryBytes - json.size() - 2, 'm').append("\"}");
  ASSERT_EQ(json.size(), spec::kMaxDictionaryBytes);
  Reader reader;
  reader.feed(raw_frame(json));
  EXPECT_THAT(reader.frames, ElementsAre(Frame{json, ""}));
}

TEST(FrameTest, ADictionaryCanBeTakenAway) {
  const std::string long_frame =
      encode_frame(Dictionary().set("op", "x").set("text", std::string(10'000, 'a')));
  FrameDecoder decoder;
  Bytes first = as_bytes(long_frame).first(5'000);
  EXPECT_EQ(*decoder.next(first), FrameDecoder::Step::kNeedMore);
  Bytes rest = as_bytes(long_frame).subspan(5'000);
  EXPECT_EQ(*decoder.next(rest), FrameDecoder::Step::kDictionary);
  EXPECT_EQ(decoder.take_dictionary().text("op").value(), "x");
  EXPECT_FALSE(decoder.dictionary().has("op"));
  EXPECT_EQ(*decoder.next(rest), FrameDecoder::Step::kEnd);
  EXPECT_TRUE(decoder.between_frames());
}

TEST(FrameTest, AnErrorIsFinal) {
  for (const std::string& bad :
       {std::string(4, '\0'), raw_frame("[]"), raw_frame(R"({"size":-1})")}) {
    FrameDecoder decoder;
    const std::string bytes = bad + raw_frame("{}");
    Bytes input = as_bytes(bytes);
    ASSERT_FALSE(decoder.next(input));
    for (int again = 0; again < 3; ++again) {
      const auto step = decoder.next(input);
      ASSERT_FALSE(step);
      EXPECT_EQ(step.error().kind(), kBadFrame);
    }
    EXPECT_FALSE(decoder.between_frames());
  }
}

TEST(FrameTest, AnErrorLeavesEarlierFramesAlone) {
  Reader reader;
  reader.feed(bytes_of(kFrames) + raw_frame("null"));
  EXPECT_EQ(reader.frames, kFrames);
  EXPECT_THAT(reader.error, HasSubstr("not a JSON object"));
}

TEST(FrameTest, Encodes) {
  Dictionary dictionary;
  dictionary.set(field::kOp, op::kPing).set(field::kId, 7);
  EXPECT_EQ(encode_frame(dictionary), raw_frame(R"({"id":7,"op":"ping"})"));
}

// sizes

Result<std::uint64_t> size_in(std::string_view json) {
  return payload_size(*Dictionary::parse(json));
}

TEST(PayloadSizeTest, WholeNumbersInTheirRange) {
  EXPECT_EQ(*size_in("{}"), 0U);
  EXPECT_EQ(*size_in(R"({"size":null})"), 0U);
  EXPECT_EQ(*size_in(R"({"op":"block","id":1,"size":0})"), 0U);
  EXPECT_EQ(*size_in(R"({"size":4194304})"), spec::kMaxPayloadBytes);
  EXPECT_EQ(*size_in(R"({"file_name":"a","file_size":0})"), 0U);
  EXPECT_EQ(*size_in(R"({"file_size":9007199254740992})"), std::uint64_t{1} << 53U);
  EXPECT_EQ(*size_in(R"({"file_size":5,"size":null,"op":null})"), 5U);
}

TEST(PayloadSizeTest, AnythingElseIsABadFrame) {
  for (const std::string_view value :
       {"-1", "1.5", "1.0", "1e3", "9007199254740993", "9223372036854775807", "9223372036854775808",
        "18446744073709551616", "-9223372036854775808", R"("5")", "true", "[]", "{}"}) {
    for (const std::string_view key : {"size", "file_size"}) {
      const auto size = size_in(concat(R"({")", key, R"(":)", value, "}"));
      ASSERT_FALSE(size) << key << " " << value;
      EXPECT_EQ(size.error().kind(), kBadFrame) << key << " " << value;
      EXPECT_THAT(size.error().message(), HasSubstr(std::string(key)));
    }
  }
  EXPECT_EQ(size_in(R"({"size":4194305})").error().kind(), kBadFrame);
}

TEST(PayloadSizeTest, OfTwoSizesNeitherIsBelieved) {
  for (const std::string_view json :
       {R"({"size":1,"file_size":1})", R"({"op":"put","id":1,"file_size":1})",
        R"({"id":1,"file_size":1})", R"({"op":"put","file_name":"a","file_size":1})"}) {
    const auto size = size_in(json);
    ASSERT_FALSE(size) << json;
    EXPECT_EQ(size.error().kind(), kBadFrame) << json;
  }
}

TEST(PayloadSizeTest, AnUploadMustSayItsSize) {
  for (const std::string_view json : {R"({"file_name":"a"})", R"({"file_name":"a","size":3})",
                                      R"({"file_name":"a","file_size":null})"}) {
    const auto size = size_in(json);
    ASSERT_FALSE(size) << json;
    EXPECT_EQ(size.error().kind(), kBadFrame) << json;
  }
  EXPECT_EQ(*size_in(R"({"op":"put","id":1,"file_name":"a"})"), 0U);  // an unknown field, no upload
}

TEST(PayloadSizeTest, KnowsTheTutorialsUpload) {
  const auto is_upload = [](std::string_view json) {
    return is_tutorial_upload(*Dictionary::parse(json));
  };
  EXPECT_TRUE(is_upload(R"({"file_name":"a","file_size":1,"msg":"hi"})"));
  EXPECT_TRUE(is_upload(R"({"file_size":1})"));
  EXPECT_TRUE(is_upload(R"({"file_name":"a","file_size":1,"op":null})"));
  EXPECT_FALSE(is_upload(R"({"file_name":"a","file_size":1,"op":"put"})"));
  EXPECT_FALSE(is_upload(R"({"file_name":"a","file_size":1,"id":1})"));
  EXPECT_FALSE(is_upload("{}"));
}

}  // namespace
}  // namespace skein::wire
