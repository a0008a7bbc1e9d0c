#include "store/partial.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <functional>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "store/fake_disk.h"
#include "store/test_support.h"

namespace skein::store {
namespace {

constexpr std::uint64_t kBlock = limits::kSmallBlockBytes;
constexpr std::uint64_t kTotal = 2 * kBlock + 1000;  // three blocks

PartialKey key(std::string source = "41:2282", std::string device = "device",
               std::string_view target = "b/c.bin") {
  return {std::move(device), std::move(source), at(target)};
}

// Of key(), as docs/disk.md says, made by another program.
const std::string kName = "p/e62294c7c70f19194d8ab99e34775e2b";
const std::string kData = kName + ".data";
const std::string kJournal = kName + ".journal";

class PartialTest : public testing::Test {
 public:
  ~PartialTest() override { EXPECT_EQ(disk_.open_files(), 0U); }

 protected:
  PartialTest() { disk_.put_folder("p"); }

  std::unique_ptr<Partial> open(const PartialKey& who = key(), std::uint64_t total = kTotal) {
    auto partial = partials_->open(who, total);
    EXPECT_TRUE(partial) << partial.error().report();
    return std::move(partial).value();
  }
  [[nodiscard]] std::string_view bytes_of(const Partial& partial, std::uint64_t block) const {
    return std::string_view(content_).substr(partial.plan().offset(block),
                                             partial.plan().size(block));
  }
  [[nodiscard]] Digest digest(const Partial& partial, std::uint64_t block) const {
    return digest_of(bytes_of(partial, block), partial.plan().seed_of(block));
  }
  Result<void> store(Partial& partial, std::uint64_t block) {
    TRY(partial.write(partial.plan().offset(block), as_bytes(bytes_of(partial, block))));
    return partial.claim(block, digest(partial, block));
  }
  // A first session that ended after these blocks; what it claimed.
  Claims session(const std::vector<std::uint64_t>& blocks, const PartialKey& who = key()) {
    const auto partial = open(who);
    for (const std::uint64_t block : blocks) EXPECT_TRUE(store(*partial, block));
    Claims claims;
    for (const std::uint64_t block : blocks) claims.emplace(block, digest(*partial, block));
    partial->release();
    return claims;
  }
  Result<void> finish(Partial& partial, std::string_view to, bool sync = true) {
    return partial.finish({0644, 5}, sync, [&](const Path& data) {
      return disk_.rename(data, at(to), Rename::kNoReplace);
    });
  }
  // Another process: what only the first one knew is forgotten.
  void restart() { partials_ = std::make_unique<Partials>(disk_, clock_, random_, at("p"), true); }

