// Many small files coming in at once: taken apart, hashed and written in the pool while the next
// bytes are received, then committed together. The loop's thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/result.h"
#include "hub/context.h"
#include "hub/intake.h"
#include "hub/request.h"
#include "socketserver/sync.h"
#include "socketserver/task.h"
#include "store/batch.h"
#include "store/path.h"
#include "transfer/pack.h"

namespace skein::hub {

class Pack {
 public:
  // `turn` is given back when the pack is destroyed.
  Pack(Context& context, store::Path folder, socketserver::Semaphore::Guard turn)
      : context_(context), folder_(std::move(folder)), turn_(std::move(turn)) {}
  Pack(const Pack&) = delete;
  Pack& operator=(const Pack&) = delete;

  // Its payload has so many bytes. Then its pieces in order, then end(): all is received and
  // written. After an error of any of these nothing of it will be stored; release() it.
  socketserver::Task<Result<void>> open(std::uint64_t bytes);
  socketserver::Task<Result<void>> piece(Slice slice);  // at most one is being written meanwhile
  socketserver::Task<Result<void>> end();

  socketserver::Task<Result<std::vector<store::Batch::Outcome>>> commit();
  // Must have ended before it is destroyed; leaves nothing of what was not committed.
  socketserver::Task<void> release();

  // Of what came, for the log.
  [[nodiscard]] const store::Path& first() const { return first_; }
  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  socketserver::Task<void> write(Slice slice);
  Result<void> take(Bytes bytes);

  Context& context_;
  const store::Path folder_;
  socketserver::Semaphore::Guard turn_;
  transfer::PackDecoder decoder_{transfer::PackDecoder::What::kFiles};
  std::unique_ptr<store::Batch> batch_;
  bool skipping_ = false;  // the file that comes was refused
  store::Path first_;
  std::uint64_t bytes_ = 0;
  socketserver::Gate writes_;
  socketserver::Event written_;  // nothing is being written
  std::optional<Error> trouble_;
};

}  // namespace skein::hub
