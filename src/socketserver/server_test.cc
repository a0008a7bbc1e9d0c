#include "socketserver/server.h"

#include <gtest/gtest.h>

#include <condition_variable>
#include <csignal>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "socketserver/test_servers.h"
#include "socketserver/test_support.h"

namespace socketserver {
namespace {

using testing::comes_true;
using testing::Folder;
using testing::Kind;
using testing::kPatience;
using testing::Recording;
using testing::Served;
using testing::UpperLine;
using namespace std::chrono_literals;

// What all eight kinds have in common.
template <class Server>
struct BlockingServer : ::testing::Test, Kind<Server> {};

using Servers =
    ::testing::Types<TCPServer, UDPServer, UnixStreamServer, UnixDatagramServer, ThreadingTCPServer,
                     ThreadingUDPServer, ThreadingUnixStreamServer, ThreadingUnixDatagramServer>;
TYPED_TEST_SUITE(BlockingServer, Servers);

template <class Handler>
BaseServer::Factory upper_line() {
  return handler<UpperLine<Handler>>;
}

TYPED_TEST(BlockingServer, ServesThreeClients) {
  const auto server = this->make(upper_line<typename TestFixture::Handler>());
  if (!TestFixture::kUnix) {
    EXPECT_GT(server->server_address().port(), 0);
  }
  const Served served(*server);
  for (const char* const text : {"one\n", "two\n", "three\n"}) {
    EXPECT_EQ(this->ask(*server, text), testing::upper(text));
  }
  EXPECT_TRUE(comes_true([&] { return server->counters().open == 0; }));
  EXPECT_EQ(server->counters().accepted, 3U);
  EXPECT_EQ(server->counters().failed, 0U);
  EXPECT_GT(server->actions, 0);
}

TYPED_TEST(BlockingServer, IsStartedAndShutDownTwentyTimesAtOnce) {
  const auto server = this->make(upper_line<typename TestFixture::Handler>());
  for (int i = 0; i < 20; ++i) {
    Served served(*server);
    served.stop();  // it may come before serve_forever()
  }
  const Served served(*server);
  EXPECT_EQ(this->ask(*server, "still\n"), "STILL\n");
}

TYPED_TEST(BlockingServer, IsClosedWithoutHavingServed) {
  const auto server = this->make(upper_line<typename TestFixture::Handler>());
  EXPECT_GE(server->fileno(), 0);
  server->server_close();
  EXPECT_EQ(server->fileno(), -1);
  server->server_close();
  EXPECT_THROW(server->serve_forever(), ServerClosed);
  EXPECT_THROW(server->handle_request(), ServerClosed);
}

TYPED_TEST(BlockingServer, GivesItsAddressUpAtTheEndOfItsScope) {
  Address address;
  const std::size_t before = testing::open_descriptors();
  {
    const auto server = this->make(upper_line<typename TestFixture::Handler>());
    address = server->server_address();
    const Served served(*server);
    this->ask(*server, "x\n");
  }
  EXPECT_EQ(testing::open_descriptors(), before);
  if constexpr (TestFixture::kUnix) {
    EXPECT_FALSE(std::filesystem::exists(address.path()));
    const typename TestFixture::Server again(address.path(), nullptr);
  } else {
    const typename TestFixture::Server again(address, nullptr);
    EXPECT_EQ(again.server_address(), address);
  }
}

TYPED_TEST(BlockingServer, ServerCloseEndsServingOnAnotherThread) {
  const auto server = this->make(upper_line<typename TestFixture::Handler>());
  std::thread serving([&] { server->serve_forever(); });
  EXPECT_EQ(this->ask(*server, "x\n"), "X\n");
  server->server_close();
  serving.join();
}

TYPED_TEST(BlockingServer, ThrowingHandlerIsToldOfAndTheServerServesOn) {
  const auto server = this->make(upper_line<typename TestFixture::Handler>());
  const Served served(*server);
  Socket client = this->call(*server);
  const Address near = client.local_address();
  this->say(client, "throw\n");
  ASSERT_TRUE(comes_true([&] { return !server->failures().empty(); }));
  const RequestFailure failure = server->failures().front();
  EXPECT_EQ(failure.type, "socketserver::TimeoutError");
  EXPECT_EQ(failure.message, "as told");
  EXPECT_NE(std::string(failure.place.file_name()).find("test_servers.h"), std::string::npos);
  EXPECT_GT(failure.place.line(), 0U);
  EXPECT_TRUE(failure.doing.ends_with("::handle")) << failure.doing;
  EXPECT_NE(failure.doing.find("UpperLine"), std::string::npos);
  if (!near.path().empty() || !TestFixture::kUnix) {
    EXPECT_EQ(failure.peer, near);
  }

  Socket another = this->call(*server);
  this->say(another, "out of range\n");
  ASSERT_TRUE(comes_true([&] { return server->failures().size() == 2; }));
  EXPECT_EQ(server->failures()[1].type, "std::out_of_range");
  EXPECT_EQ(server->failures()[1].message, "row 7");

  EXPECT_EQ(this->ask(*server, "alive\n"), "ALIVE\n");
  EXPECT_EQ(server->counters().failed, 2U);
}

struct Steps {
  std::mutex mutex;
  std::vector<std::string> done;
  std::string throw_in;

