#include "hub/hub.h"

#include <string>

#include "base/limits.h"
#include "hub/test_support.h"
#include "socketserver/datagram.h"
#include "socketserver/dial.h"

namespace skein::hub {
namespace {

// A hub behind a real port, on a fake disk and clock.
struct HubTest : SessionTest {
  // What nobody can resume, and nobody has touched for long enough.
  void leave_behind() {
    disk.put_file(".skein/partial/left.data", "of nobody");
    const auto info = disk.info(store::Path::internal(".skein/partial/left.data")).value();
    clock.set_wall_ns(info.mtime_ns + (limits::kKeepUnresumableMs + 1'000) * 1'000'000);
  }
  void start() { hub = Hub::start(*context, {"127.0.0.1", 0}).value(); }
  [[nodiscard]] Task<Peer> call() {
    auto stream =
        co_await socketserver::dial(*loop, pool, socketserver::Endpoint::of(hub->address()), -1);
    EXPECT_TRUE(stream) << stream.error().message();
    co_return Peer(*std::move(stream));
  }
  [[nodiscard]] Task<void> stop() {
    co_await hub->stop();
    stopped = true;
  }
  // Sockets take their own time: until the condition holds.
  [[nodiscard]] Task<void> until(std::function<bool()> condition) {
    const bool held_true = co_await socketserver::testing::eventually(*loop, std::move(condition));
    EXPECT_TRUE(held_true);
  }
  ~HubTest() override {
    held.let_go();
    if (!stopped) run(stop());
  }

  std::unique_ptr<Hub> hub;
  bool stopped = false;
};

TEST_F(HubTest, ServesSeveralAtOnceAndEndsThoseWhoRestWhenItStops) {
  start();
  const auto body = [](HubTest& test) -> Task<void> {
    Peer first = co_await test.call();
    Peer second = co_await test.call();
    for (Peer* const peer : {&first, &second, &first}) {
      const Told told = co_await peer->ask(R"({"op":"hello","min":1,"max":1})");
      EXPECT_EQ(told.outcome, peer == &first && told.id == 2 ? "bad_request" : "ok");
    }
    Peer third = co_await test.call();  // never says a word
    co_await test.stop();
    for (Peer* const peer : {&first, &second, &third}) {
      const Told told = co_await peer->receive();
      EXPECT_EQ(told.outcome, "end");
    }
    const auto late = co_await socketserver::dial(
        *test.loop, test.pool, socketserver::Endpoint::of(test.hub->address()), -1);
    EXPECT_EQ(late.error().kind(), kNoHub);
  };
  run(body(*this));
}

TEST_F(HubTest, WhatIsUnderWayWhenItStopsIsDoneAndAnswered) {
  start();
  const auto body = [](HubTest& test) -> Task<void> {
    Peer peer = co_await test.call();
    Told told = co_await peer.hello();
    co_await test.settle();
    co_await test.held.hold();
    peer.send(R"({"op":"mkdir","path":"folder"})");
    co_await test.until([&test] { return test.pool.queued() == 1; });
    test.loop->spawn(test.stop());
    co_await test.settle();
    EXPECT_FALSE(test.stopped);
    test.held.let_go();
    told = co_await peer.receive();
    EXPECT_EQ(told.outcome, "ok");
    told = co_await peer.receive();
    EXPECT_EQ(told.outcome, "end");
    co_await test.until([&test] { return test.stopped; });
  };
  run(body(*this));
  EXPECT_EQ(shared(), (store::FakeDisk::Tree{{"folder", "folder"}}));
}

TEST_F(HubTest, WhoeverIsNotDoneWhenTheDrainIsOverIsCutOffAndCanResume) {
  start();
  const auto body = [](HubTest& test) -> Task<void> {
    Peer peer = co_await test.call();
    Told told = co_await peer.hello();
    told = co_await peer.ask(R"({"op":"put","path":"a","total":9,"source":"s"})");
    EXPECT_EQ(told.outcome, "ok");
    peer.send_raw(frame(R"({"op":"block","id":7,"handle":1,"block":0,"size":9})", "1234"));
    co_await test.settle();
    test.loop->spawn(test.stop());
    co_await test.pass_ms(limits::kDrainMs - 1'000);
    EXPECT_FALSE(test.stopped);
    co_await test.pass_ms(2'000);
    co_await test.until([&test] { return test.stopped; });
    told = co_await peer.receive();
    EXPECT_NE(told.outcome, "ok");
  };
  run(body(*this));
  EXPECT_EQ(shared(), store::FakeDisk::Tree());
  EXPECT_EQ(count_in(".skein/partial/"), 2U) << "data and journal stay for a resume";
}

TEST_F(HubTest, TidiesUpWhenItStartsAndEveryTenMinutes) {
  leave_behind();
  start();
  const auto body = [](HubTest& test) -> Task<void> {
    co_await test.settle();
    EXPECT_EQ(test.count_in(".skein/partial/"), 0U);
    test.disk.put_file(".skein/partial/left.data", "again");
    co_await test.pass_ms(limits::kTidyEveryMs - 1'000);
    EXPECT_EQ(test.count_in(".skein/partial/"), 1U);
    co_await test.pass_ms(2'000);
    EXPECT_EQ(test.count_in(".skein/partial/"), 0U);
  };
  run(body(*this));
}

TEST_F(HubTest, TidyingThatFailsIsLoggedAndTriedAgain) {
  leave_behind();
  disk.fail_from(disk.steps() + 1, EIO);
  start();
  const auto body = [](HubTest& test) -> Task<void> {
    co_await test.settle();
    EXPECT_EQ(test.log.count("tidying up"), 1U);
    test.disk.fail_never();
    co_await test.pass_ms(limits::kTidyEveryMs + 1'000);
    EXPECT_EQ(test.log.count("tidying up"), 1U);
    EXPECT_EQ(test.count_in(".skein/partial/"), 0U);
  };
  run(body(*this));
}

TEST_F(HubTest, TakesDatagramsOnTheSamePort) {
  start();
  const auto taken = socketserver::DatagramSocket::bind(*loop, hub->address());
  EXPECT_EQ(taken.error().kind(), kBusy);
}

TEST_F(HubTest, PortThatIsTakenForDatagramsIsAnErrorAtOnce) {
  start();
  const auto address = hub->address();
  run(stop());
  hub.reset();
  const auto holder = socketserver::DatagramSocket::bind(*loop, address).value();
  const auto again = Hub::start(*context, socketserver::Endpoint::of(address));
  EXPECT_EQ(again.error().kind(), kBusy);
}

TEST_F(HubTest, PortThatIsTakenIsAnErrorAtOnce) {
  start();
  const auto again = Hub::start(*context, socketserver::Endpoint::of(hub->address()));
  EXPECT_EQ(again.error().kind(), kBusy);
}

}  // namespace
}  // namespace skein::hub
