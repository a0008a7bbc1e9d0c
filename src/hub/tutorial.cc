#include "hub/tutorial.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "auth/policy.h"
#include "base/limits.h"
#include "base/text.h"
#include "hub/upload.h"
#include "transfer/fields.h"
#include "wire/protocol.h"

namespace skein::hub {

using socketserver::Task;
namespace field = wire::field;

namespace {

struct Announced {
  store::Path path;
  std::uint64_t total_bytes = 0;
};

Result<Announced> parse(const wire::Dictionary& fields, const auth::Principal& principal) {
  TRY(auth::authorize(principal, auth::Right::kAdd, "upload"));
  Announced out;
  // A name, not a path: the tutorial's client sends one component, whatever folder it is from.
  TRY_ASSIGN(const std::string name, fields.text(field::kFileName));
  TRY_ASSIGN(out.path, store::Path::parse_name(name));
  TRY_ASSIGN(const std::int64_t total, fields.integer(field::kFileSize, 0, spec::kMaxInteger));
  out.total_bytes = static_cast<std::uint64_t>(total);
  return out;
}

// Cuts what arrives into the blocks of the upload's plan.
class Cutter {
 public:
  explicit Cutter(Upload& upload) : upload_(upload) {}

  Task<Result<void>> take(Slice slice) {
    const store::BlockPlan& plan = upload_.partial().plan();
    while (!slice.bytes.empty()) {
      if (left_ == 0) {
        left_ = plan.size(block_);
        auto begun = co_await upload_.begin(block_, left_, std::nullopt);
        if (!begun) co_return pass(std::move(begun).error());
      }
      const auto part =
          static_cast<std::size_t>(std::min<std::uint64_t>(left_, slice.bytes.size()));
      Slice piece{slice.owner, slice.bytes.first(part)};
      slice.bytes = slice.bytes.subspan(part);
      left_ -= part;
      auto taken = co_await upload_.piece(std::move(piece));
      if (!taken) co_return pass(std::move(taken).error());
      if (left_ > 0) continue;
      auto ended = co_await upload_.end();
      if (!ended) co_return pass(std::move(ended).error());
      ++block_;
    }
    co_return Result<void>();
  }

 private:
  Upload& upload_;
  std::uint64_t block_ = 0;
  std::uint64_t left_ = 0;  // of the block that has begun
};

}  // namespace

Task<Result<void>> take_tutorial_upload(Context& context, const auth::Principal& principal,
                                        std::string_view peer, FrameReader& reader) {
  Result<void> stored;
  std::unique_ptr<Upload> upload;
  const auto announced = parse(reader.dictionary(), principal);
  if (!announced) {
    stored = pass(announced.error());
  } else {
    auto job = [&context, &announced] {
      return context.store.open_partial({"", "", announced->path}, announced->total_bytes);
    };
    auto partial = co_await context.pool.run(context.loop, job);
    if (partial) {
      upload = std::make_unique<Upload>(context, *std::move(partial));
    } else {
      stored = pass(std::move(partial).error());
    }
  }

  Result<void> connection;
  std::optional<Cutter> cutter;
  if (upload) cutter.emplace(*upload);
  while (true) {
    auto step = co_await reader.next(limits::kStallTimeoutMs);
    if (!step) {
      connection = pass(std::move(step).error());
      break;
    }
    if (*step == FrameReader::Step::kEnd) break;
    if (stored) stored = co_await cutter->take(reader.piece());
  }
  if (stored && connection) {
    auto outcome = co_await upload->commit({});
    if (!outcome) stored = pass(std::move(outcome).error());
  }
  if (upload) co_await upload->release();
  if (!stored) {
    context.log.warning(concat(peer, ": an upload was not stored: ", stored.error().report()));
  } else if (connection) {
    context.log.info(concat(peer, " (", principal.member, ") uploaded ",
                            quoted(announced->path.text()), ", ",
                            human_bytes(announced->total_bytes), ", verified by length"));
  }
  co_return connection;
}

}  // namespace skein::hub
