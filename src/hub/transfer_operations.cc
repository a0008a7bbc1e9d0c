#include "hub/transfer_operations.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/text.h"
#include "transfer/fields.h"
#include "wire/protocol.h"

namespace skein::hub {

using socketserver::Task;
namespace field = wire::field;

namespace {

struct PutRequest {
  store::PartialKey key;
  std::uint64_t total_bytes = 0;
  store::Metadata metadata;
  bool unless_same = false;
};

Result<PutRequest> parse_put(const Request& request) {
  const wire::Dictionary& fields = request.fields;
  PutRequest put;
  TRY_ASSIGN(put.key.target, transfer::path_field(fields, field::kPath));
  TRY_ASSIGN(const std::int64_t total, fields.integer(field::kTotal, 0, spec::kMaxInteger));
  put.total_bytes = static_cast<std::uint64_t>(total);
  TRY_ASSIGN(put.metadata, transfer::metadata_fields(fields));
  TRY_ASSIGN(put.key.source, transfer::name_field(fields, field::kSource));
  TRY_ASSIGN(put.unless_same, fields.flag(field::kUnlessSame));
  put.key.device = request.principal.device;
  return put;
}

// The partial, or nothing: the file is there already. In the pool.
Result<std::unique_ptr<store::Partial>> open_partial(store::Store& store, const PutRequest& put) {
  if (put.unless_same && store.holds(put.key.target, put.total_bytes, put.metadata)) return nullptr;
  auto partial = store.open_partial(put.key, put.total_bytes);
  if (!partial) {
    return pass(std::move(partial).error(), concat("opening ", quoted(put.key.target.text())));
  }
  return partial;
}

// In payloads that each fit a frame; at least one, perhaps empty.
std::vector<std::string> encode_claims(const store::Claims& claims) {
  constexpr std::size_t kMost = spec::kMaxPayloadBytes / transfer::kClaimBytes;
  std::vector<std::string> out(1);
  for (const auto& [block, digest] : claims) {
    if (out.back().size() == kMost * transfer::kClaimBytes) out.emplace_back();
    transfer::append_claim(out.back(), block, digest);
  }
  return out;
}

Result<std::int64_t> handle_field(const wire::Dictionary& fields) {
  return fields.integer(field::kHandle, 1, spec::kMaxInteger);
}

// Stores nothing in `download`, so any number may run at the same time. In the pool.
Result<std::shared_ptr<std::byte[]>> read_from(Download& download, std::uint64_t block,
                                               store::Digest& digest) {
  const store::BlockPlan& plan = download.plan;
  const std::uint32_t size = plan.size(block);
  auto bytes = std::make_shared_for_overwrite<std::byte[]>(size);
  const MutableBytes into(bytes.get(), size);
  TRY_ASSIGN(const std::size_t got, download.file->read_at(plan.offset(block), into));
  // Looked at after the read: if it is as it was when it was opened, so is what was read.
  TRY_ASSIGN(const store::Info now, download.file->info());
  if (got != size || now != download.info) {
    return fail(kChanged, "the file changed while it was read");
  }
  digest = store::digest_of(into, plan.seed_of(block));
  return bytes;
}

Result<std::shared_ptr<Download>> open_download(store::Store& store, const store::Path& path) {
  auto file = store.open_file(path);
  if (!file) return pass(std::move(file).error(), concat("opening ", quoted(path.text())));
  auto download = std::make_shared<Download>();
  download->file = *std::move(file);
  TRY_ASSIGN(download->info, download->file->info());
  download->plan = {download->info.size_bytes, limits::kSmallBlockBytes, 0};
  return download;
}

}  // namespace

Answering open_put(Context& context, Transfers& transfers, Request& request) {
  auto put = parse_put(request);
  if (!put) co_return pass(std::move(put).error());
  const auto room = transfers.room();
  if (!room) co_return pass(room.error());

  auto job = [&context, &put] { return open_partial(context.store, *put); };
  auto partial = co_await context.pool.run(context.loop, job);
  if (!partial) co_return pass(std::move(partial).error());

  Reply reply;
  if (*partial == nullptr) {
    reply.fields.set(field::kSame, true);
    co_return reply;
  }
  auto upload = std::make_shared<Upload>(context, *std::move(partial));
  const store::Partial& opened = upload->partial();
  const std::vector<std::string> claims = encode_claims(opened.claims());
  transfer::set_plan(reply.fields, opened.plan());
  reply.fields.set(field::kGeneration, static_cast<std::int64_t>(opened.generation()));
  const std::int64_t handle = transfers.add(Put{upload, put->metadata});
  reply.fields.set(field::kHandle, handle);
  for (std::size_t i = 0; i + 1 < claims.size(); ++i) {
    reply.payload = slice_of(claims[i]);
    Reply part = std::exchange(reply, Reply());
    auto sent = co_await send_part(request, std::move(part));
    if (sent) continue;
    // The client never learns of the handle as a whole, so it cannot close it.
    auto closed = co_await transfers.close(handle);
    static_cast<void>(closed.has_value());
    co_return pass(std::move(sent).error());
  }
  reply.payload = slice_of(claims.back());
  co_return reply;
}

Task<BlockTaken> take_block(Transfers& transfers, const wire::Dictionary& fields,
                            FrameReader& reader) {
  BlockTaken taken;
  std::shared_ptr<Upload> upload;
  socketserver::Semaphore::Guard turn;

  const auto handle = handle_field(fields);
  const auto block = fields.integer(field::kBlock, 0, spec::kMaxInteger);
  const auto digest = transfer::digest_field(fields);
  if (!handle) taken.block = pass(handle.error());
  if (!block) taken.block = pass(block.error());
  if (!digest) taken.block = pass(digest.error());
  if (taken.block) {
    const auto put = transfers.put(*handle);
    if (put) {
      upload = put->upload;
    } else {
      taken.block = pass(put.error());
    }
  }
  if (upload) {
    turn = co_await upload->turn().hold();
    taken.block =
        co_await upload->begin(static_cast<std::uint64_t>(*block), reader.payload_left(), *digest);
  }
  const bool begun = taken.block.has_value();

  while (true) {
    auto step = co_await reader.next(limits::kStallTimeoutMs);
    if (!step) {
      taken.connection = pass(std::move(step).error());
      break;
    }
    if (*step == FrameReader::Step::kEnd) break;
    if (taken.block) taken.block = co_await upload->piece(reader.piece());
  }
  if (!begun) co_return taken;
  if (taken.connection && taken.block) {
    taken.block = co_await upload->end();
  } else {
    co_await upload->abandon();
  }
  co_return taken;
}

Answering commit_put(Context& context, Transfers& transfers, Request& request) {
  const auto handle = handle_field(request.fields);
  if (!handle) co_return pass(handle.error());
  const auto given = transfer::metadata_fields(request.fields);
  if (!given) co_return pass(given.error());
  const auto put = transfers.put(*handle);
  if (!put) co_return pass(put.error());
  store::Metadata metadata = put->metadata;
  if (given->mode) metadata.mode = given->mode;
  if (given->mtime_ns) metadata.mtime_ns = given->mtime_ns;

  auto turn = co_await put->upload->turn().hold();
  if (put->upload->over()) co_return fail(kBadRequest, "this put was committed or closed already");
  auto outcome = co_await put->upload->commit(metadata);
  turn.release();
  const bool gone = outcome.has_value() || outcome.error().is(kSuperseded);
  if (gone) {
    auto closed = co_await transfers.close(*handle);
    static_cast<void>(closed.has_value());  // closed meanwhile by the client: as well
  }
  if (!outcome) co_return pass(std::move(outcome).error());
  context.log.info(concat(request.principal.member, " put ",
                          quoted(put->upload->partial().target().text()), ", ",
                          human_bytes(put->upload->partial().plan().total_bytes)));

  Reply reply;
  reply.fields.set(field::kDurable, context.store.durable())
      .set(field::kVerified, outcome->by_digest ? "digest" : "length")
      .set(field::kReplaced, outcome->replaced);
  co_return reply;
}

Answering open_get(Context& context, Transfers& transfers, Request& request) {
  const auto path = transfer::path_field(request.fields, field::kPath);
  if (!path) co_return pass(path.error());
  const auto room = transfers.room();
  if (!room) co_return pass(room.error());
  auto job = [&context, &path] { return open_download(context.store, *path); };
  auto download = co_await context.pool.run(context.loop, job);
  if (!download) co_return pass(std::move(download).error());
  const auto plan = transfer::plan_fields(request.fields, (*download)->plan);
  if (!plan) co_return pass(plan.error());
  (*download)->plan = *plan;

  Reply reply;
  const store::Info& info = (*download)->info;
  transfer::set_plan(reply.fields, *plan);
  transfer::set_metadata(reply.fields, {info.mode, info.mtime_ns});
  reply.fields.set(field::kTotal, static_cast<std::int64_t>(info.size_bytes));
  reply.fields.set(field::kHandle, transfers.add(*std::move(download)));
  co_return reply;
}

Answering read_block(Context& context, Transfers& transfers, Request& request) {
  const auto handle = handle_field(request.fields);
  if (!handle) co_return pass(handle.error());
  const auto held = transfer::digest_field(request.fields);
  if (!held) co_return pass(held.error());
  const auto download = transfers.download(*handle);
  if (!download) co_return pass(download.error());
  const store::BlockPlan& plan = (*download)->plan;
  const auto block = request.fields.integer(field::kBlock, 0, spec::kMaxInteger);
  if (!block) co_return pass(block.error());
  const auto index = static_cast<std::uint64_t>(*block);
  if (index >= plan.count()) {
    co_return fail(kBadRequest,
                   concat("block ", std::to_string(index), " is outside the file: it has ",
                          counted(plan.count(), "block")));
  }

  const std::size_t units = Transfers::read_units(plan.size(index));
  auto budget = co_await transfers.reads().hold(units);
  if (request.cancelled) co_return fail(kCancelled, "cancelled by the client");
  store::Digest digest;
  auto job = [&download, index, &digest] { return read_from(**download, index, digest); };
  auto bytes = co_await context.pool.run(context.loop, job);
  if (!bytes) co_return pass(std::move(bytes).error());

  Reply reply;
  if (*held == digest) {
    reply.fields.set(field::kSame, true);
    co_return reply;
  }
  reply.fields.set(field::kDigest, digest.hex());
  // The budget is given back with the last reference to the bytes, when they are sent.
  struct Held {
    std::shared_ptr<std::byte[]> bytes;
    socketserver::Semaphore::Guard budget;
  };
  const Bytes view(bytes->get(), plan.size(index));
  auto owner = std::make_shared<Held>();
  owner->bytes = *std::move(bytes);
  owner->budget = std::move(budget);
  reply.payload = {std::move(owner), view};
  co_return reply;
}

Answering close_handle(Context&, Transfers& transfers, Request& request) {
  const auto handle = handle_field(request.fields);
  if (!handle) co_return pass(handle.error());
  auto closed = co_await transfers.close(*handle);
  if (!closed) co_return pass(std::move(closed).error());
  co_return Reply();
}

}  // namespace skein::hub
