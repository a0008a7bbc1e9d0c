#include "client/put_small.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "transfer/pack.h"
#include "wire/protocol.h"

namespace skein::client {

using socketserver::Task;
namespace field = wire::field;
namespace op = wire::op;

namespace {

transfer::PackedFile packed_of(const LocalItem& item) {
  return {item.target.text(), static_cast<std::uint32_t>(item.info.size_bytes), item.info.mode,
          item.info.mtime_ns};
}

// Of one file its record in `room`, which is long enough for kSmallFileBytes. It is most likely as
// it was `found`; if not, as it is now.
Result<std::size_t> pack_file(store::Folder& folder, const LocalItem& item, bool found,
                              std::byte* room) {
  TRY_ASSIGN(const auto file, folder.open_file(std::string(item.path.name())));
  store::Info info = item.info;
  if (!found) {
    TRY_ASSIGN(info, file->info());
  }
  if (info.size_bytes > limits::kSmallFileBytes) {
    return fail(kChanged, concat(quoted(item.path.text()), " grows while it is read"));
  }
  transfer::PackedFile packed = packed_of(item);
  packed.size_bytes = static_cast<std::uint32_t>(info.size_bytes);
  packed.mode = info.mode;
  packed.mtime_ns = info.mtime_ns;
  const std::size_t head = transfer::packed_head_bytes(packed.path);
  const MutableBytes record(room, head + packed.size_bytes);
  TRY(store::read_unchanged(*file, info, record.subspan(head)));
  transfer::write_packed_head(room, packed);
  transfer::seal_packed(record);
  return record.size();
}

}  // namespace

// What was read of a group.
struct SmallFiles::Packed {
  struct Failure {
    const LocalItem* item;
    Error error;
  };
  std::unique_ptr<std::byte[]> bytes;
  std::size_t size = 0;
  Items items;  // in it, in their order
  std::vector<Failure> failures;
  Items later;  // those that had no room any more: they have grown
};

SmallFiles::SmallFiles(Link& link, const LocalTree& tree, store::Path to, Tally& tally)
    : link_(link), tree_(tree), to_(std::move(to)), tally_(tally), lanes_(link.loop()) {}

Task<Result<void>> SmallFiles::add(const LocalItem& item, bool fresh) {
  const std::string& path = item.target.text();
  if (!gathered_size_.has_room(path, item.info.size_bytes)) co_await send_off();
  gathered_.push_back(&item);
  gathered_size_.add(path, item.info.size_bytes);
  gathered_fresh_ = gathered_fresh_ && fresh;
  co_return lanes_.outcome();
}

Task<Result<void>> SmallFiles::finish() {
  if (!gathered_.empty()) co_await send_off();
  co_await lanes_.finish();
  co_return lanes_.outcome();
}

Task<void> SmallFiles::send_off() {
  Items items = std::exchange(gathered_, {});
  gathered_size_ = {};
  tally_.current = items.front()->target.text();
  auto request = send(std::move(items), std::exchange(gathered_fresh_, true));
  co_await lanes_.begin(std::move(request));
}

Task<Result<Answer>> SmallFiles::call(std::string_view operation, Bytes payload) {
  const auto connection = co_await link_.connection();
  if (!connection) co_return pass(connection.error());
  wire::Dictionary request;
  request.set(field::kOp, operation);
  if (!to_.is_root()) request.set(field::kPath, to_.text());
  auto answer = co_await (*connection)->call(std::move(request), payload, nullptr);
  if (answer) link_.progress();
  co_return answer;
}

// Those that are to be sent; the others are counted. `was_sent`: what is there may be from us.
Task<Result<SmallFiles::Items>> SmallFiles::missing_of(const Items& items, bool was_sent) {
  std::string heads;
  for (const LocalItem* item : items) transfer::append_packed_head(heads, packed_of(*item));
  const auto told = co_await call(op::kMissing, as_bytes(heads));
  if (!told) co_return pass(told.error());
  const auto missing = transfer::decode_indexes(told->bytes(), items.size());
  if (!missing) co_return pass(missing.error());
  Items left;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (std::ranges::binary_search(*missing, i)) {
      left.push_back(items[i]);
      continue;
    }
    done(*items[i], false);
    // Found there after a pack whose answer was lost: it is the one that we sent.
    if (!was_sent) ++tally_.files_there;
  }
  co_return left;
}

