#include "socketserver/socket.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <set>
#include <string>
#include <thread>
#include <utility>

#include "socketserver/error.h"
#include "socketserver/test_servers.h"
#include "socketserver/test_support.h"

namespace socketserver {
namespace {

using testing::kPatience;
using namespace std::chrono_literals;

// A port of this machine where nobody is.
Address nobody(int type) {
  const Socket socket(::socket(AF_INET, type | SOCK_CLOEXEC, 0));
  const Address any = Address::loopback();
  testing::must(::bind(socket.fileno(), any.get(), any.size()));
  return socket.local_address();
}

struct Listening {
  Listening() : socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const Address any = Address::loopback();
    testing::must(::bind(socket.fileno(), any.get(), any.size()));
    testing::must(::listen(socket.fileno(), 8));
  }
  Socket socket;
};

TEST(Socket, MovesAndClosesOnce) {
  const std::size_t before = testing::open_descriptors();
  {
    Socket a(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), 5ms);
    Socket b = std::move(a);
    EXPECT_TRUE(b.is_open());
    EXPECT_EQ(b.timeout(), 5ms);
    a = std::move(b);
    EXPECT_EQ(testing::open_descriptors(), before + 1);
    a.close();
    a.close();
    EXPECT_EQ(a.fileno(), -1);
    const int fd = Socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)).release();
    EXPECT_EQ(testing::open_descriptors(), before + 1);
    const Socket again(fd);
  }
  EXPECT_EQ(testing::open_descriptors(), before);
}

TEST(Socket, ConnectsAndKnowsBothEnds) {
  const Listening listening;
  const Socket client = Socket::connect(listening.socket.local_address(), kPatience);
  EXPECT_EQ(client.peer_address(), listening.socket.local_address());
  EXPECT_NE(client.local_address(), client.peer_address());
  const Socket patient = Socket::connect(listening.socket.local_address());
  EXPECT_FALSE(patient.deadline());
}

TEST(Socket, RefusedIsThrownWithTheAddress) {
  const Address address = nobody(SOCK_STREAM);
  try {
    const Socket client = Socket::connect(address, kPatience);
    FAIL();
  } catch (const ConnectionRefused& error) {
    EXPECT_NE(error.message().find(address.text()), std::string::npos);
  }
  EXPECT_THROW(Socket::connect(Address::from_path("/tmp/socketserver-none.sock")), AddressError);
}

TEST(Socket, ConnectTimesOutWhereNobodyAccepts) {
  // A Unix server whose queue is full keeps callers waiting.
  const std::string name = std::string(1, '\0') + "socketserver-socket-test";
  const Address address = Address::from_path(name);
  const Socket listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ASSERT_EQ(::bind(listener.fileno(), address.get(), address.size()), 0);
  ASSERT_EQ(::listen(listener.fileno(), 0), 0);
  const Socket first = Socket::connect(address, kPatience);
  EXPECT_THROW(Socket::connect(address, 1ms), TimeoutError);
}

TEST(Socket, PeerThatResetIsThrown) {
  const Listening listening;
  Socket client = Socket::connect(listening.socket.local_address(), kPatience);
  Socket server(::accept(listening.socket.fileno(), nullptr, nullptr), kPatience);
  const linger at_once = {.l_onoff = 1, .l_linger = 0};
  setsockopt(client.fileno(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  client.close();
  EXPECT_THROW(server.recv(10), ConnectionReset);
}

// --- what UDP is like

struct Datagrams : ::testing::Test {
  Socket a = Socket::datagram(Address::loopback(), kPatience);
  Socket b = Socket::datagram(Address::loopback(), kPatience);
};

TEST_F(Datagrams, ThreeSentAreThreeReceived) {
  for (const char* const text : {"one", "two", "three"}) a.sendto(text, b.local_address());
  std::multiset<std::string> got;  // loopback keeps their order; nobody promises it
  for (int i = 0; i < 3; ++i) {
    const Datagram datagram = b.recvfrom();
    got.insert(datagram.data);
    EXPECT_EQ(datagram.from, a.local_address());
  }
  EXPECT_EQ(got, (std::multiset<std::string>{"one", "two", "three"}));
}

TEST_F(Datagrams, EmptyOneArrives) {
  a.sendto("", b.local_address());
  const Datagram datagram = b.recvfrom();
  EXPECT_EQ(datagram.data, "");
  EXPECT_FALSE(datagram.truncated);
  EXPECT_EQ(datagram.from, a.local_address());
}

TEST_F(Datagrams, RestOfOneThatIsLargerThanTheBufferIsLostAndTold) {
  a.sendto("0123456789", b.local_address());
  a.sendto("next", b.local_address());
  const Datagram datagram = b.recvfrom(4);
  EXPECT_EQ(datagram.data, "0123");
  EXPECT_TRUE(datagram.truncated);
  EXPECT_EQ(b.recvfrom(4).data, "next");
}

TEST_F(Datagrams, LargestGoesAndOneByteMoreDoesNot) {
  const std::string most = testing::pattern(65'507);
  a.sendto(most, b.local_address());
  EXPECT_EQ(b.recvfrom().data, most);
  EXPECT_THROW(a.sendto(most + "x", b.local_address()), LimitExceeded);
}

TEST_F(Datagrams, SendingWhereNobodyIsIsNoError) {
  const Address where = nobody(SOCK_DGRAM);
  for (int i = 0; i < 10; ++i) a.sendto("hello?", where);
}

TEST_F(Datagrams, ConnectedSocketLearnsThatNobodyIsThere) {
  Socket caller = Socket::connected_datagram(nobody(SOCK_DGRAM), kPatience);
  caller.send("hello?");
  EXPECT_THROW((void)caller.recvfrom(), ConnectionRefused);
}

TEST_F(Datagrams, ConnectedSocketHearsItsPeerAlone) {
  Socket caller = Socket::connected_datagram(b.local_address(), kPatience);
  a.sendto("not me", caller.local_address());
  b.sendto("me", caller.local_address());
  EXPECT_EQ(caller.recvfrom().data, "me");
}

TEST_F(Datagrams, SilenceTimesOut) {
  a.set_timeout(1ms);
  EXPECT_THROW((void)a.recvfrom(), TimeoutError);
}

TEST_F(Datagrams, UnixOneWithoutANameHasNoAddress) {
  testing::Folder folder;
  Socket server = Socket::datagram(Address::from_path(folder.next()), kPatience);
  Socket caller = Socket::connected_datagram(server.local_address(), kPatience);
  caller.send("x");
  const Datagram datagram = server.recvfrom();
  EXPECT_EQ(datagram.data, "x");
  EXPECT_EQ(datagram.from.path(), "");
}

}  // namespace
}  // namespace socketserver
