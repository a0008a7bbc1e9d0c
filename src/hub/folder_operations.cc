#include "hub/folder_operations.h"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/text.h"
#include "transfer/fields.h"
#include "wire/protocol.h"

namespace skein::hub {

namespace field = wire::field;

namespace {

struct Listing {
  store::EntryKind kind = store::EntryKind::kFolder;
  std::unique_ptr<store::FolderReader> folder;  // else `single` is all there is
  store::Entry single;
};

// In the pool.
Result<Listing> open_listing(store::Store& store, const store::Path& path) {
  Listing listing;
  TRY_ASSIGN(const store::Info info, store.info(path));
  listing.kind = info.kind;
  if (info.kind == store::EntryKind::kFolder) {
    TRY_ASSIGN(listing.folder, store.read_folder(path));
    return listing;
  }
  listing.single = {std::string(path.name()), info, ""};
  if (info.kind == store::EntryKind::kLink) {
    TRY_ASSIGN(listing.single.link_target, store.link_target(path));
  }
  return listing;
}

// The next lines, about limits::kListBatchBytes of them; none at the end. In the pool.
Result<std::string> next_lines(Listing& listing) {
  constexpr std::size_t kBatch = 128;
  std::string lines;
  while (listing.folder != nullptr && lines.size() < limits::kListBatchBytes) {
    TRY_ASSIGN(const std::vector<store::Entry> entries, listing.folder->next(kBatch));
    if (entries.empty()) break;
    for (const store::Entry& entry : entries) {
      lines += transfer::encode_entry(entry);
      lines += '\n';
    }
  }
  return lines;
}

void log_change(Context& context, const Request& request, std::string_view verb,
                const store::Path& path) {
  context.log.info(concat(request.principal.member, " ", verb, " ", quoted(path.text())));
}

}  // namespace

Answering list(Context& context, Transfers&, Request& request) {
  const auto path = transfer::path_field(request.fields, field::kPath, /*root_allowed=*/true);
  if (!path) co_return pass(path.error());
  auto open = [&context, &path] { return open_listing(context.store, *path); };
  auto listing = co_await context.pool.run(context.loop, open);
  if (!listing) {
    co_return pass(std::move(listing).error(), "listing it");
  }

  Reply reply;
  reply.fields.set(field::kKind, transfer::kind_text(listing->kind));
  if (listing->folder == nullptr) {
    reply.payload = slice_of(transfer::encode_entry(listing->single) + "\n");
    co_return reply;
  }
  // One batch ahead, so that the last part is known to be the last.
  auto job = [&listing] { return next_lines(*listing); };
  auto lines = co_await context.pool.run(context.loop, job);
  while (true) {
    if (!lines) co_return pass(std::move(lines).error());
    auto following = co_await context.pool.run(context.loop, job);
    reply.payload = slice_of(*std::move(lines));
    if (following && following->empty()) co_return reply;
    Reply part = std::exchange(reply, Reply());
    auto sent = co_await send_part(request, std::move(part));
    if (!sent) co_return pass(std::move(sent).error());
    lines = std::move(following);
  }
}

Answering make_folder(Context& context, Transfers&, Request& request) {
  const auto path = transfer::path_field(request.fields, field::kPath);
  if (!path) co_return pass(path.error());
  const auto metadata = transfer::metadata_fields(request.fields);
  if (!metadata) co_return pass(metadata.error());
  auto job = [&context, &path, &metadata]() -> Result<bool> {
    const auto standing = context.store.info(*path);
    if (standing && standing->kind != store::EntryKind::kFolder) {
      return fail(kExists, concat("something that is no folder stands at ", quoted(path->text())));
    }
    TRY(context.store.make_folder(*path, *metadata));
    return standing.has_value();
  };
  auto made = co_await context.pool.run(context.loop, job);
  if (!made) co_return pass(std::move(made).error(), concat("making ", quoted(path->text())));
  Reply reply;
  reply.fields.set(field::kSame, *made);
  co_return reply;
}

Answering make_link(Context& context, Transfers&, Request& request) {
  const auto path = transfer::path_field(request.fields, field::kPath);
  if (!path) co_return pass(path.error());
  const auto target = request.fields.text(field::kTarget);
  if (!target) co_return pass(target.error());
  if (target->empty() || target->size() > spec::kMaxPathBytes ||
      target->find('\0') != std::string::npos) {
    co_return fail(kBadRequest, "field 'target' must be 1 to 4095 bytes without NUL");
  }
  auto job = [&context, &path, &target] { return context.store.make_link(*path, *target); };
  auto made = co_await context.pool.run(context.loop, job);
  if (!made) co_return pass(std::move(made).error(), concat("linking ", quoted(path->text())));
  Reply reply;
  reply.fields.set(field::kSame, made->same).set(field::kReplaced, made->replaced);
  co_return reply;
}

Answering move(Context& context, Transfers&, Request& request) {
  const auto from = transfer::path_field(request.fields, field::kPath);
  if (!from) co_return pass(from.error());
  const auto to = transfer::path_field(request.fields, field::kTo);
  if (!to) co_return pass(to.error());
  auto job = [&context, &from, &to] { return context.store.move(*from, *to); };
  auto moved = co_await context.pool.run(context.loop, job);
  if (!moved) co_return pass(std::move(moved).error(), concat("moving ", quoted(from->text())));
  context.log.info(concat(request.principal.member, " moved ", quoted(from->text()), " to ",
                          quoted(to->text())));
  co_return Reply();
}

Answering remove(Context& context, Transfers&, Request& request) {
  const auto path = transfer::path_field(request.fields, field::kPath);
  if (!path) co_return pass(path.error());
  auto job = [&context, &path] { return context.store.remove(*path); };
  auto removed = co_await context.pool.run(context.loop, job);
  if (!removed) co_return pass(std::move(removed).error());
  log_change(context, request, "removed", *path);
  co_return Reply();
}

Answering restore(Context& context, Transfers&, Request& request) {
  const auto path = transfer::path_field(request.fields, field::kPath);
  if (!path) co_return pass(path.error());
  auto job = [&context, &path] { return context.store.restore(*path); };
  auto replaced = co_await context.pool.run(context.loop, job);
  if (!replaced) co_return pass(std::move(replaced).error());
  log_change(context, request, "restored", *path);
  Reply reply;
  reply.fields.set(field::kReplaced, *replaced);
  co_return reply;
}

}  // namespace skein::hub
