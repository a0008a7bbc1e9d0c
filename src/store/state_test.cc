#include "store/state.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <latch>
#include <sstream>
#include <thread>
#include <vector>

#include "base/limits.h"
#include "store/test_support.h"

namespace skein::store {
namespace {

namespace fs = std::filesystem;

unsigned mode_of(const fs::path& path) {
  struct stat stat{};
  return ::stat(path.c_str(), &stat) == 0 ? stat.st_mode & 07777U : ~0U;
}

void write(const fs::path& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::string read(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

// A variable of the environment, put back at the end.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* const before = std::getenv(name)) before_ = before;
    set(value);
  }
  ~Variable() { set(before_ ? before_->c_str() : nullptr); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  void set(const char* value) {
    if (value != nullptr) {
      setenv(name_, value, 1);
    } else {
      unsetenv(name_);
    }
  }
  const char* name_;
  std::optional<std::string> before_;
};

class StateTest : public testing::Test {
 protected:
  StateTest() {
    std::string name = testing::TempDir() + "skein-state-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) std::abort();
    base_ = name;
    umask_ = umask(022);
  }
  ~StateTest() override {
    umask(umask_);
    fs::remove_all(base_);
  }
  StateFolder open() { return StateFolder::open(base_ / "state").value(); }

  fs::path base_;
  mode_t umask_;
  SystemRandom random_;
};

// --- which folder

TEST_F(StateTest, TheGivenFolderComesFirst) {
  const Variable xdg("XDG_STATE_HOME", (base_ / "xdg").c_str());
  const auto state = StateFolder::open(base_ / "given/deep/");
  ASSERT_TRUE(state) << state.error().report();
  EXPECT_EQ(state->path(), base_ / "given/deep");
  EXPECT_FALSE(fs::exists(base_ / "xdg"));
  EXPECT_EQ(mode_of(base_ / "given"), 0700U);
  EXPECT_EQ(mode_of(base_ / "given/deep"), 0700U);
}

TEST_F(StateTest, ThenTheVariables) {
  const Variable home("HOME", (base_ / "home").c_str());
  {
    const Variable xdg("XDG_STATE_HOME", (base_ / "xdg").c_str());
    EXPECT_EQ(StateFolder::open(std::nullopt)->path(), base_ / "xdg/skein");
  }
  {
    const Variable xdg("XDG_STATE_HOME", "relative");  // the specification says to ignore such
    EXPECT_EQ(StateFolder::open(std::nullopt)->path(), base_ / "home/.local/state/skein");
  }
  const Variable xdg("XDG_STATE_HOME", nullptr);
  EXPECT_EQ(StateFolder::open(std::nullopt)->path(), base_ / "home/.local/state/skein");
  EXPECT_EQ(mode_of(base_ / "home/.local"), 0700U);
  EXPECT_FALSE(fs::exists("relative"));
}

TEST_F(StateTest, WithoutAnyItIsUsage) {
  const Variable home("HOME", nullptr);
  const Variable xdg("XDG_STATE_HOME", "");
  const auto state = StateFolder::open(std::nullopt);
  ASSERT_FALSE(state);
  EXPECT_TRUE(state.error().is(kUsage));
  EXPECT_NE(state.error().hint().find("--state DIR"), std::string::npos);
  EXPECT_EQ(outcome(StateFolder::open("")), "usage");
}

// --- whose folder

TEST_F(StateTest, AWiderModeIsNarrowed) {
  fs::create_directory(base_ / "state");
  fs::permissions(base_ / "state", fs::perms(0777));
  const StateFolder state = open();
  EXPECT_EQ(mode_of(state.path()), 0700U);
}

TEST_F(StateTest, AFolderOfAnotherUserIsRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a folder away";
  fs::create_directory(base_ / "state");
  ASSERT_EQ(chown((base_ / "state").c_str(), 65534, 65534), 0);
  const auto state = StateFolder::open(base_ / "state");
  ASSERT_FALSE(state);
  EXPECT_TRUE(state.error().is(kRefused));
  EXPECT_NE(state.error().message().find((base_ / "state").string()), std::string::npos);
  EXPECT_NE(state.error().message().find("65534"), std::string::npos);
  EXPECT_FALSE(state.error().hint().empty());
}

TEST_F(StateTest, AFileInTheWayIsNamed) {
  write(base_ / "file", "");
  EXPECT_EQ(outcome(StateFolder::open(base_ / "file")), "not_a_folder");
  const auto state = StateFolder::open(base_ / "file/below/it");
  EXPECT_EQ(outcome(state), "not_a_folder");
  EXPECT_NE(state.error().message().find("file/below"), std::string::npos);
}

// --- locks

TEST_F(StateTest, ASecondHubIsRefusedAndToldWhichIsFirst) {
  StateFolder state = open();
  auto lock = state.lock_hub();
  ASSERT_TRUE(lock) << lock.error().report();
  const std::string pid = std::to_string(getpid());
  EXPECT_EQ(read(base_ / "state/hub/lock"), pid + "\n");
  EXPECT_EQ(mode_of(base_ / "state/hub"), 0700U);
  EXPECT_EQ(mode_of(base_ / "state/hub/lock"), 0600U);

  const auto second = open().lock_hub();
  ASSERT_FALSE(second);
  EXPECT_TRUE(second.error().is(kBusy));
  EXPECT_NE(second.error().message().find("process " + pid), std::string::npos);
  EXPECT_NE(second.error().hint().find("--state DIR"), std::string::npos);
  EXPECT_EQ(read(base_ / "state/hub/lock"), pid + "\n");
}

TEST_F(StateTest, ALockEndsWithItsOwner) {
  const std::string path = base_ / "lock";
  {
    const auto lock = lock_file(path);
    ASSERT_TRUE(lock);
    EXPECT_EQ(outcome(lock_file(path)), "busy");
  }
  EXPECT_EQ(read(path), "");
  auto first = lock_file(path);
  ASSERT_TRUE(first);
  {
    const Lock moved = *std::move(first);
    EXPECT_EQ(outcome(lock_file(path)), "busy");
  }
  EXPECT_EQ(outcome(lock_file(path)), "ok");
}

TEST_F(StateTest, AssigningALockEndsTheOldOne) {
  auto one = lock_file(base_ / "one");
  auto two = lock_file(base_ / "two");
  ASSERT_TRUE(one);
  ASSERT_TRUE(two);
  *one = *std::move(two);
  EXPECT_EQ(outcome(lock_file(base_ / "one")), "ok");
  EXPECT_EQ(outcome(lock_file(base_ / "two")), "busy");
}

TEST_F(StateTest, AKilledHubLeavesNoLock) {
  StateFolder state = open();
  int ready[2];
  ASSERT_EQ(pipe2(ready, O_CLOEXEC), 0);
  const pid_t child = fork();
  if (child == 0) {
    const auto lock = state.lock_hub();
    const char said = lock ? '+' : '-';
    if (::write(ready[1], &said, 1) != 1) _exit(1);
    while (true) pause();
  }
  char said = 0;
  ASSERT_EQ(::read(ready[0], &said, 1), 1);
  EXPECT_EQ(said, '+');
  const auto refused = state.lock_hub();
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message().find("process " + std::to_string(child)), std::string::npos);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  close(ready[0]);
  close(ready[1]);
  EXPECT_EQ(outcome(state.lock_hub()), "ok");
}

TEST_F(StateTest, AProgramStartedMeanwhileDoesNotKeepTheLock) {
  pid_t child = 0;
  {
    const auto lock = lock_file(base_ / "lock");
    ASSERT_TRUE(lock);
    child = fork();
    if (child == 0) {
      execlp("sleep", "sleep", "60", nullptr);
      _exit(1);
    }
    // Until it has become the other program, it holds what we hold.
    for (int i = 0; i < 1000 && read("/proc/" + std::to_string(child) + "/comm") != "sleep\n";
         ++i) {
      usleep(1000);
    }
  }
  EXPECT_EQ(outcome(lock_file(base_ / "lock")), "ok");
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
}

TEST_F(StateTest, OnlyAFileIsALock) {
  write(base_ / "elsewhere", "text");
  fs::create_symlink("elsewhere", base_ / "link");
  EXPECT_EQ(outcome(lock_file(base_ / "link")), "not_a_file");
  EXPECT_EQ(outcome(lock_file(base_)), "is_a_folder");
  EXPECT_EQ(outcome(lock_file(base_ / "nowhere/lock")), "not_found");
  EXPECT_EQ(read(base_ / "elsewhere"), "text");
}

TEST_F(StateTest, AStrangeLockFileIsNoTrouble) {
  const std::string path = base_ / "lock";
  write(path, "\x1b[2Jnot a number at all, and rather long\n");
  const Descriptor held(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_EQ(flock(held.get(), LOCK_EX | LOCK_NB), 0);
  const auto lock = lock_file(path);
  ASSERT_FALSE(lock);
  EXPECT_NE(lock.error().message().find("another process"), std::string::npos);
}

// --- the device's id

TEST_F(StateTest, TheDeviceKeepsItsId) {
  const std::string id = open().device_id(random_).value();
  EXPECT_EQ(id.size(), 32U);
  EXPECT_EQ(id.find_first_not_of("0123456789abcdef"), std::string::npos);
  EXPECT_EQ(open().device_id(random_).value(), id);
  EXPECT_EQ(read(base_ / "state/client/device"), id + "\n");
  EXPECT_EQ(mode_of(base_ / "state/client/device"), 0600U);
  EXPECT_EQ(mode_of(base_ / "state/client"), 0700U);
  const auto other = StateFolder::open(base_ / "other")->device_id(random_);
  EXPECT_NE(other.value(), id);
}

TEST_F(StateTest, ClientsThatStartTogetherAreOneDevice) {
  for (int round = 0; round < 20; ++round) {
    constexpr int kClients = 8;
    std::vector<std::string> ids(kClients);
    std::latch start(kClients);
    {
      std::vector<std::jthread> clients;
      for (int i = 0; i < kClients; ++i) {
        clients.emplace_back([&, i] {
          SystemRandom random;
          start.arrive_and_wait();
          const auto id = open().device_id(random);
          ids[static_cast<std::size_t>(i)] = id ? *id : id.error().report();
        });
      }
    }
    for (const std::string& id : ids) EXPECT_EQ(id, ids[0]);
    EXPECT_EQ(ids[0].size(), 32U) << ids[0];
    // Nothing is left of the slower ones.
    const auto entries = fs::directory_iterator(base_ / "state/client");
    EXPECT_EQ(std::distance(fs::begin(entries), fs::end(entries)), 1);
    fs::remove_all(base_ / "state");
  }
}

TEST_F(StateTest, ADamagedIdIsSaidAndNotReplaced) {
  StateFolder state = open();
  const std::string id = state.device_id(random_).value();
  const fs::path path = base_ / "state/client/device";
  for (const std::string& text :
       {std::string(), std::string("\n"), id.substr(1), id + "0", "g" + id.substr(1)}) {
    write(path, text);
    const auto again = state.device_id(random_);
    ASSERT_FALSE(again) << text;
    EXPECT_TRUE(again.error().is(kIo));
    EXPECT_NE(again.error().message().find(path.string()), std::string::npos);
    EXPECT_NE(again.error().hint().find("remove it"), std::string::npos);
    EXPECT_EQ(read(path), text);
  }
  write(path, id);  // by hand, without a line's end
  EXPECT_EQ(state.device_id(random_).value(), id);
}

// --- what the client is called

TEST_F(StateTest, ANameIsKeptForEachHub) {
  EXPECT_EQ(open().name_at("127.0.0.1:8080").value(), std::nullopt);
  EXPECT_FALSE(fs::exists(base_ / "state/client")) << "asking makes nothing";
  ASSERT_TRUE(open().keep_name_at("127.0.0.1:8080", "lin"));
  ASSERT_TRUE(open().keep_name_at("127.0.0.1:8080", "林 w"));
  ASSERT_TRUE(open().keep_name_at("[::1]:8080", std::string(spec::kMaxNameBytes, 'x')));
  EXPECT_EQ(open().name_at("127.0.0.1:8080").value(), "林 w");
  EXPECT_EQ(open().name_at("[::1]:8080").value(), std::string(spec::kMaxNameBytes, 'x'));
  EXPECT_EQ(open().name_at("127.0.0.1:8081").value(), std::nullopt);
  const fs::path folder = base_ / "state/client/names";
  EXPECT_EQ(mode_of(folder / "127.0.0.1:8080"), 0600U);
  EXPECT_EQ(std::distance(fs::directory_iterator(folder), {}), 2) << "nothing is left beside them";
}

TEST_F(StateTest, ADamagedNameIsSaidAndCanBeReplaced) {
  const StateFolder state = open();
  ASSERT_TRUE(state.keep_name_at("hub:1", "lin"));
  const fs::path path = base_ / "state/client/names/hub:1";
  for (const std::string& text : {std::string(), std::string("\n"), std::string("li"),
                                  std::string("lin\nada\n"), std::string(5000, 'x') + "\n"}) {
    write(path, text);
    const auto name = state.name_at("hub:1");
    ASSERT_FALSE(name) << text;
    EXPECT_TRUE(name.error().is(kIo));
    EXPECT_NE(name.error().message().find(path.string()), std::string::npos);
    EXPECT_NE(name.error().hint().find("--name"), std::string::npos);
  }
  ASSERT_TRUE(state.keep_name_at("hub:1", "ada"));
  EXPECT_EQ(state.name_at("hub:1").value(), "ada");
}

TEST_F(StateTest, AHubIsNoPath) {
  const StateFolder state = open();
  ASSERT_TRUE(state.keep_name_at("hub:1", "lin"));
  for (const char* const hub : {"", "..", "../names/hub:1", "a/b:1", ".hub:1", "a b:1"}) {
    EXPECT_EQ(state.name_at(hub).value(), std::nullopt) << hub;
    EXPECT_FALSE(state.keep_name_at(hub, "lin")) << hub;
  }
}

TEST_F(StateTest, ANameThatCannotBeWrittenIsSaidAndTheOneBeforeStays) {
  const StateFolder state = open();
  ASSERT_TRUE(state.keep_name_at("hub:1", "lin"));
  ASSERT_TRUE(fs::create_directory(base_ / "state/client/names/hub:2"));
  EXPECT_FALSE(state.keep_name_at("hub:2", "lin"));
  EXPECT_EQ(state.name_at("hub:1").value(), "lin");
}

}  // namespace
}  // namespace skein::store
