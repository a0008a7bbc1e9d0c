#include "client/put_file.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "socketserver/sync.h"
#include "transfer/fields.h"
#include "transfer/sender.h"
#include "wire/protocol.h"

namespace skein::client {

using socketserver::Task;
namespace field = wire::field;
namespace op = wire::op;

namespace {

struct Opened {
  std::unique_ptr<store::File> file;
  store::Info info;
};

Result<Opened> open_local(const LocalFile& local) {
  Opened out;
  TRY_ASSIGN(out.file, local.disk.open_file(local.path));
  TRY_ASSIGN(out.info, out.file->info());
  return out;
}

Error changed(const store::Path& path) {
  return Error(kChanged, concat(quoted(path.text()), " changed while being read"))
      .with_hint("run the same command again; only what differs is sent");
}

// One connection's try at one file.
class PutAttempt {
 public:
  PutAttempt(Link& link, Connection& connection, const LocalFile& local, const store::Path& target,
             Tally& tally)
      : link_(link), connection_(connection), local_(local), target_(target), tally_(tally) {}

  Task<Result<void>> run() {
    auto outcome = co_await steps();
    if (!outcome) tally_.bytes_done -= counted_;
    // Nothing may be left of this attempt at the hub but what can be resumed.
    if (!outcome && handle_ != 0 && !connection_.broken()) {
      wire::Dictionary close;
      close.set(field::kOp, op::kClose).set(field::kHandle, handle_);
      const auto closed = co_await connection_.call(std::move(close));
      static_cast<void>(closed.has_value());
    }
    co_return outcome;
  }

  // The commit was sent, so the file may be there although no answer came.
  [[nodiscard]] bool committed() const { return committed_; }
  [[nodiscard]] bool there() const { return there_; }

 private:
  Task<Result<void>> steps() {
    auto open = [this] { return open_local(local_); };
    auto opened = co_await link_.pool().run(link_.loop(), open);
    if (!opened) co_return pass(std::move(opened).error());
    opened_ = *std::move(opened);

    auto asked = co_await ask();
    if (!asked || there_) co_return asked;
    auto sent = co_await send_all();
    if (!sent) co_return sent;
    auto committed = co_await commit();
    co_return committed;
  }

  Task<Result<void>> ask() {
    const store::Info& info = opened_.info;
    wire::Dictionary put;
    put.set(field::kOp, op::kPut)
        .set(field::kPath, target_.text())
        .set(field::kTotal, static_cast<std::int64_t>(info.size_bytes))
        .set(field::kSource, local_.source)
        .set(field::kUnlessSame, true);
    transfer::set_metadata(put, {info.mode, info.mtime_ns});

    // Only the first part has the fields; all have claims.
    std::optional<store::BlockPlan> plan;
    store::Claims claims;
    const auto take = [&](const Answer& part) -> Result<void> {
      TRY_ASSIGN(there_, part.fields.flag(field::kSame));
      if (there_) return {};
      if (!plan) {
        TRY_ASSIGN(handle_, part.fields.integer(field::kHandle, 1, spec::kMaxInteger));
        TRY_ASSIGN(plan, transfer::plan_fields(part.fields, {info.size_bytes, 1, 0}));
      }
      return transfer::decode_claims(part.bytes(), *plan, claims);
    };
    Connection::OnPart on_part = take;
    auto answer = co_await connection_.call(std::move(put), {}, std::move(on_part));
    if (!answer) co_return pass(std::move(answer).error());
    if (there_) {
      count(info.size_bytes);
      co_return Result<void>();
    }
    sender_.emplace(*plan, std::move(claims), limits::kBlocksInFlight, limits::kBlockAttempts);
    co_return Result<void>();
  }

  Task<Result<void>> send_all() {
    const std::uint64_t workers =
        std::min<std::uint64_t>(sender_->plan().count(), limits::kBlocksInFlight);
    for (std::uint64_t i = 0; i < workers; ++i) workers_.spawn(link_.loop(), work());
    co_await workers_.close();
    if (trouble_) co_return pass(*trouble_);
    co_return Result<void>();
  }

  // Each works on one block at a time, so while one reads, another sends and others wait for
  // their acknowledgement.
  Task<void> work() {
    const auto buffer = std::make_unique_for_overwrite<std::byte[]>(sender_->plan().size(0));
    while (!trouble_) {
      const auto block = sender_->next();
      if (!block) co_return;
      auto moved = co_await move_block(*block, buffer.get());
      if (!moved && !trouble_) trouble_ = std::move(moved).error();
    }
  }