// A lost answer leaves it open what was stored, so what is missing is asked for again.
Task<Result<void>> SmallFiles::send(Items items, bool fresh) {
  bool was_sent = false;
  int damaged = 0;
  while (!items.empty()) {
    std::uint64_t dialled = link_.dialled();
    const bool ask = !std::exchange(fresh, false);
    if (ask) {
      auto left = co_await missing_of(items, was_sent);
      if (!left && link_.lost_since(dialled)) continue;
      if (!left) co_return give_up(items, std::move(left).error());
      items = *std::move(left);
    }
    if (items.empty()) break;

    auto read = [this, &items] { return pack(items); };
    Packed packed = co_await link_.pool().run(link_.loop(), read);
    for (Packed::Failure& failure : packed.failures) {
      tally_.problems.push_back({failure.item->target.text(), std::move(failure.error)});
    }
    if (packed.items.empty()) break;  // and then nothing is left for later
    dialled = link_.dialled();
    const Bytes payload(packed.bytes.get(), packed.size);
    const auto answer = co_await call(op::kPack, payload);
    if (!answer && link_.lost_since(dialled)) {
      was_sent = true;
      items = std::move(packed.items);
      items.insert(items.end(), packed.later.begin(), packed.later.end());
      continue;
    }
    if (!answer) {
      auto over = give_up(packed.items, answer.error());
      if (!over) co_return over;
      items = std::move(packed.later);
      continue;
    }
    const auto durable = answer->fields.flag(field::kDurable);
    if (!durable) co_return pass(durable.error());
    if (!*durable) tally_.durable = false;
    auto outcomes = transfer::decode_packed_outcomes(answer->bytes());
    if (!outcomes) co_return pass(std::move(outcomes).error());

    items = std::move(packed.later);
    std::vector<bool> told_of(packed.items.size());
    for (transfer::PackedOutcome& outcome : *outcomes) {
      if (outcome.index >= packed.items.size() || told_of[outcome.index]) {
        co_return fail(kBadFrame, "the hub tells of a file that was not sent");
      }
      const LocalItem& item = *packed.items[outcome.index];
      if (!outcome.error) {
        if (outcome.replaced) {
          ++tally_.replaced;
          tally_.last_replaced = (to_ / item.target).text();
        }
        continue;
      }
      told_of[outcome.index] = true;
      if (outcome.error->is(kDigestMismatch) && damaged < limits::kBlockAttempts) {
        items.push_back(&item);
        continue;
      }
      auto over = give_up({&item}, *std::move(outcome.error));
      if (!over) co_return over;
    }
    ++damaged;
    for (std::size_t i = 0; i < packed.items.size(); ++i) {
      if (!told_of[i]) done(*packed.items[i], true);
    }
  }
  co_return Result<void>();
}

// Each of them failed by itself, unless the error is one that ends all.
Result<void> SmallFiles::give_up(const Items& items, Error error) {
  // Whose disk it is.
  if (error.is(kNoSpace)) error = std::move(error).while_doing("storing it at " + link_.hub_name());
  if (link_.ends_all(error)) return pass(std::move(error));
  for (const LocalItem* item : items) tally_.problems.push_back({item->target.text(), error});
  return {};
}

// In the pool.
SmallFiles::Packed SmallFiles::pack(const Items& items) const {
  std::size_t most = 0;
  for (const LocalItem* item : items) {
    most += transfer::packed_head_bytes(item->target.text()) + item->info.size_bytes;
  }
  // Room for one that has grown; if there are more of them, the others come later.
  most += limits::kSmallFileBytes;
  Packed out;
  out.bytes = std::make_unique_for_overwrite<std::byte[]>(most);
  std::unique_ptr<store::Folder> folder;
  const LocalItem* last = nullptr;
  for (const LocalItem* item : items) {
    const std::size_t room = transfer::packed_head_bytes(item->target.text()) +
                             static_cast<std::size_t>(limits::kSmallFileBytes);
    if (out.size + room > std::min<std::size_t>(most, spec::kMaxPayloadBytes)) {
      out.later.push_back(item);
      continue;
    }
    Result<std::size_t> size = 0;
    if (last == nullptr || last->path.parent() != item->path.parent()) {
      auto opened = tree_.disk->open_folder(item->path.parent());
      if (opened) {
        folder = *std::move(opened);
        last = item;
      } else {
        folder.reset();
        last = nullptr;
        size = pass(std::move(opened).error());
      }
    }
    for (int attempt = 0; folder && attempt < 3; ++attempt) {
      size = pack_file(*folder, *item, attempt == 0, out.bytes.get() + out.size);
      if (size || !size.error().is(kChanged)) break;
    }
    if (size) {
      out.size += *size;
      out.items.push_back(item);
    } else {
      out.failures.push_back({item, std::move(size).error()});
    }
  }
  return out;
}

void SmallFiles::done(const LocalItem& item, bool moved) {
  ++tally_.files_done;
  tally_.bytes_done += item.info.size_bytes;
  if (moved) tally_.bytes_moved += item.info.size_bytes;
}

}  // namespace skein::client
