#include "http/gate.h"

#include <algorithm>
#include <charconv>

#include "base/limits.h"
#include "base/text.h"
#include "http/ascii.h"

namespace skein::http {

namespace {

// HTTP/x.y, of whatever x and y.
bool is_version(std::string_view text) {
  return text.size() == 8 && text.starts_with("HTTP/") && is_digit(text[5]) && text[6] == '.' &&
         is_digit(text[7]);
}

// Origin-form: what else a target may be is for proxies. A fragment never leaves a client.
bool is_target(std::string_view text) {
  return text.starts_with('/') &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < '\x7f' && c != '#'; });
}

// What a host and its port are made of; whose name it is, others judge (guard.h).
bool is_host(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return is_alphanumeric(c) || std::string_view("-._~%!$&'()*+,;=:[]").contains(c);
  });
}

}  // namespace

std::unexpected<Error> Gate::refuse(int status, std::string why, std::source_location place) {
  status_ = status;
  ErrorKind kind = kUnsupported;
  if (status == 400) kind = kBadRequest;
  if (status == 413 || status == 414 || status == 431) kind = kTooLarge;
  return fail(kind, std::move(why), place);
}

Result<std::string_view> Gate::line(std::string_view with_end) {
  if (!with_end.ends_with("\r\n")) {
    return refuse(400, concat("the line ", quoted(with_end), " does not end with CRLF"));
  }
  with_end.remove_suffix(2);
  if (std::ranges::any_of(with_end, is_control)) {
    return refuse(400, concat("a control character in the line ", quoted(with_end)));
  }
  return with_end;
}

Result<void> Gate::request_line(std::string_view line) {
  const std::size_t first = line.find(' ');
  const std::size_t last = line.rfind(' ');
  if (first == last) {
    return refuse(400, concat("the request line ", quoted(line), " has not three parts"));
  }
  const std::string_view method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1);
  const std::string_view version = line.substr(last + 1);
  if (!is_token(method)) return refuse(400, concat(quoted(method), " is no method"));
  if (!is_version(version)) {
    return refuse(400, concat(quoted(version), " is no version of HTTP"));
  }
  if (version != "HTTP/1.1" && version != "HTTP/1.0") {
    return refuse(505, concat(quoted(version), " is neither 'HTTP/1.1' nor 'HTTP/1.0'"));
  }
  if (!is_target(target)) {
    return refuse(400, concat("the target ", quoted(target), " is no path and query"));
  }
  minor_ = version.back() - '0';
  return {};
}

Result<Gate::NameAndValue> Gate::take_apart(std::string_view line) {
  if (++fields_ > limits::kMaxHttpFields) {
    return refuse(431, concat("more than ", counted(limits::kMaxHttpFields, "field")));
  }
  if (line.starts_with(' ') || line.starts_with('\t')) {
    return refuse(400, concat("the line ", quoted(line), " goes on with the one before it"));
  }
  const std::size_t colon = std::min(line.find(':'), line.size());
  const std::string_view name = line.substr(0, colon);
  if (colon == line.size() || !is_token(name)) {
    return refuse(400, concat("the line ", quoted(line), " is no 'name: value'"));
  }
  return NameAndValue{name, trimmed(line.substr(colon + 1))};
}

Result<void> Gate::field_line(std::string_view line) {
  TRY_ASSIGN(const auto field, take_apart(line));
  const auto& [name, value] = field;
  if (equal_ignoring_case(name, "Host")) return host(value);
  if (equal_ignoring_case(name, "Content-Length")) return content_length(value);
  if (equal_ignoring_case(name, "Transfer-Encoding")) {
    if (transfer_coding_) return refuse(400, "'Transfer-Encoding' twice");
    transfer_coding_ = value;
  } else if (equal_ignoring_case(name, "Expect")) {
    if (!equal_ignoring_case(value, "100-continue")) {
      return refuse(417, concat("'Expect' is ", quoted(value), ", not '100-continue'"));
    }
    has_expect_ = true;
  }
  return {};
}

Result<void> Gate::host(std::string_view value) {
  if (has_host_) return refuse(400, "'Host' twice");
  has_host_ = true;
  if (!is_host(value))
    return refuse(400, concat("'Host' is ", quoted(value), ", which is no host"));
  return {};
}

Result<void> Gate::content_length(std::string_view value) {
  if (length_) return refuse(400, "'Content-Length' twice");
  if (value.empty() || !std::ranges::all_of(value, is_digit)) {
    return refuse(400, concat("'Content-Length' is ", quoted(value), ", not a whole number"));
  }
  std::uint64_t length = 0;
  const auto read = std::from_chars(value.data(), value.data() + value.size(), length);
  if (read.ec != std::errc() || length > std::uint64_t{spec::kMaxInteger}) {
    return refuse(413, concat("'Content-Length' is ", quoted(value), ", above ",
                              std::to_string(spec::kMaxInteger)));
  }
  length_ = length;
  return {};
}

Result<void> Gate::end_of_head() {
  if (minor_ == 1 && !has_host_) return refuse(400, "no 'Host'");
  if (!transfer_coding_) return {};
  if (minor_ == 0) return refuse(400, "'Transfer-Encoding' in HTTP/1.0");
  if (length_) return refuse(400, "both 'Content-Length' and 'Transfer-Encoding'");
  if (!equal_ignoring_case(*transfer_coding_, "chunked")) {
    return refuse(501,
                  concat("'Transfer-Encoding' is ", quoted(*transfer_coding_), ", not 'chunked'"));
  }
  return {};
}

// What a client of HTTP/1.0 says of it is to be ignored: RFC 9110 section 10.1.1.
bool Gate::expects_continue() const {
  return has_expect_ && minor_ == 1 && (chunked() || length_.value_or(0) > 0);
}

// Behind a ';' stand extensions. None is known here, and unknown ones are to be ignored.
Result<std::uint64_t> Gate::chunk_line(std::string_view line) {
  constexpr std::size_t kMostDigits = 16;
  const std::string_view digits = line.substr(0, line.find(';'));
  std::uint64_t size = 0;
  const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), size, 16);
  if (digits.empty() || digits.size() > kMostDigits || read.ptr != digits.data() + digits.size()) {
    return refuse(
        400, concat("the size of a chunk is ", quoted(line), ", not 1 to 16 hexadecimal digits"));
  }
  if (size > std::uint64_t{spec::kMaxInteger}) {
    return refuse(413, concat("the size of a chunk is ", quoted(line), ", above ",
                              std::to_string(spec::kMaxInteger)));
  }
  return size;
}

Result<void> Gate::trailer_line(std::string_view line) {
  TRY(take_apart(line));
  return {};
}

}  // namespace skein::http
