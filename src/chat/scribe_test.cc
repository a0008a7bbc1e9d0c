#include "chat/scribe.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/limits.h"
#include "chat/fake_log.h"
#include "socketserver/test_support.h"

namespace skein::chat {
namespace {

using socketserver::Task;

struct ScribeTest : ::testing::Test, socketserver::testing::WithFakeClock {
  ScribeTest() : lobby(log.open_room("lobby").value().room.id) {}
  ~ScribeTest() override { run_until_done(*loop, scribe.close()); }

  Draft draft(std::uint8_t cid, std::string text) const {
    Draft one;
    one.room = lobby;
    one.member = 1;
    one.cid[0] = std::byte{cid};
    one.from = "lin";
    one.text = std::move(text);
    return one;
  }
  Task<void> say(Draft one) {
    auto appended = co_await scribe.append(std::move(one));
    answers.push_back(appended ? std::to_string(appended->seq) + (appended->repeated ? "r" : "")
                               : std::string(appended.error().kind().name));
  }
  void run_all(std::vector<Draft> drafts) {
    socketserver::Gate gate;
    for (Draft& one : drafts) gate.spawn(*loop, say(std::move(one)));
    const auto body = [](socketserver::Gate& all) -> Task<void> { co_await all.close(); };
    run_until_done(*loop, body(gate));
  }

  FakeLog log;
  RoomId lobby;
  std::vector<std::vector<std::string>> groups;
  std::vector<std::string> answers;
  Scribe scribe{*loop, log, [this](std::span<const Message> fresh) {
                  std::vector<std::string> texts;
                  for (const Message& message : fresh) texts.push_back(message.text);
                  groups.push_back(texts);
                }};
};

using Texts = std::vector<std::string>;

TEST_F(ScribeTest, WhatIsSaidTogetherGoesIntoFewGroupsInItsOrder) {
  std::vector<Draft> drafts;
  Texts texts;
  Texts seqs;
  for (std::uint8_t i = 1; i <= 50; ++i) {
    texts.push_back(std::to_string(i));
    seqs.push_back(std::to_string(i));
    drafts.push_back(draft(i, texts.back()));
  }
  run_all(std::move(drafts));
  EXPECT_EQ(answers, seqs);
  EXPECT_LE(groups.size(), 2U);
  Texts all;
  for (const Texts& group : groups) all.insert(all.end(), group.begin(), group.end());
  EXPECT_EQ(all, texts);
}

TEST_F(ScribeTest, ARepeatIsAnsweredAndToldToNobody) {
  std::vector<Draft> drafts;
  drafts.push_back(draft(1, "once"));
  drafts.push_back(draft(1, "again"));
  run_all(std::move(drafts));
  EXPECT_EQ(answers, (Texts{"1", "1r"}));
  ASSERT_FALSE(groups.empty());
  EXPECT_EQ(groups[0], Texts{"once"});
}

TEST_F(ScribeTest, AGroupThatFailsIsToldToAllOfItAndToNobodyElse) {
  log.fail_next(1, kNoSpace);
  std::vector<Draft> drafts;
  drafts.push_back(draft(1, "a"));
  run_all(std::move(drafts));
  EXPECT_EQ(answers, Texts{"no_space"});
  EXPECT_TRUE(groups.empty());
  std::vector<Draft> again;
  again.push_back(draft(1, "a"));
  run_all(std::move(again));
  EXPECT_EQ(answers.back(), "1");
}

TEST_F(ScribeTest, OneWhoseRoomIsNotThereFailsAlone) {
  std::vector<Draft> drafts;
  drafts.push_back(draft(1, "a"));
  drafts.push_back(draft(2, "b"));
  drafts.back().room = 77;
  drafts.push_back(draft(3, "c"));
  run_all(std::move(drafts));
  EXPECT_EQ(answers, (Texts{"1", "not_found", "2"}));
}

TEST_F(ScribeTest, MoreThanMayWaitAreToldSoAtOnce) {
  std::vector<Draft> drafts;
  const std::size_t count = limits::kMaxWaitingMessages + 10;
  for (std::size_t i = 0; i < count; ++i) {
    drafts.push_back(draft(0, "x"));
    drafts.back().cid[1] = static_cast<std::byte>(i % 256);
    drafts.back().cid[2] = static_cast<std::byte>(i / 256);
  }
  run_all(std::move(drafts));
  EXPECT_EQ(std::ranges::count(answers, "busy"), 10);
  EXPECT_EQ(answers.size(), count);
}

}  // namespace
}  // namespace skein::chat
