#include "socketserver/dial.h"

#include <gtest/gtest.h>

#include <string>

#include "socketserver/listener.h"
#include "socketserver/test_support.h"

namespace socketserver {
namespace {

struct DialTest : ::testing::Test, testing::WithLoop {
  Pool pool{1, 8};
};

std::uint16_t unused_port() {
  const auto listener = listen_on({"127.0.0.1", 0}, 1);
  return Address::of_socket(listener->get()).port();
}

TEST_F(DialTest, ReachesWhoListens) {
  const auto listener = listen_on({"127.0.0.1", 0}, 8);
  const Endpoint endpoint = Endpoint::of(Address::of_socket(listener->get()));
  auto stream = run_until_done(*loop, dial(*loop, pool, endpoint, testing::kPatienceMs));
  ASSERT_TRUE(stream);
  EXPECT_EQ((*stream)->peer(), endpoint.text());
}

TEST_F(DialTest, TriesEveryAddressOfAName) {
  const auto listener = listen_on({"127.0.0.1", 0}, 8);
  const std::uint16_t port = Address::of_socket(listener->get()).port();
  auto stream = run_until_done(*loop, dial(*loop, pool, {"localhost", port}, testing::kPatienceMs));
  ASSERT_TRUE(stream);
  EXPECT_EQ((*stream)->peer_address().text(), "127.0.0.1:" + std::to_string(port));
}

TEST_F(DialTest, RefusedIsNoHubAndNamesTheAddress) {
  const std::uint16_t port = unused_port();
  auto stream = run_until_done(*loop, dial(*loop, pool, {"127.0.0.1", port}, testing::kPatienceMs));
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().kind(), skein::kNoHub);
  EXPECT_EQ(stream.error().message(),
            "nobody answers at 127.0.0.1:" + std::to_string(port) + ": connection refused");
}

TEST_F(DialTest, ThousandRefusedCallsLeakNoDescriptor) {
  const std::uint16_t port = unused_port();
  const std::size_t before = testing::open_descriptors();
  for (int i = 0; i < 1000; ++i) {
    EXPECT_FALSE(run_until_done(*loop, dial(*loop, pool, {"127.0.0.1", port}, -1)));
  }
  EXPECT_EQ(testing::open_descriptors(), before);
}

TEST_F(DialTest, UnknownNameIsNoHub) {
  auto stream = run_until_done(*loop, dial(*loop, pool, {"no-such-host.invalid", 1}, 1000));
  ASSERT_FALSE(stream);
  EXPECT_EQ(stream.error().kind(), skein::kNoHub);
}

TEST_F(DialTest, OneThatSwallowsEverythingTimesOut) {
  // A queue that is full and never emptied: the system drops further calls.
  const auto listener = listen_on({"127.0.0.1", 0}, 0);
  const Endpoint endpoint = Endpoint::of(Address::of_socket(listener->get()));
  const auto body = [](Loop& on, Pool& in, Endpoint at) -> Task<std::string> {
    std::vector<std::unique_ptr<Stream>> held;
    while (held.size() < 100) {
      auto stream = co_await dial(on, in, at, 20);
      if (!stream) co_return stream.error().message();
      held.push_back(*std::move(stream));
    }
    co_return "all answered";
  };
  EXPECT_EQ(run_until_done(*loop, body(*loop, pool, endpoint)),
            "nobody answers at " + endpoint.text() + ": timed out");
}

TEST_F(DialTest, IsCutShortByItsEvent) {
  const auto listener = listen_on({"127.0.0.1", 0}, 0);
  const Endpoint endpoint = Endpoint::of(Address::of_socket(listener->get()));
  // Calls until one hangs, for there is no limit in time; then the event is set.
  const auto stop_soon = [](Event& stop) -> Task<void> {
    constexpr std::int64_t kUntilOneHangsMs = 100;
    co_await Loop::current()->sleep_ms(kUntilOneHangsMs);
    stop.set();
  };
  const auto body = [](Loop& on, Pool& in, Endpoint at, Task<void> stopping,
                       Event& stop) -> Task<skein::Error> {
    Gate gate;
    gate.spawn(on, std::move(stopping));
    std::vector<std::unique_ptr<Stream>> held;
    while (true) {
      auto stream = co_await dial(on, in, at, -1, &stop);
      if (stream) {
        held.push_back(*std::move(stream));
        continue;
      }
      co_await gate.close();
      co_return std::move(stream).error();
    }
  };
  Event stop;
  const skein::Error error =
      run_until_done(*loop, body(*loop, pool, endpoint, stop_soon(stop), stop));
  EXPECT_EQ(error.kind(), skein::kCancelled);
  // Set already: it does not even begin.
  const auto again = run_until_done(*loop, dial(*loop, pool, endpoint, -1, &stop));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind(), skein::kCancelled);
}

}  // namespace
}  // namespace socketserver
