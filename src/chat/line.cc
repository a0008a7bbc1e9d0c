#include "chat/line.h"

#include <utility>

#include "base/bytes.h"
#include "base/limits.h"
#include "wire/dictionary.h"
#include "wire/protocol.h"

namespace skein::chat {

namespace field = wire::field;

std::string encode_line(const Message& message, std::string_view room) {
  wire::Dictionary line;
  line.set(field::kSeq, message.seq)
      .set(field::kNumber, message.number)
      .set(field::kFrom, message.from)
      .set(field::kTs, message.ts_ms)
      .set(field::kText, message.text);
  if (!message.file.empty()) line.set(field::kFile, message.file);
  if (!room.empty()) line.set(field::kRoom, room);
  std::string text = line.to_json();
  text += '\n';
  return text;
}

std::string add_room(std::string_view line, std::string_view room) {
  wire::Dictionary front;
  front.set(field::kRoom, room);
  std::string text = front.to_json();
  text.back() = ',';  // its members, and those of the line, in one object
  text += line.substr(1);
  return text;
}

Result<Message> decode_line(std::string_view line) {
  TRY_ASSIGN(const wire::Dictionary fields, wire::Dictionary::parse(line));
  Message message;
  TRY_ASSIGN(message.seq, fields.integer(field::kSeq, 1, spec::kMaxInteger));
  TRY_ASSIGN(message.number, fields.integer(field::kNumber, 1, spec::kMaxInteger));
  TRY_ASSIGN(message.from, fields.text(field::kFrom));
  TRY_ASSIGN(message.ts_ms, fields.integer(field::kTs, -spec::kMaxInteger, spec::kMaxInteger));
  TRY_ASSIGN(message.text, fields.text(field::kText));
  TRY_ASSIGN(auto file, fields.text_if(field::kFile));
  message.file = std::move(file).value_or("");
  return message;
}

std::string cid_text(const Cid& cid) {
  return to_hex(cid);
}

}  // namespace skein::chat
