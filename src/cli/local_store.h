// A folder of this machine that receives: the same store that a hub has, so that what a get
// interrupts is resumed, and what it replaces can be restored. While another program receives into
// the same folder, nothing of ours is resumable. Blocks: pool threads only.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/random.h"
#include "base/result.h"
#include "store/posix_disk.h"
#include "store/state.h"
#include "store/store.h"

namespace skein::cli {

class LocalStore {
 public:
  // The folder is made when missing. Clock and randomness outlive it.
  static Result<std::unique_ptr<LocalStore>> open(const std::string& folder, const Clock& clock,
                                                  Random& random);
  [[nodiscard]] store::Store& store() { return *store_; }
  // Takes away what is empty of our own, unless another program receives here too. The last call.
  void tidy();

 private:
  Result<std::unique_ptr<store::Store>> open_store(const std::string& folder, const Clock& clock,
                                                   Random& random);

  std::unique_ptr<store::PosixDisk> disk_;
  std::optional<store::Lock> lock_;  // none: another program receives into this folder, too
  std::unique_ptr<store::Store> store_;
};

}  // namespace skein::cli
