// Exchange: one request of HTTP and its answer, as those who carry it out see them: what is asked,
// the body in pieces, and the answer, whole, in pieces, or without end. The loop's thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "auth/principal.h"
#include "base/bytes.h"
#include "base/result.h"
#include "http/request.h"
#include "http/response.h"
#include "http/target.h"
#include "hub/http_reader.h"
#include "hub/intake.h"
#include "socketserver/address.h"
#include "socketserver/stream.h"
#include "socketserver/sync.h"
#include "socketserver/task.h"

namespace skein::hub {

// A body of a type that is not taken here.
inline constexpr ErrorKind kUnsupportedMedia{"unsupported_media"};

class Exchange {
 public:
  // The reader is at the request's head. All outlive it; close() must have ended before its end.
  Exchange(socketserver::Stream& stream, Intake& intake, HttpReader& reader)
      : stream_(stream), intake_(intake), reader_(reader), left_(request().length.value_or(0)) {}
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  // --- what is asked, and who asks; set by the session before anybody carries it out

  [[nodiscard]] const http::Request& request() const { return reader_.request(); }
  http::Target target;
  std::string_view rest;  // of the path, behind the route's
  auth::Principal principal;
  [[nodiscard]] const socketserver::Address& peer() const { return stream_.peer_address(); }
  [[nodiscard]] socketserver::Address here() const { return stream_.local_address(); }

  // --- the body

  // The next piece of it; nothing: that was all. A client that waits to be asked for its body is
  // asked here. Errors are those of HttpReader, and end the connection.
  socketserver::Task<Result<std::optional<Slice>>> piece();
  // All of it; kTooLarge: it is more than `most` bytes.
  socketserver::Task<Result<std::string>> body(std::size_t most);

  // --- the answer, once; nothing of its body goes to a client that asked for the head alone

  // Whole: its length is set here.
  socketserver::Task<Result<void>> answer(http::Response head, std::string body);
  // Or begin, send, …, end; `head.length` is what will be sent, nothing when that is not known. An
  // error of whoever sends after begin() can only cut the connection, which tells the client.
  // Each returns when the system has taken it; when the peer does not within
  // limits::kStallTimeoutMs, or is gone, the connection is cancelled.
  socketserver::Task<Result<void>> begin(http::Response head);
  socketserver::Task<Result<void>> send(Bytes bytes);
  socketserver::Task<Result<void>> end();
  // Or begin without end: until the client leaves, whatever it still sends, or the hub stops. The
  // connection ends with it.
  socketserver::Task<Result<void>> begin_endless(http::Response head);
  [[nodiscard]] bool client_left() const { return client_left_; }
  // Waits for the event, at most `ms`; false: it did not happen. Set too when the client leaves.
  // The connection is idle meanwhile.
  socketserver::Task<bool> wait(socketserver::Event& event, std::int64_t ms);

  // --- for the session

  [[nodiscard]] bool begun() const { return begun_; }
  // Reading or writing failed: there is nobody to talk to.
  [[nodiscard]] bool broken() const { return broken_; }
  // Once the answer has begun: another request may follow it.
  [[nodiscard]] bool keeps_connection() const { return keep_ && !broken_; }
  // What nobody took of the body is read and forgotten; not more than limits::kSkippedBodyBytes of
  // it when keeps_connection().
  socketserver::Task<Result<void>> skip_rest();
  socketserver::Task<void> close();

 private:
  socketserver::Task<Result<void>> write(socketserver::Parts parts);
  [[nodiscard]] bool can_keep() const;
  [[nodiscard]] bool awaits_continue() const {
    return request().expects_continue && !wanted_ && !reader_.has_more();
  }
  [[nodiscard]] bool head_only() const { return request().method == "HEAD"; }
  socketserver::Task<void> watch_client();

  socketserver::Stream& stream_;
  Intake& intake_;
  HttpReader& reader_;
  std::uint64_t left_;   // of a body whose length is known
  bool read_ = false;    // the request is complete
  bool wanted_ = false;  // the body, by whoever carries it out
  bool begun_ = false;
  bool keep_ = true;
  bool chunked_ = false;
  bool broken_ = false;
  bool client_left_ = false;
  socketserver::Event* wake_ = nullptr;  // while somebody waits
  socketserver::Gate watching_;
};

}  // namespace skein::hub
