#include "socketserver/bind.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "socketserver/test_support.h"

namespace socketserver {
namespace {

constexpr BindOptions kStream = {.type = SOCK_STREAM};

struct BindTest : ::testing::Test {
  BindTest() {
    char name[] = "/tmp/socketserver_bind_XXXXXX";
    folder = mkdtemp(name);
    path = folder + "/it.sock";
  }
  ~BindTest() override {
    (void)unlink(path.c_str());
    (void)rmdir(folder.c_str());
  }
  [[nodiscard]] bool exists() const {
    struct stat info{};
    return lstat(path.c_str(), &info) == 0;
  }
  std::string folder;
  std::string path;
};

TEST_F(BindTest, FileOfADeadServerIsReplaced) {
  const Address address = Address::from_path(path);
  for (const int type : {SOCK_STREAM, SOCK_DGRAM}) {
    auto first = bind_socket(address, {.type = type});
    ASSERT_TRUE(first);
    first->reset();
    ASSERT_TRUE(exists());
    const auto second = bind_socket(address, {.type = type});
    ASSERT_TRUE(second) << second.error().report();
    unlink(path.c_str());
  }
}

TEST_F(BindTest, FileOfALivingServerIsLeftAloneAndItsHolderNamed) {
  const Address address = Address::from_path(path);
  const auto first = bind_socket(address, kStream);
  ASSERT_TRUE(first);
  ASSERT_EQ(listen(first->get(), 1), 0);
  const auto second = bind_socket(address, kStream);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().kind(), skein::kBusy);
  EXPECT_NE(second.error().message().find(path), std::string::npos);
  EXPECT_NE(second.error().message().find("(process " + std::to_string(getpid()) + ")"),
            std::string::npos)
      << second.error().message();
  EXPECT_TRUE(exists());
}

TEST_F(BindTest, FileThatIsNoSocketIsLeftAlone) {
  std::ofstream(path) << "dear";
  const auto socket = bind_socket(Address::from_path(path), kStream);
  ASSERT_FALSE(socket);
  EXPECT_EQ(socket.error().kind(), skein::kBusy);
  std::string word;
  std::ifstream(path) >> word;
  EXPECT_EQ(word, "dear");
}

TEST_F(BindTest, SocketFileIsRemovedOnlyWhileItIsOurs) {
  const Address address = Address::from_path(path);
  {
    const auto socket = bind_socket(address, kStream);
    ASSERT_TRUE(socket);
    const SocketFile file(address);
  }
  EXPECT_FALSE(exists());
  {
    const auto socket = bind_socket(address, kStream);
    ASSERT_TRUE(socket);
    const SocketFile file(address);
    ASSERT_EQ(unlink(path.c_str()), 0);
    std::ofstream(path) << "another's";
  }
  EXPECT_TRUE(exists());
}

TEST_F(BindTest, FolderThatIsNotThereHasAHint) {
  const auto socket = bind_socket(Address::from_path(folder + "/none/it.sock"), kStream);
  ASSERT_FALSE(socket);
  EXPECT_NE(socket.error().hint(), "");
}

TEST(Bind, HolderOfAUdpPortIsNamed) {
  const auto first = bind_socket(Address::loopback(), {.type = SOCK_DGRAM});
  ASSERT_TRUE(first);
  const Address address = Address::of_socket(first->get());
  const auto second = bind_socket(address, {.type = SOCK_DGRAM});
  ASSERT_FALSE(second);
  EXPECT_TRUE(second.error().message().starts_with(address.text() + " is taken by "))
      << second.error().message();
}

TEST(Bind, PortCanBeSharedWhenAllAgree) {
  const BindOptions sharing = {.type = SOCK_DGRAM, .reuse_port = true};
  const auto first = bind_socket(Address::loopback(), sharing);
  ASSERT_TRUE(first);
  EXPECT_TRUE(bind_socket(Address::of_socket(first->get()), sharing));
}

}  // namespace
}  // namespace socketserver
