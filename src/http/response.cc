#include "http/response.h"

#include <algorithm>
#include <array>
#include <cassert>
#include <charconv>
#include <utility>

#include "base/text.h"
#include "http/ascii.h"

namespace skein::http {

namespace {

bool has(const Response& response, std::string_view name) {
  return std::ranges::any_of(
      response.fields, [&](const Field& field) { return equal_ignoring_case(field.name, name); });
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  assert(is_token(name) && std::ranges::none_of(value, is_control));
  out += concat(name, ": ", value, "\r\n");
}

constexpr auto kReasons = std::to_array<std::pair<int, std::string_view>>({
    {100, "Continue"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {423, "Locked"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
});

}  // namespace

std::string encode_head(const Response& response, bool keep_alive, int minor) {
  assert(response.status >= 100 && response.status <= 999);
  assert(!has(response, "Connection") && !has(response, "Content-Length") &&
         !has(response, "Transfer-Encoding"));
  std::string out =
      concat("HTTP/1.1 ", std::to_string(response.status), " ", reason_of(response.status), "\r\n");
  for (const Field& field : response.fields) append_field(out, field.name, field.value);
  const bool interim = response.status < 200;
  if (!interim) {
    append_field(out, "X-Content-Type-Options", "nosniff");
    append_field(out, "Referrer-Policy", "no-referrer");
    if (!has(response, "Cache-Control")) append_field(out, "Cache-Control", "no-store");

    const bool has_body = response.status != 204 && response.status != 304;
    if (has_body && response.length) {
      append_field(out, "Content-Length", std::to_string(*response.length));
    } else if (has_body && minor == 1) {
      append_field(out, "Transfer-Encoding", "chunked");
    } else if (has_body) {
      keep_alive = false;
    }
    if (!keep_alive) append_field(out, "Connection", "close");
    if (keep_alive && minor == 0) append_field(out, "Connection", "keep-alive");
  }
  return out += "\r\n";
}

std::string encode_chunk_head(std::size_t bytes) {
  assert(bytes > 0);  // that would be the last
  std::array<char, 2 * sizeof(bytes)> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), bytes, 16).ptr;
  return concat(std::string_view(digits.data(), end), "\r\n");
}

std::string_view reason_of(int status) {
  for (const auto& [known, reason] : kReasons) {
    if (known == status) return reason;
  }
  return "";
}

int status_of(ErrorKind kind) {
  static constexpr auto kStatuses = std::to_array<std::pair<ErrorKind, int>>({
      {kUsage, 400},
      {kBadFrame, 400},
      {kBadRequest, 400},
      {kBadName, 400},
      {kUnknownOperation, 501},
      {kVersion, 400},
      {kRefused, 403},
      {kNotFound, 404},
      {kExists, 409},
      {kNotAFolder, 409},
      {kIsAFolder, 409},
      {kNotAFile, 409},
      {kChanged, 409},
      {kDigestMismatch, 422},
      {kSuperseded, 409},
      {kIncomplete, 409},
      {kNoSpace, 507},
      {kReadOnly, 403},
      {kTooLarge, 413},
      {kTooMany, 429},
      {kBusy, 423},
      {kUnsupported, 501},
      {kIo, 500},
      {kTimeout, 503},
      {kClosed, 503},
      {kCancelled, 503},
      {kNoHub, 503},
      {kInternal, 500},
  });
  for (const auto& [known, status] : kStatuses) {
    if (known == kind) return status;
  }
  return 500;
}

}  // namespace skein::http
