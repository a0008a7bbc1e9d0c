// The dictionary of a frame: one JSON object whose members that matter here are text, whole
// numbers and flags. Specified in docs/protocol.md, "The dictionary".
//
// One parser reads every dictionary, so all ways in agree: of a key given twice the last counts,
// a member that is null counts as absent, unknown members are ignored.
// A Dictionary is a value; any thread may use its own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"

namespace skein::wire {

class Dictionary {
 public:
  // `json` is one JSON object in UTF-8 and nothing else; kBadFrame when it is not, or when it is
  // nested deeper than spec::kMaxJsonDepth.
  static Result<Dictionary> parse(std::string_view json);

  // One line, no line break in it. Text that is not UTF-8 is escaped (base/text.h) first.
  [[nodiscard]] std::string to_json() const;

  Dictionary& set(std::string_view key, std::string value);
  Dictionary& set(std::string_view key, std::string_view value);
  Dictionary& set(std::string_view key, const char* value);
  Dictionary& set(std::string_view key, std::int64_t value);  // within ±spec::kMaxInteger
  Dictionary& set(std::string_view key, int value);
  Dictionary& set(std::string_view key, bool value);

  [[nodiscard]] bool has(std::string_view key) const;

  // The member, or nothing when it is absent; kBadRequest naming the key when it is of another
  // type, or outside [least, most] (fractions, exponents and numbers above 2^53 are).
  [[nodiscard]] Result<std::optional<std::string>> text_if(std::string_view key) const;
  [[nodiscard]] Result<std::optional<std::int64_t>> integer_if(std::string_view key,
                                                               std::int64_t least,
                                                               std::int64_t most) const;
  [[nodiscard]] Result<std::optional<bool>> flag_if(std::string_view key) const;

  // The same for members that must be there: kBadRequest when absent.
  [[nodiscard]] Result<std::string> text(std::string_view key) const;
  [[nodiscard]] Result<std::int64_t> integer(std::string_view key, std::int64_t least,
                                             std::int64_t most) const;
  // Absent means false.
  [[nodiscard]] Result<bool> flag(std::string_view key) const;

 private:
  struct Other {};  // present, but nothing that any operation takes: a list, a fraction, …
  using Value = std::variant<std::string, std::int64_t, bool, Other>;
  struct Member {
    std::string key;
    Value value;
  };
  [[nodiscard]] const Value* find(std::string_view key) const;
  Value& member(std::string_view key);  // made when absent

  // By key. They are few, and every frame has some: one piece of memory for all of them.
  std::vector<Member> members_;
};

}  // namespace skein::wire
