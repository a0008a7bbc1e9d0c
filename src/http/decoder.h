// Takes the requests of one connection apart, whatever way the bytes were split: heads, bodies of a
// known length, chunked bodies. Pure: bytes in, events out; no sockets, no clock.
//
// Beast's parser does the work, behind a strict gate of ours: what two parsers could read in two
// ways is refused before it sees it (request smuggling, RFC 9112 section 11.2).
#pragma once

#include <cstdint>
#include <memory>

#include "base/bytes.h"
#include "base/result.h"
#include "http/request.h"

namespace skein::http {

class RequestDecoder {
 public:
  enum class Step {
    kNeedMore,  // `input` is used up
    kHead,      // request() is complete; a body follows when it has_body()
    kBody,      // piece() is the next part of the body
    kEnd,       // the request is complete; the next may begin
  };

  RequestDecoder();
  RequestDecoder(const RequestDecoder&) = delete;
  RequestDecoder& operator=(const RequestDecoder&) = delete;
  ~RequestDecoder();

  // Takes from the front of `input` up to the next event. An error is final, as nobody can say
  // where the next request begins (not to be called again, which is asserted); status() is what to
  // answer it with. Holds at most one head (spec::kMaxHttpHeadBytes); bodies are handed through
  // and never held.
  Result<Step> next(Bytes& input);

  [[nodiscard]] const Request& request() const;
  [[nodiscard]] Bytes piece() const;  // valid as long as the input it came from
  [[nodiscard]] int status() const;   // after an error: 400, 413, 414, 417, 431, 501, 505

  // True until the first byte of a request came, and again after its last: here a connection may
  // rest, and may end in good order.
  [[nodiscard]] bool between_requests() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace skein::http