  void at(const std::string& step) {
    const std::lock_guard lock(mutex);
    done.push_back(step);
    if (step == throw_in) throw std::runtime_error(step);
  }
};

template <class Base>
struct Stepping : Base {
  explicit Stepping(Steps& steps_of) : steps(steps_of) {}
  void setup() override {
    Base::setup();
    steps.at("setup");
  }
  void handle() override { steps.at("handle"); }
  void finish() override {
    steps.at("finish");
    Base::finish();
  }
  Steps& steps;
};

TYPED_TEST(BlockingServer, FinishRunsAfterAThrowInHandleButNotInSetup) {
  using Words = std::vector<std::string>;
  const std::vector<std::pair<std::string, Words>> cases = {
      {"", {"setup", "handle", "finish"}},
      {"setup", {"setup"}},
      {"handle", {"setup", "handle", "finish"}},
      {"finish", {"setup", "handle", "finish"}}};
  for (const auto& [throw_in, wanted] : cases) {
    Steps steps;
    steps.throw_in = throw_in;
    const auto server = this->make(
        [&steps] { return std::make_unique<Stepping<typename TestFixture::Handler>>(steps); });
    Socket client = this->call(*server);
    this->say(client, "x\n");
    server->handle_request();
    server->server_close();
    EXPECT_EQ(steps.done, wanted) << throw_in;
    ASSERT_EQ(server->failures().size(), throw_in.empty() ? 0U : 1U) << throw_in;
    if (!throw_in.empty()) {
      EXPECT_EQ(server->failures()[0].message, throw_in);
      EXPECT_TRUE(server->failures()[0].doing.ends_with("::" + throw_in));
    }
  }
}

TYPED_TEST(BlockingServer, RefusedByVerifyRequestIsClosedUnserved) {
  const auto server = this->make(upper_line<typename TestFixture::Handler>());
  server->refuse = true;
  const Served served(*server);
  Socket client = this->call(*server);
  // A connection is refused as soon as it is made, and what is said to it then may find it closed.
  if (TestFixture::kDatagram) this->say(client, "x\n");
  ASSERT_TRUE(comes_true([&] { return server->counters().refused == 1; }));
  if (!TestFixture::kDatagram) {
    EXPECT_EQ(this->hear(client), "");
  }
  EXPECT_TRUE(comes_true([&] { return server->counters().open == 0; }));
  server->refuse = false;
  EXPECT_EQ(this->ask(*server, "y\n"), "Y\n");
}

TYPED_TEST(BlockingServer, HandleRequestServesOneOrTimesOut) {
  const auto server = this->make(upper_line<typename TestFixture::Handler>());
  server->timeout = 1ms;
  server->handle_request();
  EXPECT_EQ(server->timeouts, 1);
  server->timeout = kPatience;
  Socket client = this->call(*server);
  this->say(client, "x\n");
  server->handle_request();
  EXPECT_EQ(this->hear(client), "X\n");
  EXPECT_EQ(server->timeouts, 1);
  server->shutdown();
  server->handle_request();
  EXPECT_EQ(server->timeouts, 1);
}

TYPED_TEST(BlockingServer, CannotServeOnTwoThreadsAtOnce) {
  const auto server = this->make(upper_line<typename TestFixture::Handler>());
  const Served served(*server);
  EXPECT_EQ(this->ask(*server, "x\n"), "X\n");  // so it serves
  EXPECT_THROW(server->serve_forever(), Error);
}

// Two handlers meet, or one waits in vain.
struct Meeting {
  std::mutex mutex;
  std::condition_variable changed;
  int inside = 0;
  int most = 0;
  bool open = false;

