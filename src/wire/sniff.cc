#include "wire/sniff.h"

#include <array>
#include <string_view>

#include "base/limits.h"

namespace skein::wire {

namespace {
constexpr std::array<std::string_view, 9> kMethods = {
    "GET ", "HEAD ", "POST ", "PUT ", "DELETE ", "PATCH ", "OPTIONS ", "CONNECT ", "TRACE "};
}

Speech sniff(Bytes first) {
  if (first.size() < kSniffBytes) return Speech::kUndecided;
  // None of the three can be mistaken for another: read as a length, a TLS record and any method
  // are above the limit. A record of SSL 3.0 would not be: 16 03 00 00 is 790.
  const std::string_view text = as_text(first.first(kSniffBytes));
  if (text[0] == '\x16' && text[1] == '\x03' && text[2] != '\0') return Speech::kTls;
  for (const std::string_view method : kMethods) {
    if (text.starts_with(method.substr(0, kSniffBytes))) return Speech::kHttp;
  }
  const auto length = load_le<std::uint32_t>(first.data());
  if (length > 0 && length <= spec::kMaxDictionaryBytes && text[4] == '{') return Speech::kFrames;
  return Speech::kUnknown;
}

}  // namespace skein::wire
