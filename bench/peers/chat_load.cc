// The load of the chat measurements: many members of one room in one thread, who check that each
// of them hears every message, once and in order.
//
// usage: chat_load talk DIALECT PORT MEMBERS SENDERS IN_FLIGHT MESSAGES [PAUSE_US]
//            Each sender, who is none of the members, keeps so many messages unacknowledged, or
//            with PAUSE_US sends one so often unless so many are; of 0 messages until its input
//            ends.
//        chat_load return DIALECT PORT MEMBERS AFTER MESSAGES
//            All connect at once, and catch up on so many messages.
//        chat_load idle DIALECT PORT MEMBERS
//            They follow until its input ends.
// Prints "ready" when all have entered, and at the end one line of JSON.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "chat_dialect.h"

namespace {

using chat_load::kTextBytes;
using chat_load::wrong;

constexpr std::size_t kReadBytes = 256 * 1024;
constexpr std::size_t kEnterAtOnce = 256;
constexpr int kPatienceMs = 20'000;
constexpr std::int64_t kPingEveryNs = 20'000'000'000;

int good(int result, const char* doing) {
  if (result >= 0) return result;
  std::perror(doing);
  std::exit(1);
}

std::int64_t now_ns() {
  return std::chrono::steady_clock::now().time_since_epoch().count();
}

// A message's text: when it was sent, by which sender, and its number among that sender's; the
// rest is filler.
constexpr std::size_t kTimeAt = 0, kTimeDigits = 20;
constexpr std::size_t kSenderAt = 21, kSenderDigits = 5;
constexpr std::size_t kSequenceAt = 27, kSequenceDigits = 10;
constexpr std::size_t kFillerAt = kSequenceAt + kSequenceDigits;

const std::string kFiller(kTextBytes - kFillerAt, '-');

std::string text_of(std::int64_t sent_ns, std::size_t sender, std::size_t sequence) {
  std::array<char, kTextBytes> head{};
  std::snprintf(head.data(), head.size(), "%0*lld %0*zu %0*zu", int{kTimeDigits},
                static_cast<long long>(sent_ns), int{kSenderDigits}, sender, int{kSequenceDigits},
                sequence);
  return head.data() + kFiller;
}

std::int64_t digits(std::string_view text, std::size_t at, std::size_t count) {
  std::int64_t number = 0;
  for (const char c : text.substr(at, count)) {
    if (c < '0' || c > '9') wrong("a message was garbled");
    number = number * 10 + (c - '0');
  }
  return number;
}

// How long each of many things took.
class Times {
 public:
  void reserve(std::size_t count) { us_.reserve(count); }
  void add(std::int64_t ns) { us_.push_back(static_cast<std::uint32_t>(ns / 1000)); }
  double percentile_ms(double share) {
    if (us_.empty()) return 0;
    const auto at =
        us_.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(us_.size() - 1));
    std::nth_element(us_.begin(), at, us_.end());
    return static_cast<double>(*at) / 1000;
  }
  void print(const char* name) {
    std::printf(R"(, "%s_p50_ms": %.3f, "%s_p99_ms": %.3f, "%s_max_ms": %.3f)", name,
                percentile_ms(0.5), name, percentile_ms(0.99), name, percentile_ms(1));
  }

 private:
  std::vector<std::uint32_t> us_;
};

struct Shape {
  std::string dialect;
  // A bare echo's sender hears itself.
  [[nodiscard]] bool alone() const { return dialect == "echo"; }
  [[nodiscard]] std::size_t connections() const { return alone() ? members : members + senders; }
  [[nodiscard]] std::size_t first_sender() const { return alone() ? 0 : members; }
  std::uint16_t port = 0;
  std::size_t members = 0;
  std::size_t senders = 0;
  std::size_t in_flight = 0;
  std::size_t each = 0;       // messages of one sender; 0: until the input ends
  std::int64_t pause_us = 0;  // 0: as soon as one is acknowledged
  std::int64_t after = -1;
  std::int64_t last = 0;  // up to here who returns catches up
};

// What all connections have in common.
struct Room {
  Shape shape;
  int epoll = -1;
  std::int64_t read_ns = 0;  // when what is being looked at was received
  std::size_t entered = 0;
  std::size_t caught_up = 0;
  std::size_t sent = 0;
  std::size_t acknowledged = 0;
  std::size_t heard = 0;
  std::int64_t last_ns = 0;
  Times deliveries;
  Times acknowledgements;
};

