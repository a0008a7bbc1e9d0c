#include "wire/frame.h"

#include <algorithm>
#include <cassert>

#include "base/limits.h"
#include "base/text.h"
#include "wire/protocol.h"

namespace skein::wire {

namespace {

constexpr std::size_t kLengthBytes = 4;

// Moves bytes from the front of `input` to `held` until it has `want`; true when it has.
bool fill(std::string& held, std::size_t want, Bytes& input) {
  const std::size_t part = std::min(want - held.size(), input.size());
  held.append(as_text(input.first(part)));
  input = input.subspan(part);
  return held.size() == want;
}

std::unexpected<Error> as_bad_frame(const Error& error) {
  return fail(kBadFrame, error.message(), error.place());
}

}  // namespace

bool is_tutorial_upload(const Dictionary& dictionary) {
  return !dictionary.has(field::kOp) && !dictionary.has(field::kId) &&
         (dictionary.has(field::kFileName) || dictionary.has(field::kFileSize));
}

Result<std::uint64_t> payload_size(const Dictionary& dictionary) {
  if (dictionary.has(field::kSize) && dictionary.has(field::kFileSize)) {
    return fail(kBadFrame, "a dictionary has both 'size' and 'file_size'");
  }
  if (dictionary.has(field::kFileSize)) {
    if (!is_tutorial_upload(dictionary)) {
      return fail(kBadFrame, "'file_size' belongs to an upload without 'op' and 'id'");
    }
    const auto size = dictionary.integer(field::kFileSize, 0, spec::kMaxInteger);
    if (!size) return as_bad_frame(size.error());
    return static_cast<std::uint64_t>(*size);
  }
  if (is_tutorial_upload(dictionary)) return fail(kBadFrame, "an upload without 'file_size'");
  const auto size =
      dictionary.integer_if(field::kSize, 0, static_cast<std::int64_t>(spec::kMaxPayloadBytes));
  if (!size) return as_bad_frame(size.error());
  return static_cast<std::uint64_t>(size->value_or(0));
}

std::string encode_frame(const Dictionary& dictionary) {
  const std::string json = dictionary.to_json();
  assert(json.size() <= spec::kMaxDictionaryBytes);
  std::string out;
  out.reserve(kLengthBytes + json.size());
  append_le(out, static_cast<std::uint32_t>(json.size()));
  out += json;
  return out;
}

Result<FrameDecoder::Step> FrameDecoder::next(Bytes& input) {
  switch (state_) {
    case State::kLength: {
      if (!fill(held_, kLengthBytes, input)) return Step::kNeedMore;
      length_ = load_le<std::uint32_t>(as_bytes(held_).data());
      if (length_ == 0 || length_ > spec::kMaxDictionaryBytes) {
        return fail(kBadFrame, concat("a frame's length is ", std::to_string(length_),
                                      ", not 1 to ", std::to_string(spec::kMaxDictionaryBytes)));
      }
      held_.clear();
      state_ = State::kDictionary;
      [[fallthrough]];
    }
    case State::kDictionary: {
      const bool whole = held_.empty() && input.size() >= length_;  // then it need not be held
      if (!whole && !fill(held_, length_, input)) return Step::kNeedMore;
      const std::string_view json = whole ? as_text(input.first(length_)) : held_;
      if (auto taken = take(json); !taken) {
        if (whole) held_ = json;  // what comes next is to meet the same error
        return pass(std::move(taken).error());
      }
      if (whole) input = input.subspan(length_);
      std::string().swap(held_);  // with its room: a connection may rest for long
      state_ = State::kPayload;
      return Step::kDictionary;
    }
    case State::kPayload: {
      if (payload_left_ == 0) {
        state_ = State::kLength;
        return Step::kEnd;
      }
      if (input.empty()) return Step::kNeedMore;
      piece_ = input.first(
          static_cast<std::size_t>(std::min<std::uint64_t>(payload_left_, input.size())));
      input = input.subspan(piece_.size());
      payload_left_ -= piece_.size();
      return Step::kPayload;
    }
  }
  std::unreachable();
}

Result<void> FrameDecoder::take(std::string_view json) {
  TRY_ASSIGN(dictionary_, Dictionary::parse(json));
  TRY_ASSIGN(payload_left_, payload_size(dictionary_));
  return {};
}

void FrameDecoder::skip_payload(std::uint64_t bytes) {
  assert(state_ == State::kPayload && bytes <= payload_left_);
  payload_left_ -= bytes;
}

bool FrameDecoder::between_frames() const {
  return state_ == State::kLength && held_.empty();
}

}  // namespace skein::wire
