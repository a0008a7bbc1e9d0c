// Names of rooms and members: which are taken as they are, which are refused, and which are so much
// alike that they cannot both be. ICU stands behind this file. Pure, any thread.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "base/result.h"

namespace skein::chat {

struct Name {
  std::string shown;   // in normal form C, otherwise as given
  std::string folded;  // what is the same name: Unicode's NFKC_Casefold
  // What looks the same (Unicode TS 39): of the name as it is shown, and of it folded. Both,
  // because people type in small letters what they saw in capitals: `Iin` looks like `lin`, and
  // `LIN`, which is `lin`, does not.
  std::array<std::string, 2> looks;

  [[nodiscard]] bool looks_like(const Name& other) const;
};

// kBadName, saying why: empty, over spec::kMaxNameBytes as given or as shown, not UTF-8, with
// control, format, private or unassigned characters or others that show nothing, with white space
// at an end or twice in a row, with a '/' or what looks like one, beginning with '@' or '#' or a
// combining mark; of a member also what looks like an address, as guests are called. `what` is
// "room" or "member".
Result<Name> parse_name(std::string_view name, std::string_view what);

}  // namespace skein::chat
