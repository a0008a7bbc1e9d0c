#include "hub/chat_operations.h"

#include <string>
#include <vector>

#include "base/limits.h"
#include "hub/test_support.h"

namespace skein::hub {
namespace {

std::vector<wire::Dictionary> lines_of(const std::string& payload) {
  std::vector<wire::Dictionary> lines;
  for (std::size_t from = 0; from < payload.size();) {
    const std::size_t end = payload.find('\n', from);
    lines.push_back(wire::Dictionary::parse(payload.substr(from, end - from)).value());
    from = end + 1;
  }
  return lines;
}

std::vector<std::string> texts_of(const std::string& payload) {
  std::vector<std::string> texts;
  for (const wire::Dictionary& line : lines_of(payload)) texts.push_back(*line.text("text"));
  return texts;
}

using Texts = std::vector<std::string>;

struct ChatTest : SessionTest {
  Task<Peer> member(std::string_view name) {
    Peer peer = connect();
    const std::string hello = concat(R"({"op":"hello","min":1,"max":1,"name":")", name, "\"}");
    const Told told = co_await peer.ask(hello);
    EXPECT_EQ(told.outcome, "ok");
    co_return peer;
  }
  // A `say` in the lobby, or elsewhere; every one of another cid.
  std::string say(std::string_view room = "lobby") {
    return concat(R"({"op":"say","room":")", room, R"(","cid":")", random.hex(16), "\"}");
  }
  void body_of(Task<void> (*body)(ChatTest&)) { run(body(*this)); }
};

TEST_F(ChatTest, WhatIsSaidIsInTheLogWithItsPlaceAndItsSender) {
  body_of([](ChatTest& test) -> Task<void> {
    Peer lin = co_await test.member("lin");
    const std::string request = test.say();
    const Told first = co_await lin.ask(request, "photos?");
    EXPECT_EQ(first.outcome, "ok");
    EXPECT_EQ(first.number("seq"), 1);
    EXPECT_FALSE(first.flag("repeated"));
    const std::string second_request = test.say();
    const Told second = co_await lin.ask(second_request, "照片");
    EXPECT_EQ(second.number("seq"), 2);
    const Told told_log = co_await lin.ask(R"({"op":"log","room":"lobby"})");
    EXPECT_EQ(texts_of(told_log.payload), (Texts{"photos?", "照片"}));
    const auto line = lines_of(told_log.payload)[0];
    EXPECT_EQ(*line.text("from"), "lin");
    EXPECT_EQ(*line.integer("ts", 0, 1LL << 53), test.clock.wall_ns() / 1'000'000);
  });
}

TEST_F(ChatTest, ARetryIsKnownByItsCidWhateverItSays) {
  body_of([](ChatTest& test) -> Task<void> {
    Peer lin = co_await test.member("lin");
    const std::string request = test.say();
    const Told first = co_await lin.ask(request, "once");
    lin.leave();
    Peer again = co_await test.member("lin");
    const Told second = co_await again.ask(request, "twice");
    EXPECT_EQ(second.outcome, "ok");
    EXPECT_TRUE(second.flag("repeated"));
    EXPECT_EQ(second.number("seq"), first.number("seq"));
    Peer ada = co_await test.member("ada");
    const Told other = co_await ada.ask(request, "by another member");
    EXPECT_FALSE(other.flag("repeated"));
    const Told told_log = co_await again.ask(R"({"op":"log","room":"lobby"})");
    EXPECT_EQ(texts_of(told_log.payload), (Texts{"once", "by another member"}));
  });
}

struct Case {
  std::string request;
  std::string payload;
  std::string_view outcome;
};

