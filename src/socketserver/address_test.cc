#include "socketserver/address.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <set>
#include <string>
#include <unordered_set>

#include "base/descriptor.h"
#include "socketserver/error.h"

namespace socketserver {
namespace {

TEST(Address, FromANumberAndBack) {
  EXPECT_EQ(Address::from_number("127.0.0.1", 5000)->text(), "127.0.0.1:5000");
  EXPECT_EQ(Address::from_number("::1", 5000)->text(), "[::1]:5000");
  EXPECT_EQ(Address::from_number("::ffff:10.1.2.3", 7)->text(), "10.1.2.3:7");
  EXPECT_FALSE(Address::from_number("localhost", 1));
  EXPECT_FALSE(Address::from_number("127.1", 1));
  EXPECT_EQ(Address().text(), "unknown");
  EXPECT_FALSE(Address().is_set());
}

TEST(Address, OfAHostAndAPort) {
  const Address address = {"127.0.0.1", 80};
  EXPECT_EQ(address.host(), "127.0.0.1");
  EXPECT_EQ(address.port(), 80);
  EXPECT_EQ(address.path(), "");
  EXPECT_EQ(address, Address::loopback(80));
  EXPECT_EQ(Address("::1", 80).host(), "::1");
  EXPECT_EQ(Address("", 80).text(), "0.0.0.0:80");
  EXPECT_TRUE(Address("localhost", 80).is_loopback());
}

TEST(Address, UnknownNameIsThrown) {
  try {
    const Address address("no-such-host.invalid", 80);
    FAIL() << address.text();
  } catch (const NameNotFound& error) {
    EXPECT_NE(error.message().find("'no-such-host.invalid'"), std::string::npos);
  }
}

TEST(Address, OfSockets) {
  int fds[2] = {-1, -1};
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
  const skein::Descriptor a(fds[0]);
  const skein::Descriptor b(fds[1]);
  EXPECT_EQ(Address::of_peer(a.get()).text(), "unix");
  EXPECT_EQ(Address::of_peer(a.get()).path(), "");
  EXPECT_TRUE(Address::of_peer(a.get()).is_loopback());
  EXPECT_EQ(Address::of_peer(-1).text(), "unknown");
}

TEST(Address, OfAUnixPath) {
  const Address address = Address::from_path("/run/it.sock");
  EXPECT_EQ(address.family(), AF_UNIX);
  EXPECT_EQ(address.path(), "/run/it.sock");
  EXPECT_EQ(address.text(), "/run/it.sock");
  EXPECT_EQ(address.port(), 0);
  EXPECT_EQ(Address::from_path("a\nb").text(), "a\\x0ab");
  EXPECT_EQ(Address::from_path(std::string("\0quiet", 6)).text(), "@quiet");
  EXPECT_EQ(Address::from_path(std::string(107, 'x')).path().size(), 107U);
}

TEST(Address, OfAPathThatNoSocketCanHave) {
  EXPECT_THROW((void)Address::from_path(""), AddressError);
  EXPECT_THROW((void)Address::from_path(std::string(108, 'x')), AddressError);
  EXPECT_THROW((void)Address::from_path(std::string("a\0b", 3)), AddressError);
}

TEST(Address, KeepsWhatABoundUnixSocketIsCalled) {
  const skein::Descriptor socket(::socket(AF_UNIX, SOCK_STREAM, 0));
  const std::string name = std::string(1, '\0') + "socketserver-address-test";
  const Address address = Address::from_path(name);
  ASSERT_EQ(bind(socket.get(), address.get(), address.size()), 0);
  EXPECT_EQ(Address::of_socket(socket.get()).path(), name);
  EXPECT_EQ(Address::of_socket(socket.get()), address);
}

TEST(Address, EqualOnesAreEqualHoweverTheyWereMade) {
  const Address address = {"127.0.0.1", 80};
  EXPECT_EQ(Address::from_sockaddr(address.get(), address.size()), address);
  EXPECT_NE(address, Address("127.0.0.1", 81));
  EXPECT_NE(address, Address("127.0.0.2", 80));
  EXPECT_NE(address, Address("::1", 80));
  const Address path = Address::from_path("/a");
  // The kernel may leave the NUL at a path's end out of the size.
  EXPECT_EQ(Address::from_sockaddr(path.get(), path.size() - 1), path);
  EXPECT_NE(path, Address::from_path("/b"));
  const std::unordered_set<Address> hashed = {address, Address::loopback(80), path,
                                              Address::from_sockaddr(path.get(), path.size() - 1),
                                              Address()};
  EXPECT_EQ(hashed.size(), 3U);
  EXPECT_EQ(std::set<Address>({address, path, Address::loopback(80)}).size(), 2U);
}

}  // namespace
}  // namespace socketserver