class Connection final : public chat_load::Ear {
 public:
  Connection(Room& room, std::size_t index)
      : room_(room), index_(index), dialect_(chat_load::make_dialect(room.shape.dialect)) {
    if (dialect_ == nullptr) wrong("no such dialect");
    if (follows()) next_of_.resize(room.shape.senders);
    next_seq_ = room.shape.after + 1;
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() { close(fd_); }

  void enter() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(room_.shape.port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fd_ = good(socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), "socket");
    const int on = 1;
    setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 &&
        errno != EINPROGRESS) {
      good(-1, "connect");
    }
    epoll_event wanted{};
    wanted.events = EPOLLIN | EPOLLOUT;
    wanted.data.ptr = this;
    good(epoll_ctl(room_.epoll, EPOLL_CTL_ADD, fd_, &wanted), "epoll_ctl");
    out_ = dialect_->enter({"member " + std::to_string(index_), follows(), room_.shape.after});
    waits_to_write_ = true;
  }

  void on_ready(std::uint32_t events) {
    if ((events & EPOLLIN) != 0) read();
    if ((events & EPOLLOUT) != 0) flush();
    if ((events & (EPOLLERR | EPOLLHUP)) != 0) wrong("a connection was lost");
  }

  // As many messages as it may.
  void say_what_it_may() {
    const Shape& shape = room_.shape;
    const std::size_t sent_before = sent_;
    while (in_flight_ < shape.in_flight && (shape.each == 0 || sent_ < shape.each)) append_one();
    if (sent_ != sent_before) flush();
  }
  void say_one() {
    if (in_flight_ >= room_.shape.in_flight) return;
    append_one();
    flush();
  }

  void ping() {
    out_ += dialect_->ping();
    flush();
  }

  void entered() override { ++room_.entered; }

  void acknowledged(std::size_t which) override {
    if (which >= sent_ || sent_ns_[which] == 0) wrong("what was never said is acknowledged");
    room_.acknowledgements.add(room_.read_ns - sent_ns_[which]);
    sent_ns_[which] = 0;
    --in_flight_;
    ++room_.acknowledged;
    room_.last_ns = room_.read_ns;
  }

  void heard(std::string_view text, std::int64_t seq) override {
    if (text.size() != kTextBytes || text.substr(kFillerAt) != kFiller) {
      wrong("a message was garbled");
    }
    if (seq != 0) hear_in_order(seq);
    ++room_.heard;
    room_.last_ns = room_.read_ns;
    const auto sender = static_cast<std::size_t>(digits(text, kSenderAt, kSenderDigits));
    if (sender >= next_of_.size()) return;  // who returns was away when it was said
    const auto sequence = static_cast<std::size_t>(digits(text, kSequenceAt, kSequenceDigits));
    if (sequence != next_of_[sender]++) wrong("a message was lost, came twice or out of order");
    room_.deliveries.add(room_.read_ns - digits(text, kTimeAt, kTimeDigits));
  }

  void must_answer(std::string_view bytes) override {
    out_ += bytes;
    flush();
  }

 private:
  [[nodiscard]] bool follows() const { return index_ < room_.shape.members; }

  void append_one() {
    const std::int64_t now = now_ns();
    dialect_->say(text_of(now, index_ - room_.shape.first_sender(), sent_), out_);
    sent_ns_.push_back(now);
    ++sent_;
    ++in_flight_;
    ++room_.sent;
  }

  void hear_in_order(std::int64_t seq) {
    if (next_seq_ != 0 && seq != next_seq_) wrong("a place in the room was left out or came twice");
    next_seq_ = seq + 1;
    if (seq == room_.shape.last) ++room_.caught_up;
  }

  void read() {
    static std::array<char, kReadBytes> buffer;
    const ssize_t got = recv(fd_, buffer.data(), buffer.size(), 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) wrong("a connection was lost");
    room_.read_ns = now_ns();
    std::string_view bytes(buffer.data(), static_cast<std::size_t>(got));
    if (!rest_.empty()) bytes = rest_ += bytes;
    const std::size_t taken = dialect_->hear(bytes, *this);
    rest_ = std::string(bytes.substr(taken));
    if (sent_ > 0 && room_.shape.pause_us == 0) say_what_it_may();
  }

  void flush() {
    const ssize_t put = send(fd_, out_.data(), out_.size(), MSG_NOSIGNAL);
    if (put < 0 && errno != EAGAIN) good(-1, "send");
    out_.erase(0, static_cast<std::size_t>(std::max<ssize_t>(put, 0)));
    if (waits_to_write_ == !out_.empty()) return;
    waits_to_write_ = !out_.empty();
    epoll_event wanted{};
    wanted.events = waits_to_write_ ? EPOLLIN | EPOLLOUT : EPOLLIN;
    wanted.data.ptr = this;
    good(epoll_ctl(room_.epoll, EPOLL_CTL_MOD, fd_, &wanted), "epoll_ctl");
  }

  Room& room_;
  const std::size_t index_;
  const std::unique_ptr<chat_load::Dialect> dialect_;
  int fd_ = -1;
  std::string out_;   // not taken by the system yet
  std::string rest_;  // received, and not whole yet
  bool waits_to_write_ = false;
  std::int64_t next_seq_ = 0;          // 0: whichever comes first
  std::vector<std::size_t> next_of_;   // by sender
  std::vector<std::int64_t> sent_ns_;  // 0: acknowledged
  std::size_t sent_ = 0;
  std::size_t in_flight_ = 0;
};

