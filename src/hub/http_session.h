// A connection that speaks HTTP: its requests one after the other, each checked, carried out and
// answered before the next is looked at. The loop's thread only.
#pragma once

#include <cstddef>
#include <string>

#include "base/result.h"
#include "hub/context.h"
#include "hub/exchange.h"
#include "hub/http_reader.h"
#include "hub/intake.h"
#include "socketserver/stream.h"
#include "socketserver/task.h"

namespace skein::hub {

class HttpSession {
 public:
  // All outlive it; `intake` may hold what was received already.
  HttpSession(Context& context, socketserver::Stream& stream, Intake& intake)
      : context_(context), stream_(stream), intake_(intake), reader_(intake) {}
  HttpSession(const HttpSession&) = delete;
  HttpSession& operator=(const HttpSession&) = delete;

  // Until either side ends the connection; whatever went wrong was answered and logged.
  socketserver::Task<void> run();

 private:
  socketserver::Task<bool> take_request();
  socketserver::Task<Result<void>> carry_out(Exchange& exchange);
  socketserver::Task<Result<void>> tell_methods(Exchange& exchange, std::string allow);
  socketserver::Task<void> refuse(Exchange& exchange, Error error);
  socketserver::Task<void> end_because(Error why);
  void log_refusal(const Error& error);

  Context& context_;
  socketserver::Stream& stream_;
  Intake& intake_;
  HttpReader reader_;
  std::size_t refusals_ = 0;
};

}  // namespace skein::hub
