// What the lines of a request must be before a parser may see them: so strict that no two parsers
// could read them in two ways (request smuggling, RFC 9112 section 11.2). Beast 1.81 is lenient
// where that hurts: it joins folded lines, takes a list for a Content-Length, and reads a request
// with a transfer coding that it does not know as one without a body.
//
// Pure. One gate sees the lines of one request, in their order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>

#include "base/result.h"

namespace skein::http {

class Gate {
 public:
  // The line without its end, which must be CRLF. No line holds a control character but HTAB.
  Result<std::string_view> line(std::string_view with_end);

  // Each of these takes what line() gave.
  Result<void> request_line(std::string_view line);
  Result<void> field_line(std::string_view line);
  Result<void> end_of_head();                               // what only the whole head tells
  Result<std::uint64_t> chunk_line(std::string_view line);  // how long the chunk is
  Result<void> trailer_line(std::string_view line);

  // After end_of_head(): how the body is framed, and whether its sender waits to be asked for it.
  [[nodiscard]] bool chunked() const { return transfer_coding_.has_value(); }
  [[nodiscard]] std::optional<std::uint64_t> length() const { return length_; }
  [[nodiscard]] bool expects_continue() const;

  // Every refusal comes from here: kBadRequest for 400, kTooLarge for 413, 414 and 431,
  // kUnsupported for the others.
  std::unexpected<Error> refuse(int status, std::string why,
                                std::source_location place = std::source_location::current());
  [[nodiscard]] int status() const { return status_; }  // of the refusal; 0: none yet

 private:
  struct NameAndValue {
    std::string_view name;
    std::string_view value;
  };
  Result<NameAndValue> take_apart(std::string_view line);
  Result<void> host(std::string_view value);
  Result<void> content_length(std::string_view value);

  int status_ = 0;
  int minor_ = 1;
  std::size_t fields_ = 0;
  bool has_host_ = false;
  bool has_expect_ = false;
  std::optional<std::uint64_t> length_;
  std::optional<std::string> transfer_coding_;
};

}  // namespace skein::http
