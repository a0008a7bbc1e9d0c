#include "socketserver/error.h"

#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "socketserver/raise.h"
#include "socketserver/type_name.h"

namespace socketserver {

using skein::concat;

namespace {

std::string where(const std::source_location& place) {
  if (place.line() == 0) return {};
  return concat(" (", place.file_name(), ":", std::to_string(place.line()), ", ",
                place.function_name(), ")");
}

}  // namespace

Error::Error(std::string message, std::source_location place)
    : Error(0, std::move(message), place) {}

Error::Error(int system_code, std::string message, std::source_location place)
    : std::system_error(system_code, std::system_category()),
      message_(std::make_shared<const std::string>(std::move(message))),
      place_(place) {}

std::string Error::kind() const {
  return type_name(typeid(*this));
}

std::string Error::report() const {
  return concat(kind(), ": ", skein::escaped(message()), where(place_));
}

void throw_system_error(int system_code, const std::string& doing, std::source_location place) {
  raise(skein::Error::from_errno(system_code, doing, place));
}

RequestFailure RequestFailure::from(std::exception_ptr exception, Address peer, std::string doing) {
  RequestFailure failure;
  failure.peer = std::move(peer);
  failure.doing = std::move(doing);
  failure.exception = exception;
  try {
    std::rethrow_exception(std::move(exception));
  } catch (const Error& error) {
    failure.type = error.kind();
    failure.message = skein::escaped(error.message());
    failure.place = error.place();
  } catch (const skein::Error& error) {
    failure.type = type_name(typeid(error));
    failure.message = error.text();
    failure.place = error.place();
  } catch (const std::exception& error) {
    failure.type = type_name(typeid(error));
    failure.message = skein::escaped(error.what());
  } catch (...) {
    failure.message = "something that is no std::exception";
  }
  return failure;
}

std::string RequestFailure::text() const {
  std::string line = concat(peer.text(), ": ");
  if (!doing.empty()) line += concat(doing, ": ");
  if (!type.empty()) line += concat(type, ": ");
  return concat(line, message, where(place));
}

}  // namespace socketserver