  const std::string content_ = text_of(kTotal, 7);
  FakeDisk disk_;
  FakeClock clock_;
  SeededRandom random_{1};
  std::unique_ptr<Partials> partials_ =
      std::make_unique<Partials>(disk_, clock_, random_, at("p"), true);
};

// --- a transfer, and the next attempt

TEST_F(PartialTest, ItLiesAsSpecified) {
  const auto partial = open();
  ASSERT_TRUE(store(*partial, 2));
  EXPECT_EQ(disk_.contents(kData), std::string(2 * kBlock, '\0') + content_.substr(2 * kBlock));
  const Info info = disk_.info(at(kData)).value();
  EXPECT_EQ(info.mode, 0600U);
  const JournalHeader header{.plan = {kTotal, kBlock, partial->plan().seed},
                             .inode = info.inode,
                             .boot_id = disk_.boot_id(),
                             .device = "device",
                             .source = "41:2282",
                             .target = "b/c.bin"};
  EXPECT_EQ(disk_.contents(kJournal), encode_header(header) + encode_claim(2, digest(*partial, 2)));
  EXPECT_EQ(partial->generation(), 1U);
  EXPECT_EQ(partial->target(), at("b/c.bin"));
}

TEST_F(PartialTest, TheNextAttemptFindsWhatWasClaimed) {
  const Claims claims = session({2, 0});
  const auto seed = open()->plan().seed;
  for (const bool restarted : {false, true}) {
    if (restarted) restart();
    const auto partial = open();
    EXPECT_EQ(partial->claims(), claims);
    EXPECT_EQ(partial->plan(), (BlockPlan{kTotal, kBlock, seed}));
  }
}

// Every resume read all that was there, as if after another boot.
TEST_F(PartialTest, InTheSameBootNothingIsReadOrWrittenAgain) {
  const Claims claims = session({0, 1});
  disk_.put_file(kData, std::string(kTotal, '\0'));  // reading it would show
  const std::uint64_t steps = disk_.steps();
  EXPECT_EQ(open()->claims(), claims);
  EXPECT_EQ(disk_.steps(), steps);
}

TEST_F(PartialTest, AKilledProcessLeavesTheSame) {
  const Claims claims = session({0});
  auto partial = open();
  ASSERT_TRUE(partial->write(kBlock, as_bytes("only a part")));
  disk_.kill();
  EXPECT_EQ(outcome(store(*partial, 1)), "io");
  partial.reset();
  restart();
  EXPECT_EQ(open()->claims(), claims);
}

TEST_F(PartialTest, ARenouncedBlockIsClaimedNoMore) {
  const Claims claims = session({0, 1});
  const auto partial = open();
  ASSERT_TRUE(partial->renounce(1));
  EXPECT_EQ(open()->claims(), (Claims{{0, claims.at(0)}}));
}

TEST_F(PartialTest, AClaimThatWasCutIsWrittenOver) {
  const auto partial = open();
  disk_.fail_at(disk_.steps() + 2, ENOSPC);  // the write of the record, half of it done
  EXPECT_EQ(outcome(store(*partial, 0)), "no_space");
  ASSERT_TRUE(store(*partial, 1));
  EXPECT_EQ(open()->claims(), (Claims{{1, digest(*partial, 1)}}));
}

TEST_F(PartialTest, WhatFollowsADamagedRecordDoesNotComeBackToLife) {
  const Claims claims = session({0, 1, 2});
  std::string journal = *disk_.contents(kJournal);
  journal[journal.size() - 2 * kJournalRecordBytes] ^= 1;  // block 1's
  disk_.put_file(kJournal, journal);
  {
    const auto partial = open();
    EXPECT_EQ(partial->claims(), (Claims{{0, claims.at(0)}}));
    ASSERT_TRUE(store(*partial, 1));  // where the damaged record was, before that of block 2
  }
  EXPECT_EQ(open()->claims(), (Claims{{0, claims.at(0)}, {1, claims.at(1)}}));
}

// --- whose partial it is

TEST_F(PartialTest, EachDeviceSourceAndTargetHasItsOwn) {
  session({0});
  const PartialKey others[] = {key("41:2283"), key("41:2282", "devic"),
                               key("41:2282", "device", "b/c"),
                               // The same letters, cut elsewhere.
                               key("e41:2282", "devic"), key("41:2282b", "device", "/c.bin")};
  for (const PartialKey& other : others) {
    EXPECT_EQ(open(other)->claims(), Claims{}) << other.source << other.target.text();
  }
  EXPECT_EQ(open()->claims().size(), 1U);
}

TEST_F(PartialTest, WithAnotherTotalItBeginsAnew) {
  for (const std::uint64_t total : {kTotal + 1, kTotal - 1, std::uint64_t{0}}) {
    session({0});
    const auto seed = open()->plan().seed;
    const auto partial = open(key(), total);
    EXPECT_EQ(partial->claims(), Claims{});
    EXPECT_EQ(partial->plan().total_bytes, total);
    EXPECT_NE(partial->plan().seed, seed);
    EXPECT_EQ(disk_.info(at(kData))->size_bytes, total);
  }
}

TEST_F(PartialTest, AJournalOfSomethingElseClaimsNothing) {
  using Change = std::function<void(JournalHeader&)>;
  const std::pair<const char*, Change> cases[] = {
      {"device", [](auto& header) { header.device = "other"; }},
      {"source", [](auto& header) { header.source = "other"; }},
      {"target", [](auto& header) { header.target = "other"; }},
      {"total", [](auto& header) { header.plan.total_bytes = kTotal - 1; }},
      {"block size", [](auto& header) { header.plan.block_bytes *= 2; }},
      {"inode", [](auto& header) { ++header.inode; }},
  };
  for (const auto& [what, change] : cases) {
    session({0, 1});
    auto journal = parse_journal(as_bytes(*disk_.contents(kJournal)));
    ASSERT_TRUE(journal) << what;
    ASSERT_EQ(journal->claims.size(), 2U) << what;
    change(journal->header);
    std::string bytes = encode_header(journal->header);
    for (const auto& [block, digest] : journal->claims) bytes += encode_claim(block, digest);
    disk_.put_file(kJournal, bytes);
    const auto partial = open();
    EXPECT_EQ(partial->claims(), Claims{}) << what;
    EXPECT_NE(partial->plan().seed, journal->header.plan.seed) << what;
    EXPECT_EQ(disk_.contents(kData), std::string(kTotal, '\0')) << what;
  }
}

TEST_F(PartialTest, WithoutItsOtherHalfItBeginsAnew) {
  const std::pair<const char*, std::function<void()>> cases[] = {
      {"no journal", [&] { ASSERT_TRUE(disk_.remove_file(at(kJournal))); }},
      {"an empty journal", [&] { disk_.put_file(kJournal, ""); }},
      {"no data", [&] { ASSERT_TRUE(disk_.remove_file(at(kData))); }},
      {"data cut short", [&] { disk_.put_file(kData, content_.substr(0, kTotal - 1)); }},
      {"data too long", [&] { disk_.put_file(kData, content_ + "x"); }},
      {"other data", [&] {
         ASSERT_TRUE(disk_.remove_file(at(kData)));
         disk_.put_file(kData, content_);
       }}};
  for (const auto& [what, damage] : cases) {
    session({0, 1});
    damage();
    const auto partial = open();
    EXPECT_EQ(partial->claims(), Claims{}) << what;
    EXPECT_EQ(disk_.contents(kData), std::string(kTotal, '\0')) << what;
  }
}

// --- taking over

TEST_F(PartialTest, ALaterSessionSupersedesTheEarlier) {
  const auto first = open();
  ASSERT_TRUE(store(*first, 0));
  const auto second = open();
  EXPECT_GT(second->generation(), first->generation());
  EXPECT_EQ(second->claims(), (Claims{{0, digest(*first, 0)}}));

  const std::string before = *disk_.contents(kJournal);
  EXPECT_EQ(outcome(first->write(0, as_bytes("late"))), "superseded");
  EXPECT_EQ(outcome(first->renounce(0)), "superseded");
  EXPECT_EQ(outcome(first->claim(1, digest(*first, 1))), "superseded");
  EXPECT_EQ(outcome(finish(*first, "late")), "superseded");
  first->release();
  EXPECT_EQ(disk_.contents(kJournal), before);
  EXPECT_EQ(disk_.contents("late"), std::nullopt);
  EXPECT_TRUE(disk_.contents(kData)->starts_with(content_.substr(0, kBlock)));

  ASSERT_TRUE(store(*second, 1));
  ASSERT_TRUE(store(*second, 2));
  ASSERT_TRUE(finish(*second, "new"));
  EXPECT_EQ(disk_.contents("new"), content_);
}

TEST_F(PartialTest, AlsoOneOfAnotherSize) {
  const auto first = open();
  const auto second = open(key(), 10);
  EXPECT_EQ(outcome(store(*first, 0)), "superseded");
  EXPECT_EQ(disk_.contents(kData), std::string(10, '\0'));
}

TEST_F(PartialTest, AReleasedOneChangesNothingMore) {
  const Claims claims = session({0});
  const auto partial = open();
  partial->release();
  partial->release();
  EXPECT_EQ(outcome(store(*partial, 1)), "superseded");
  EXPECT_EQ(open()->claims(), claims);
}

TEST_F(PartialTest, WhatNobodyCanResumeGoesWithItsTransfer) {
  for (const PartialKey& nobody : {key(""), key("41:2282", ""), key("", "")}) {
    const auto one = open(nobody);
    const auto two = open(nobody);
    EXPECT_EQ(outcome(store(*one, 0)), "ok");  // no one takes it over
    one->release();
    EXPECT_EQ(disk_.tree().size(), 3U);  // the folder, and what is two's
    two->release();
    EXPECT_EQ(disk_.tree(), (FakeDisk::Tree{{"p", "folder"}}));
  }
}

// --- after another boot

TEST_F(PartialTest, AfterAnotherBootOnlyWhatIsStillThereCounts) {
  const Claims claims = session({0, 1, 2});
  std::string damaged = content_;
  damaged[2 * kBlock - 1] ^= 1;
  disk_.put_file(kData, damaged);  // and with that durable
  disk_.put_file(kJournal, *disk_.contents(kJournal));
  disk_.power_cycle();
  restart();
  const Claims expected = {{0, claims.at(0)}, {2, claims.at(2)}};
  {
    const auto partial = open();
    EXPECT_EQ(partial->claims(), expected);
    const auto journal = parse_journal(as_bytes(*disk_.contents(kJournal)));
    ASSERT_TRUE(journal);
    EXPECT_EQ(journal->header.boot_id, disk_.boot_id());
    EXPECT_EQ(journal->claims, expected);
    ASSERT_TRUE(store(*partial, 1));
  }
  EXPECT_EQ(open()->claims(), claims);
}

TEST_F(PartialTest, AClaimWhoseBytesDidNotReachTheDiskIsDropped) {
  auto partial = open();
  const auto seed = partial->plan().seed;
  disk_.put_file(kData, std::string(kTotal, '\0'));  // durable from here on, and nothing else
  ASSERT_TRUE(store(*partial, 0));
  partial->release();
  partial.reset();
  disk_.put_file(kJournal, *disk_.contents(kJournal));
  disk_.power_cycle();
  restart();
  const auto again = open();
  EXPECT_EQ(again->claims(), Claims{});
  EXPECT_EQ(again->plan().seed, seed);  // it is the same partial all the same
}

// --- the end

TEST_F(PartialTest, FinishedItIsOnTheDiskWithItsMetadataAndItsJournalIsGone) {
  for (const bool sync : {true, false}) {
    session({0, 1, 2});
    const auto partial = open();
    const std::string name = sync ? "synced" : "not synced";
    ASSERT_TRUE(finish(*partial, name, sync));
    ASSERT_TRUE(disk_.sync_folder(Path()));
    EXPECT_EQ(disk_.durable_contents(name), sync ? content_ : "");
    EXPECT_EQ(disk_.info(at(name))->mode, 0644U);
    EXPECT_EQ(disk_.info(at(name))->mtime_ns, 5);
    EXPECT_EQ(disk_.contents(kJournal), std::nullopt);
    EXPECT_EQ(disk_.contents(kData), std::nullopt);
    EXPECT_EQ(open()->claims(), Claims{});
  }
}

// What is written to it now would change a file that stands under its name.
TEST_F(PartialTest, WhatIsCommittedIsOver) {
  session({0, 1, 2});
  const auto partial = open();
  ASSERT_TRUE(finish(*partial, "new"));
  EXPECT_EQ(disk_.open_files(), 0U);
  EXPECT_EQ(outcome(partial->write(0, as_bytes("late"))), "bad_request");
  EXPECT_EQ(outcome(partial->renounce(0)), "bad_request");
  EXPECT_EQ(outcome(partial->claim(0, digest(*partial, 0))), "bad_request");
  EXPECT_EQ(outcome(finish(*partial, "newer")), "bad_request");
  partial->release();
  EXPECT_EQ(disk_.tree(), (FakeDisk::Tree{{"p", "folder"}, {"new", disk_.tree().at("new")}}));
  EXPECT_EQ(disk_.contents("new"), content_);
}

TEST_F(PartialTest, WhatCouldNotBePlacedMayBePlacedAgain) {
  session({0, 1, 2});
  const auto partial = open();
  disk_.put_file("there", "already");
  EXPECT_EQ(outcome(finish(*partial, "there")), "exists");
  ASSERT_TRUE(store(*partial, 0));
  ASSERT_TRUE(finish(*partial, "new"));
  EXPECT_EQ(disk_.contents("new"), content_);
}

TEST_F(PartialTest, WhatWasPlacedAndThenFailedIsOver) {
  session({0, 1, 2});
  const auto partial = open();
  const auto moved_and_failed = [&](const Path& data) -> Result<void> {
    TRY(disk_.rename(data, at("new"), Rename::kNoReplace));
    return fail(kReadOnly, "not sure that it lasts");
  };
  EXPECT_EQ(outcome(partial->finish({}, true, moved_and_failed)), "read_only");
  EXPECT_EQ(outcome(store(*partial, 0)), "read_only");
  EXPECT_EQ(outcome(finish(*partial, "newer")), "read_only");
  EXPECT_EQ(disk_.contents("new"), content_);
  EXPECT_EQ(open()->claims(), Claims{});
}

// The kernel may have dropped the pages, and a second sync that succeeds would prove nothing.
TEST_F(PartialTest, AfterAFailedSyncNothingIsClaimedAnyMore) {
  for (const bool journal_stays : {false, true}) {
    session({0, 1, 2});
    auto partial = open();
    const auto seed = partial->plan().seed;
    disk_.fail_at(disk_.steps() + 2, EIO);                     // after the metadata
    if (journal_stays) disk_.fail_at(disk_.steps() + 3, EIO);  // its removal
    const auto failed = finish(*partial, "new");
    EXPECT_EQ(outcome(failed), "io");
    EXPECT_EQ(disk_.contents("new"), std::nullopt);
    for (const auto& later : {finish(*partial, "new"), store(*partial, 0), partial->renounce(0)}) {
      ASSERT_FALSE(later);
      EXPECT_EQ(later.error().text(), failed.error().text());
    }
    EXPECT_EQ(disk_.contents(kJournal).has_value(), journal_stays);
    EXPECT_EQ(disk_.contents("new"), std::nullopt);
    partial = open();
    EXPECT_EQ(partial->claims(), Claims{});
    EXPECT_NE(partial->plan().seed, seed);
    EXPECT_EQ(disk_.contents(kData), std::string(kTotal, '\0'));
    ASSERT_TRUE(store(*partial, 1));
    EXPECT_EQ(open()->claims().size(), 1U);  // the new one is trusted as any other
  }
}

TEST_F(PartialTest, MetadataThatCannotBeSetEndsNothing) {
  session({0, 1, 2});
  const auto partial = open();
  disk_.fail_at(disk_.steps() + 1, EPERM);
  EXPECT_EQ(outcome(finish(*partial, "new")), "refused");
  EXPECT_TRUE(finish(*partial, "new"));
}

// --- space

constexpr std::uint64_t kJournalBytes = 10'000;  // room for journals

TEST_F(PartialTest, WhatDoesNotFitIsRefusedAtOnce) {
  disk_.set_capacity(kTotal - 1);
  const auto partial = partials_->open(key(), kTotal);
  ASSERT_FALSE(partial);
  EXPECT_TRUE(partial.error().is(kNoSpace));
  EXPECT_EQ(partial.error().message(), "no space for 'b/c.bin': 2.1 MB to come, 2.1 MB free");
  EXPECT_NE(partial.error().hint().find("it resumes"), std::string::npos);
  EXPECT_EQ(disk_.tree(), (FakeDisk::Tree{{"p", "folder"}}));
}

TEST_F(PartialTest, TwoThatDoNotFitTogetherAreNotBothPromised) {
  disk_.set_capacity(2 * kTotal - 1 + kJournalBytes);
  auto first = open();
  EXPECT_EQ(outcome(partials_->open(key("other"), kTotal)), "ok");
  disk_.set_capacity(2 * kTotal - 1);
  for (std::uint64_t block = 0; block < 3; ++block) {
    EXPECT_EQ(outcome(partials_->open(key("other"), kTotal)), "no_space") << block;
    ASSERT_TRUE(store(*first, block));
  }
  first->release();
  first.reset();
  EXPECT_EQ(outcome(partials_->open(key("other"), kTotal)), "no_space");
  ASSERT_TRUE(disk_.remove_file(at(kData)));
  EXPECT_EQ(outcome(partials_->open(key("other"), kTotal)), "ok");
}

TEST_F(PartialTest, APromiseEndsWithItsSession) {
  disk_.set_capacity(kTotal + kJournalBytes);
  auto first = open();
  EXPECT_EQ(outcome(partials_->open(key("other"), kTotal)), "no_space");
  first->release();
  first.reset();
  EXPECT_EQ(outcome(partials_->open(key("other"), kTotal)), "ok");
}

TEST_F(PartialTest, WhoTakesOverTakesThePromiseToo) {
  disk_.set_capacity(kTotal + kJournalBytes);
  auto first = open();
  auto second = open();
  first.reset();
  EXPECT_EQ(outcome(partials_->open(key("other"), kTotal)), "no_space");
  second.reset();
  EXPECT_EQ(outcome(partials_->open(key("other"), kTotal)), "ok");
}

TEST_F(PartialTest, WhatIsThereAlreadyNeedsNoSpace) {
  const Claims claims = session({0, 1});
  disk_.set_capacity(2 * kBlock + kJournalBytes);
  EXPECT_EQ(open()->claims(), claims);
  disk_.set_capacity(2 * kBlock + 100);
  EXPECT_EQ(outcome(partials_->open(key(), kTotal)), "no_space");
  disk_.set_capacity(std::nullopt);
  EXPECT_EQ(open()->claims(), claims);  // the refusal cost nothing
}

// A sender without digests claims nothing; its bytes take their room only once nevertheless.
TEST_F(PartialTest, WhatWasWrittenIsNotPromisedTwice) {
  disk_.set_capacity(2 * kTotal + kJournalBytes);
  const auto first = open();
  ASSERT_TRUE(first->write(0, as_bytes(content_)));
  EXPECT_EQ(outcome(partials_->open(key("other"), kTotal)), "ok");
}

TEST_F(PartialTest, WhereAnotherProgramReceivesNothingMeetsAndNothingIsResumed) {
  Partials other(disk_, clock_, random_, at("p"), false);
  const auto ours = open();
  ASSERT_TRUE(store(*ours, 0));
  {
    const auto theirs = other.open(key(), kTotal).value();
    EXPECT_TRUE(theirs->claims().empty());
    ASSERT_TRUE(store(*theirs, 1));
    theirs->release();
  }
  for (const std::uint64_t block : {1U, 2U}) ASSERT_TRUE(store(*ours, block));
  ASSERT_TRUE(finish(*ours, "new"));
  EXPECT_EQ(disk_.contents("new"), content_);
  EXPECT_EQ(disk_.tree().size(), 2U) << "the other's partial went with it";
}

// --- purge

TEST_F(PartialTest, PurgeRemovesWhatNobodyCameBackTo) {
  session({0});
  const std::int64_t newest = disk_.info(at(kJournal))->mtime_ns;
  constexpr std::int64_t kKeepNs = limits::kKeepPartialsMs * 1'000'000;
  clock_.set_wall_ns(newest + kKeepNs - 1);
  ASSERT_TRUE(partials_->purge());
  EXPECT_TRUE(disk_.contents(kData));
  {
    const auto held = open();
    clock_.set_wall_ns(newest + kKeepNs);
    ASSERT_TRUE(partials_->purge());
    EXPECT_TRUE(disk_.contents(kData)) << "while it is open";
  }
  ASSERT_TRUE(partials_->purge());
  EXPECT_EQ(disk_.tree(), (FakeDisk::Tree{{"p", "folder"}}));
}

TEST_F(PartialTest, PurgeRemovesWhatNobodyCanResume) {
  const std::pair<const char*, std::function<void()>> cases[] = {
      {"data alone", [&] { ASSERT_TRUE(disk_.remove_file(at(kJournal))); }},
      {"a journal alone", [&] { ASSERT_TRUE(disk_.remove_file(at(kData))); }},
      {"a damaged journal", [&] { disk_.put_file(kJournal, "skeinj1\n"); }},
      {"one without a source, after a kill", [&] {
         static_cast<void>(open(key("")));
         ASSERT_TRUE(disk_.remove_file(at(kData)));
         ASSERT_TRUE(disk_.remove_file(at(kJournal)));
       }}};
  for (const auto& [what, damage] : cases) {
    session({0});
    damage();
    restart();
    const FakeDisk::Tree before = disk_.tree();
    const std::int64_t now_ns = disk_.info(at("p"))->mtime_ns;
    clock_.set_wall_ns(now_ns);
    ASSERT_TRUE(partials_->purge()) << what;
    EXPECT_EQ(disk_.tree(), before) << what << ": perhaps another program's, at work just now";
    clock_.set_wall_ns(now_ns + (limits::kKeepUnresumableMs + 1000) * 1'000'000);
    ASSERT_TRUE(partials_->purge()) << what;
    EXPECT_EQ(disk_.tree(), (FakeDisk::Tree{{"p", "folder"}})) << what;
  }
  const Claims claims = session({0});
  ASSERT_TRUE(partials_->purge());
  EXPECT_EQ(open()->claims(), claims);
}

TEST_F(PartialTest, PurgeLeavesAloneWhatIsOpenAndCannotBeResumed) {
  const auto partial = open(key(""));
  ASSERT_TRUE(partials_->purge());
  for (std::uint64_t block = 0; block < 3; ++block) ASSERT_TRUE(store(*partial, block));
  ASSERT_TRUE(finish(*partial, "new"));
  EXPECT_EQ(disk_.contents("new"), content_);
}

}  // namespace
}  // namespace skein::store
