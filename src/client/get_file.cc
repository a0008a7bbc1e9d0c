#include "client/get_file.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "client/put_file.h"
#include "socketserver/sync.h"
#include "store/partial.h"
#include "transfer/fetcher.h"
#include "transfer/fields.h"
#include "wire/protocol.h"

namespace skein::client {

using socketserver::Task;
namespace field = wire::field;
namespace op = wire::op;

namespace {

// One connection's try at one file.
class GetAttempt {
 public:
  GetAttempt(Link& link, Connection& connection, const RemoteFile& remote, store::Store& into,
             const store::Path& target, Tally& tally)
      : link_(link),
        connection_(connection),
        remote_(remote),
        into_(into),
        target_(target),
        tally_(tally) {}

  Task<Result<void>> run() {
    auto outcome = co_await steps();
    if (!outcome) tally_.bytes_done -= counted_;
    if (partial_) {
      auto release = [this] { partial_->release(); };
      co_await link_.pool().run(link_.loop(), release);
    }
    if (handle_ != 0 && !connection_.broken()) {
      auto closed = co_await close();
      static_cast<void>(closed.has_value());
    }
    co_return outcome;
  }

 private:
  Task<Result<void>> steps() {
    // The partial decides on blocks and seed, so it is opened first, by the size that was listed.
    // If the file has another size by now, once more.
    std::uint64_t total_bytes = remote_.info.size_bytes;
    for (int round = 0;; ++round) {
      auto opened = co_await open_partial(total_bytes);
      if (!opened) co_return pass(std::move(opened).error());
      const auto there = co_await ask();
      if (!there) co_return pass(there.error());
      if (*there == total_bytes) break;
      if (round > 0) co_return fail(kChanged, "the file changes all the time");
      total_bytes = *there;
      auto closed = co_await close();
      if (!closed) co_return pass(std::move(closed).error());
    }
    const store::BlockPlan& plan = partial_->plan();
    fetcher_.emplace(plan, partial_->claims(), limits::kBlocksInFlight, limits::kBlockAttempts);
    const std::uint64_t workers = std::min<std::uint64_t>(plan.count(), limits::kBlocksInFlight);
    for (std::uint64_t i = 0; i < workers; ++i) workers_.spawn(link_.loop(), work());
    co_await workers_.close();
    if (trouble_) co_return pass(*trouble_);

    auto job = [this] { return into_.commit(*partial_, metadata_); };
    const auto replaced = co_await link_.pool().run(link_.loop(), job);
    if (!replaced) co_return pass(replaced.error());
    if (*replaced) {
      ++tally_.replaced;
      tally_.last_replaced = target_.text();
    }
    co_return Result<void>();
  }

  Task<Result<void>> open_partial(std::uint64_t total_bytes) {
    const store::PartialKey key{
        "get", source_of(concat(link_.hub_name(), ":", remote_.path.text())), target_};
    auto job = [this, &key, total_bytes] {
      if (partial_) partial_->release();
      return into_.open_partial(key, total_bytes);
    };
    auto partial = co_await link_.pool().run(link_.loop(), job);
    if (!partial) co_return pass(std::move(partial).error());
    partial_ = *std::move(partial);
    co_return Result<void>();
  }

  // The size that the file has at the hub.
  Task<Result<std::uint64_t>> ask() {
    wire::Dictionary get;
    get.set(field::kOp, op::kGet).set(field::kPath, remote_.path.text());
    transfer::set_plan(get, partial_->plan());
    auto answer = co_await connection_.call(std::move(get));
    if (!answer) co_return pass(std::move(answer).error());
    const auto handle = answer->fields.integer(field::kHandle, 1, spec::kMaxInteger);
    if (!handle) co_return pass(handle.error());
    handle_ = *handle;
    const auto metadata = transfer::metadata_fields(answer->fields);
    if (!metadata) co_return pass(metadata.error());
    metadata_ = *metadata;
    const auto total = answer->fields.integer(field::kTotal, 0, spec::kMaxInteger);
    if (!total) co_return pass(total.error());
    co_return static_cast<std::uint64_t>(*total);
  }

