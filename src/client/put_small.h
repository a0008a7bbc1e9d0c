// Small files of a tree to a hub, many to a request and several requests at once. The loop's thread
// only; the disk is read in the pool.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "client/link.h"
#include "client/local_tree.h"
#include "client/pack_lanes.h"
#include "client/tally.h"
#include "socketserver/task.h"
#include "store/path.h"

namespace skein::client {

class SmallFiles {
 public:
  // All of them outlive it. `to` is the hub's folder that the tree goes to.
  SmallFiles(Link& link, const LocalTree& tree, store::Path to, Tally& tally);
  SmallFiles(const SmallFiles&) = delete;
  SmallFiles& operator=(const SmallFiles&) = delete;

  // One that is small to the link; `fresh`: its folder was made by us, so nothing of it can be
  // there already. Waits while as many packs as may be under way are. What fails by itself goes
  // into tally.problems; an error is what ends all.
  socketserver::Task<Result<void>> add(const LocalItem& item, bool fresh);
  // The rest; returns when nothing is under way. Must be the last call, whatever happened before.
  socketserver::Task<Result<void>> finish();

 private:
  using Items = std::vector<const LocalItem*>;
  struct Packed;
  socketserver::Task<void> send_off();
  socketserver::Task<Result<void>> send(Items items, bool fresh);
  socketserver::Task<Result<Items>> missing_of(const Items& items, bool was_sent);
  socketserver::Task<Result<Answer>> call(std::string_view operation, Bytes payload);
  Packed pack(const Items& items) const;
  void done(const LocalItem& item, bool moved);
  Result<void> give_up(const Items& items, Error error);

  Link& link_;
  const LocalTree& tree_;
  const store::Path to_;
  Tally& tally_;
  Items gathered_;
  PackSize gathered_size_;
  bool gathered_fresh_ = true;
  PackLanes lanes_;
};

}  // namespace skein::client
