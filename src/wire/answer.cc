#include "wire/answer.h"

#include <algorithm>
#include <charconv>
#include <span>
#include <string>
#include <string_view>

#include "base/limits.h"
#include "base/text.h"
#include "wire/protocol.h"

namespace skein::wire {

ErrorKind kind_of_code(std::string_view code) {
  const auto* const found = std::find_if(kErrorCodes.begin(), kErrorCodes.end(),
                                         [&](ErrorKind kind) { return kind.name == code; });
  return found == kErrorCodes.end() ? kIo : *found;
}

Dictionary ok_answer(std::int64_t id) {
  Dictionary answer;
  answer.set(field::kId, id).set(field::kOk, true);
  return answer;
}

PartHead::PartHead(std::int64_t id, std::size_t payload_bytes) {
  char* const json = text_.data() + sizeof(std::uint32_t);
  char* at = json;
  const auto put = [&](std::string_view text) { at = std::ranges::copy(text, at).out; };
  const auto put_number = [&](auto number) {
    at = std::to_chars(at, text_.data() + text_.size(), number).ptr;
  };
  put(R"({"id":)");
  put_number(id);
  put(R"(,"more":true,"ok":true,"size":)");
  put_number(payload_bytes);
  put("}");
  const auto length = static_cast<std::uint32_t>(at - json);
  store_le(std::as_writable_bytes(std::span(text_)).data(), length);
  size_ = sizeof(length) + length;
}

namespace {

// A chain of many errors would not fit a dictionary. Six bytes of JSON per byte are the worst, so
// message and hint take 48 KiB at most. Not cut within a character.
std::string shortened(std::string_view text) {
  constexpr std::size_t kLongest = 4 * 1024;
  static_assert(2 * 6 * kLongest < spec::kMaxDictionaryBytes - 1024);
  if (text.size() <= kLongest) return std::string(text);
  std::size_t size = kLongest;
  for (int i = 0; i < 3 && (static_cast<unsigned char>(text[size]) & 0xC0U) == 0x80; ++i) --size;
  return concat(text.substr(0, size), "…");
}

}  // namespace

Dictionary error_answer(std::int64_t id, const Error& error) {
  Dictionary answer;
  if (id != 0) answer.set(field::kId, id);
  answer.set(field::kOk, false)
      .set(field::kError, kind_of_code(error.kind().name).name)
      .set(field::kMessage, shortened(error.text()));
  if (!error.hint().empty()) answer.set(field::kHint, shortened(error.hint()));
  if (error.retry_ms() > 0) answer.set(field::kRetry, error.retry_ms());
  return answer;
}

Result<void> check_answer(const Dictionary& answer) {
  TRY_ASSIGN(const bool ok, answer.flag(field::kOk));
  if (ok) return {};
  TRY_ASSIGN(const std::string code, answer.text(field::kError));
  TRY_ASSIGN(const auto message, answer.text_if(field::kMessage));
  TRY_ASSIGN(const auto hint, answer.text_if(field::kHint));
  TRY_ASSIGN(const auto retry_ms, answer.integer_if(field::kRetry, 0, spec::kMaxInteger));
  Error error(kind_of_code(code), escaped(message.value_or(code)));
  if (hint) error = std::move(error).with_hint(escaped(*hint));
  if (retry_ms) error = std::move(error).with_retry_ms(*retry_ms);
  return pass(std::move(error));
}

}  // namespace skein::wire
