#include "http/target.h"

#include <algorithm>

#include "base/bytes.h"
#include "base/text.h"
#include "http/ascii.h"

namespace skein::http {

namespace {

constexpr int kNoDigit = -1;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return kNoDigit;
}

enum class Part { kPath, kQuery };

Result<std::string> decoded(std::string_view text, Part part) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t at = 0; at < text.size(); ++at) {
    char c = text[at];
    if (c == '%') {
      const int high = at + 2 < text.size() ? hex_digit(text[at + 1]) : kNoDigit;
      const int low = at + 2 < text.size() ? hex_digit(text[at + 2]) : kNoDigit;
      if (high == kNoDigit || low == kNoDigit) {
        return fail(kBadRequest, concat("in ", quoted(text), " '%' stands without two digits"));
      }
      c = static_cast<char>(high * 16 + low);
      at += 2;
      if (c == '/' && part == Part::kPath) {
        return fail(kBadRequest, concat("an encoded '/' in ", quoted(text)));
      }
    } else if (c == '+' && part == Part::kQuery) {
      c = ' ';
    }
    if (c == '\0') return fail(kBadRequest, concat("a NUL in ", quoted(text)));
    out += c;
  }
  if (!is_utf8(out)) return fail(kBadRequest, concat(quoted(text), " is not UTF-8"));
  return out;
}

}  // namespace

std::optional<std::string_view> Target::parameter(std::string_view name) const {
  for (auto it = query.rbegin(); it != query.rend(); ++it) {
    if (it->name == name) return it->value;
  }
  return std::nullopt;
}

Result<Target> parse_target(std::string_view target) {
  if (!target.starts_with('/')) {
    return fail(kBadRequest, concat("the target ", quoted(target), " does not begin with '/'"));
  }
  if (target.contains('#')) {
    return fail(kBadRequest, concat("a fragment in the target ", quoted(target)));
  }
  const std::size_t mark = std::min(target.find('?'), target.size());
  Target out;
  TRY_ASSIGN(out.path, decoded(target.substr(0, mark), Part::kPath));

  std::string_view rest = target.substr(std::min(mark + 1, target.size()));
  while (!rest.empty()) {
    const std::string_view pair = rest.substr(0, rest.find('&'));
    rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
    if (pair.empty()) continue;
    const std::size_t equals = std::min(pair.find('='), pair.size());
    TRY_ASSIGN(std::string name, decoded(pair.substr(0, equals), Part::kQuery));
    TRY_ASSIGN(std::string value,
               decoded(pair.substr(std::min(equals + 1, pair.size())), Part::kQuery));
    out.query.push_back({std::move(name), std::move(value)});
  }
  return out;
}

}  // namespace skein::http
