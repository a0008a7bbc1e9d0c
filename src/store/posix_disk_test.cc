// What only a real disk shows: races, special files, mounts, descriptors. What it shares with the
// fake is in disk_contract_test.cc.
#include "store/posix_disk.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/fs.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include "store/test_support.h"

namespace skein::store {
namespace {

namespace fs = std::filesystem;

// "kind: message (hint)"
template <typename T>
std::string said(const Result<T>& result) {
  if (result) return "ok";
  return outcome(result) + ": " + result.error().message() + " (" + result.error().hint() + ")";
}

std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

class PosixDiskTest : public testing::Test {
 protected:
  PosixDiskTest() {
    std::string name = testing::TempDir() + "skein-posix-XXXXXX";
    if (mkdtemp(name.data()) == nullptr) std::abort();
    outside_ = name;
    root_ = outside_ / "root";
    fs::create_directory(root_);
    write(outside_ / "secret", "secret");
    disk_ = std::move(PosixDisk::open(root_).value());
  }
  ~PosixDiskTest() override { fs::remove_all(outside_); }

  static void write(const fs::path& path, std::string_view text) {
    std::ofstream(path, std::ios::binary) << text;
  }
  static std::string read(const fs::path& path) {
    std::ostringstream text;
    text << std::ifstream(path, std::ios::binary).rdbuf();
    return text.str();
  }
  std::string get(std::string_view path) {
    const auto file = disk_->open_file(at(path));
    if (!file) return outcome(file);
    std::string text(100, '\0');
    const auto got = (*file)->read_at(0, std::as_writable_bytes(std::span(text)));
    if (!got) return outcome(got);
    text.resize(*got);
    return text;
  }

