// The two shapes of an answer, built and read in one place by hub and client alike.
// Specified in docs/protocol.md, "Answers". Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/bytes.h"
#include "base/result.h"
#include "wire/dictionary.h"

namespace skein::wire {

// {"id": id, "ok": true}, to be filled further.
[[nodiscard]] Dictionary ok_answer(std::int64_t id);

// The frame of {"id": id, "more": true, "ok": true, "size": payload_bytes}, whose payload follows:
// a part of an answer. It takes no memory, as one message to a room of thousands makes thousands.
class PartHead {
 public:
  PartHead(std::int64_t id, std::size_t payload_bytes);
  [[nodiscard]] Bytes bytes() const { return as_bytes({text_.data(), size_}); }

 private:
  std::array<char, 96> text_{};
  std::size_t size_ = 0;
};

// {"id": id, "ok": false, "error": code, "message": …, "hint": …, "retry_ms": …}; id 0 stands for
// "no request": it is then left out. Kinds that are no code of the protocol go out as "io".
[[nodiscard]] Dictionary error_answer(std::int64_t id, const Error& error);

// Nothing when the answer says ok, else its error, text from outside escaped.
[[nodiscard]] Result<void> check_answer(const Dictionary& answer);

}  // namespace skein::wire
