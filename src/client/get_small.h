// Small files from a hub into a folder of this machine, many to a request and several requests at
// once. The loop's thread only; the disk is written in the pool.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "client/link.h"
#include "client/pack_lanes.h"
#include "client/tally.h"
#include "socketserver/task.h"
#include "store/path.h"
#include "store/store.h"

namespace skein::client {

struct RemoteItem {
  store::Path path;    // at the hub
  store::Path target;  // here
  store::Info info;    // as it was listed
  std::string link_target;
};

class SmallGets {
 public:
  using Items = std::vector<const RemoteItem*>;

  // All of them outlive it.
  SmallGets(Link& link, store::Store& into, Tally& tally);
  SmallGets(const SmallGets&) = delete;
  SmallGets& operator=(const SmallGets&) = delete;

  // One that is small to the link; waits while as many requests as may be under way are. What fails
  // by itself goes into tally.problems; an error is what ends all.
  socketserver::Task<Result<void>> add(const RemoteItem& item);
  // The rest; returns when nothing is under way. Must be the last call, whatever happened before.
  socketserver::Task<Result<void>> finish();

  // After that: those that are not what they were when they were listed, or that cannot go
  // together. Each is to be fetched by itself.
  [[nodiscard]] const Items& others() const { return others_; }

 private:
  struct Stored;
  socketserver::Task<void> send_off();
  socketserver::Task<Result<void>> fetch(Items items);
  Stored store_pack(const Answer& answer, const Items& items);
  Items settle(const Items& items, Stored stored);
  void done(const RemoteItem& item);

  Link& link_;
  store::Store& into_;
  Tally& tally_;
  Items gathered_;
  PackSize gathered_size_;
  Items others_;
  PackLanes lanes_;
};

}  // namespace skein::client
