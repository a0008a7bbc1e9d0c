#include "wire/dictionary.h"

#include <boost/json.hpp>
#include <cassert>
#include <utility>

#include "base/limits.h"
#include "base/text.h"

namespace skein::wire {

namespace json = boost::json;

namespace {

std::unexpected<Error> wrong_type(std::string_view key, std::string_view wanted) {
  return fail(kBadRequest, concat("field ", quoted(key), " must be ", wanted));
}

std::unexpected<Error> absent(std::string_view key) {
  return fail(kBadRequest, concat("field ", quoted(key), " is missing"));
}

}  // namespace

Result<Dictionary> Dictionary::parse(std::string_view text) {
  json::parse_options options;
  options.max_depth = spec::kMaxJsonDepth;
  json::error_code error;
  const json::value value = json::parse(text, error, {}, options);
  if (error) return fail(kBadFrame, concat("the dictionary is not JSON: ", error.message()));
  const json::object* object = value.if_object();
  if (object == nullptr) return fail(kBadFrame, "the dictionary is not a JSON object");

  Dictionary out;
  for (const json::key_value_pair& member : *object) {
    const json::value& v = member.value();
    Value& slot = out.members_.emplace(std::string(member.key()), Other{}).first->second;
    if (v.is_string()) {
      slot = std::string(v.get_string());
    } else if (v.is_bool()) {
      slot = v.get_bool();
    } else if (v.is_int64() && v.get_int64() <= spec::kMaxInteger &&
               v.get_int64() >= -spec::kMaxInteger) {
      slot = v.get_int64();
    } else if (v.is_null()) {
      out.members_.erase(std::string(member.key()));
    }
  }
  return out;
}

std::string Dictionary::to_json() const {
  json::object object;
  for (const auto& [key, value] : members_) {
    if (const auto* text = std::get_if<std::string>(&value)) {
      object[key] = is_utf8(*text) ? *text : escaped(*text);
    } else if (const auto* number = std::get_if<std::int64_t>(&value)) {
      object[key] = *number;
    } else if (const auto* flag = std::get_if<bool>(&value)) {
      object[key] = *flag;
    }
  }
  return json::serialize(object);
}

Dictionary& Dictionary::set(std::string_view key, std::string value) {
  members_.insert_or_assign(std::string(key), std::move(value));
  return *this;
}
Dictionary& Dictionary::set(std::string_view key, std::string_view value) {
  return set(key, std::string(value));
}
Dictionary& Dictionary::set(std::string_view key, const char* value) {
  return set(key, std::string(value));
}
Dictionary& Dictionary::set(std::string_view key, std::int64_t value) {
  assert(value <= spec::kMaxInteger && value >= -spec::kMaxInteger);
  members_.insert_or_assign(std::string(key), value);
  return *this;
}
Dictionary& Dictionary::set(std::string_view key, int value) {
  return set(key, std::int64_t{value});
}
Dictionary& Dictionary::set(std::string_view key, bool value) {
  members_.insert_or_assign(std::string(key), value);
  return *this;
}

bool Dictionary::has(std::string_view key) const {
  return members_.contains(key);
}

Result<std::optional<std::string>> Dictionary::text_if(std::string_view key) const {
  const auto found = members_.find(key);
  if (found == members_.end()) return std::nullopt;
  if (const auto* text = std::get_if<std::string>(&found->second)) return *text;
  return wrong_type(key, "text");
}

Result<std::optional<std::int64_t>> Dictionary::integer_if(std::string_view key, std::int64_t least,
                                                           std::int64_t most) const {
  const auto found = members_.find(key);
  if (found == members_.end()) return std::nullopt;
  const auto* number = std::get_if<std::int64_t>(&found->second);
  if (number == nullptr || *number < least || *number > most) {
    return wrong_type(
        key, concat("a whole number from ", std::to_string(least), " to ", std::to_string(most)));
  }
  return *number;
}

Result<std::optional<bool>> Dictionary::flag_if(std::string_view key) const {
  const auto found = members_.find(key);
  if (found == members_.end()) return std::nullopt;
  if (const auto* flag = std::get_if<bool>(&found->second)) return *flag;
  return wrong_type(key, "true or false");
}

Result<std::string> Dictionary::text(std::string_view key) const {
  TRY_ASSIGN(std::optional<std::string> value, text_if(key));
  if (!value) return absent(key);
  return *std::move(value);
}

Result<std::int64_t> Dictionary::integer(std::string_view key, std::int64_t least,
                                         std::int64_t most) const {
  TRY_ASSIGN(const std::optional<std::int64_t> value, integer_if(key, least, most));
  if (!value) return absent(key);
  return *value;
}

Result<bool> Dictionary::flag(std::string_view key) const {
  TRY_ASSIGN(const std::optional<bool> value, flag_if(key));
  return value.value_or(false);
}

}  // namespace skein::wire
