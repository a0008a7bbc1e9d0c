#include "chat/line.h"

#include <gtest/gtest.h>

#include <string>

#include "wire/dictionary.h"

namespace skein::chat {
namespace {

// Every sign that ends a line somewhere, or begins something that a terminal or a page would obey.
constexpr std::string_view kHostile =
    "a\nb\r\nc\rd\u0085\u2028\u2029\v\f</script>\"\\\x1b[2J data: id: 7";

Message message(std::string text) {
  Message one;
  one.number = 31;
  one.room = 1;
  one.seq = 7;
  one.from = "lin\n";
  one.ts_ms = 1'700'000'004'567;
  one.text = std::move(text);
  return one;
}

TEST(Line, IsOneLineWhateverTheTextAndReadsBack) {
  for (const std::string& line :
       {encode_line(message(std::string(kHostile)), "a\nroom"),
        add_room(encode_line(message(std::string(kHostile))), "a\nroom")}) {
    EXPECT_EQ(line.find_first_of("\n\r\x1b"), line.size() - 1) << line;
    const auto read = decode_line(line.substr(0, line.size() - 1));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->text, kHostile);
    EXPECT_EQ(read->from, "lin\n");
  }
}

TEST(Line, WithItsRoomAddedIsTheOneThatWasEncodedWithIt) {
  const std::string room = "\"quoted\" \\ 线";
  const std::string added = add_room(encode_line(message("text")), room);
  EXPECT_EQ(wire::Dictionary::parse(added).value().to_json() + '\n',
            encode_line(message("text"), room));
}

}  // namespace
}  // namespace skein::chat
