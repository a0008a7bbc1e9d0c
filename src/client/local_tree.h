// What a person names on the command line, found on this machine's disk: one file, or a folder
// with all below it. All calls block: pool threads only.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "client/tally.h"
#include "store/disk.h"
#include "store/path.h"

namespace skein::client {

struct LocalItem {
  store::Path path;    // on the tree's disk
  store::Path target;  // at the hub, below the folder it goes to
  store::Info info;
  std::string link_target;  // of a link
};

struct LocalTree {
  std::unique_ptr<store::Disk> disk;
  std::string real_path;          // of the disk's folder
  std::vector<LocalItem> items;   // a folder before what is in it
  std::vector<Problem> problems;  // what cannot be sent: pipes, refused names, unreadable folders
};

// `argument` as typed. Stored under its own last name, so "a/b/" is stored as "b". Links below a
// folder stay links; the argument itself may be one and is followed.
Result<LocalTree> find_local(const std::string& argument);

// The same of a whole folder that a disk is open on; it is called `name` at the hub.
Result<LocalTree> whole_tree(std::unique_ptr<store::Disk> disk, std::string real_path,
                             store::Path name);

}  // namespace skein::client