std::vector<Case> bad_cases() {
  const std::string cid = R"(,"cid":"00112233445566778899aabbccddeeff"})";
  return {
      {R"({"op":"say","room":"lobby"})", "no cid", "bad_request"},
      {R"({"op":"say","room":"lobby","cid":"0011"})", "short cid", "bad_request"},
      {R"({"op":"say","room":"lobby","cid":7})", "a number", "bad_request"},
      {R"({"op":"say")" + cid, "no room", "bad_request"},
      {R"({"op":"say","room":"nowhere")" + cid, "x", "not_found"},
      {R"({"op":"say","room":"@nobody")" + cid, "x", "not_found"},
      {R"({"op":"say","room":"lobby")" + cid, "", "bad_request"},
      {R"({"op":"say","room":"lobby")" + cid, "\xC3", "bad_request"},
      {R"({"op":"say","room":"lobby")" + cid, std::string(16 * 1024 + 1, 'x'), "too_large"},
      {R"({"op":"say","room":"lobby","file":"../x")" + cid, "x", "bad_name"},
      {R"({"op":"log","room":"lobby","after":-1})", "", "bad_request"},
      {R"({"op":"log","room":"lobby","after":"1"})", "", "bad_request"},
      {R"({"op":"log","room":"lobby","before":-1})", "", "bad_request"},
      {R"({"op":"log","room":"lobby","limit":0})", "", "bad_request"},
      {R"({"op":"log","room":"lobby","limit":1001})", "", "bad_request"},
      {R"({"op":"follow","room":"nowhere"})", "", "not_found"},
      {R"({"op":"follow","after":"now"})", "", "bad_request"},
      {R"({"op":"follow","after":-1})", "", "bad_request"},
      {R"({"op":"follow","room":"lobby","after":-1})", "", "bad_request"},
      {R"({"op":"search"})", "", "bad_request"},
      {R"({"op":"join","room":"a/b"})", "", "bad_name"},
      {R"({"op":"join","room":""})", "", "bad_name"},
      {R"({"op":"topic","room":"lobby","topic":")" + std::string(257, 'x') + "\"}", "",
       "too_large"},
      {R"({"op":"seen","room":"lobby","seq":-1})", "", "bad_request"},
      {R"({"op":"name","name":"local/ada"})", "", "bad_name"},
      {R"({"op":"name","name":"127.0.0.1:5000"})", "", "bad_name"},
      {R"({"op":"name","name":"\u202enil"})", "", "bad_name"},
      {R"({"op":"name","name":"li\u0000n"})", "", "bad_name"},
      {R"({"op":"join","room":"\u001b[2J"})", "", "bad_name"},
  };
}

TEST_F(ChatTest, BadInputIsRefusedNamedAndNothingIsSaid) {
  body_of([](ChatTest& test) -> Task<void> {
    Peer lin = co_await test.member("lin");
    const std::vector<Case> cases = bad_cases();
    for (const Case& one : cases) {
      const Told told = co_await lin.ask(one.request, one.payload);
      EXPECT_EQ(told.outcome, one.outcome) << one.request;
    }
    const Told told_log = co_await lin.ask(R"({"op":"log","room":"lobby"})");
    EXPECT_EQ(told_log.outcome, "ok");
    EXPECT_EQ(told_log.payload, "");
  });
}

TEST_F(ChatTest, TheLongestMessageIsTaken) {
  body_of([](ChatTest& test) -> Task<void> {
    Peer lin = co_await test.member("lin");
    const std::string longest(spec::kMaxMessageBytes, '\x01');  // six bytes each, as JSON
    const std::string request = test.say();
    const Told said = co_await lin.ask(request, longest);
    EXPECT_EQ(said.outcome, "ok");
    const Told told_log = co_await lin.ask(R"({"op":"log","room":"lobby"})");
    EXPECT_EQ(texts_of(told_log.payload), Texts{longest});
  });
}

TEST_F(ChatTest, WhoSaysTooMuchIsToldWhenToTryAgainAndThenMay) {
  body_of([](ChatTest& test) -> Task<void> {
    Peer lin = co_await test.member("lin");
    for (std::int64_t i = 0; i < limits::kMessagesAtOnce; ++i) {
      const std::string request = test.say();
      const Told told = co_await lin.ask(request, "x");
      EXPECT_EQ(told.outcome, "ok");
    }
    const std::string request = test.say();
    const Told over = co_await lin.ask(request, "x");
    EXPECT_EQ(over.outcome, "too_many");
    EXPECT_EQ(over.text("hint"), "try again in 50 ms");
    EXPECT_EQ(over.number("retry_ms"), 50);
    Peer ada = co_await test.member("ada");
    const std::string another = test.say();
    const Told other = co_await ada.ask(another, "x");
    EXPECT_EQ(other.outcome, "ok");
    co_await test.pass_ms(50);
    const Told again = co_await lin.ask(request, "x");
    EXPECT_EQ(again.outcome, "ok");
  });
}

