#include "hub/posted.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "http/ascii.h"
#include "hub/exchange.h"
#include "store/path.h"
#include "wire/dictionary.h"
#include "wire/protocol.h"

namespace skein::hub {

namespace field = wire::field;

namespace {

constexpr std::string_view kLineEnd = "\r\n";

// Off the front, up to the sign.
std::string_view take_until(std::string_view& text, char sign) {
  const std::string_view front = text.substr(0, text.find(sign));
  text.remove_prefix(std::min(front.size() + 1, text.size()));
  return http::trimmed(front);
}

bool is_utf8_charset(std::string_view parameters) {
  while (!parameters.empty()) {
    std::string_view parameter = take_until(parameters, ';');
    if (!http::equal_ignoring_case(take_until(parameter, '='), "charset")) continue;
    if (parameter.starts_with('"') && parameter.ends_with('"') && parameter.size() > 1) {
      parameter = parameter.substr(1, parameter.size() - 2);
    }
    if (!http::equal_ignoring_case(parameter, "utf-8") &&
        !http::equal_ignoring_case(parameter, "us-ascii")) {
      return false;
    }
  }
  return true;
}

}  // namespace

Result<PostedType> PostedType::parse(std::string_view content_type) {
  std::string_view parameters = content_type;
  const std::string_view type = take_until(parameters, ';');
  const bool json = http::equal_ignoring_case(type, "application/json");
  const bool text = type.empty() || http::equal_ignoring_case(type, "text/plain") ||
                    http::equal_ignoring_case(type, "application/x-www-form-urlencoded");
  if ((json || text) && is_utf8_charset(parameters)) return PostedType(json);
  return std::unexpected(
      Error(kUnsupportedMedia, concat("a message cannot be ", quoted(content_type)))
          .with_hint("send text/plain or application/json, in UTF-8"));
}

std::size_t PostedType::most_bytes() const {
  return json_ ? limits::kMaxJsonBodyBytes : spec::kMaxMessageBytes + kLineEnd.size();
}

Result<Posted> PostedType::read(std::string body) const {
  Posted posted;
  if (!json_) {
    posted.text = std::move(body);
    if (posted.text.ends_with('\n')) {
      posted.text.resize(posted.text.size() - (posted.text.ends_with(kLineEnd) ? 2 : 1));
    }
    return posted;
  }
  const auto fields = wire::Dictionary::parse(body);
  if (!fields) return fail(kBadRequest, concat("no message: ", fields.error().message()));
  TRY_ASSIGN(auto text, fields->text_if(field::kText));
  posted.text = std::move(text).value_or("");
  TRY_ASSIGN(posted.cid, fields->text_if(field::kCid));
  TRY_ASSIGN(auto file, fields->text_if(field::kFile));
  if (file) {
    TRY(store::Path::parse(*file));
    posted.file = *std::move(file);
  }
  return posted;
}

}  // namespace skein::hub
