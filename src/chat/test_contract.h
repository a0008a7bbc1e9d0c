// What the tests of the contracts of RoomLog and Directory share: one test of this fixture asks
// both that keep them. The test's thread.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.h"
#include "chat/database.h"
#include "chat/directory.h"
#include "chat/fake_log.h"
#include "chat/room_log.h"
#include "chat/test_support.h"

namespace skein::chat {

struct Fake {
  FakeLog both;
};
struct Real {
  TempFolder folder;
  std::unique_ptr<Database> both = Database::open(folder.file("rooms.sqlite")).value();
};

// One of both kinds, and what it stands on.
struct Subject {
  std::shared_ptr<void> owner;
  RoomLog* log = nullptr;
  Directory* directory = nullptr;
};
struct Kind {
  const char* name;
  std::function<Subject()> make;
  friend void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }
};

inline const Kind kKinds[] = {
    {"Fake",
     [] {
       auto made = std::make_shared<Fake>();
       return Subject{made, &made->both, &made->both};
     }},
    {"Database",
     [] {
       auto made = std::make_shared<Real>();
       return Subject{made, made->both.get(), made->both.get()};
     }},
};

class ContractTest : public testing::TestWithParam<Kind> {
 protected:
  ContractTest() { lobby_ = room("lobby"); }

  RoomId room(std::string_view name) {
    const auto opened = directory_.open_room(name);
    EXPECT_TRUE(opened) << said(opened);
    return opened ? opened->room.id : 0;
  }
  MemberId member(std::string_view name) {
    const auto made = directory_.member(name);
    EXPECT_TRUE(made) << said(made);
    return made ? made->id : 0;
  }
  // Each as "number/seq", "again number/seq", or an error's kind.
  std::vector<std::string> append(std::vector<Draft> drafts) {
    const auto results = log_.append(drafts);
    if (!results) return {outcome(results)};
    EXPECT_EQ(results->size(), drafts.size());
    std::vector<std::string> all;
    for (const auto& one : *results) {
      all.push_back(one ? concat(one->repeated ? "again " : "", std::to_string(one->number), "/",
                                 std::to_string(one->seq))
                        : outcome(one));
    }
    return all;
  }
  // From a guest, each under a cid of its own.
  void say(RoomId where, std::string text) { append({draft(where, 0, ++said_, std::move(text))}); }
  std::vector<std::string> found(std::string_view words, std::vector<RoomId> rooms = {},
                                 std::optional<std::int64_t> before = {}, std::size_t limit = 100) {
    if (rooms.empty()) rooms = {lobby_};
    return texts(log_.search(rooms, words, before, limit));
  }
  std::vector<std::string> names_of_rooms() {
    std::vector<std::string> names;
    const auto all = directory_.rooms();
    for (const Room& one : *all) names.push_back(one.name);
    return names;
  }
  // "room id:read up to"
  std::vector<std::string> joined(MemberId who) {
    std::vector<std::string> all;
    const auto joined = directory_.joined(who);
    for (const Joined& one : *joined) {
      all.push_back(concat(std::to_string(one.room.id), ":", std::to_string(one.read_seq)));
    }
    return all;
  }
  std::string place(RoomId where, std::int64_t read_seq) {
    return concat(std::to_string(where), ":", std::to_string(read_seq));
  }

  Subject subject_ = GetParam().make();
  RoomLog& log_ = *subject_.log;
  Directory& directory_ = *subject_.directory;
  RoomId lobby_ = 0;
  std::uint64_t said_ = 1'000'000;
};

}  // namespace skein::chat
