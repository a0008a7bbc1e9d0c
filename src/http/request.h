// What a client of HTTP asks, as its head says it. RFC 9110 and RFC 9112. A value, any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace skein::http {

struct Field {
  std::string name;  // as it was sent; compared without case
  std::string value;
};

struct Request {
  std::string method{};  // case counts: "GET"
  std::string target{};  // as sent: "/rooms/lobby?after=3"; target.h takes it apart
  int minor = 1;         // of HTTP/1.x: 0 or 1
  std::vector<Field> fields{};
  bool keep_alive = true;
  bool chunked = false;
  std::optional<std::uint64_t> length{};  // Content-Length; nothing when there is none, or chunked
  bool expects_continue = false;          // it waits for "100 Continue" before it sends the body

  [[nodiscard]] bool has_body() const { return chunked || length.value_or(0) > 0; }
  // Of a field that may stand only once; nothing when it is not there. Of several the first: the
  // decoder has refused those whose repetition could mean two things (Host, Content-Length, …).
  [[nodiscard]] std::optional<std::string_view> field(std::string_view name) const;
};

}  // namespace skein::http