TEST_F(ChatTest, AllWhoAreAtOneAddressHaveALimitTogether) {
  body_of([](ChatTest& test) -> Task<void> {
    const auto there = *socketserver::Address::from_number("192.0.2.1", 1);
    const auto also_there = *socketserver::Address::from_number("192.0.2.1", 2);
    const auto elsewhere = *socketserver::Address::from_number("192.0.2.2", 1);
    Chat::Saying saying;
    saying.room = test.chat.lobby();
    saying.text = "x";
    const auto next = [&test, &saying]() -> Chat::Saying {
      test.random.fill(saying.cid);
      return saying;
    };
    for (std::int64_t i = 0; i < limits::kAddressMessagesAtOnce; ++i) {
      Chat::Saying one = next();
      auto said = co_await test.chat.say_as_guest("a guest", also_there, std::move(one));
      EXPECT_TRUE(said);
    }
    const auth::Principal principal = auth::local_principal("lin", "");
    auto lin = co_await test.chat.person(principal);
    Chat::Saying one = next();
    auto said = co_await test.chat.say(*lin, there, std::move(one));
    EXPECT_TRUE(said.error().is(kTooMany));
    EXPECT_EQ(said.error().retry_ms(), 5);
    EXPECT_EQ(said.error().message(), "too much is said at once from 192.0.2.1");
    // Of her own nothing was taken.
    for (std::int64_t i = 0; i < limits::kMessagesAtOnce; ++i) {
      one = next();
      said = co_await test.chat.say(*lin, elsewhere, std::move(one));
      EXPECT_TRUE(said) << i;
    }
    co_await test.pass_ms(5);
    one = next();
    said = co_await test.chat.say_as_guest("a guest", there, std::move(one));
    EXPECT_TRUE(said);
  });
}

TEST_F(ChatTest, WhoFollowsARoomHearsWhatWasMissedAndThenWhatIsSaid) {
  body_of([](ChatTest& test) -> Task<void> {
    Peer lin = co_await test.member("lin");
    for (const char* text : {"one", "two", "three"}) {
      const std::string request = test.say();
      const Told told = co_await lin.ask(request, text);
      EXPECT_EQ(told.outcome, "ok");
    }
    Peer ada = co_await test.member("ada");
    const auto id = ada.send(R"({"op":"follow","room":"lobby","after":1})");
    Told heard = co_await ada.hear(id, "three");
    EXPECT_EQ(heard.number("seq"), 1);
    EXPECT_EQ(texts_of(heard.payload), (Texts{"two", "three"}));
    const std::string request = test.say();
    const Told told = co_await lin.ask(request, "four");
    EXPECT_EQ(told.outcome, "ok");
    heard = co_await ada.hear(id, "four");
    EXPECT_EQ(texts_of(heard.payload), (Texts{"two", "three", "four"}));
    ada.send(concat(R"({"op":"cancel","target":)", std::to_string(id), "}"));
    Told ended = co_await ada.receive();
    if (ended.id != id) ended = co_await ada.receive();
    EXPECT_EQ(ended.outcome, "cancelled");
  });
}

TEST_F(ChatTest, WhoIsAheadOfTheLogReadsNothingAndFollowsFromWhatThereIs) {
  body_of([](ChatTest& test) -> Task<void> {
    Peer lin = co_await test.member("lin");
    std::string request = test.say();
    Told said = co_await lin.ask(request, "one");
    EXPECT_EQ(said.outcome, "ok");
    const Told read = co_await lin.ask(R"({"op":"log","room":"lobby","after":9007199254740992})");
    EXPECT_EQ(read.outcome, "ok");
    EXPECT_EQ(read.payload, "");
    constexpr std::pair<const char*, const char*> cases[] = {
        {R"({"op":"follow","room":"lobby","after":9007199254740992})", "seq"},
        {R"({"op":"follow","after":9007199254740992})", "number"}};
    for (const auto& [follow, place] : cases) {
      Peer ada = co_await test.member("ada");
      const auto id = ada.send(follow);
      Told heard = co_await ada.hear(id, "");
      const std::int64_t begun = heard.number(place);
      EXPECT_EQ(begun, said.number(place));
      request = test.say();
      said = co_await lin.ask(request, "next");
      heard = co_await ada.hear(id, "next");
      EXPECT_EQ(texts_of(heard.payload), Texts{"next"});
    }
  });
}

