#include "hub/http_session.h"

#include <exception>
#include <string>
#include <utility>

#include "auth/policy.h"
#include "base/limits.h"
#include "base/text.h"
#include "http/guard.h"
#include "http/response.h"
#include "hub/routes.h"
#include "socketserver/stream_server.h"
#include "transfer/fields.h"
#include "wire/protocol.h"

namespace skein::hub {

using socketserver::Task;

namespace {

struct Refusal {
  http::Response head;
  std::string body;
};

// An error as a person at a terminal reads it, whatever program they asked with.
Refusal refusal(int status, const Error& error) {
  Refusal out;
  out.head.status = status;
  out.head.fields = {{"Content-Type", "text/plain; charset=utf-8"}};
  if (const std::int64_t wait_ms = error.retry_ms(); wait_ms > 0) {
    out.head.fields.push_back({"Retry-After", std::to_string((wait_ms + 999) / 1000)});
  }
  out.body = concat("skein: error: ", escaped(error.text()), "\n");
  if (!error.hint().empty()) out.body += concat("skein: hint: ", escaped(error.hint()), "\n");
  return out;
}

int status_of(const Error& error) {
  constexpr int kUnsupportedMediaType = 415;
  constexpr int kServiceUnavailable = 503;
  if (error.is(kUnsupportedMedia)) return kUnsupportedMediaType;
  if (error.is(kBusy) && error.retry_ms() > 0) return kServiceUnavailable;
  return http::status_of(error.kind());
}

// Whom a request speaks for: on an open hub a name is claimed, as by hello.
Result<auth::Principal> principal_of(const http::Target& target) {
  const auto name = target.parameter(wire::field::kName);
  if (!name) return auth::guest_principal();
  wire::Dictionary claimed;
  claimed.set(wire::field::kName, *name);
  TRY_ASSIGN(const std::string checked, transfer::name_field(claimed, wire::field::kName));
  return auth::local_principal(checked, "");
}

}  // namespace

Task<void> HttpSession::run() {
  bool more = true;
  while (more) {
    // Nothing is lost by ending a connection that rests.
    stream_.set_idle(reader_.between_requests());
    const auto head = co_await reader_.next();
    if (!head) {
      co_await end_because(head.error());
      co_return;
    }
    stream_.set_idle(false);
    more = co_await take_request();
  }
}

// The reader is at a head. False: no other request is to follow.
Task<bool> HttpSession::take_request() {
  Exchange exchange(stream_, intake_, reader_);
  Result<void> done;
  try {
    done = co_await carry_out(exchange);
  } catch (...) {
    done = pass(socketserver::error_from(std::current_exception()), exchange.target.path);
  }
  if (!done) co_await refuse(exchange, std::move(done).error());
  co_await exchange.close();
  if (exchange.keeps_connection()) {
    auto skipped = co_await exchange.skip_rest();
    if (skipped) co_return true;
    co_await end_because(std::move(skipped).error());
  } else if (!exchange.broken()) {
    co_await intake_.linger();
  }
  co_return false;
}

Task<Result<void>> HttpSession::carry_out(Exchange& exchange) {
  const http::Request& request = exchange.request();
  if (auto may_ask = http::check_local(request); !may_ask) {
    co_return pass(std::move(may_ask).error());
  }
  auto target = http::parse_target(request.target);
  if (!target) co_return pass(std::move(target).error());
  exchange.target = *std::move(target);
  auto principal = principal_of(exchange.target);
  if (!principal) co_return pass(std::move(principal).error());
  exchange.principal = *std::move(principal);

  const Match match = find_route(request.method, exchange.target.path);
  if (match.allow.empty()) {
    co_return std::unexpected(
        Error(kNotFound, concat("nothing is at ", quoted(exchange.target.path)))
            .with_hint("GET / tells what there is"));
  }
  if (match.route == nullptr) {
    auto told = co_await tell_methods(exchange, match.allow);
    co_return told;
  }
  const std::string operation = concat(request.method, " ", exchange.target.path);
  auto allowed = auth::authorize(exchange.principal, match.route->right, operation);
  if (!allowed) co_return pass(std::move(allowed).error());
  exchange.rest = match.rest;
  auto done = co_await match.route->carry_out(context_, exchange);
  co_return done;
}

Task<Result<void>> HttpSession::tell_methods(Exchange& exchange, std::string allow) {
  constexpr int kNoContent = 204;
  constexpr int kMethodNotAllowed = 405;
  Refusal answer;
  answer.head.status = kNoContent;
  const std::string& method = exchange.request().method;
  if (method != "OPTIONS") {
    const Error error(kUnsupported,
                      concat(quoted(exchange.target.path), " does not take ", quoted(method)));
    log_refusal(error);
    answer = refusal(kMethodNotAllowed, error);
  }
  answer.head.fields.push_back({"Allow", std::move(allow)});
  auto told = co_await exchange.answer(std::move(answer.head), std::move(answer.body));
  co_return told;
}

void HttpSession::log_refusal(const Error& error) {
  // A peer that is refused all the time shall not fill the log.
  if (++refusals_ > limits::kLoggedRefusals) return;
  const bool last = refusals_ == limits::kLoggedRefusals;
  context_.log.warning(concat(stream_.peer(), ": ", error.report(),
                              last ? "; what else it is refused is not logged" : ""));
}

Task<void> HttpSession::refuse(Exchange& exchange, Error error) {
  if (error.is(kCancelled)) {  // the hub stops: nobody is told anything any more
    stream_.cancel();
    co_return;
  }
  log_refusal(error);
  if (exchange.broken()) co_return;
  if (exchange.begun()) {
    // An answer that is cut is the only way left to say that it is not whole.
    stream_.cancel();
    co_return;
  }
  int status = reader_.status();
  if (status == 0) status = status_of(error);
  Refusal answer = refusal(status, error);
  auto answered = co_await exchange.answer(std::move(answer.head), std::move(answer.body));
  static_cast<void>(answered.has_value());  // the exchange is broken then
}

// The reader has failed, and no request is under way.
Task<void> HttpSession::end_because(Error why) {
  const bool in_order = reader_.between_requests() && (why.is(kClosed) || why.is(kTimeout));
  if (!in_order && !why.is(kCancelled)) {
    context_.log.warning(concat(stream_.peer(), ": connection ended: ", why.report()));
  }
  if (reader_.status() != 0) {
    Refusal answer = refusal(reader_.status(), why);
    answer.head.length = answer.body.size();
    const std::string head = http::encode_head(answer.head, /*keep_alive=*/false, /*minor=*/1);
    const socketserver::Parts parts(as_bytes(head), as_bytes(answer.body));
    auto sent = co_await stream_.write_all(parts, limits::kStallTimeoutMs);
    if (sent) co_await intake_.linger();
  }
  stream_.cancel();
}

}  // namespace skein::hub