class Crowd {
 public:
  explicit Crowd(Shape shape) {
    room_.shape = std::move(shape);
    room_.epoll = good(epoll_create1(EPOLL_CLOEXEC), "epoll_create1");
    const std::size_t count = room_.shape.connections();
    connections_.reserve(count);
    for (std::size_t i = 0; i < count; ++i) {
      connections_.push_back(std::make_unique<Connection>(room_, i));
    }
    const std::size_t sent = room_.shape.each * room_.shape.senders;
    room_.acknowledgements.reserve(sent);
    room_.deliveries.reserve(sent * room_.shape.members);
    next_ping_ns_ = now_ns() + kPingEveryNs;
  }

  void enter(std::size_t at_once) {
    for (std::size_t i = 0; i < connections_.size(); ++i) {
      while (i - room_.entered >= at_once) turn();
      connections_[i]->enter();
    }
    while (room_.entered < connections_.size()) turn();
    std::puts("ready");
    std::fflush(stdout);
  }

  void talk() {
    const Shape& shape = room_.shape;
    const std::size_t messages = shape.each * shape.senders;
    if (shape.each == 0) watch_input();
    const std::int64_t started_ns = now_ns();
    if (shape.pause_us > 0) {
      start_ticking();
    } else {
      for_senders(&Connection::say_what_it_may);
    }
    while (shape.each == 0 ? !input_ended_ : room_.sent < messages) turn();
    ticking_ = false;
    while (room_.acknowledged < room_.sent || room_.heard < room_.sent * shape.members) turn();
    const double seconds = static_cast<double>(room_.last_ns - started_ns) / 1e9;
    std::printf(R"({"seconds": %.3f, "messages": %zu, "said_per_second": %.0f, )", seconds,
                room_.sent, static_cast<double>(room_.acknowledged) / seconds);
    std::printf(R"("deliveries_per_second": %.0f)", static_cast<double>(room_.heard) / seconds);
    room_.deliveries.print("delivery");
    room_.acknowledgements.print("acknowledgement");
    std::puts("}");
  }

  void come_back() {
    const std::int64_t started_ns = now_ns();
    enter(connections_.size());
    const double entered = static_cast<double>(now_ns() - started_ns) / 1e9;
    while (room_.caught_up < connections_.size()) turn();
    const double caught_up = static_cast<double>(now_ns() - started_ns) / 1e9;
    std::printf(R"({"entered_s": %.3f, "caught_up_s": %.3f, "messages": %zu})", entered, caught_up,
                room_.heard);
    std::puts("");
  }

  void rest() {
    watch_input();
    while (!input_ended_) turn();
  }