TEST_F(ChatTest, WhoFollowsAllHearsItsOwnRoomsAlone) {
  body_of([](ChatTest& test) -> Task<void> {
    Peer lin = co_await test.member("lin");
    Peer ada = co_await test.member("ada");
    Peer eve = co_await test.member("eve");
    const auto id = ada.send(R"({"op":"follow"})");
    Told heard = co_await ada.hear(id, "");
    EXPECT_EQ(heard.number("number"), 0);
    const auto eves = eve.send(R"({"op":"follow"})");
    heard = co_await eve.hear(eves, "");
    for (const char* room : {"holiday", "work"}) {
      const std::string join = concat(R"({"op":"join","room":")", room, "\"}");
      const Told joined = co_await lin.ask(join);
      EXPECT_EQ(joined.outcome, "ok");
    }
    const Told joined = co_await ada.ask(R"({"op":"join","room":"holiday"})");
    EXPECT_EQ(joined.outcome, "ok");
    constexpr std::pair<const char*, const char*> said[] = {
        {"work", "not for ada"}, {"holiday", "the sea"}, {"@ada", "between us"}, {"lobby", "all"}};
    for (const auto& [room, text] : said) {
      const std::string request = test.say(room);
      const Told told = co_await lin.ask(request, text);
      EXPECT_EQ(told.outcome, "ok") << room;
    }
    heard = co_await ada.hear(id, "all");
    EXPECT_EQ(texts_of(heard.payload), (Texts{"the sea", "between us", "all"}));
    heard = co_await eve.hear(eves, "all");
    EXPECT_EQ(texts_of(heard.payload), Texts{"all"});
  });
}

TEST_F(ChatTest, DirectMessagesAreForTheTwoAlone) {
  body_of([](ChatTest& test) -> Task<void> {
    Peer lin = co_await test.member("lin");
    Peer ada = co_await test.member("ada");
    Peer eve = co_await test.member("eve");
    for (Peer* const peer : {&lin, &ada, &eve}) {
      const Told known = co_await peer->ask(R"({"op":"who"})");
      EXPECT_EQ(known.outcome, "ok");
    }
    const std::string request = test.say("@ada");
    const Told said = co_await lin.ask(request, "a secret");
    EXPECT_EQ(said.outcome, "ok");
    const Told hers = co_await ada.ask(R"({"op":"log","room":"@lin"})");
    EXPECT_EQ(texts_of(hers.payload), Texts{"a secret"});
    for (const char* room : {"@lin", "@ada"}) {
      const std::string reading = concat(R"({"op":"log","room":")", room, "\"}");
      const Told eves = co_await eve.ask(reading);
      EXPECT_EQ(eves.payload, "") << room;
    }
    const Told found = co_await eve.ask(R"({"op":"search","words":"secret"})");
    EXPECT_EQ(found.payload, "");
    const Told found_too = co_await ada.ask(R"({"op":"search","words":"SECRET"})");
    EXPECT_EQ(texts_of(found_too.payload), Texts{"a secret"});
    EXPECT_EQ(*lines_of(found_too.payload)[0].text("room"), "@lin");
    const Told listed = co_await ada.ask(R"({"op":"rooms"})");
    EXPECT_TRUE(listed.payload.contains(R"("room":"@lin")")) << listed.payload;
  });
}

TEST_F(ChatTest, RoomsHaveTopicsAndSayWhatIsUnread) {
  body_of([](ChatTest& test) -> Task<void> {
    Peer lin = co_await test.member("lin");
    Peer ada = co_await test.member("ada");
    for (Peer* const peer : {&lin, &ada}) {
      const Told joined = co_await peer->ask(R"({"op":"join","room":"holiday"})");
      EXPECT_EQ(joined.outcome, "ok");
    }
    const Told topic = co_await ada.ask(R"({"op":"topic","room":"holiday","topic":"where to"})");
    EXPECT_EQ(topic.outcome, "ok");
    for (int i = 0; i < 3; ++i) {
      const std::string request = test.say("holiday");
      const Told told = co_await lin.ask(request, "x");
      EXPECT_EQ(told.outcome, "ok");
    }
    const Told seen = co_await ada.ask(R"({"op":"seen","room":"holiday","seq":2})");
    EXPECT_EQ(seen.outcome, "ok");
    const Told listed = co_await ada.ask(R"({"op":"rooms"})");
    for (const wire::Dictionary& line : lines_of(listed.payload)) {
      if (*line.text("room") != "holiday") continue;
      EXPECT_EQ(*line.text("topic"), "where to");
      EXPECT_EQ(*line.integer("last_seq", 0, 9), 3);
      EXPECT_EQ(*line.integer("read_seq", 0, 9), 2);
    }
    const Told left = co_await ada.ask(R"({"op":"leave","room":"holiday"})");
    EXPECT_EQ(left.outcome, "ok");
    const Told unseen = co_await ada.ask(R"({"op":"seen","room":"holiday","seq":3})");
    EXPECT_EQ(unseen.outcome, "not_found");
  });
}

