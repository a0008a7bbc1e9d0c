// The line to a hub as a command sees it: dials when a connection is needed, and again when one
// is lost, until too long nothing has moved. The loop's thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/limits.h"
#include "base/random.h"
#include "base/result.h"
#include "client/connection.h"
#include "socketserver/endpoint.h"
#include "socketserver/loop.h"
#include "socketserver/pool.h"
#include "socketserver/sync.h"
#include "socketserver/task.h"
#include "store/disk.h"

namespace skein::client {

struct LinkOptions {
  socketserver::Endpoint hub;
  Identity identity;
  std::int64_t retry_for_ms = 0;  // without progress
  Dialler* dialler = nullptr;     // none: the system's network
  // Files of at most so many bytes go many to a request; no more than the default.
  std::uint64_t small_file_bytes = limits::kSmallFileBytes;
};

class Link {
 public:
  Link(socketserver::Loop& loop, socketserver::Pool& pool, Random& random, LinkOptions options);

  // The connection, dialled if there is none. The first time a hub must be there at once (kNoHub);
  // a lost one is called again and again, with growing pauses, until `retry_for_ms` have passed
  // without progress: kIncomplete. kCancelled after cancel(). Many may ask at once; each uses what
  // it got before it waits for anything else, as by then another may have dropped it.
  socketserver::Task<Result<Connection*>> connection();

  // After an error of a call: true when the connection is lost, so that the same may be tried
  // again with connection(). False: the hub said no, or we were told to stop.
  [[nodiscard]] bool lost() const { return !cancelled() && connection_ && connection_->broken(); }
  // The same where others call too: `dialled` is what dialled() was before the call, and another
  // may have dialled again already.
  [[nodiscard]] bool lost_since(std::uint64_t dialled) const {
    return !cancelled() && (dialled != dialled_ || lost());
  }
  [[nodiscard]] std::uint64_t dialled() const { return dialled_; }

  // True for an error that the rest of a command cannot outlive: no hub, no space, Ctrl-C.
  [[nodiscard]] bool ends_all(const Error& error) const;

  // Waits before the same is asked again, as the hub wants it. False: that is longer than the
  // patience that is left, or we were told to stop.
  socketserver::Task<bool> rest(std::int64_t ms);

  // Ends the connection, if there is one, as if it were lost for that reason.
  socketserver::Task<void> hang_up(std::string why);

  // Something has moved: from now on the patience is whole again.
  void progress();

  void cancel();  // from a signal: what waits ends with kCancelled
  [[nodiscard]] bool cancelled() const { return cancelled_.is_set(); }
  [[nodiscard]] const std::string& hub_name() const {
    return hub_name_;
  }  // escaped; once connected

  socketserver::Task<void> close();  // must be the last

  [[nodiscard]] socketserver::Loop& loop() const { return loop_; }
  [[nodiscard]] socketserver::Pool& pool() const { return pool_; }
  // Whether such a thing goes many to a request.
  [[nodiscard]] bool is_small(const store::Info& info) const {
    return info.kind == store::EntryKind::kFile && info.size_bytes <= options_.small_file_bytes;
  }

 private:
  socketserver::Task<Result<Connection*>> dial();
  socketserver::Task<void> drop();
  socketserver::Task<Result<void>> wait_before_retry();

  socketserver::Loop& loop_;
  socketserver::Pool& pool_;
  Random& random_;
  LinkOptions options_;
  std::unique_ptr<Connection> connection_;
  socketserver::Semaphore dialling_{1};
  std::uint64_t dialled_ = 0;
  std::string hub_name_;
  bool was_connected_ = false;
  bool tried_since_progress_ = false;
  std::string last_trouble_;
  std::int64_t last_progress_ms_ = 0;
  std::int64_t pause_ms_;
  socketserver::Event cancelled_;
};

}  // namespace skein::client
