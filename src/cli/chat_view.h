// What a chat looks like, and what is typed into it. Pure, any thread.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "chat/message.h"
#include "client/talk.h"

namespace skein::cli {

// "/join holiday" is a command: word "join", rest "holiday". Anything else is text, with an empty
// word; "//x" is the text "/x".
struct ChatInput {
  std::string word;
  std::string rest;
  friend bool operator==(const ChatInput&, const ChatInput&) = default;
};
[[nodiscard]] ChatInput parse_chat_input(std::string_view line);

// The first word of the text and what follows it, without the white space around.
struct FirstWord {
  std::string word;
  std::string rest;
};
[[nodiscard]] FirstWord first_word(std::string_view text);

// "lin is here", "ada, eve and 3 more have left": a line for those who came, one for those who
// went.
[[nodiscard]] std::vector<std::string> presence_lines(const std::vector<client::Presence>& changed);

class ChatView {
 public:
  explicit ChatView(bool colours) : colours_(colours) {}

  // A message in lines, above them the day when it is another than that of the message before.
  // `mark` stands before the name: the room, where it is not the one that is shown. Everything
  // from outside is escaped. What the message offers gets a number.
  [[nodiscard]] std::vector<std::string> lines(const chat::Message& message, std::string_view mark);
  void forget_day() { day_.clear(); }

  // The path that was offered under this number; none: nothing was, or it is too long ago.
  [[nodiscard]] std::optional<std::string> offered(std::string_view number) const;

  [[nodiscard]] std::string dim(std::string_view text) const;
  // The name, escaped, in a colour that is always the same for it.
  [[nodiscard]] std::string name(std::string_view name) const;

 private:
  std::int64_t offer(const std::string& path);

  const bool colours_;
  std::string day_;
  std::deque<std::string> offers_;
  std::int64_t first_offer_ = 1;  // the number of offers_.front()
};

}  // namespace skein::cli
