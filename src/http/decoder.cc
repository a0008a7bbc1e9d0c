#include "http/decoder.h"

#include <algorithm>
#include <boost/beast/http/basic_parser.hpp>
#include <boost/beast/http/rfc7230.hpp>
#include <cassert>
#include <string>
#include <string_view>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "http/ascii.h"
#include "http/gate.h"

namespace skein::http {

namespace {

namespace beast = boost::beast;

std::string_view as_view(beast::string_view text) {
  return {text.data(), text.size()};
}

// Takes apart a head that has passed the gate. Bodies are not for it: it lets a chunk's extensions
// hold line feeds and a trailer change what the head said, and wants the line of a chunk in one
// piece, after which little is left to do.
class HeadParser : public beast::http::basic_parser<true> {
 public:
  explicit HeadParser(Request& request) : request_(request) {
    header_limit(spec::kMaxHttpHeadBytes);
    body_limit(boost::none);
  }

 private:
  void on_request_impl(beast::http::verb /*method*/, beast::string_view method,
                       beast::string_view target, int version, beast::error_code& /*ec*/) override {
    request_.method = as_view(method);
    request_.target = as_view(target);
    request_.minor = version % 10;
  }
  void on_field_impl(beast::http::field field, beast::string_view name, beast::string_view value,
                     beast::error_code& /*ec*/) override {
    request_.fields.push_back({std::string(as_view(name)), std::string(as_view(value))});
    if (field != beast::http::field::connection) return;
    for (const beast::string_view option : beast::http::opt_token_list(value)) {
      if (equal_ignoring_case(as_view(option), "close")) close_ = true;
      if (equal_ignoring_case(as_view(option), "keep-alive")) keep_alive_ = true;
    }
  }
  void on_header_impl(beast::error_code& /*ec*/) override {
    request_.keep_alive = !close_ && (keep_alive_ || request_.minor == 1);
  }

  void on_body_init_impl(const boost::optional<std::uint64_t>& /*length*/,
                         beast::error_code& /*ec*/) override {}
  std::size_t on_body_impl(beast::string_view /*body*/, beast::error_code& /*ec*/) override {
    return 0;
  }
  void on_chunk_header_impl(std::uint64_t /*size*/, beast::string_view /*extensions*/,
                            beast::error_code& /*ec*/) override {}
  std::size_t on_chunk_body_impl(std::uint64_t /*left*/, beast::string_view /*body*/,
                                 beast::error_code& /*ec*/) override {
    return 0;
  }
  void on_response_impl(int /*status*/, beast::string_view /*reason*/, int /*version*/,
                        beast::error_code& /*ec*/) override {}
  void on_finish_impl(beast::error_code& /*ec*/) override {}

  Request& request_;
  bool close_ = false;
  bool keep_alive_ = false;
};

}  // namespace

struct RequestDecoder::State {
  enum class At { kRequestLine, kFields, kBody, kChunkLine, kChunk, kChunkEnd, kTrailers };

  // What `held` holds: the head; the line of a chunk; the trailers.
  struct Section {
    std::string_view name;
    std::size_t most;  // bytes
    int status;        // of what is longer
  };
  static constexpr Section kRequestLine{"the request line", limits::kMaxHttpRequestLineBytes, 414};
  static constexpr Section kHead{"the head", spec::kMaxHttpHeadBytes, 431};
  static constexpr Section kChunkLine{"the line of a chunk", limits::kMaxHttpChunkLineBytes, 400};
  static constexpr Section kTrailers{"the trailers", spec::kMaxHttpHeadBytes, 431};

  At at = At::kRequestLine;
  Gate gate;
  bool skipped_line = false;
  std::string held;
  std::uint64_t left = 0;  // of the body or the chunk
  Request request;
  Bytes piece;