  fs::path outside_;
  fs::path root_;
  std::unique_ptr<PosixDisk> disk_;
};

// --- opening the folder

TEST_F(PosixDiskTest, TheFolderMustBeThere) {
  const auto missing = PosixDisk::open(outside_ / "nowhere");
  ASSERT_FALSE(missing);
  EXPECT_TRUE(missing.error().is(kNotFound));
  EXPECT_NE(missing.error().message().find("nowhere"), std::string::npos);
  EXPECT_FALSE(missing.error().hint().empty());
  EXPECT_EQ(outcome(PosixDisk::open(outside_ / "secret")), "not_a_folder");
  EXPECT_EQ(outcome(PosixDisk::open("")), "not_found");
}

TEST_F(PosixDiskTest, TheFolderMayBeALinkAndMayBeRenamed) {
  fs::create_directory_symlink(root_, outside_ / "link");
  const auto disk = PosixDisk::open(outside_ / "link");
  ASSERT_TRUE(disk);
  fs::rename(root_, outside_ / "moved");
  ASSERT_TRUE((*disk)->create_file(at("a")));
  EXPECT_TRUE(fs::exists(outside_ / "moved" / "a"));
}

TEST_F(PosixDiskTest, TheBootIdIsTheMachines) {
  std::string expected = read("/proc/sys/kernel/random/boot_id");
  expected.resize(expected.find('\n'));
  EXPECT_EQ(disk_->boot_id(), expected);
}

// --- what a hub needs of its folder

TEST_F(PosixDiskTest, CheckLeavesOnlyTheReservedFolder) {
  ASSERT_EQ(said(disk_->check_filesystem()), "ok");
  ASSERT_EQ(said(disk_->check_filesystem()), "ok");
  EXPECT_TRUE(fs::is_directory(root_ / ".skein"));
  EXPECT_TRUE(fs::is_empty(root_ / ".skein"));
  EXPECT_EQ(disk_->info(at(".skein"))->mode, 0700U);
}

TEST_F(PosixDiskTest, CheckRefusesAReservedNameThatIsNoFolder) {
  write(root_ / ".skein", "mine");
  const std::string file = said(disk_->check_filesystem());
  EXPECT_EQ(file.find("not_a_folder: folder '" + root_.string() + "' cannot be shared"), 0U)
      << file;
  EXPECT_NE(file.find("move what is there away"), std::string::npos) << file;
  EXPECT_EQ(read(root_ / ".skein"), "mine");
  fs::remove(root_ / ".skein");
  fs::create_directory_symlink("..", root_ / ".skein");
  EXPECT_EQ(outcome(disk_->check_filesystem()), "not_a_folder");
}

// Runs `body` in a child that may mount what it likes; its exit code, or 77 when the machine does
// not let it.
template <typename Body>
int with_mounts(Body body) {
  const pid_t child = fork();
  if (child == 0) {
    if (unshare(CLONE_NEWNS) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
      _exit(77);
    }
    _exit(body());
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 70;
}

// The number of the first of several expectations that does not hold; 0 when all do.
int first_false(std::initializer_list<bool> expectations) {
  int number = 0;
  for (const bool held : expectations) {
    ++number;
    if (!held) return number;
  }
  return 0;
}

TEST_F(PosixDiskTest, AMountInsideIsNamedAndRefused) {
  fs::create_directories(root_ / "a" / "mounted" / "below");
  fs::create_directory_symlink("a/mounted", root_ / "link");
  write(root_ / "bound", "");
  const int code = with_mounts([&] {
    const std::string target = root_ / "a" / "mounted";
    const std::string bound = root_ / "bound";
    const std::string secret = outside_ / "secret";
    if (::mount("tmpfs", target.c_str(), "tmpfs", 0, nullptr) != 0 ||
        ::mount(secret.c_str(), bound.c_str(), nullptr, MS_BIND, nullptr) != 0) {
      return 77;
    }
    fs::create_directory(root_ / "a" / "mounted" / "below");
    // Opened here: a descriptor from before sees the mounts that were before.
    disk_ = std::move(PosixDisk::open(root_).value());
    const auto refused = [](const auto& result) {
      return !result && result.error().is(kUnsupported) && !result.error().hint().empty() &&
             result.error().message() == "'a/mounted' crosses into another filesystem";
    };
    const auto at_link = disk_->read_folder(at("link"));
    return first_false({
        refused(disk_->read_folder(at("a/mounted"))),
        refused(disk_->read_folder(at("a/mounted/below"))),
        refused(disk_->open_file(at("a/mounted/below/file"))),
        refused(disk_->create_file(at("a/mounted/file"))),
        refused(disk_->make_folder(at("a/mounted/below/d"), 0700)),
        refused(disk_->rename(at("a/mounted/below"), at("b"), Rename::kNoReplace)),
        refused(disk_->info(at("a/mounted/below"))),
        refused(disk_->sync_folder(at("a/mounted"))),
        !at_link && at_link.error().is(kUnsupported),
        outcome(disk_->remove_folder(at("a/mounted"))) == "busy",
        // A single file mounted over another is a mount, too.
        outcome(disk_->open_file(at("bound"))) == "unsupported",
        outcome(disk_->open_for_writing(at("bound"))) == "unsupported",
        !remove_tree(*disk_, at("a")),
        fs::exists(root_ / "a" / "mounted" / "below"),
    });
  });
  if (code == 77) GTEST_SKIP() << "this machine does not let a test mount anything";
  EXPECT_EQ(code, 0) << "the expectation of that number does not hold";
}

TEST_F(PosixDiskTest, AReadOnlyFilesystemIsSaidAtTheStart) {
  const int code = with_mounts([&] {
    const std::string root = root_;
    if (::mount("tmpfs", root.c_str(), "tmpfs", MS_RDONLY, nullptr) != 0) return 77;
    const auto disk = PosixDisk::open(root);
    if (!disk) return 1;
    const auto checked = (*disk)->check_filesystem();
    return first_false({
        true,
        !checked && checked.error().is(kReadOnly),
        !checked && checked.error().message().find(root) != std::string::npos,
        !checked && !checked.error().hint().empty(),
        outcome((*disk)->create_file(at("a"))) == "read_only",
        outcome((*disk)->make_folder(at("a"), 0700)) == "read_only",
    });
  });
  if (code == 77) GTEST_SKIP() << "this machine does not let a test mount anything";
  EXPECT_EQ(code, 0) << "the expectation of that number does not hold";
}

TEST_F(PosixDiskTest, AFullFilesystemIsSaid) {
  const int code = with_mounts([&] {
    const std::string root = root_;
    if (::mount("tmpfs", root.c_str(), "tmpfs", 0, "size=65536") != 0) return 77;
    const auto disk = PosixDisk::open(root);
    if (!disk) return 1;
    auto file = (*disk)->create_file(at("a"));
    if (!file) return 2;
    const auto written = (*file)->write_at(0, as_bytes(std::string(100'000, 'x')));
    return first_false({
        true,
        true,
        !written && written.error().is(kNoSpace),
        (*disk)->space()->total_bytes == 65536,
        (*disk)->space()->free_bytes == 0,
    });
  });
  if (code == 77) GTEST_SKIP() << "this machine does not let a test mount anything";
  EXPECT_EQ(code, 0) << "the expectation of that number does not hold";
}

TEST_F(PosixDiskTest, AFolderThatMayNotBeWrittenIsSaidAtTheStart) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can become somebody else";
  fs::permissions(outside_, fs::perms(0755));
  fs::permissions(root_, fs::perms(0555));
  const pid_t child = fork();
  if (child == 0) {
    if (setuid(65534) != 0) _exit(77);
    const auto checked = disk_->check_filesystem();
    _exit(first_false({
        !checked && checked.error().is(kRefused),
        !checked && checked.error().message().find(root_.string()) != std::string::npos,
        !checked && !checked.error().hint().empty(),
        outcome(disk_->create_file(at("a"))) == "refused",
    }));
  }
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0) << "the expectation of that number does not hold";
}

// --- links

TEST_F(PosixDiskTest, LinksThatPointOutLeadNowhere) {
  fs::create_symlink("../secret", root_ / "relative");
  fs::create_symlink(outside_ / "secret", root_ / "absolute");
  fs::create_symlink(root_ / "inside", root_ / "absolute-inside");
  fs::create_directory_symlink("..", root_ / "up");
  write(root_ / "inside", "inside");
  EXPECT_EQ(get("relative"), "refused");
  EXPECT_EQ(get("absolute"), "refused");
  EXPECT_EQ(get("up/secret"), "refused");
  EXPECT_EQ(get("up/root/inside"), "refused");
  // It ends inside, but by way of the outside: another folder of that name may stand there later.
  EXPECT_EQ(get("absolute-inside"), "refused");
  EXPECT_EQ(said(disk_->open_file(at("up/secret"))),
            "refused: 'up/secret' is refused: the link 'up' points out of the shared folder ()");
  EXPECT_EQ(outcome(disk_->remove_file(at("up/secret"))), "refused");
  EXPECT_EQ(outcome(disk_->open_for_writing(at("relative"))), "not_a_file");
  EXPECT_EQ(read(outside_ / "secret"), "secret");
}

TEST_F(PosixDiskTest, MagicLinksOfProcAreNotFollowed) {
  const auto proc = PosixDisk::open("/proc");
  ASSERT_TRUE(proc);
  EXPECT_EQ(outcome((*proc)->read_folder(at("self/root"))), "refused");
  EXPECT_EQ(outcome((*proc)->read_folder(at("self/cwd"))), "refused");
  EXPECT_EQ(outcome((*proc)->open_file(at("self/exe"))), "refused");
}

TEST_F(PosixDiskTest, AParentSwappedForALinkNeverLeadsOut) {
  fs::create_directory(outside_ / "elsewhere");
  fs::create_directory(root_ / "d");
  fs::create_directory_symlink("../elsewhere", root_ / "link");
  std::atomic<bool> stop = false;
  std::thread swapper([&] {
    const std::string d = root_ / "d";
    const std::string link = root_ / "link";
    while (!stop) {
      (void)syscall(SYS_renameat2, AT_FDCWD, d.c_str(), AT_FDCWD, link.c_str(), RENAME_EXCHANGE);
    }
  });
  int done = 0;
  int refused = 0;
  for (int i = 0; i < 20'000 && (done < 200 || refused < 200); ++i) {
    const Path path = at("d/" + std::to_string(i));
    const auto file = disk_->create_file(path);
    if (file) {
      ++done;
    } else {
      ++refused;
      EXPECT_TRUE(file.error().is(kRefused) || file.error().is(kNotFound)) << said(file);
    }
    (void)disk_->make_folder(at("d/f" + std::to_string(i)), 0700);
    (void)disk_->rename(path, at("d/r" + std::to_string(i)), Rename::kNoReplace);
  }
  stop = true;
  swapper.join();
  EXPECT_GT(done, 0);
  EXPECT_TRUE(fs::is_empty(outside_ / "elsewhere"));
}

TEST_F(PosixDiskTest, DotsInLinksSurviveRenamesElsewhere) {
  // A '..' inside a link has openat2 give up whenever anything on the machine is renamed meanwhile.
  fs::create_directories(root_ / "a" / "b");
  write(root_ / "a" / "text", "text");
  fs::create_symlink("../../a/b/../text", root_ / "a" / "b" / "link");
  std::atomic<bool> stop = false;
  std::thread renamer([&] {
    const fs::path one = outside_ / "one";
    const fs::path two = outside_ / "two";
    fs::create_directory(one);
    while (!stop) {
      fs::rename(one, two);
      fs::rename(two, one);
    }
  });
  for (int i = 0; i < 5'000; ++i) ASSERT_EQ(get("a/b/link"), "text");
  stop = true;
  renamer.join();
}

TEST_F(PosixDiskTest, HardLinksAreOneFile) {
  write(root_ / "a", "text");
  fs::create_hard_link(root_ / "a", root_ / "b");
  EXPECT_EQ(disk_->info(at("a"))->inode, disk_->info(at("b"))->inode);
  EXPECT_EQ(get("b"), "text");
  // Exchange of two names of one file changes nothing, and is no error.
  EXPECT_EQ(outcome(disk_->rename(at("a"), at("b"), Rename::kExchange)), "ok");
  EXPECT_EQ(outcome(disk_->rename(at("a"), at("b"), Rename::kNoReplace)), "exists");
  ASSERT_TRUE(disk_->remove_file(at("a")));
  EXPECT_EQ(get("b"), "text");
}

// --- pipes, sockets, devices

TEST_F(PosixDiskTest, APipeNeitherHangsNorOpens) {
  ASSERT_EQ(mkfifo((root_ / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(outcome(disk_->open_file(at("pipe"))), "not_a_file");
  EXPECT_EQ(outcome(disk_->open_for_writing(at("pipe"))), "not_a_file");
  EXPECT_EQ(outcome(disk_->read_folder(at("pipe"))), "not_a_folder");
  EXPECT_EQ(outcome(disk_->set_folder_metadata(at("pipe"), {.mode = 0700, .mtime_ns = {}})),
            "not_a_folder");
  EXPECT_EQ(outcome(disk_->sync_folder(at("pipe"))), "not_a_folder");
  EXPECT_EQ(outcome(disk_->create_file(at("pipe"))), "exists");
  EXPECT_EQ(disk_->info(at("pipe"))->kind, EntryKind::kOther);
  fs::create_symlink("pipe", root_ / "link");
  EXPECT_EQ(outcome(disk_->open_file(at("link"))), "not_a_file");
  EXPECT_EQ(outcome(disk_->remove_file(at("pipe"))), "ok");
}

TEST_F(PosixDiskTest, ASocketDoesNotOpen) {
  const Descriptor fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = root_ / "socket";
  ASSERT_LT(name.size(), sizeof address.sun_path);
  std::memcpy(address.sun_path, name.c_str(), name.size() + 1);
  ASSERT_EQ(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  EXPECT_EQ(outcome(disk_->open_file(at("socket"))), "not_a_file");
  EXPECT_EQ(outcome(disk_->open_for_writing(at("socket"))), "not_a_file");
  EXPECT_EQ(disk_->info(at("socket"))->kind, EntryKind::kOther);
}

TEST_F(PosixDiskTest, ADeviceDoesNotOpen) {
  if (mknod((root_ / "null").c_str(), S_IFCHR | 0600, makedev(1, 3)) != 0) {
    GTEST_SKIP() << "this machine does not let a test make a device";
  }
  EXPECT_EQ(outcome(disk_->open_file(at("null"))), "not_a_file");
  EXPECT_EQ(outcome(disk_->open_for_writing(at("null"))), "not_a_file");
  // One that has no driver.
  ASSERT_EQ(mknod((root_ / "none").c_str(), S_IFCHR | 0600, makedev(250, 250)), 0);
  EXPECT_EQ(outcome(disk_->open_file(at("none"))), "not_a_file");
}

// --- the rest

TEST_F(PosixDiskTest, AFolderKeepsWhatItHandsDown) {
  fs::create_directory(root_ / "d");
  ASSERT_EQ(chmod((root_ / "d").c_str(), 03755), 0);
  ASSERT_TRUE(disk_->set_folder_metadata(at("d"), {.mode = 0700, .mtime_ns = {}}));
  struct stat stat{};
  ASSERT_EQ(::stat((root_ / "d").c_str(), &stat), 0);
  EXPECT_EQ(stat.st_mode & 07777U, 03700U);
  EXPECT_EQ(disk_->info(at("d"))->mode, 0700U);
}

TEST_F(PosixDiskTest, NamesThatAreNotUtf8AreListedAndRemoved) {
  const std::string name = "a\xff\x80z";
  write(root_ / name, "text");
  auto reader = disk_->read_folder(Path());
  ASSERT_TRUE(reader);
  const auto entries = (*reader)->next(10);
  ASSERT_TRUE(entries);
  ASSERT_EQ(entries->size(), 1U);
  EXPECT_EQ(entries->front().name, name);
  EXPECT_EQ(get(name), "text");
  EXPECT_EQ(said(disk_->open_file(at(name + "/x"))),
            "not_a_folder: opening 'a\\xff\\x80z/x': not a directory ()");
  ASSERT_TRUE(remove_tree(*disk_, at(name)));
  EXPECT_TRUE(fs::is_empty(root_));
}

TEST_F(PosixDiskTest, WhatVanishesDuringAListingIsLeftOut) {
  for (int i = 0; i < 100; ++i) write(root_ / std::to_string(i), "");
  auto reader = disk_->read_folder(Path());
  ASSERT_TRUE(reader);
  ASSERT_EQ((*reader)->next(1)->size(), 1U);
  for (int i = 0; i < 100; ++i) fs::remove(root_ / std::to_string(i));
  EXPECT_TRUE((*reader)->next(1000)->empty());
}

TEST_F(PosixDiskTest, AFolderDeeperThanAnyPathIsRemoved) {
  // Made step by step, from inside, as no path could name the end of it.
  const std::string name(100, 'd');
  const Descriptor back(::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC));
  fs::create_directory(root_ / "top");
  ASSERT_EQ(chdir((root_ / "top").c_str()), 0);
  int depth = 0;
  while (depth < 100 && mkdir(name.c_str(), 0700) == 0 && chdir(name.c_str()) == 0) ++depth;
  write("file", "text");
  ASSERT_EQ(fchdir(back.get()), 0);
  ASSERT_EQ(depth, 100);
  EXPECT_EQ(said(remove_tree(*disk_, at("top"))), "ok");
  EXPECT_TRUE(fs::is_empty(root_));
}

TEST_F(PosixDiskTest, NoDescriptorIsLeftBehind) {
  ASSERT_TRUE(disk_->make_folder(at("d"), 0700));
  fs::create_symlink("../secret", root_ / "out");
  fs::create_directory_symlink("d", root_ / "in");
  ASSERT_EQ(mkfifo((root_ / "pipe").c_str(), 0600), 0);
  const std::size_t before = open_descriptors();
  for (int i = 0; i < 20; ++i) {
    const std::string name = "d/" + std::to_string(i);
    {
      const auto file = disk_->create_file(at(name));
      ASSERT_TRUE(file);
      ASSERT_TRUE((*file)->write_at(0, as_bytes("x")));
      ASSERT_TRUE((*file)->sync());
      const auto reader = disk_->read_folder(at("d"));
      ASSERT_TRUE(reader);
      ASSERT_TRUE((*reader)->next(3));
      EXPECT_GT(open_descriptors(), before);
    }
    (void)disk_->create_file(at(name));
    (void)disk_->open_file(at("d"));
    (void)disk_->open_file(at("out"));
    (void)disk_->open_file(at("pipe"));
    (void)disk_->open_for_writing(at("in/0"));
    (void)disk_->read_folder(at("pipe"));
    (void)disk_->read_folder(at("out"));
    (void)disk_->info(at("d/x"));
    (void)disk_->info(at(name));
    (void)disk_->link_target(at("in"));
    (void)disk_->make_folder(at("d/x/y"), 0700);
    (void)disk_->make_link(at("d/l"), "x");
    (void)disk_->set_folder_metadata(at("d"), {.mode = 0755, .mtime_ns = 1});
    (void)disk_->sync_folder(at("d"));
    (void)disk_->rename(at(name), at("d/0"), Rename::kNoReplace);
    (void)disk_->rename(at("in/0"), at("d/0"), Rename::kExchange);
    (void)disk_->rename(at(name), at("d/0"), Rename::kExchange);
    (void)disk_->remove_file(at("d/l"));
    (void)disk_->remove_folder(at("d"));
    (void)disk_->check_filesystem();
    (void)PosixDisk::open(root_);
    (void)PosixDisk::open(root_ / "pipe");
  }
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(PosixDiskTest, OutOfDescriptorsIsAnErrorAndPasses) {
  write(root_ / "a", "text");
  std::vector<Descriptor> held;
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
  rlimit few = before;
  few.rlim_cur = open_descriptors() + 20;
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
  while (true) {
    Descriptor fd(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    if (!fd.is_open()) break;
    held.push_back(std::move(fd));
  }
  const std::string kind = outcome(disk_->open_file(at("a")));
  held.clear();
  ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_EQ(kind, "too_many");
  EXPECT_EQ(get("a"), "text");
}

TEST_F(PosixDiskTest, WhoLeavesIsAloneOnlyWhenNobodyElseIsThere) {
  const auto other = PosixDisk::open(root_).value();
  disk_->join();
  other->join();
  EXPECT_FALSE(other->left_alone());
  disk_.reset();
  EXPECT_TRUE(other->left_alone());
}

}  // namespace
}  // namespace skein::store
