#include "base/error.h"

#include <cerrno>
#include <system_error>
#include <utility>

#include "base/text.h"

namespace skein {

struct Error::Body {
  ErrorKind kind;
  std::string message;
  std::source_location place;
  std::string hint{};
  std::vector<std::string> doing{};
  int system_code = 0;
  std::int64_t retry_ms = 0;
};

namespace {

ErrorKind kind_of_errno(int code) {
  switch (code) {
    case ENOENT: return kNotFound;
    case EEXIST:
    case ENOTEMPTY: return kExists;
    case ENOTDIR: return kNotAFolder;
    case EISDIR: return kIsAFolder;
    case ELOOP: return kNotAFile;
    case ENAMETOOLONG:
    case EILSEQ: return kBadName;
    case EACCES:
    case EPERM:
    case EXDEV: return kRefused;
    case EROFS: return kReadOnly;
    case ENOSPC:
    case EDQUOT: return kNoSpace;
    case EFBIG: return kTooLarge;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOBUFS: return kTooMany;
    case EBUSY:
    case ETXTBSY:
    case EADDRINUSE: return kBusy;
    case ENOSYS:
    case EOPNOTSUPP: return kUnsupported;
    case ETIMEDOUT: return kTimeout;
    case ECONNRESET:
    case EPIPE:
    case ECONNABORTED: return kClosed;
    case ECANCELED: return kCancelled;
    case ECONNREFUSED:
    case EHOSTUNREACH:
    case ENETUNREACH: return kNoHub;
    default: return kIo;
  }
}

}  // namespace

Error::Error(ErrorKind kind, std::string message, std::source_location place)
    : body_(std::make_unique<Body>(Body{kind, std::move(message), place})) {}

Error Error::from_errno(int code, std::string_view doing, std::source_location place) {
  std::string words = std::generic_category().message(code);
  if (!words.empty() && words[0] >= 'A' && words[0] <= 'Z') {
    words[0] = static_cast<char>(words[0] - 'A' + 'a');
  }
  Error error(kind_of_errno(code), concat(doing, ": ", words), place);
  error.body_->system_code = code;
  return error;
}

// An error that was moved away has no body: it may be copied, assigned and destroyed, no more.
Error::Error(const Error& other)
    : body_(other.body_ ? std::make_unique<Body>(*other.body_) : nullptr) {}
Error& Error::operator=(const Error& other) {
  if (this != &other) *this = Error(other);
  return *this;
}
Error::Error(Error&&) noexcept = default;
Error& Error::operator=(Error&&) noexcept = default;
Error::~Error() = default;

Error Error::while_doing(std::string doing) && {
  body_->doing.push_back(std::move(doing));
  return std::move(*this);
}

Error Error::with_hint(std::string hint) && {
  body_->hint = std::move(hint);
  return std::move(*this);
}

Error Error::with_retry_ms(std::int64_t ms) && {
  body_->retry_ms = ms;
  return std::move(*this);
}

ErrorKind Error::kind() const {
  return body_->kind;
}
const std::string& Error::message() const {
  return body_->message;
}
const std::string& Error::hint() const {
  return body_->hint;
}
std::int64_t Error::retry_ms() const {
  return body_->retry_ms;
}
const std::vector<std::string>& Error::doing() const {
  return body_->doing;
}
std::source_location Error::place() const {
  return body_->place;
}
int Error::system_code() const {
  return body_->system_code;
}

std::string Error::text() const {
  std::string out = body_->message;
  for (const std::string& doing : body_->doing) out += concat(", while ", doing);
  return escaped(out);  // a peer's words may be in it
}

namespace {

// "skein::wire::Dictionary::parse" of a compiler's whole signature, which in a coroutine also names
// its frame: nobody who reads a log wants to.
std::string_view plain_function_name(std::string_view signature) {
  signature = signature.substr(0, signature.find('('));
  return signature.substr(signature.rfind(' ') + 1);
}

}  // namespace

std::string Error::report() const {
  return concat(text(), " [", body_->kind.name, " at ", body_->place.file_name(), ":",
                std::to_string(body_->place.line()), " in ",
                plain_function_name(body_->place.function_name()), "]");
}

}  // namespace skein