  Result<Step> next(Bytes& input);
  Result<std::optional<std::string_view>> take_line(Bytes& input, const Section& section);
  Result<void> parse_head();
  bool take_piece(Bytes& input);
  Result<bool> take_chunk_end(Bytes& input);
  Step end_of_request();
};

// The next line of the section, without its end; nothing as long as a part of it is missing.
Result<std::optional<std::string_view>> RequestDecoder::State::take_line(Bytes& input,
                                                                         const Section& section) {
  const std::string_view text = as_text(input).substr(0, section.most - held.size());
  const std::size_t feed = text.find('\n');
  const bool whole = feed != std::string_view::npos;
  const std::string_view part = whole ? text.substr(0, feed + 1) : text;
  held.append(part);
  input = input.subspan(part.size());
  if (!whole && held.size() == section.most) {
    return gate.refuse(section.status, concat(section.name, " is longer than ",
                                              human_count(section.most), " bytes"));
  }
  if (!whole) return std::nullopt;
  // The line before ends with a line feed too.
  const std::size_t begin = held.size() < 2 ? 0 : held.rfind('\n', held.size() - 2) + 1;
  TRY_ASSIGN(const std::string_view line, gate.line(std::string_view(held).substr(begin)));
  return line;
}

Result<void> RequestDecoder::State::parse_head() {
  TRY(gate.end_of_head());
  request = Request();
  HeadParser parser(request);
  beast::error_code error;
  const std::size_t used = parser.put({held.data(), held.size()}, error);
  if (error) return gate.refuse(400, concat("the head is no HTTP: ", error.message()));
  const auto length = parser.content_length();
  if (used != held.size() || parser.chunked() != gate.chunked() ||
      length.has_value() != gate.length().has_value() ||
      length.value_or(0) != gate.length().value_or(0)) {
    return gate.refuse(400, "the head can be read in two ways");
  }
  request.chunked = gate.chunked();
  request.length = gate.length();
  request.expects_continue = gate.expects_continue();
  held.clear();
  return {};
}

// Hands through what there is of the body or the chunk; false when nothing is.
bool RequestDecoder::State::take_piece(Bytes& input) {
  piece = input.first(static_cast<std::size_t>(std::min<std::uint64_t>(left, input.size())));
  input = input.subspan(piece.size());
  left -= piece.size();
  return !piece.empty();
}

// True when the CRLF behind a chunk is there.
Result<bool> RequestDecoder::State::take_chunk_end(Bytes& input) {
  constexpr std::string_view kEnd = "\r\n";
  while (held.size() < kEnd.size()) {
    if (input.empty()) return false;
    held.append(as_text(input.first(1)));
    input = input.subspan(1);
    if (!kEnd.starts_with(held)) {
      return gate.refuse(400, concat("behind a chunk stands ", quoted(held), ", not CRLF"));
    }
  }
  held.clear();
  return true;
}

RequestDecoder::Step RequestDecoder::State::end_of_request() {
  at = At::kRequestLine;
  gate = Gate();
  skipped_line = false;
  held.clear();
  piece = {};
  return Step::kEnd;
}

Result<RequestDecoder::Step> RequestDecoder::State::next(Bytes& input) {
  assert(gate.status() == 0);
  while (true) {
    switch (at) {
      case At::kRequestLine: {
        TRY_ASSIGN(const auto line, take_line(input, kRequestLine));
        if (!line) return Step::kNeedMore;
        if (line->empty() && !skipped_line) {  // some clients send one behind a body
          skipped_line = true;
          held.clear();
          break;
        }
        TRY(gate.request_line(*line));
        at = At::kFields;
        break;
      }
      case At::kFields: {
        TRY_ASSIGN(const auto line, take_line(input, kHead));
        if (!line) return Step::kNeedMore;
        if (!line->empty()) {
          TRY(gate.field_line(*line));
          break;
        }
        TRY(parse_head());
        left = request.length.value_or(0);
        at = request.chunked ? At::kChunkLine : At::kBody;
        return Step::kHead;
      }
      case At::kBody: {
        if (left == 0) return end_of_request();
        return take_piece(input) ? Step::kBody : Step::kNeedMore;
      }
      case At::kChunkLine: {
        TRY_ASSIGN(const auto line, take_line(input, kChunkLine));
        if (!line) return Step::kNeedMore;
        TRY_ASSIGN(left, gate.chunk_line(*line));
        held.clear();
        at = left > 0 ? At::kChunk : At::kTrailers;
        break;
      }
      case At::kChunk: {
        if (!take_piece(input)) return Step::kNeedMore;
        if (left == 0) at = At::kChunkEnd;
        return Step::kBody;
      }
      case At::kChunkEnd: {
        TRY_ASSIGN(const bool there, take_chunk_end(input));
        if (!there) return Step::kNeedMore;
        at = At::kChunkLine;
        break;
      }
      case At::kTrailers: {
        TRY_ASSIGN(const auto line, take_line(input, kTrailers));
        if (!line) return Step::kNeedMore;
        if (line->empty()) return end_of_request();
        TRY(gate.trailer_line(*line));
        break;
      }
    }
  }
}

RequestDecoder::RequestDecoder() : state_(std::make_unique<State>()) {}
RequestDecoder::~RequestDecoder() = default;

Result<RequestDecoder::Step> RequestDecoder::next(Bytes& input) {
  return state_->next(input);
}

const Request& RequestDecoder::request() const {
  return state_->request;
}

Bytes RequestDecoder::piece() const {
  return state_->piece;
}

int RequestDecoder::status() const {
  return state_->gate.status();
}

bool RequestDecoder::between_requests() const {
  return state_->at == State::At::kRequestLine && state_->held.empty();
}

}  // namespace skein::http
