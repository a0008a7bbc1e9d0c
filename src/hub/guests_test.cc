// Guests against a hub behind a real port: what the tutorial's QQ clients see.
#include "hub/guests.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "hub/datagrams.h"
#include "hub/test_support.h"
#include "socketserver/datagram.h"

namespace skein::hub {
namespace {

using socketserver::DatagramBatch;
using socketserver::DatagramSocket;

struct GuestsTest : SessionTest {
  GuestsTest() {
    datagrams =
        Datagrams::listen(*context, random, *socketserver::Address::from_number("127.0.0.1", 0))
            .value();
    serving.spawn(*loop, datagrams->serve());
  }
  ~GuestsTest() override { run(end()); }
  Task<void> end() {
    datagrams->stop();
    co_await serving.close();
  }
  [[nodiscard]] std::unique_ptr<DatagramSocket> guest() {
    return DatagramSocket::connect(*loop, datagrams->address()).value();
  }
  static Task<std::string> receive(DatagramSocket& socket) {
    DatagramBatch batch(1, 4096);
    while (true) {
      auto waited = co_await socket.wait_readable(-1);
      EXPECT_TRUE(waited);
      EXPECT_TRUE(socket.receive_now(batch));
      if (batch.size() > 0) co_return std::string(as_text(batch.bytes(0)));
    }
  }
  static Task<std::string> ask(DatagramSocket& socket, std::string text) {
    EXPECT_TRUE(socket.send_now(as_bytes(text)).value());
    auto reply = co_await receive(socket);
    co_return reply;
  }
  Task<std::vector<chat::Message>> lobby() {
    auto messages = co_await chat.read(chat.lobby(), {});
    co_return std::move(messages).value();
  }
  void body_of(Task<void> (*body)(GuestsTest&)) { run(body(*this)); }

