#include "wire/dictionary.h"

#include <algorithm>
#include <array>
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

// As a string of JSON.
void append_text(std::string& out, std::string_view text) {
  if (!is_utf8(text)) return append_text(out, escaped(text));
  const auto plain = [](char c) {
    return static_cast<unsigned char>(c) >= 0x20 && c != '"' && c != '\\';
  };
  if (std::ranges::all_of(text, plain)) {  // as most are: many times as fast
    out += '"';
    out += text;
    out += '"';
  } else {
    out += json::serialize(json::string_view(text));
  }
}

}  // namespace

Result<Dictionary> Dictionary::parse(std::string_view text) {
  std::array<unsigned char, 4096> place{};  // most need no more
  json::monotonic_resource memory(place.data(), place.size());
  json::parse_options options;
  options.max_depth = spec::kMaxJsonDepth;
  json::error_code error;
  const json::value value = json::parse(text, error, &memory, options);
  if (error) return fail(kBadFrame, concat("the dictionary is not JSON: ", error.message()));
  const json::object* object = value.if_object();
  if (object == nullptr) return fail(kBadFrame, "the dictionary is not a JSON object");

  Dictionary out;
  out.members_.reserve(object->size());
  for (const json::key_value_pair& member : *object) {
    const json::value& v = member.value();
    if (v.is_null()) continue;
    Value& slot = out.members_.emplace_back(std::string(member.key()), Other{}).value;
    if (v.is_string()) {
      slot = std::string(v.get_string());
    } else if (v.is_bool()) {
      slot = v.get_bool();
    } else if (v.is_int64() && v.get_int64() <= spec::kMaxInteger &&
               v.get_int64() >= -spec::kMaxInteger) {
      slot = v.get_int64();
    }
  }
  std::ranges::sort(out.members_, {}, &Member::key);
  return out;
}

std::string Dictionary::to_json() const {
  std::string out = "{";
  for (const auto& [key, value] : members_) {
    if (std::holds_alternative<Other>(value)) continue;
    if (out.size() > 1) out += ',';
    append_text(out, key);
    out += ':';
    if (const auto* text = std::get_if<std::string>(&value)) {
      append_text(out, *text);
    } else if (const auto* number = std::get_if<std::int64_t>(&value)) {
      out += std::to_string(*number);
    } else {
      out += std::get<bool>(value) ? "true" : "false";
    }
  }
  out += '}';
  return out;
}

const Dictionary::Value* Dictionary::find(std::string_view key) const {
  const auto found = std::ranges::lower_bound(members_, key, {}, &Member::key);
  return found == members_.end() || found->key != key ? nullptr : &found->value;
}

Dictionary::Value& Dictionary::member(std::string_view key) {
  constexpr std::size_t kUsual = 8;
  if (members_.empty()) members_.reserve(kUsual);
  auto found = std::ranges::lower_bound(members_, key, {}, &Member::key);
  if (found == members_.end() || found->key != key) {
    found = members_.insert(found, Member{std::string(key), Other{}});
  }
  return found->value;
}

Dictionary& Dictionary::set(std::string_view key, std::string value) {
  member(key) = std::move(value);
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
  member(key) = value;
  return *this;
}
Dictionary& Dictionary::set(std::string_view key, int value) {
  return set(key, std::int64_t{value});
}
Dictionary& Dictionary::set(std::string_view key, bool value) {
  member(key) = value;
  return *this;
}

bool Dictionary::has(std::string_view key) const {
  return find(key) != nullptr;
}

Result<std::optional<std::string>> Dictionary::text_if(std::string_view key) const {
  const Value* const found = find(key);
  if (found == nullptr) return std::nullopt;
  if (const auto* text = std::get_if<std::string>(found)) return *text;
  return wrong_type(key, "text");
}

Result<std::optional<std::int64_t>> Dictionary::integer_if(std::string_view key, std::int64_t least,
                                                           std::int64_t most) const {
  const Value* const found = find(key);
  if (found == nullptr) return std::nullopt;
  const auto* number = std::get_if<std::int64_t>(found);
  if (number == nullptr || *number < least || *number > most) {
    return wrong_type(
        key, concat("a whole number from ", std::to_string(least), " to ", std::to_string(most)));
  }
  return *number;
}

Result<std::optional<bool>> Dictionary::flag_if(std::string_view key) const {
  const Value* const found = find(key);
  if (found == nullptr) return std::nullopt;
  if (const auto* flag = std::get_if<bool>(found)) return *flag;
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
