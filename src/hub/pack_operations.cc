#include "hub/pack_operations.h"

#include <algorithm>
#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/text.h"
#include "transfer/fields.h"
#include "transfer/pack.h"
#include "wire/protocol.h"

namespace skein::hub {

using socketserver::Task;
using transfer::PackedFile;
namespace field = wire::field;

namespace {

// The places of those that are not there, encoded. In the pool.
Result<std::string> missing_of(store::Store& store, const store::Path& folder, Bytes heads) {
  TRY_ASSIGN(const auto files, transfer::decode_packed_heads(heads));
  std::vector<store::Store::Wanted> wanted;
  wanted.reserve(files.size());
  for (const PackedFile& file : files) {
    const auto path = transfer::packed_path(folder, file);
    // The root is no file, so a name that is refused is missing; its pack will say why.
    wanted.push_back({path ? *path : store::Path(), file.size_bytes, file.metadata()});
  }
  std::string out;
  for (const std::size_t index : store.missing(wanted)) transfer::append_index(out, index);
  return out;
}

struct Fetched {
  std::shared_ptr<std::byte[]> bytes;
  std::size_t size = 0;
  std::size_t lines = 0;  // of it
};

// One file as a record in `room`; how long it is.
Result<std::size_t> fetch_file(store::Store& store, const store::Path& folder, PackedFile wanted,
                               std::byte* room) {
  TRY_ASSIGN(const store::Path path, transfer::packed_path(folder, wanted));
  TRY_ASSIGN(const auto file, store.open_file(path));
  TRY_ASSIGN(const store::Info info, file->info());
  if (info.size_bytes != wanted.size_bytes) {
    return fail(kChanged, concat(quoted(path.text()), " has another size by now"));
  }
  const std::size_t head = transfer::packed_head_bytes(wanted.path);
  const MutableBytes record(room, head + wanted.size_bytes);
  TRY(store::read_unchanged(*file, info, record.subspan(head)));
  wanted.mode = info.mode;
  wanted.mtime_ns = info.mtime_ns;
  transfer::write_packed_head(record.data(), wanted);
  transfer::seal_packed(record);
  return record.size();
}

// In the pool.
Fetched fetch_all(store::Store& store, const store::Path& folder,
                  const std::vector<PackedFile>& files, std::size_t most) {
  Fetched out;
  out.bytes = std::make_shared_for_overwrite<std::byte[]>(most);
  std::string lines;
  for (std::size_t i = 0; i < files.size(); ++i) {
    auto size = fetch_file(store, folder, files[i], out.bytes.get() + out.size);
    if (size) {
      out.size += *size;
    } else {
      transfer::append_packed_outcome(lines, {i, std::move(size).error(), false});
    }
  }
  if (lines.empty()) return out;
  out.lines = lines.size();
  auto longer = std::make_shared_for_overwrite<std::byte[]>(out.size + lines.size());
  std::memcpy(longer.get(), out.bytes.get(), out.size);
  std::memcpy(longer.get() + out.size, lines.data(), lines.size());
  out.bytes = std::move(longer);
  out.size += lines.size();
  return out;
}

}  // namespace

Answering find_missing(Context& context, Transfers&, Request& request) {
  const auto folder = transfer::path_field(request.fields, field::kPath, /*root_allowed=*/true);
  if (!folder) co_return pass(folder.error());
  auto job = [&context, &folder, &request] {
    return missing_of(context.store, *folder, as_bytes(request.payload));
  };
  auto missing = co_await context.pool.run(context.loop, job);
  if (!missing) co_return pass(std::move(missing).error());
  Reply reply;
  reply.payload = slice_of(*std::move(missing));
  co_return reply;
}

Answering fetch_files(Context& context, Transfers& transfers, Request& request) {
  const auto folder = transfer::path_field(request.fields, field::kPath, /*root_allowed=*/true);
  if (!folder) co_return pass(folder.error());
  const auto files = transfer::decode_packed_heads(as_bytes(request.payload));
  if (!files) co_return pass(files.error());
  std::uint64_t bytes = 0;
  std::size_t most = 0;
  for (const PackedFile& file : *files) {
    bytes += file.size_bytes;
    most += transfer::packed_head_bytes(file.path) + file.size_bytes;
  }
  if (bytes > spec::kMaxFetchedBytes) {
    co_return fail(kTooLarge, concat("the files of a fetch have more than ",
                                     std::to_string(spec::kMaxFetchedBytes), " bytes"));
  }
  const std::size_t units = Transfers::read_units(static_cast<std::uint32_t>(bytes));
  auto budget = co_await transfers.reads().hold(units);
  if (request.cancelled) co_return fail(kCancelled, "cancelled by the client");
  auto job = [&context, &folder, &files, most] {
    return fetch_all(context.store, *folder, *files, most);
  };
  auto fetched = co_await context.pool.run(context.loop, job);

  // The budget is given back with the last reference to the bytes, when they are sent.
  struct Held {
    std::shared_ptr<std::byte[]> bytes;
    socketserver::Semaphore::Guard budget;
  };
  Reply reply;
  if (fetched.lines > 0) {
    reply.fields.set(field::kLines, static_cast<std::int64_t>(fetched.lines));
  }
  const Bytes view(fetched.bytes.get(), fetched.size);
  auto owner = std::make_shared<Held>();
  owner->bytes = std::move(fetched.bytes);
  owner->budget = std::move(budget);
  reply.payload = {std::move(owner), view};
  co_return reply;
}

Task<PackTaken> take_pack(Context& context, Transfers& transfers, wire::Dictionary fields,
                          FrameReader& reader) {
  PackTaken taken;
  auto turn = co_await transfers.packs().hold();
  const auto folder = transfer::path_field(fields, field::kPath, /*root_allowed=*/true);
  std::shared_ptr<Pack> pack;
  Result<void> well;
  if (!folder) {
    well = pass(folder.error());
  } else {
    pack = std::make_shared<Pack>(context, *folder, std::move(turn));
    const std::uint64_t bytes = reader.payload_left();
    well = co_await pack->open(bytes);
  }
  using Step = FrameReader::Step;
  while (true) {
    const auto step = co_await reader.next(limits::kStallTimeoutMs);
    if (!step) {
      taken.connection = pass(step.error());
      well = pass(step.error());
      break;
    }
    if (*step == Step::kEnd) break;
    if (!well) continue;
    Slice slice = reader.piece();
    well = co_await pack->piece(std::move(slice));
  }
  if (well) well = co_await pack->end();
  if (well) {
    taken.pack = std::move(pack);
    co_return taken;
  }
  if (pack) co_await pack->release();
  taken.pack = pass(std::move(well).error());
  co_return taken;
}

Answering commit_pack(Context& context, Transfers&, Request& request) {
  const std::shared_ptr<Pack> pack = std::move(request.pack);
  if (request.cancelled) {
    co_await pack->release();
    co_return fail(kCancelled, "cancelled by the client");
  }
  auto outcomes = co_await pack->commit();
  co_await pack->release();
  if (!outcomes) co_return pass(std::move(outcomes).error());
  std::string lines;
  std::size_t stored = 0;
  for (std::size_t i = 0; i < outcomes->size(); ++i) {
    store::Batch::Outcome& outcome = (*outcomes)[i];
    if (!outcome.error) ++stored;
    if (!outcome.error && !outcome.replaced) continue;
    transfer::append_packed_outcome(lines, {i, std::move(outcome.error), outcome.replaced});
  }
  if (stored > 0) {
    std::string what = quoted(pack->first().text());
    if (stored > 1) what += concat(" and ", counted(stored - 1, "other small file"));
    context.log.info(
        concat(request.principal.member, " put ", what, ", ", human_bytes(pack->bytes())));
  }
  Reply reply;
  reply.fields.set(field::kDurable, context.store.durable());
  reply.payload = slice_of(std::move(lines));
  co_return reply;
}

}  // namespace skein::hub
