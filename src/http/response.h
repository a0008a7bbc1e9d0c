// The head of an answer, as bytes. RFC 9110, RFC 9112. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "http/request.h"

namespace skein::http {

struct Response {
  int status = 200;
  std::vector<Field> fields{};  // asserted: names are tokens, values hold no control character
  // Content-Length. Nothing: chunked to a client of HTTP/1.1, to the end of the connection for one
  // of 1.0; and none at all where the status has no body (1xx, 204, 304).
  std::optional<std::uint64_t> length = 0;
};

// Ready to send in front of the body. Connection, Content-Length or Transfer-Encoding, and what
// every answer of ours carries (nosniff, no referrer; no-store unless `fields` has a Cache-Control)
// are added here; `keep_alive` is the caller's choice, `minor` the request's. What lasts to the end
// of the connection is said to close it, whatever the choice. An interim answer (1xx) is its fields
// alone.
[[nodiscard]] std::string encode_head(const Response& response, bool keep_alive, int minor);

// One chunk of a chunked body, in front of its `bytes`; they are followed by CRLF. And the last.
[[nodiscard]] std::string encode_chunk_head(std::size_t bytes);
inline constexpr std::string_view kChunkEnd = "\r\n";
inline constexpr std::string_view kLastChunk = "0\r\n\r\n";

[[nodiscard]] std::string_view reason_of(int status);  // "Not Found"; "" for one unknown here

// What an error means to a client of HTTP: not_found is 404, too_many 429, no_space 507, …; 500 for
// what is nobody's fault but ours.
[[nodiscard]] int status_of(ErrorKind kind);

}  // namespace skein::http