  std::unique_ptr<Datagrams> datagrams;
  socketserver::Gate serving;
};

TEST_F(GuestsTest, ADatagramIsSaidInTheLobbyAndEarnsAWord) {
  body_of([](GuestsTest& test) -> Task<void> {
    const auto one = test.guest();
    const std::string reply = co_await ask(*one, "来自客户端1的消息:你好");
    EXPECT_EQ(reply, "ok");
    const auto said = co_await test.lobby();
    EXPECT_EQ(said.size(), 1U);
    EXPECT_EQ(said[0].from, one->local_address().text());
    EXPECT_EQ(said[0].text, "来自客户端1的消息:你好");
    EXPECT_EQ(said[0].member, 0);
  });
}

TEST_F(GuestsTest, TheReplyIsTheNextMessageThatWaitsAndNeverOnesOwn) {
  body_of([](GuestsTest& test) -> Task<void> {
    const auto one = test.guest();
    const auto two = test.guest();
    std::string reply = co_await ask(*one, "one is here");
    EXPECT_EQ(reply, "ok");
    reply = co_await ask(*two, "two is here");
    EXPECT_EQ(reply, "ok");  // it hears what is said from now on
    const std::string two_name = two->local_address().text();
    reply = co_await ask(*one, "");
    EXPECT_EQ(reply, two_name + ": two is here");
    reply = co_await ask(*one, "");
    EXPECT_EQ(reply, "nothing new");
    const auto said = co_await test.lobby();
    EXPECT_EQ(said.size(), 2U);  // an empty one says nothing
  });
}

TEST_F(GuestsTest, AReplyIsShownSafelyAndCutBetweenCharacters) {
  body_of([](GuestsTest& test) -> Task<void> {
    const auto one = test.guest();
    std::string reply = co_await ask(*one, "hello");
    Chat::Saying saying;
    saying.room = test.chat.lobby();
    saying.text = "\x1b[2J";
    for (int i = 0; i < 500; ++i) saying.text += "线";
    auto said = co_await test.chat.say_as_guest("eve", {}, std::move(saying));
    EXPECT_TRUE(said);
    reply = co_await ask(*one, "");
    EXPECT_TRUE(reply.starts_with("eve: \\x1b[2J线")) << reply;
    EXPECT_LE(reply.size(), limits::kGuestReplyBytes);
    EXPECT_GT(reply.size(), limits::kGuestReplyBytes - 3);
    EXPECT_TRUE(is_utf8(reply));
  });
}

TEST_F(GuestsTest, WhoSendsFastIsAnsweredLaterNotNever) {
  body_of([](GuestsTest& test) -> Task<void> {
    const auto one = test.guest();
    constexpr int kCount = 12;
    for (int i = 0; i < kCount; ++i) {
      EXPECT_TRUE(one->send_now(as_bytes(std::to_string(i))).value());
    }
    for (int i = 0; i < limits::kGuestRepliesPerSecond; ++i) {
      const std::string reply = co_await receive(*one);
      EXPECT_EQ(reply, "ok");
    }
    DatagramBatch batch(1, 64);
    for (int i = static_cast<int>(limits::kGuestRepliesPerSecond); i < kCount; ++i) {
      co_await test.settle();
      const auto early = one->receive_now(batch);
      EXPECT_TRUE(early);
      EXPECT_EQ(batch.size(), 0U) << i;
      test.clock.advance_ms(1000 / limits::kGuestRepliesPerSecond);
      test.loop->wake();
      const std::string reply = co_await receive(*one);
      EXPECT_EQ(reply, "ok");
    }
    const auto said = co_await test.lobby();
    EXPECT_EQ(said.size(), static_cast<std::size_t>(kCount));
  });
}

TEST_F(GuestsTest, WhenTooMuchIsSaidAtAnAddressItsGuestsAreAnsweredLaterNotNever) {
  body_of([](GuestsTest& test) -> Task<void> {
    const auto one = test.guest();
    for (std::int64_t i = 0; i < limits::kAddressMessagesAtOnce; ++i) {
      Chat::Saying saying;
      saying.room = test.chat.lobby();
      test.random.fill(saying.cid);
      saying.text = "x";
      auto said = co_await test.chat.say_as_guest("eve", one->local_address(), std::move(saying));
      EXPECT_TRUE(said);
    }
    EXPECT_TRUE(one->send_now(as_bytes(std::string_view("hello"))).value());
    co_await test.settle();
    DatagramBatch batch(1, 64);
    EXPECT_EQ(one->receive_now(batch).value(), 0U);
    test.clock.advance_ms(1000 / limits::kAddressMessagesPerSecond);
    test.loop->wake();
    const std::string reply = co_await receive(*one);
    EXPECT_EQ(reply, "ok");
    EXPECT_EQ(test.chat.feed().last_number(), limits::kAddressMessagesAtOnce + 1);
  });
}

TEST_F(GuestsTest, WhatIsNoMessageIsAnsweredWithWhyAndSaysNothing) {
  body_of([](GuestsTest& test) -> Task<void> {
    const auto one = test.guest();
    std::string reply = co_await ask(*one, "\xC3\x28");
    EXPECT_EQ(reply, "not sent: a message is not UTF-8");
    reply = co_await ask(*one, std::string(spec::kMaxMessageBytes + 1, 'x'));
    EXPECT_EQ(reply, "not sent: 16385 bytes are over the limit of 16384");
    test.rooms.fail_next(1, kNoSpace);
    reply = co_await ask(*one, "no room for this");
    EXPECT_TRUE(reply.starts_with("not sent: ")) << reply;
    const auto said = co_await test.lobby();
    EXPECT_EQ(said.size(), 0U);
    reply = co_await ask(*one, "now");
    EXPECT_EQ(reply, "ok");
  });
}

TEST_F(GuestsTest, WhoDoesNotAskMissesTheOldestAndIsTold) {
  body_of([](GuestsTest& test) -> Task<void> {
    const auto one = test.guest();
    std::string reply = co_await ask(*one, "hello");
    for (std::size_t i = 0; i < limits::kGuestWaiting + 3; ++i) {
      Chat::Saying saying;
      saying.room = test.chat.lobby();
      saying.cid[0] = static_cast<std::byte>(i);
      saying.text = std::to_string(i);
      auto said = co_await test.chat.say_as_guest("eve", {}, std::move(saying));
      EXPECT_TRUE(said);
    }
    reply = co_await ask(*one, "");
    EXPECT_EQ(reply, "(3 messages before this fell out: too many waited)");
    reply = co_await ask(*one, "");
    EXPECT_EQ(reply, "eve: 3");
  });
}

TEST_F(GuestsTest, OurOwnDatagramsComeBackEarnNothing) {
  body_of([](GuestsTest& test) -> Task<void> {
    const auto one = test.guest();
    const auto two = test.guest();
    Guests guests(*test.context, test.random, *one);
    guests.take(one->local_address(), "hello", 5);
    co_await test.settle();
    guests.take(two->local_address(), "hello", 5);  // another's is said
    co_await test.settle();
    co_await guests.close();
    const auto said = co_await test.lobby();
    EXPECT_EQ(said.size(), 1U);
    EXPECT_EQ(said[0].from, two->local_address().text());
  });
}

TEST_F(GuestsTest, AFloodOfAddressesLeavesRoomForWhoIsHere) {
  body_of([](GuestsTest& test) -> Task<void> {
    const auto one = test.guest();
    std::string reply = co_await ask(*one, "hello");
    Guests guests(*test.context, test.random, *one);
    for (std::uint32_t i = 0; i < 3 * limits::kMaxGuests; ++i) {
      const auto from = socketserver::Address::from_number(
          concat("127.1.", std::to_string(i / 200), ".", std::to_string(1 + i % 200)), 9);
      guests.take(*from, "", 0);
      if (i % 100 == 0) co_await test.settle();
    }
    co_await guests.close();
    reply = co_await ask(*one, "still here");
    EXPECT_EQ(reply, "ok");
  });
}

}  // namespace
}  // namespace skein::hub
