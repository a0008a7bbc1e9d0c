// The files of a machine that puts: a folder on a disk that is never in trouble, whose files its
// owner changes now and then. Every version that there ever was is written down.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "client/local_tree.h"
#include "dice.h"
#include "shelf.h"

namespace skein::simulate {

class Sources {
 public:
  // `root`: the folder's name at the hub. `known` is told of every version.
  Sources(Dice& dice, std::string root, std::int64_t first_mtime_ns, Versions& known);

  void add_file(const std::string& path, std::size_t size);
  void add_folder(const std::string& path) { disk_.put_folder(path); }
  // `back`: to what it was before its last change, if there was one.
  void change_one(bool back);

  // As the client would find it.
  [[nodiscard]] client::LocalTree tree();

  // What each file has been, oldest first.
  [[nodiscard]] const Versions& had() const { return had_; }
  [[nodiscard]] std::string target(const std::string& path) const;
  [[nodiscard]] std::uint64_t total_bytes() const;

 private:
  void write(const std::string& path, std::string contents);

  Dice& dice_;
  std::string root_;
  std::int64_t mtime_ns_;
  Versions& known_;
  Versions had_;  // by path here
  store::FakeDisk disk_;
};

}  // namespace skein::simulate
