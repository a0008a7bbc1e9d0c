// The two shapes of an answer, built and read in one place by hub and client alike.
// Specified in docs/protocol.md, "Answers". Pure.
#pragma once

#include <cstdint>

#include "base/result.h"
#include "wire/dictionary.h"

namespace skein::wire {

// {"id": id, "ok": true}, to be filled further.
[[nodiscard]] Dictionary ok_answer(std::int64_t id);

// {"id": id, "ok": false, "error": code, "message": …, "hint": …, "retry_ms": …}; id 0 stands for
// "no request": it is then left out. Kinds that are no code of the protocol go out as "io".
[[nodiscard]] Dictionary error_answer(std::int64_t id, const Error& error);

// Nothing when the answer says ok, else its error, text from outside escaped.
[[nodiscard]] Result<void> check_answer(const Dictionary& answer);

}  // namespace skein::wire