  void enter_and_wait() {
    std::unique_lock lock(mutex);
    most = std::max(most, ++inside);
    changed.notify_all();
    changed.wait_for(lock, kPatience, [this] { return open; });
    --inside;
    changed.notify_all();
  }
  bool wait_for(int count) {
    std::unique_lock lock(mutex);
    return changed.wait_for(lock, kPatience, [&] { return inside >= count; });
  }
  void let_go() {
    const std::lock_guard lock(mutex);
    open = true;
    changed.notify_all();
  }
};

template <class Base>
struct Waiting : Base {
  explicit Waiting(Meeting& meeting_of) : meeting(meeting_of) {}
  void handle() override {
    meeting.enter_and_wait();
    this->wfile.write("done\n");
  }
  Meeting& meeting;
};

TYPED_TEST(BlockingServer, ThreadingServesAtOnceAndTheOthersOneByOne) {
  Meeting meeting;
  const auto server =
      this->make([&] { return std::make_unique<Waiting<typename TestFixture::Handler>>(meeting); });
  const Served served(*server);
  Socket a = this->call(*server);
  Socket b = this->call(*server);
  this->say(a, "x\n");
  this->say(b, "x\n");
  ASSERT_TRUE(meeting.wait_for(TestFixture::kThreads ? 2 : 1));
  meeting.let_go();
  EXPECT_EQ(this->hear(a), "done\n");
  EXPECT_EQ(this->hear(b), "done\n");
  EXPECT_EQ(meeting.most, TestFixture::kThreads ? 2 : 1);
}

// --- those with threads

template <class Server>
struct ThreadingServer : ::testing::Test, Kind<Server> {};
using ThreadingServers = ::testing::Types<ThreadingTCPServer, ThreadingUDPServer,
                                          ThreadingUnixStreamServer, ThreadingUnixDatagramServer>;
TYPED_TEST_SUITE(ThreadingServer, ThreadingServers);

TYPED_TEST(ThreadingServer, ReapsThreadsThatEnded) {
  const auto server = this->make(upper_line<typename TestFixture::Handler>());
  const Served served(*server);
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(this->ask(*server, "x\n"), "X\n");
    ASSERT_TRUE(comes_true([&] { return server->counters().open == 0; }));
  }
  // Some may have answered and closed, and not have ended when the next came; not all.
  EXPECT_LT(server->threads(), 20U);
}

TYPED_TEST(ThreadingServer, ServerCloseWaitsForHandlers) {
  Meeting meeting;
  const auto server =
      this->make([&] { return std::make_unique<Waiting<typename TestFixture::Handler>>(meeting); });
  std::thread serving([&] { server->serve_forever(); });
  Socket client = this->call(*server);
  this->say(client, "x\n");
  ASSERT_TRUE(meeting.wait_for(1));
  std::thread later([&] {
    EXPECT_TRUE(comes_true([&] { return server->stopping(); }));
    meeting.let_go();
  });
  server->server_close();
  EXPECT_EQ(meeting.inside, 0);
  EXPECT_EQ(server->threads(), 0U);
  EXPECT_EQ(this->hear(client), "done\n");
  later.join();
  serving.join();
}

TYPED_TEST(ThreadingServer, MayLeaveTheWaitingToItsDestructor) {
  Meeting meeting;
  auto server =
      this->make([&] { return std::make_unique<Waiting<typename TestFixture::Handler>>(meeting); },
                 {.block_on_close = false});
  std::thread serving([&] { server->serve_forever(); });
  Socket client = this->call(*server);
  this->say(client, "x\n");
  ASSERT_TRUE(meeting.wait_for(1));
  server->server_close();
  serving.join();
  EXPECT_EQ(server->threads(), 1U);
  meeting.let_go();
  server.reset();
  EXPECT_EQ(this->hear(client), "done\n");
}

TYPED_TEST(ThreadingServer, TakesNoMoreThanItMayAndTheRestWaits) {
  Meeting meeting;
  const auto server =
      this->make([&] { return std::make_unique<Waiting<typename TestFixture::Handler>>(meeting); },
                 {.max_connections = 2});
  const Served served(*server);
  std::vector<Socket> clients;
  for (int i = 0; i < 4; ++i) {
    clients.push_back(this->call(*server));
    this->say(clients.back(), "x\n");
  }
  ASSERT_TRUE(meeting.wait_for(2));
  EXPECT_EQ(server->counters().accepted, 2U);
  meeting.let_go();
  for (Socket& client : clients) EXPECT_EQ(this->hear(client), "done\n");
  EXPECT_LE(meeting.most, 2);
}

// --- attributes and their errors

TEST(BlockingServerAttributes, AreKnownBeforeAndAfterBinding) {
  TCPServer server(Address::loopback(), handler<UpperLine<StreamRequestHandler>>,
                   {.bind_and_activate = false});
  EXPECT_EQ(server.fileno(), -1);
  EXPECT_EQ(server.server_address().port(), 0);
  EXPECT_THROW(server.serve_forever(), ServerClosed);
  server.server_bind();
  server.server_activate();
  EXPECT_GT(server.server_address().port(), 0);
  EXPECT_EQ(server.address_family(), AF_INET);
  EXPECT_EQ(server.socket_type(), SOCK_STREAM);
  const Socket client = Socket::connect(server.server_address(), kPatience);
}

TEST(BlockingServerAttributes, IPv6IsServedWhereThereIsAny) {
  try {
    Kind<TCPServer> kind;
    Recording<TCPServer> server({"::1", 0}, handler<UpperLine<StreamRequestHandler>>);
    const Served served(server);
    EXPECT_EQ(kind.ask(server, "six\n"), "SIX\n");
  } catch (const AddressError& error) {
    GTEST_SKIP() << error.message();
  }
}

TEST(BlockingServerAttributes, TakenPortIsNamedWithItsHolder) {
  const TCPServer first(Address::loopback(), nullptr);
  try {
    const TCPServer second(first.server_address(), nullptr);
    FAIL() << "two servers have one port";
  } catch (const AddressInUse& error) {
    const std::string wanted = first.server_address().text() + " is taken by ";
    EXPECT_TRUE(error.message().starts_with(wanted)) << error.message();
    EXPECT_NE(error.message().find("(process " + std::to_string(getpid()) + ")"),
              std::string::npos);
    EXPECT_EQ(error.code(), std::errc::address_in_use);
  }
  const UDPServer udp(Address::loopback(), nullptr);
  EXPECT_THROW(const UDPServer second(udp.server_address(), nullptr), AddressInUse);
}

TEST(BlockingServerAttributes, SharedPortIsHadByAllThatShareIt) {
  const UDPServer first(Address::loopback(), nullptr, {.allow_reuse_port = true});
  const UDPServer second(first.server_address(), nullptr, {.allow_reuse_port = true});
  EXPECT_EQ(first.server_address(), second.server_address());
}

TEST(BlockingServerAttributes, AddressesThatCannotBeHaveTheirOwnErrors) {
  EXPECT_THROW(const TCPServer server(Address("192.0.2.1", 0), nullptr), AddressNotOurs);
  EXPECT_THROW(const TCPServer server(Address(), nullptr), AddressError);
  Folder folder;
  EXPECT_THROW(const UnixStreamServer server(folder.next() + "/none/it", nullptr), AddressError);
  EXPECT_THROW(const UnixStreamServer server(std::string(200, 'x'), nullptr), AddressError);
  EXPECT_THROW(const UnixDatagramServer server("/dev/null", nullptr), AddressInUse);
  if (geteuid() == 0) return;  // whom nothing is forbidden
  EXPECT_THROW(const UnixStreamServer server("/root/it.sock", nullptr), PermissionDenied);
  EXPECT_THROW(const UnixStreamServer server("/it.sock", nullptr), PermissionDenied);
}

TEST(BlockingServerAttributes, ThousandFailedBindsLeakNoDescriptor) {
  const std::size_t before = testing::open_descriptors();
  for (int i = 0; i < 1000; ++i) {
    ASSERT_THROW(const TCPServer server(Address("192.0.2.1", 0), nullptr), AddressNotOurs);
  }
  EXPECT_EQ(testing::open_descriptors(), before);
}

TEST(BlockingServerAttributes, UnixSocketOfADeadServerIsReplacedAndOfALivingOneIsNot) {
  Kind<UnixStreamServer> kind;
  const std::string path = kind.folder.next();
  {
    const Socket dead(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    const Address address = Address::from_path(path);
    ASSERT_EQ(::bind(dead.fileno(), address.get(), address.size()), 0);
  }
  Recording<UnixStreamServer> server(path, handler<UpperLine<StreamRequestHandler>>);
  const Served served(server);
  EXPECT_THROW(const UnixStreamServer second(path, nullptr), AddressInUse);
  EXPECT_EQ(kind.ask(server, "x\n"), "X\n");
}

TEST(BlockingServerAttributes, HandlerFactoryThatFailsIsToldOf) {
  Kind<TCPServer> kind;
  const auto server =
      kind.make([]() -> std::unique_ptr<BaseRequestHandler> { throw std::bad_alloc(); });
  const Socket client = kind.call(*server);
  server->handle_request();
  ASSERT_EQ(server->failures().size(), 1U);
  EXPECT_EQ(server->failures()[0].type, "std::bad_alloc");
}

// --- shutdown from a signal

BaseServer* g_signalled = nullptr;

TEST(BlockingServerSignal, ShutdownFromASignalsHandler) {
  Kind<TCPServer> kind;
  const auto server = kind.make(handler<UpperLine<StreamRequestHandler>>);
  g_signalled = server.get();
  struct sigaction action{};
  struct sigaction before{};
  action.sa_handler = [](int) { g_signalled->shutdown(); };
  ASSERT_EQ(sigaction(SIGUSR1, &action, &before), 0);
  std::thread serving([&] { server->serve_forever(); });
  EXPECT_EQ(kind.ask(*server, "x\n"), "X\n");
  ASSERT_EQ(pthread_kill(serving.native_handle(), SIGUSR1), 0);
  serving.join();
  EXPECT_TRUE(server->stopping());
  sigaction(SIGUSR1, &before, nullptr);
}

// A handler's large write is interrupted by signals again and again, and is whole all the same.
struct WriteMuch : StreamRequestHandler {
  static constexpr std::size_t kSize = 8 * 1024 * 1024;
  void handle() override { wfile.write(std::string(kSize, 'x')); }
};

TEST(BlockingServerSignal, InterruptedWriteIsComplete) {
  Kind<TCPServer> kind;
  const auto server = kind.make(handler<WriteMuch>);
  struct sigaction action{};
  struct sigaction before{};
  action.sa_handler = [](int) {};
  ASSERT_EQ(sigaction(SIGUSR1, &action, &before), 0);  // without SA_RESTART
  std::thread serving([&] { server->serve_forever(); });
  Socket client = kind.call(*server);
  std::size_t total = 0;
  while (true) {
    const std::string some = client.recv(65'536);
    if (some.empty()) break;
    total += some.size();
    pthread_kill(serving.native_handle(), SIGUSR1);
  }
  EXPECT_EQ(total, WriteMuch::kSize);
  server->shutdown();
  serving.join();
  EXPECT_TRUE(server->failures().empty());
  sigaction(SIGUSR1, &before, nullptr);
}

}  // namespace
}  // namespace socketserver
