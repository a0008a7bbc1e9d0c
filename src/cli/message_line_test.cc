#include "cli/message_line.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

namespace skein::cli {
namespace {

chat::Message said(std::string text) {
  chat::Message message;
  message.from = "lin";
  message.ts_ms = 1'700'000'004'567;
  message.text = std::move(text);
  return message;
}

TEST(MessageLineTest, HasTimeNameAndText) {
  setenv("TZ", "UTC", 1);
  tzset();
  EXPECT_EQ(message_line(said("photos are up")), "2023-11-14 22:13  lin: photos are up");
}

TEST(MessageLineTest, NamesTheFileThatIsOffered) {
  chat::Message message = said("here");
  message.file = "photos.zip";
  EXPECT_TRUE(message_line(message).ends_with("lin: here  [file 'photos.zip']"));
}

TEST(MessageLineTest, NothingFromOutsideReachesTheTerminalAsItIs) {
  chat::Message message = said("a\x1b[2Jb\nc\u202E");
  message.from = "e\rve";
  message.file = "x\x1b";
  const std::string line = message_line(message);
  for (const char c : line) EXPECT_GE(static_cast<unsigned char>(c), 0x20) << line;
  EXPECT_EQ(line.find("\u202E"), std::string::npos);
}

}  // namespace
}  // namespace skein::cli