TEST_F(ChatTest, ANameIsChangedForWhatIsSaidFromThenOn) {
  body_of([](ChatTest& test) -> Task<void> {
    Peer lin = co_await test.member("lin");
    Peer ada = co_await test.member("ada");
    const Told known = co_await ada.ask(R"({"op":"who"})");
    EXPECT_EQ(known.outcome, "ok");
    const std::string before = test.say();
    const Told said = co_await lin.ask(before, "as lin");
    EXPECT_EQ(said.outcome, "ok");
    const Told taken = co_await lin.ask(R"({"op":"name","name":"Ada"})");
    EXPECT_EQ(taken.outcome, "exists");
    const Told renamed = co_await lin.ask(R"({"op":"name","name":"lin w"})");
    EXPECT_EQ(renamed.text("name"), "lin w");
    const std::string after = test.say();
    const Told told = co_await lin.ask(after, "as lin w");
    EXPECT_EQ(told.outcome, "ok");
    const Told told_log = co_await ada.ask(R"({"op":"log","room":"lobby"})");
    EXPECT_EQ(*lines_of(told_log.payload)[0].text("from"), "lin");
    EXPECT_EQ(*lines_of(told_log.payload)[1].text("from"), "lin w");
  });
}

TEST_F(ChatTest, WhoIsOnlineIsWhoHoldsAConnection) {
  body_of([](ChatTest& test) -> Task<void> {
    Peer lin = co_await test.member("lin");
    Peer ada = co_await test.member("ada");
    for (Peer* const peer : {&lin, &ada}) {
      const Told told = co_await peer->ask(R"({"op":"rooms"})");
      EXPECT_EQ(told.outcome, "ok");
    }
    Told who = co_await lin.ask(R"({"op":"who"})");
    EXPECT_EQ(who.payload, "{\"name\":\"ada\"}\n{\"name\":\"lin\"}\n");
    ada.leave();
    const bool gone = co_await test.left(1);
    EXPECT_TRUE(gone);
    who = co_await lin.ask(R"({"op":"who"})");
    EXPECT_EQ(who.payload, "{\"name\":\"lin\"}\n");
  });
}

TEST_F(ChatTest, WhoFollowsAllIsToldWhoCameAndWentIfItWantsToBe) {
  body_of([](ChatTest& test) -> Task<void> {
    co_await test.pass_ms(limits::kPresenceQuietMs);
    Peer ada = co_await test.member("ada");
    const auto id = ada.send(R"({"op":"follow","presence":true})");
    Told heard = co_await ada.hear(id, "");
    Peer eve = co_await test.member("eve");
    const auto eves = eve.send(R"({"op":"follow"})");
    const Told begun = co_await eve.hear(eves, "");
    co_await test.pass_ms(limits::kPresenceSettleMs);
    heard = co_await ada.hear(id, "eve");
    EXPECT_EQ(heard.payload, "{\"name\":\"eve\",\"online\":true}\n");
    Peer lin = co_await test.member("lin");
    const std::string request = test.say();
    const Told said = co_await lin.ask(request, "in between");
    EXPECT_EQ(said.outcome, "ok");
    co_await test.pass_ms(limits::kPresenceSettleMs);
    heard = co_await ada.hear(id, "in between");
    const Told renamed = co_await lin.ask(R"({"op":"name","name":"lin w"})");
    EXPECT_EQ(renamed.outcome, "ok");
    eve.leave();
    co_await test.pass_ms(limits::kPresenceSettleMs);
    heard = co_await ada.hear(id, "lin w");
    const auto lines = lines_of(heard.payload);
    EXPECT_EQ(lines.size(), 6U) << heard.payload;
    const std::size_t end = heard.payload.find("in between");
    EXPECT_TRUE(heard.payload.substr(end).contains(
        "{\"name\":\"eve\",\"online\":false}\n{\"name\":\"lin\",\"online\":false}\n"
        "{\"name\":\"lin w\",\"online\":true}\n"))
        << heard.payload;
    const Told wrong = co_await ada.ask(R"({"op":"follow","presence":1})");
    EXPECT_EQ(wrong.outcome, "bad_request");
  });
}