 private:
  // Waits for whatever is next, and has it done.
  void turn() {
    std::array<epoll_event, 128> events{};
    const int ready =
        good(epoll_wait(room_.epoll, events.data(), static_cast<int>(events.size()), kPatienceMs),
             "epoll_wait");
    if (ready == 0 && !watching_input_) wrong("nothing came for a long time");
    for (int i = 0; i < ready; ++i) {
      const epoll_event& event = events[static_cast<std::size_t>(i)];
      if (event.data.ptr == &timer_) {
        tick();
      } else if (event.data.ptr == &input_ended_) {
        end_input();
      } else {
        static_cast<Connection*>(event.data.ptr)->on_ready(event.events);
      }
    }
    if (const std::int64_t now = now_ns(); now >= next_ping_ns_) {
      next_ping_ns_ = now + kPingEveryNs;
      for (std::size_t i = 0; i < room_.entered; ++i) connections_[i]->ping();
    }
  }

  void watch(int fd, void* what) const {
    epoll_event wanted{};
    wanted.events = EPOLLIN;
    wanted.data.ptr = what;
    good(epoll_ctl(room_.epoll, EPOLL_CTL_ADD, fd, &wanted), "epoll_ctl");
  }

  void watch_input() {
    watch(STDIN_FILENO, &input_ended_);
    watching_input_ = true;
  }
  void end_input() {
    char byte = 0;
    if (::read(STDIN_FILENO, &byte, 1) > 0) return;
    input_ended_ = true;
    good(epoll_ctl(room_.epoll, EPOLL_CTL_DEL, STDIN_FILENO, nullptr), "epoll_ctl");
  }

  void start_ticking() {
    timer_ = good(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), "timerfd_create");
    itimerspec every{};
    every.it_interval.tv_sec = room_.shape.pause_us / 1'000'000;
    every.it_interval.tv_nsec = room_.shape.pause_us % 1'000'000 * 1000;
    every.it_value = every.it_interval;
    good(timerfd_settime(timer_, 0, &every, nullptr), "timerfd_settime");
    watch(timer_, &timer_);
    ticking_ = true;
  }
  void tick() {
    std::uint64_t times = 0;
    if (::read(timer_, &times, sizeof times) < 0) return;
    if (ticking_) for_senders(&Connection::say_one);
  }

  void for_senders(void (Connection::*say)()) {
    for (std::size_t i = room_.shape.first_sender(); i < connections_.size(); ++i) {
      (connections_[i].get()->*say)();
    }
  }

  Room room_;
  std::vector<std::unique_ptr<Connection>> connections_;
  int timer_ = -1;
  bool ticking_ = false;
  bool watching_input_ = false;
  bool input_ended_ = false;
  std::int64_t next_ping_ns_ = 0;
};

int usage() {
  std::fputs(
      "usage: chat_load talk DIALECT PORT MEMBERS SENDERS IN_FLIGHT MESSAGES [PAUSE_US] |\n"
      "       return DIALECT PORT MEMBERS AFTER MESSAGES | idle DIALECT PORT MEMBERS\n",
      stderr);
  return 2;
}

}  // namespace

int main(int count, char** arguments) {
  const auto number = [&](int i) {
    return i < count ? static_cast<std::size_t>(std::strtoull(arguments[i], nullptr, 10)) : 0;
  };
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  const std::string_view what = count > 1 ? arguments[1] : "";
  Shape shape;
  shape.dialect = count > 2 ? arguments[2] : "";
  shape.port = static_cast<std::uint16_t>(number(3));
  shape.members = number(4);
  if (what == "talk" && (count == 8 || count == 9)) {
    shape.senders = std::max<std::size_t>(number(5), 1);
    shape.in_flight = std::max<std::size_t>(number(6), 1);
    shape.each = number(7) / shape.senders;
    shape.pause_us = static_cast<std::int64_t>(number(8));
    Crowd crowd(shape);
    crowd.enter(kEnterAtOnce);
    crowd.talk();
  } else if (what == "return" && count == 7) {
    shape.after = static_cast<std::int64_t>(number(5));
    shape.last = shape.after + static_cast<std::int64_t>(number(6));
    Crowd(shape).come_back();
  } else if (what == "idle" && count == 5) {
    Crowd crowd(shape);
    crowd.enter(kEnterAtOnce);
    crowd.rest();
  } else {
    return usage();
  }
  return 0;
}