  Task<Result<void>> close() {
    wire::Dictionary request;
    request.set(field::kOp, op::kClose).set(field::kHandle, std::exchange(handle_, 0));
    auto answer = co_await connection_.call(std::move(request));
    if (!answer) co_return pass(std::move(answer).error());
    co_return Result<void>();
  }

  Task<void> work() {
    while (!trouble_) {
      const auto request = fetcher_->next();
      if (!request) co_return;
      auto moved = co_await fetch(*request);
      if (!moved && !trouble_) trouble_ = std::move(moved).error();
    }
  }

  Task<Result<void>> fetch(transfer::Fetcher::Request request) {
    const store::BlockPlan& plan = fetcher_->plan();
    wire::Dictionary read;
    read.set(field::kOp, op::kRead)
        .set(field::kHandle, handle_)
        .set(field::kBlock, static_cast<std::int64_t>(request.block));
    if (request.held) read.set(field::kDigest, request.held->hex());
    auto answer = co_await connection_.call(std::move(read));
    if (!answer) co_return pass(std::move(answer).error());
    const auto same = answer->fields.flag(field::kSame);
    if (!same) co_return pass(same.error());
    if (*same) {
      auto held = fetcher_->same(request.block);
      if (!held) co_return pass(std::move(held).error());
    } else {
      const auto declared = transfer::digest_field(answer->fields);
      if (!declared) co_return pass(declared.error());
      if (!*declared) co_return fail(kBadRequest, "the hub sent a block without its digest");
      const Bytes bytes = answer->bytes();
      auto hash = [bytes, seed = plan.seed_of(request.block)] {
        return store::digest_of(bytes, seed);
      };
      const store::Digest actual = co_await link_.pool().run(link_.loop(), hash);
      const auto arrived = fetcher_->arrived(request.block, bytes.size(), **declared, actual);
      if (!arrived) co_return pass(arrived.error());
      if (!arrived->matches) co_return Result<void>();
      auto store = [this, &plan, &request, bytes, &actual, &arrived]() -> Result<void> {
        if (arrived->renounce) TRY(partial_->renounce(request.block));
        TRY(partial_->write(plan.offset(request.block), bytes));
        return partial_->claim(request.block, actual);
      };
      auto stored = co_await link_.pool().run(link_.loop(), store);
      if (!stored) co_return pass(std::move(stored).error());
      fetcher_->stored(request.block);
      tally_.bytes_moved += bytes.size();
    }
    counted_ += plan.size(request.block);
    tally_.bytes_done += plan.size(request.block);
    link_.progress();
    co_return Result<void>();
  }

  Link& link_;
  Connection& connection_;
  const RemoteFile& remote_;
  store::Store& into_;
  const store::Path& target_;
  Tally& tally_;
  std::unique_ptr<store::Partial> partial_;
  store::Metadata metadata_;
  std::int64_t handle_ = 0;
  std::optional<transfer::Fetcher> fetcher_;
  socketserver::Gate workers_;
  std::optional<Error> trouble_;
  std::uint64_t counted_ = 0;
};

}  // namespace

Task<Result<void>> get_file(Link& link, RemoteFile remote, store::Store& into, store::Path target,
                            Tally& tally) {
  const store::Info& info = remote.info;
  auto look = [&] { return into.holds(target, info.size_bytes, {info.mode, info.mtime_ns}); };
  const bool there = co_await link.pool().run(link.loop(), look);
  if (there) {
    tally.bytes_done += info.size_bytes;
    ++tally.files_done;
    ++tally.files_there;
    co_return Result<void>();
  }
  constexpr int kMostChanges = 3;
  int changes = 0;
  while (true) {
    const auto connection = co_await link.connection();
    if (!connection) co_return pass(connection.error());
    GetAttempt attempt(link, **connection, remote, into, target, tally);
    auto outcome = co_await attempt.run();
    if (!outcome && link.lost()) continue;
    if (!outcome && outcome.error().is(kChanged) && ++changes < kMostChanges) continue;
    if (!outcome) co_return pass(std::move(outcome).error());
    ++tally.files_done;
    link.progress();
    co_return Result<void>();
  }
}

}  // namespace skein::client