TEST_F(ChatTest, WhoDoesNotAskForItIsNotToldWhoIsOnline) {
  body_of([](ChatTest& test) -> Task<void> {
    co_await test.pass_ms(limits::kPresenceQuietMs);
    constexpr std::pair<const char*, const char*> cases[] = {
        {R"({"op":"follow"})", "lin"},
        {R"({"op":"follow","room":"lobby","presence":true})", "eve"}};
    for (const auto& [follow, name] : cases) {
      Peer ada = co_await test.member("ada");
      const auto id = ada.send(follow);
      Told heard = co_await ada.hear(id, "");
      Peer lin = co_await test.member(name);
      const Told known = co_await lin.ask(R"({"op":"who"})");
      EXPECT_EQ(known.outcome, "ok");
      co_await test.pass_ms(limits::kPresenceSettleMs);
      const std::string request = test.say();
      const Told said = co_await lin.ask(request, "hello");
      EXPECT_EQ(said.outcome, "ok");
      heard = co_await ada.hear(id, "hello");
      EXPECT_EQ(lines_of(heard.payload).size(), 1U) << heard.payload;
    }
  });
}

TEST_F(ChatTest, ALogThatFailsIsSaidAndHealsAndFollowersLoseNothing) {
  body_of([](ChatTest& test) -> Task<void> {
    Peer lin = co_await test.member("lin");
    Peer ada = co_await test.member("ada");
    const auto id = ada.send(R"({"op":"follow","room":"lobby"})");
    Told heard = co_await ada.hear(id, "");
    test.rooms.fail_next(1, kNoSpace);
    const std::string request = test.say();
    const Told full = co_await lin.ask(request, "kept by lin");
    EXPECT_EQ(full.outcome, "no_space");
    const Told told_log = co_await lin.ask(R"({"op":"log","room":"lobby"})");
    EXPECT_EQ(told_log.outcome, "ok");
    EXPECT_EQ(told_log.payload, "");
    const Told again = co_await lin.ask(request, "kept by lin");
    EXPECT_EQ(again.outcome, "ok");
    EXPECT_EQ(again.number("seq"), 1);
    heard = co_await ada.hear(id, "kept by lin");
    EXPECT_EQ(texts_of(heard.payload), Texts{"kept by lin"});
  });
}

TEST_F(ChatTest, AFollowerIsIdleAndEndsWithItsConnection) {
  body_of([](ChatTest& test) -> Task<void> {
    Peer ada = co_await test.member("ada");
    const auto id = ada.send(R"({"op":"follow"})");
    const Told heard = co_await ada.hear(id, "");
    EXPECT_EQ(heard.parts, 1);
    co_await test.settle();
    EXPECT_TRUE(test.served->idle());
    // A silent one is dropped as any other.
    co_await test.pass_ms(spec::kDeadAfterMs + 1'000);
    const bool gone = co_await test.left(0);
    EXPECT_TRUE(gone);
  });
}

TEST_F(ChatTest, ManyMessagesComeWholeAndInOrderHoweverFarBehindOneIs) {
  body_of([](ChatTest& test) -> Task<void> {
    Peer lin = co_await test.member("lin");
    constexpr int kCount = 450;
    Texts all;
    const std::string filler(1'000, 'x');
    for (int i = 0; i < kCount; ++i) {
      all.push_back(concat(std::to_string(i), " ", filler));
      const std::string request = test.say();
      const Told told = co_await lin.ask(request, all.back());
      EXPECT_EQ(told.outcome, "ok");
      co_await test.pass_ms(50);
    }
    for (const char* follow :
         {R"({"op":"follow","room":"lobby","after":0})", R"({"op":"follow","after":0})"}) {
      Peer ada = co_await test.member("ada");
      const auto id = ada.send(follow);
      const Told heard = co_await ada.hear(id, all.back());
      EXPECT_EQ(texts_of(heard.payload), all) << follow;
    }
    const Told told_log = co_await lin.ask(R"({"op":"log","room":"lobby","limit":450})");
    EXPECT_GT(told_log.parts, 1);
    EXPECT_EQ(texts_of(told_log.payload), all);
    const Told page = co_await lin.ask(R"({"op":"log","room":"lobby","before":3,"limit":1})");
    EXPECT_EQ(texts_of(page.payload), Texts{all[1]});
  });
}

}  // namespace
}  // namespace skein::hub
