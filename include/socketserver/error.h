// The exceptions of the library: what is thrown by it, what a handler may throw, and what a server
// tells of a request that failed. Values; any thread.
//
//     std::system_error
//       Error
//         AddressError         where to listen or whom to call is wrong
//           AddressInUse         somebody listens there already; the message says who, if known
//           AddressNotOurs       no interface of this machine has it
//           NameNotFound         no address is known for the name
//           PermissionDenied     the system does not let us
//         ConnectionError      the connection is of no more use
//           ConnectionClosed     it ended where more was needed, or was ended under us
//           ConnectionReset      the peer threw it away
//           ConnectionRefused    nobody listens there
//         TimeoutError         it took longer than was allowed
//         LimitExceeded        it is larger than was allowed
//         ServerClosed         the server is stopping, or was closed
//
// One of your own takes two lines; both of its constructors come with it, and its name is its kind:
//     struct OutOfPaper : socketserver::Error {
//       using Error::Error; };
//     throw OutOfPaper("tray 2 is empty");
#pragma once

#include <exception>
#include <memory>
#include <source_location>
#include <string>
#include <system_error>

#include "socketserver/address.h"

namespace socketserver {

class Error : public std::system_error {
 public:
  // `message`: for a person, lower case and without full stop. code() has the value 0.
  explicit Error(std::string message, std::source_location place = std::source_location::current());
  // `system_code` is an errno, for code(); the message does not change by it.
  Error(int system_code, std::string message,
        std::source_location place = std::source_location::current());

  // The message as it was given.
  [[nodiscard]] const char* what() const noexcept override { return message_->c_str(); }
  [[nodiscard]] const std::string& message() const noexcept { return *message_; }
  // The name of its type: "socketserver::TimeoutError".
  [[nodiscard]] std::string kind() const;
  // Where it was noticed: by default where the constructor was called.
  [[nodiscard]] std::source_location place() const noexcept { return place_; }
  // For the log: "KIND: MESSAGE (FILE:LINE, FUNCTION)". One line.
  [[nodiscard]] std::string report() const;

 private:
  std::shared_ptr<const std::string> message_;  // shared, so that a copy cannot throw
  std::source_location place_;
};

struct AddressError : Error {
  using Error::Error;
};
struct AddressInUse : AddressError {
  using AddressError::AddressError;
};
struct AddressNotOurs : AddressError {
  using AddressError::AddressError;
};
struct NameNotFound : AddressError {
  using AddressError::AddressError;
};
struct PermissionDenied : AddressError {
  using AddressError::AddressError;
};

struct ConnectionError : Error {
  using Error::Error;
};
struct ConnectionClosed : ConnectionError {
  using ConnectionError::ConnectionError;
};
struct ConnectionReset : ConnectionError {
  using ConnectionError::ConnectionError;
};
struct ConnectionRefused : ConnectionError {
  using ConnectionError::ConnectionError;
};

struct TimeoutError : Error {
  using Error::Error;
};
struct LimitExceeded : Error {
  using Error::Error;
};
struct ServerClosed : Error {
  using Error::Error;
};

// Throws the class that fits an errno, with "DOING: <the system's words>" as its message.
[[noreturn]] void throw_system_error(int system_code, const std::string& doing,
                                     std::source_location place = std::source_location::current());

// A request that failed, as handle_error() is told of it: what was thrown, of whatever type.
struct RequestFailure {
  std::string type;     // "std::out_of_range"; empty if it was no std::exception
  std::string message;  // as it was thrown; control characters are escaped
  // Where an Error was noticed. Other exceptions do not carry it: line() is then 0.
  std::source_location place;
  Address peer;       // who asked; unnamed or none for most Unix clients
  std::string doing;  // what the server was at: "Upper::handle"; may be empty
  std::exception_ptr exception;

  static RequestFailure from(std::exception_ptr exception, Address peer, std::string doing = {});
  // One line: "127.0.0.1:5000: Upper::handle: std::out_of_range: no such row (FILE:LINE, FUNCTION)"
  [[nodiscard]] std::string text() const;
};

}  // namespace socketserver
