// The last line of a transfer: what was done, what was not, and the exit code. Pure but for the
// printing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "cli/output.h"
#include "client/tally.h"

namespace skein::cli {

// What a put told a room of.
struct Announced {
  std::string room;
  std::uint64_t things = 0;  // that are offered there
  Result<void> ended;        // why they are not all that should be
};

struct Transferred {
  const client::Tally& tally;
  Result<void> ended;  // the error that ended it before its time
  std::int64_t elapsed_ms = 0;
  std::string_view verb;      // "sent" or "fetched"
  std::string place;          // "ada-laptop:holiday/" or "./holiday/"
  std::string restore_words;  // how what was replaced is brought back: "skein restore"
  std::optional<Announced> announced = std::nullopt;  // if that was asked for
};

// "done: …"; empty when something is left undone.
[[nodiscard]] std::string done_line(const Transferred& transferred);

// Prints everything and returns the exit code.
Exit report(const Transferred& transferred, OutputFlags flags);

}  // namespace skein::cli
