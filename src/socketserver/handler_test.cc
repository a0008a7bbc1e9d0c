#include "socketserver/handler.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <chrono>
#include <string>
#include <thread>

#include "socketserver/error.h"
#include "socketserver/test_servers.h"
#include "socketserver/test_support.h"

namespace socketserver {
namespace {

using testing::kPatience;
using namespace std::chrono_literals;

// A handler on one end of a connection whose other end is the test's, and no server.
struct Loose : StreamRequestHandler {
  void handle() override {}
  using StreamRequestHandler::timeout;
  using StreamRequestHandler::wbufsize;
};

struct StreamHandler : ::testing::Test {
  StreamHandler() {
    int fds[2] = {-1, -1};
    testing::must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
    handler.request.socket = Socket(fds[0], kPatience);
    peer = Socket(fds[1], kPatience);
    handler.setup();
  }
  // What has come so far.
  std::string came() {
    std::string text(4096, '\0');
    const ssize_t got = ::recv(peer.fileno(), text.data(), text.size(), MSG_DONTWAIT);
    text.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
    return text;
  }
  Loose handler;
  Socket peer;
  ReadFile& rfile = handler.rfile;
  WriteFile& wfile = handler.wfile;
};

TEST_F(StreamHandler, ReadsLinesHoweverTheyCome) {
  peer.sendall("one\ntwo\n\nfo");
  EXPECT_EQ(rfile.read_line(), "one\n");
  EXPECT_EQ(rfile.read_line(), "two\n");
  EXPECT_EQ(rfile.read_line(), "\n");
  peer.sendall("ur\nlast");
  EXPECT_EQ(rfile.read_line(), "four\n");
  peer.shutdown_write();
  EXPECT_EQ(rfile.read_line(), "last");
  EXPECT_EQ(rfile.read_line(), std::nullopt);
  EXPECT_EQ(rfile.read_line(), std::nullopt);
}

TEST_F(StreamHandler, LineUpToTheLimitIsRead) {
  peer.sendall("1234\n1234\n12345");
  EXPECT_EQ(rfile.read_line(5), "1234\n");
  EXPECT_EQ(rfile.read_line(5), "1234\n");
  peer.shutdown_write();
  EXPECT_EQ(rfile.read_line(5), "12345");
}

TEST_F(StreamHandler, LineOverTheLimitIsThrownAndNotTaken) {
  peer.sendall("12345\nnext\n");
  EXPECT_THROW((void)rfile.read_line(5), LimitExceeded);
  EXPECT_EQ(rfile.read_line(6), "12345\n");
  EXPECT_EQ(rfile.read_line(), "next\n");
}

TEST_F(StreamHandler, EndlessLineIsThrownAsSoonAsItIsOverTheLimit) {
  peer.sendall(std::string(100'000, 'x'));  // and no end of it
  EXPECT_THROW((void)rfile.read_line(), LimitExceeded);
}

TEST_F(StreamHandler, ReadsExactlyWhatIsAsked) {
  peer.sendall("abcdefgh");
  EXPECT_EQ(rfile.read_exactly(3), "abc");
  char raw[2];
  rfile.read_exactly(raw);
  EXPECT_EQ(std::string(raw, 2), "de");
  EXPECT_EQ(rfile.read_exactly(0), "");
  peer.shutdown_write();
  try {
    (void)rfile.read_exactly(4);
    FAIL();
  } catch (const ConnectionClosed& error) {
    EXPECT_EQ(error.message(), "the peer ended after 3 of 4 bytes");
  }
}

TEST_F(StreamHandler, ReadsMuchExactly) {
  const std::string much = testing::pattern(1'000'000);
  std::thread sender([&] { peer.sendall(much); });
  EXPECT_EQ(rfile.read_exactly(much.size()), much);
  sender.join();
}

TEST_F(StreamHandler, SizeThatAPeerOnlyClaimsCostsNothing) {
  peer.sendall("few");
  peer.shutdown_write();
  EXPECT_THROW((void)rfile.read_exactly(std::size_t{1} << 50U), ConnectionClosed);
}

TEST_F(StreamHandler, ReadsWhatIsThereAndEverything) {
  peer.sendall("abc");
  EXPECT_EQ(rfile.read_some(2), "ab");
  EXPECT_EQ(rfile.read_some(), "c");
  peer.sendall("rest");
  peer.shutdown_write();
  EXPECT_EQ(rfile.read_all(), "rest");
  EXPECT_EQ(rfile.read_some(), "");
  EXPECT_EQ(rfile.read_all(), "");
}

TEST_F(StreamHandler, EverythingHasALimitToo) {
  peer.sendall("12345");
  peer.shutdown_write();
  EXPECT_THROW((void)rfile.read_all(4), LimitExceeded);
  EXPECT_EQ(rfile.read_all(5), "12345");
}

TEST_F(StreamHandler, WritesGoOutAtFlushWhenFullAndBeforeWaiting) {
  wfile.write("a");
  EXPECT_EQ(came(), "");
  wfile.flush();
  EXPECT_EQ(came(), "a");
  wfile.write(std::string(8191, 'b'));
  EXPECT_EQ(came(), "");
  wfile.write("cc");
  EXPECT_EQ(came().size(), 4096U);
  EXPECT_EQ(came().size(), 4095U);
  EXPECT_EQ(came(), "");
  peer.sendall("x\n");
  (void)rfile.read_line();  // which has to wait, for all it knows
  EXPECT_EQ(came(), "cc");
  wfile.write("d");
  wfile.set_buffer(0);
  wfile.write("e");
  EXPECT_EQ(came(), "de");
  wfile.set_buffer(8);
  wfile.write("f");
  handler.finish();
  EXPECT_EQ(came(), "f");
}

TEST_F(StreamHandler, LineThatIsHereAlreadyKeepsTheBufferTogether) {
  peer.sendall("1\n2\n3\n");
  for (int i = 0; i < 3; ++i) wfile.write(*rfile.read_line());
  EXPECT_EQ(came(), "");
  handler.finish();
  EXPECT_EQ(came(), "1\n2\n3\n");
}

TEST_F(StreamHandler, PeerThatSendsNothingTimesOut) {
  handler.timeout = 1ms;
  handler.setup();
  EXPECT_THROW((void)rfile.read_line(), TimeoutError);
  EXPECT_THROW((void)rfile.read_exactly(1), TimeoutError);
  EXPECT_THROW((void)rfile.read_all(), TimeoutError);
  // The connection is as it was.
  peer.sendall("x\n");
  EXPECT_EQ(rfile.read_line(), "x\n");
}

TEST_F(StreamHandler, PeerThatDripsDoesNotProlongTheTimeout) {
  handler.timeout = 50ms;
  handler.setup();
  std::atomic<bool> over = false;
  std::thread dripping([&] {
    // A byte each few milliseconds, which a timeout between two bytes would bear for ever.
    const auto end = std::chrono::steady_clock::now() + kPatience;
    while (!over && std::chrono::steady_clock::now() < end) {
      peer.sendall("x");
      std::this_thread::sleep_for(2ms);
    }
  });
  EXPECT_THROW((void)rfile.read_line(), TimeoutError);
  EXPECT_THROW((void)rfile.read_exactly(1'000'000), TimeoutError);
  over = true;
  dripping.join();
}

TEST_F(StreamHandler, PeerThatNeverReadsTimesOut) {
  handler.timeout = 1ms;
  handler.setup();
  EXPECT_THROW(wfile.write(std::string(8 * 1024 * 1024, 'x')), TimeoutError);
}

TEST_F(StreamHandler, WritingToOneWhoLeftIsThrownOnceAndNotAgainByFinish) {
  peer.close();
  wfile.write("x");
  EXPECT_THROW(wfile.flush(), ConnectionError);
  handler.finish();
}

// --- datagrams

struct LooseDatagram : DatagramRequestHandler {
  void handle() override {}
};

TEST(DatagramHandler, HasThePacketInItsFile) {
  LooseDatagram handler;
  handler.request.packet = "one\ntwo";
  handler.setup();
  EXPECT_EQ(handler.packet, "one\ntwo");
  EXPECT_EQ(handler.rfile.read_line(), "one\n");
  EXPECT_EQ(handler.rfile.read_exactly(1), "t");
  EXPECT_EQ(handler.rfile.read_all(), "wo");
  EXPECT_EQ(handler.rfile.read_line(), std::nullopt);
  EXPECT_EQ(handler.rfile.read_some(), "");
}

TEST(DatagramHandler, AnswerThatFitsNoDatagramIsThrown) {
  LooseDatagram handler;
  handler.setup();
  handler.wfile.write(std::string(65'507, 'x'));
  EXPECT_THROW(handler.wfile.write("y"), LimitExceeded);
}

TEST(DatagramHandler, ClientWithoutAnAddressCannotBeAnswered) {
  LooseDatagram handler;
  handler.setup();
  EXPECT_THROW(handler.reply("x"), AddressError);
  handler.finish();  // nothing was written, so there is nothing to send
  handler.wfile.write("");
  EXPECT_THROW(handler.finish(), AddressError);
}

}  // namespace
}  // namespace socketserver
