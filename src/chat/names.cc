#include "chat/names.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>
#include <unicode/stringpiece.h>
#include <unicode/uchar.h>
#include <unicode/uspoof.h>
#include <unicode/utypes.h>

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "base/limits.h"
#include "base/text.h"
#include "socketserver/address.h"

namespace skein::chat {

namespace {

constexpr std::string_view kMember = "member";

using Form = const icu::Normalizer2* (*)(UErrorCode&);

// ICU has its tables within itself: beyond a lack of memory nothing can fail here.
std::string in_form(Form form, std::string_view text) {
  UErrorCode code = U_ZERO_ERROR;
  const icu::Normalizer2* const normalizer = form(code);
  assert(U_SUCCESS(code));
  std::string out;
  icu::StringByteSink<std::string> sink(&out);
  const icu::StringPiece piece(text.data(), static_cast<std::int32_t>(text.size()));
  normalizer->normalizeUTF8(0, piece, sink, nullptr, code);
  assert(U_SUCCESS(code));
  return out;
}

// NFKC_Casefold is the fold that Unicode made for identifiers: beside case it takes away what only
// lays characters out (full-width letters, ligatures) and what shows nothing, it is closed under
// normalising, and of characters that are assigned it never changes, so that it can be stored.
std::string fold(std::string_view text) {
  return in_form(icu::Normalizer2::getNFKCCasefoldInstance, text);
}

struct Close {
  void operator()(USpoofChecker* checker) const { uspoof_close(checker); }
};

std::string skeleton(const std::string& text) {
  UErrorCode code = U_ZERO_ERROR;
  const std::unique_ptr<USpoofChecker, Close> checker(uspoof_open(&code));
  assert(U_SUCCESS(code));
  const auto size = static_cast<std::int32_t>(text.size());
  std::string out(text.size() * 4, '\0');
  while (true) {
    code = U_ZERO_ERROR;
    const std::int32_t needed =
        uspoof_getSkeletonUTF8(checker.get(), 0, text.data(), size, out.data(),
                               static_cast<std::int32_t>(out.size()), &code);
    const bool fits = code != U_BUFFER_OVERFLOW_ERROR;
    assert(!fits || U_SUCCESS(code));
    out.resize(static_cast<std::size_t>(needed));
    if (fits) return out;
  }
}

// The skeleton without case. Twice, because what is a capital in a skeleton (`0` becomes `O`, a
// Greek capital Mu `M`) may be confusable itself as a small letter (`m` becomes `rn`).
std::string look_of(std::string_view text) {
  std::string look = in_form(icu::Normalizer2::getNFKCInstance, text);
  for (int i = 0; i < 2; ++i) look = fold(skeleton(look));
  return look;
}

bool is_mark(UChar32 c) {
  return (U_GET_GC_MASK(c) & U_GC_M_MASK) != 0;
}

// The blank of Braille is a symbol to Unicode, and white to whoever looks.
bool is_white(UChar32 c) {
  return u_isUWhiteSpace(c) || c == 0x2800;
}

// '/' itself, and signs that pass for it: on an open hub `local/NAME` is how a member is marked.
// Letters that resemble it (as in Japanese) are letters.
bool is_slash(std::string_view character, UChar32 c) {
  return c == '/' || (!u_isalpha(c) && skeleton(std::string(character)) == "/");
}

// Why one character is refused after `before` (0: it is the first); empty when it is not.
std::string_view fault_of_character(std::string_view character, UChar32 c, UChar32 before) {
  switch (u_charType(c)) {
    case U_CONTROL_CHAR:
    case U_LINE_SEPARATOR:
    case U_PARAGRAPH_SEPARATOR: return "a control character";
    case U_FORMAT_CHAR: return "a format character";
    case U_PRIVATE_USE_CHAR: return "a character for private use";
    case U_UNASSIGNED: return "a character without a meaning";
    default: break;
  }
  // What asks for a picture in colour, or for a plain one, belongs to many emoji.
  const bool chooses_picture = c == 0xFE0F || c == 0xFE0E;
  if (chooses_picture && before != 0 && u_hasBinaryProperty(before, UCHAR_EMOJI)) return {};
  if (u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT)) return "a hidden character";
  if (is_white(c) && before == 0) return "white space at its beginning";
  if (is_white(c) && is_white(before)) return "white space twice in a row";
  if (is_mark(c) && before == 0) return "a combining mark at its beginning";
  if (is_slash(character, c)) return "a '/', or what looks like one";
  return {};
}

std::string_view fault_of(std::string_view name) {
  if (name.empty()) return "no characters";
  if (name.size() > spec::kMaxNameBytes) return "more than 64 bytes";
  if (!is_utf8(name)) return "bytes that are not UTF-8";
  UChar32 before = 0;
  for (std::string_view rest = name; !rest.empty();) {
    const CodePoint point = first_code_point(rest);
    const auto c = static_cast<UChar32>(point.value);
    const auto fault = fault_of_character(rest.substr(0, point.size), c, before);
    if (!fault.empty()) return fault;
    before = c;
    rest.remove_prefix(point.size);
  }
  if (is_white(before)) return "white space at its end";
  return {};
}

// What folding brings out: other widths and forms of these signs, alone or within one character.
std::string_view fault_of_folded(std::string_view folded) {
  if (folded.starts_with('@') || folded.starts_with('#')) return "a '@' or '#' at its beginning";
  if (folded.contains('/')) return "a '/', or what looks like one";
  return {};
}

// What looks like a number of an address, alone or with a port: so are guests called, and a member
// of such a name would pass for one.
bool looks_like_address(std::string look) {
  // As a look has them: 1 is l, 0 is o, [ and ] are ( and ).
  constexpr std::string_view kLooks = "lo()";
  constexpr std::string_view kMeant = "10[]";
  for (char& c : look) {
    const std::size_t at = kLooks.find(c);
    if (at != std::string_view::npos) c = kMeant[at];
  }
  std::string_view host = look;
  if (socketserver::Address::from_number(host, 0)) return true;
  host = host.substr(0, host.rfind(':'));
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return socketserver::Address::from_number(host, 0).has_value();
}

std::unexpected<Error> refuse(std::string_view name, std::string_view what,
                              std::string_view fault) {
  return std::unexpected(
      Error(kBadName, concat("name ", quoted(name), " of a ", what, " is refused: it has ", fault))
          .with_hint("choose another; docs/protocol.md says what such a name may be"));
}

}  // namespace

bool Name::looks_like(const Name& other) const {
  return std::ranges::find_first_of(looks, other.looks) != looks.end();
}

Result<Name> parse_name(std::string_view name, std::string_view what) {
  if (const auto fault = fault_of(name); !fault.empty()) return refuse(name, what, fault);
  Name parsed;
  parsed.shown = in_form(icu::Normalizer2::getNFCInstance, name);
  if (const auto fault = fault_of(parsed.shown); !fault.empty()) return refuse(name, what, fault);
  parsed.folded = fold(parsed.shown);
  if (const auto fault = fault_of_folded(parsed.folded); !fault.empty()) {
    return refuse(name, what, fault);
  }
  parsed.looks = {look_of(parsed.shown), look_of(parsed.folded)};
  if (what == kMember && looks_like_address(parsed.looks[1])) {
    return refuse(name, what, "the form of an address, as guests have");
  }
  return parsed;
}

}  // namespace skein::chat
