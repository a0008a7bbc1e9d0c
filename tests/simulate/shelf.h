// What may stand on a disk, and what must: every whole version that somebody had of a file, and
// those that somebody was told are safe.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "store/fake_disk.h"
#include "trace.h"

namespace skein::simulate {

struct Version {
  std::string contents;
  std::uint32_t mode = 0;
  std::int64_t mtime_ns = 0;
};

// By the path that they are stored under; oldest first.
using Versions = std::map<std::string, std::vector<Version>>;

// One disk that files are received on.
class Shelf {
 public:
  Shelf(std::string name, const Versions& versions, Trace& trace)
      : name_(std::move(name)), versions_(versions), trace_(trace) {}

  store::FakeDisk disk;
  // It was so small for a while that the trash had to give up things before their time.
  bool was_small = false;
  // It fails at every step: it comes back with another boot only.
  bool broken = false;

  // A copy of the disk as it would be after a loss of power just now (`random`), or as it is seen.
  [[nodiscard]] std::unique_ptr<store::FakeDisk> picture(Random* random) const;

  // Under every name stands a whole version, in the trash too, where everything has its name; and
  // whatever must be kept is there, under its name or in the trash.
  void check(store::FakeDisk& picture, std::string_view when) const;

  // True when that version stands under its name, whole, with its mode and time.
  [[nodiscard]] static bool stands(store::FakeDisk& picture, const std::string& path,
                                   const Version& version);
  [[nodiscard]] static bool in_trash(store::FakeDisk& picture, const std::string& path,
                                     const Version& version);

  // From now on it must not be lost.
  void keep(const std::string& path, const Version& version);

 private:
  std::string name_;
  const Versions& versions_;
  Trace& trace_;
  std::map<std::string, std::vector<std::string>> kept_;  // path to contents
};

}  // namespace skein::simulate
