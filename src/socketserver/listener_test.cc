#include "socketserver/listener.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <string>

#include "socketserver/test_support.h"

namespace socketserver {
namespace {

TEST(Listener, PortZeroBecomesANumber) {
  const auto listener = listen_on({"127.0.0.1", 0}, 8);
  ASSERT_TRUE(listener);
  EXPECT_GT(Address::of_socket(listener->get()).port(), 0);
}

TEST(Listener, TakenAddressIsNamedWithItsHolder) {
  const auto first = listen_on({"127.0.0.1", 0}, 8);
  const std::uint16_t port = Address::of_socket(first->get()).port();
  const auto second = listen_on({"127.0.0.1", port}, 8);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind(), skein::kBusy);
  const std::string wanted = "127.0.0.1:" + std::to_string(port) + " is taken by ";
  EXPECT_TRUE(second.error().message().starts_with(wanted)) << second.error().message();
  EXPECT_NE(second.error().message().find("(process " + std::to_string(getpid()) + ")"),
            std::string::npos);
  EXPECT_NE(second.error().hint(), "");
}

TEST(Listener, ThousandFailedBindsLeakNoDescriptor) {
  const auto first = listen_on({"127.0.0.1", 0}, 8);
  const std::uint16_t port = Address::of_socket(first->get()).port();
  const std::size_t before = testing::open_descriptors();
  for (int i = 0; i < 1000; ++i) ASSERT_FALSE(listen_on({"127.0.0.1", port}, 8));
  EXPECT_EQ(testing::open_descriptors(), before);
}

TEST(Listener, AddressOfAnotherMachineIsRefused) {
  const auto listener = listen_on({"192.0.2.1", 0}, 8);
  ASSERT_FALSE(listener);
  EXPECT_NE(listener.error().message().find("192.0.2.1"), std::string::npos);
  EXPECT_NE(listener.error().hint(), "");
}

TEST(Listener, NobodyListensWhereNobodyListens) {
  EXPECT_EQ(who_listens_on(1), "");
}

}  // namespace
}  // namespace socketserver
