// What went wrong, as a value: its kind, its message, the place in the code where it was noticed,
// and the chain of what was being done. `Result<T>` (result.h) carries one.
//
// An Error is a value without hidden state: any thread may copy, move or read its own.
#pragma once

#include <cstdint>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <vector>

namespace skein {

// What a caller tests. A kind is its name, so anyone can add one of their own in one line:
//     inline constexpr skein::ErrorKind kOutOfPaper{"out_of_paper"};
// The names of the kinds below are also the error codes of the protocol (docs/protocol.md).
struct ErrorKind {
  std::string_view name;  // of static lifetime, lower_snake_case
  friend constexpr bool operator==(ErrorKind a, ErrorKind b) { return a.name == b.name; }
};

inline constexpr ErrorKind kUsage{"usage"};         // the caller asked for it wrongly
inline constexpr ErrorKind kBadFrame{"bad_frame"};  // bytes that are no frame of ours
inline constexpr ErrorKind kBadRequest{
    "bad_request"};                               // a field missing, or of wrong type or value
inline constexpr ErrorKind kBadName{"bad_name"};  // a name that the rules refuse
inline constexpr ErrorKind kUnknownOperation{"unknown_operation"};
inline constexpr ErrorKind kVersion{"version"};  // no protocol version in common
inline constexpr ErrorKind kRefused{"refused"};  // not allowed for this principal
inline constexpr ErrorKind kNotFound{"not_found"};
inline constexpr ErrorKind kExists{"exists"};            // something else stands there
inline constexpr ErrorKind kNotAFolder{"not_a_folder"};  // a file where a folder must be
inline constexpr ErrorKind kIsAFolder{"is_a_folder"};    // a folder where a file must be
inline constexpr ErrorKind kNotAFile{"not_a_file"};      // a link, pipe, device or socket
inline constexpr ErrorKind kChanged{"changed"};          // the source changed while it was read
inline constexpr ErrorKind kDigestMismatch{"digest_mismatch"};  // bytes that are not what was said
inline constexpr ErrorKind kSuperseded{"superseded"};  // a newer session took the transfer over
inline constexpr ErrorKind kIncomplete{"incomplete"};  // blocks are still missing
inline constexpr ErrorKind kNoSpace{"no_space"};       // disk or quota full
inline constexpr ErrorKind kReadOnly{"read_only"};
inline constexpr ErrorKind kTooLarge{"too_large"};  // over a limit on size
inline constexpr ErrorKind kTooMany{"too_many"};    // over a limit on number
inline constexpr ErrorKind kBusy{"busy"};           // held by somebody else
inline constexpr ErrorKind kUnsupported{
    "unsupported"};                    // this kernel, filesystem or version cannot
inline constexpr ErrorKind kIo{"io"};  // the disk or the network failed
inline constexpr ErrorKind kTimeout{"timeout"};
inline constexpr ErrorKind kClosed{"closed"};        // the peer or we ended the connection
inline constexpr ErrorKind kCancelled{"cancelled"};  // we are shutting down, or were told to stop
inline constexpr ErrorKind kNoHub{"no_hub"};         // nobody answers at that address
inline constexpr ErrorKind kInternal{"internal"};    // a bug of ours, caught at a boundary

class Error {
 public:
  // `message` is lower case, without full stop, names in it quoted (text.h).
  Error(ErrorKind kind, std::string message,
        std::source_location place = std::source_location::current());

  // From `errno`: picks the kind, and says "`doing`: <the system's words>".
  static Error from_errno(int code, std::string_view doing,
                          std::source_location place = std::source_location::current());

  Error(const Error& other);
  Error& operator=(const Error& other);
  Error(Error&&) noexcept;
  Error& operator=(Error&&) noexcept;
  ~Error();

  // Adds what was being done when it happened, innermost first: "putting 'a/b.txt'".
  [[nodiscard]] Error while_doing(std::string doing) &&;
  // Adds what the person may do about it; replaces an earlier one.
  [[nodiscard]] Error with_hint(std::string hint) &&;
  // Adds that the same may be tried again after so many milliseconds, and not before.
  [[nodiscard]] Error with_retry_ms(std::int64_t ms) &&;

  [[nodiscard]] ErrorKind kind() const;
  [[nodiscard]] bool is(ErrorKind kind) const { return this->kind() == kind; }
  [[nodiscard]] const std::string& message() const;
  [[nodiscard]] const std::string& hint() const;  // empty: none
  [[nodiscard]] std::int64_t retry_ms() const;    // 0: nobody knows when
  [[nodiscard]] const std::vector<std::string>& doing() const;
  [[nodiscard]] std::source_location place() const;
  [[nodiscard]] int system_code() const;  // errno, or 0

  // For a person: "message, while doing, while doing". One line.
  [[nodiscard]] std::string text() const;
  // For the log and for programmers: text, kind, file:line and function. One line.
  [[nodiscard]] std::string report() const;

 private:
  // One pointer wide, so that a Result<T> and a coroutine frame holding one stay small.
  struct Body;
  std::unique_ptr<Body> body_;
};

}  // namespace skein