  Task<Result<void>> move_block(std::uint64_t block, std::byte* buffer) {
    const store::BlockPlan& plan = sender_->plan();
    const MutableBytes bytes(buffer, plan.size(block));
    auto read = [this, &plan, block, bytes]() -> Result<store::Digest> {
      TRY_ASSIGN(const std::size_t got, opened_.file->read_at(plan.offset(block), bytes));
      if (got != bytes.size()) return pass(changed(local_.path));
      return store::digest_of(bytes, plan.seed_of(block));
    };
    const auto digest = co_await link_.pool().run(link_.loop(), read);
    if (!digest) co_return pass(digest.error());
    if (!sender_->read(block, *digest)) {
      count(bytes.size());
      link_.progress();
      co_return Result<void>();
    }
    wire::Dictionary request;
    request.set(field::kOp, op::kBlock)
        .set(field::kHandle, handle_)
        .set(field::kBlock, static_cast<std::int64_t>(block))
        .set(field::kDigest, digest->hex());
    auto answer = co_await connection_.call(std::move(request), bytes, nullptr);
    if (answer) {
      sender_->acknowledged(block);
      count(bytes.size());
      tally_.bytes_moved += bytes.size();
      link_.progress();
      co_return Result<void>();
    }
    if (!answer.error().is(kDigestMismatch)) co_return pass(std::move(answer).error());
    auto again = sender_->refused(block, std::move(answer).error());
    co_return again;
  }

  Task<Result<void>> commit() {
    // All was read and acknowledged: if the file is now as it was at first, so is what was sent.
    auto look = [this] { return opened_.file->info(); };
    const auto now = co_await link_.pool().run(link_.loop(), look);
    if (!now) co_return pass(now.error());
    if (*now != opened_.info) co_return pass(changed(local_.path));

    wire::Dictionary request;
    request.set(field::kOp, op::kCommit).set(field::kHandle, handle_);
    committed_ = true;
    auto answer = co_await connection_.call(std::move(request));
    if (!answer) co_return pass(std::move(answer).error());
    handle_ = 0;
    const auto durable = answer->fields.flag(field::kDurable);
    const auto replaced = answer->fields.flag(field::kReplaced);
    const auto verified = answer->fields.text(field::kVerified);
    if (!durable) co_return pass(durable.error());
    if (!replaced) co_return pass(replaced.error());
    if (!verified) co_return pass(verified.error());
    if (!*durable) tally_.durable = false;
    if (*verified != "digest") tally_.by_digest = false;
    if (*replaced) {
      ++tally_.replaced;
      tally_.last_replaced = target_.text();
    }
    co_return Result<void>();
  }

  void count(std::uint64_t bytes) {
    counted_ += bytes;
    tally_.bytes_done += bytes;
  }

  Link& link_;
  Connection& connection_;
  const LocalFile& local_;
  const store::Path& target_;
  Tally& tally_;
  Opened opened_;
  std::int64_t handle_ = 0;
  std::optional<transfer::Sender> sender_;
  socketserver::Gate workers_;
  std::optional<Error> trouble_;
  std::uint64_t counted_ = 0;
  bool there_ = false;
  bool committed_ = false;
};

}  // namespace

Task<Result<void>> put_file(Link& link, LocalFile file, store::Path target, Tally& tally) {
  bool committed = false;
  while (true) {
    const auto connection = co_await link.connection();
    if (!connection) co_return pass(connection.error());
    PutAttempt attempt(link, **connection, file, target, tally);
    auto outcome = co_await attempt.run();
    if (!outcome && link.lost()) {
      committed = committed || attempt.committed();
      continue;
    }
    if (!outcome) {
      Error error = std::move(outcome).error();
      // Whose disk it is.
      if (error.is(kNoSpace))
        error = std::move(error).while_doing("storing it at " + link.hub_name());
      co_return pass(std::move(error));
    }
    ++tally.files_done;
    // Found there after a commit whose answer was lost: it is the one that we sent.
    if (attempt.there() && !committed) ++tally.files_there;
    link.progress();
    co_return Result<void>();
  }
}

std::string source_of(std::string_view real_path) {
  return store::digest_of(as_bytes(real_path), 0).hex();
}

}  // namespace skein::client
