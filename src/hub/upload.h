// One file coming in: takes pieces as they arrive, has them hashed and written in the pool while
// the next ones are received, and commits. The same for every way in. The loop's thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/result.h"
#include "hub/context.h"
#include "hub/intake.h"
#include "socketserver/sync.h"
#include "socketserver/task.h"
#include "store/partial.h"
#include "transfer/receiver.h"

namespace skein::hub {

class Upload {
 public:
  Upload(Context& context, std::unique_ptr<store::Partial> partial);
  Upload(const Upload&) = delete;
  Upload& operator=(const Upload&) = delete;

  // One block: begin, its pieces in order, then end, or abandon instead of it. After an error of
  // any of them the block is as missing as before; begin and end need nothing more then.
  socketserver::Task<Result<void>> begin(std::uint64_t block, std::uint64_t size,
                                         std::optional<store::Digest> declared);
  socketserver::Task<Result<void>> piece(Slice slice);  // at most one is being written meanwhile
  socketserver::Task<Result<void>> end();
  socketserver::Task<void> abandon();

  struct Outcome {
    bool replaced = false;
    bool by_digest = false;  // else by length
  };
  // kIncomplete while blocks are missing. Once it went well the upload is over.
  socketserver::Task<Result<Outcome>> commit(store::Metadata metadata);

  // Must be the last call, whatever happened before. What can be resumed stays.
  socketserver::Task<void> release();

  // For those who may be called while another call is under way: hold it around a block, a
  // commit, a release.
  [[nodiscard]] socketserver::Semaphore& turn() { return turn_; }
  [[nodiscard]] bool over() const { return over_; }
  [[nodiscard]] const store::Partial& partial() const { return *partial_; }

 private:
  socketserver::Task<void> write(Slice slice);
  socketserver::Task<Result<void>> settled();

  Context& context_;
  std::unique_ptr<store::Partial> partial_;
  transfer::Receiver receiver_;
  socketserver::Semaphore turn_{1};
  socketserver::Gate writes_;
  socketserver::Event written_;  // nothing is being written
  std::optional<Error> trouble_;
  bool over_ = false;
};

}  // namespace skein::hub
