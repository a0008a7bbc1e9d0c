// Acceptor: takes connections off a listening socket, and neither spins nor loses the listener when
// the machine has no descriptor left. The loop's thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>

#include "base/descriptor.h"
#include "base/result.h"
#include "socketserver/address.h"
#include "socketserver/loop.h"
#include "socketserver/timer_wheel.h"
#include "socketserver/work.h"

namespace socketserver {

class Acceptor : private Watch {
 public:
  // A connection: non-blocking, the receiver's from now on.
  using OnSocket = std::function<void(skein::Descriptor socket, const Address& peer)>;
  using OnError = std::function<void(const skein::Error& error, const std::string& peer)>;

  // `listener` is non-blocking and listens. `on_error` may be empty; see complain().
  Acceptor(Loop& loop, skein::Descriptor listener, OnSocket on_socket, OnError on_error);
  Acceptor(const Acceptor&) = delete;
  Acceptor& operator=(const Acceptor&) = delete;
  ~Acceptor();

  // Accepts as soon as the loop runs. After pause() it may begin again.
  skein::Result<void> begin();
  // Accepts no more; callers wait in the kernel's queue.
  void pause();
  // Gives the listening socket up: callers are refused. For good.
  void close();

  [[nodiscard]] int descriptor() const { return listener_.get(); }
  // Where it really listens: port 0 became a number.
  [[nodiscard]] Address address() const { return Address::of_socket(listener_.get()); }

  // Tells `on_error` of an accept() that failed, and of a connection that the owner turned away,
  // at most once a second each, with how many there were.
  void complain_of_refusal(skein::Error why, const std::string& peer);
  void complain_of_failure(skein::Error why, const std::string& peer);

 private:
  class Complaint : private Timer {
   public:
    Complaint(Acceptor& acceptor, std::string noun);
    void make(skein::Error why, const std::string& peer);

   private:
    void again();
    Acceptor& acceptor_;
    std::string noun_;
    std::uint64_t held_ = 0;
    skein::Error why_;
  };
  struct Again : Work {
    explicit Again(Acceptor& of);
    Acceptor& acceptor;
  };
  struct Retry : Timer {
    explicit Retry(Acceptor& of);
    Acceptor& acceptor;
  };

  // Of one round, so that a flood of newcomers does not starve those who are in.
  static constexpr int kAcceptsPerRound = 64;
  static constexpr std::int64_t kPauseMs = 50;

  static void on_ready(Watch& watch, std::uint32_t events);
  void accept_some();
  void tell(const skein::Error& error, const std::string& peer) const;

  Loop& loop_;
  skein::Descriptor listener_;
  OnSocket on_socket_;
  OnError on_error_;
  bool accepting_ = false;
  Again again_;
  Retry retry_;
  Complaint refusals_;
  Complaint failures_;
};

}  // namespace socketserver
