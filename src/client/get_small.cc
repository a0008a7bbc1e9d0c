#include "client/get_small.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "store/batch.h"
#include "transfer/pack.h"
#include "wire/protocol.h"

namespace skein::client {

using socketserver::Task;
namespace field = wire::field;
namespace op = wire::op;

namespace {

transfer::PackedFile packed_of(const RemoteItem& item) {
  return {item.path.text(), static_cast<std::uint32_t>(item.info.size_bytes), item.info.mode,
          item.info.mtime_ns};
}

}  // namespace

// What became of each of the files that were asked for, or of all of them.
struct SmallGets::Stored {
  Result<void> all;
  std::vector<store::Batch::Outcome> each;
};

SmallGets::SmallGets(Link& link, store::Store& into, Tally& tally)
    : link_(link), into_(into), tally_(tally), lanes_(link.loop()) {}

Task<Result<void>> SmallGets::add(const RemoteItem& item) {
  const std::string& path = item.path.text();
  if (!gathered_size_.has_room(path, item.info.size_bytes)) co_await send_off();
  gathered_.push_back(&item);
  gathered_size_.add(path, item.info.size_bytes);
  co_return lanes_.outcome();
}

Task<Result<void>> SmallGets::finish() {
  if (!gathered_.empty()) co_await send_off();
  co_await lanes_.finish();
  co_return lanes_.outcome();
}

Task<void> SmallGets::send_off() {
  Items items = std::exchange(gathered_, {});
  gathered_size_ = {};
  tally_.current = items.front()->path.text();
  auto request = fetch(std::move(items));
  co_await lanes_.begin(std::move(request));
}

Task<Result<void>> SmallGets::fetch(Items items) {
  auto look = [this, &items] {
    std::vector<store::Store::Wanted> wanted;
    for (const RemoteItem* item : items) {
      wanted.push_back(
          {item->target, item->info.size_bytes, {item->info.mode, item->info.mtime_ns}});
    }
    return into_.missing(wanted);
  };
  const auto missing = co_await link_.pool().run(link_.loop(), look);
  Items wanted;
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (std::ranges::binary_search(missing, i)) {
      wanted.push_back(items[i]);
    } else {
      done(*items[i]);
      ++tally_.files_there;
    }
  }
  for (int damaged = 0; !wanted.empty() && damaged < limits::kBlockAttempts;) {
    std::string heads;
    for (const RemoteItem* item : wanted) transfer::append_packed_head(heads, packed_of(*item));
    const auto connection = co_await link_.connection();
    if (!connection) co_return pass(connection.error());
    const std::uint64_t dialled = link_.dialled();
    wire::Dictionary request;
    request.set(field::kOp, op::kFetch);
    const auto answer = co_await (*connection)->call(std::move(request), as_bytes(heads), nullptr);
    if (!answer && link_.lost_since(dialled)) continue;
    if (!answer && link_.ends_all(answer.error())) co_return pass(answer.error());
    if (!answer) break;
    link_.progress();
    auto store = [this, &answer, &wanted] { return store_pack(*answer, wanted); };
    Stored stored = co_await link_.pool().run(link_.loop(), store);
    if (!stored.all && link_.ends_all(stored.all.error())) co_return stored.all;
    if (!stored.all) break;
    for (const store::Batch::Outcome& outcome : stored.each) {
      if (outcome.error && link_.ends_all(*outcome.error)) co_return pass(*outcome.error);
    }
    wanted = settle(wanted, std::move(stored));
    ++damaged;
  }
  others_.insert(others_.end(), wanted.begin(), wanted.end());
  co_return Result<void>();
}

// In the pool.
SmallGets::Stored SmallGets::store_pack(const Answer& answer, const Items& items) {
  Stored out;
  out.each.resize(items.size());
  const auto take = [&]() -> Result<void> {
    TRY_ASSIGN(const auto lines_field,
               answer.fields.integer_if(field::kLines, 0,
                                        static_cast<std::int64_t>(answer.payload_bytes)));
    const auto lines_bytes = static_cast<std::size_t>(lines_field.value_or(0));
    Bytes records = answer.bytes().first(answer.payload_bytes - lines_bytes);
    TRY_ASSIGN(auto told, transfer::decode_packed_outcomes(answer.bytes().last(lines_bytes)));
    for (transfer::PackedOutcome& one : told) {
      if (one.index >= items.size() || !one.error) {
        return fail(kBadFrame, "the hub tells of a file that was not asked for");
      }
      out.each[one.index].error = std::move(one.error);
    }
    // Those that came, by their places.
    std::vector<std::size_t> came;
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (!out.each[i].error) came.push_back(i);
    }
    TRY_ASSIGN(const auto batch, into_.open_batch(records.size()));
    transfer::PackDecoder decoder(transfer::PackDecoder::What::kFiles);
    using Step = transfer::PackDecoder::Step;
    while (true) {
      TRY_ASSIGN(const Step step, decoder.next(records));
      if (step == Step::kNeedMore) break;
      if (step == Step::kFile) {
        const std::size_t at = batch->count();
        if (at >= came.size() || decoder.file().path != items[came[at]]->path.text()) {
          return fail(kBadFrame, "the hub sent another file than was asked for");
        }
        TRY(batch->begin(items[came[at]]->target, decoder.file().metadata()));
      } else if (step == Step::kPiece) {
        TRY(batch->write(decoder.piece()));
      } else if (decoder.intact()) {
        TRY(batch->end());
      } else {
        batch->refuse(Error(kDigestMismatch, "is not what its digest says"));
      }
    }
    TRY(decoder.end());
    if (batch->count() != came.size()) return fail(kBadFrame, "the hub left files out");
    TRY_ASSIGN(auto outcomes, batch->commit());
    for (std::size_t i = 0; i < came.size(); ++i) out.each[came[i]] = std::move(outcomes[i]);
    return {};
  };
  out.all = take();
  return out;
}

// Counts what became of them; those that were damaged on the way come back, to be asked for again.
SmallGets::Items SmallGets::settle(const Items& items, Stored stored) {
  Items damaged;
  for (std::size_t i = 0; i < items.size(); ++i) {
    store::Batch::Outcome& outcome = stored.each[i];
    const RemoteItem& item = *items[i];
    if (!outcome.error) {
      done(item);
      tally_.bytes_moved += item.info.size_bytes;
      if (!outcome.replaced) continue;
      ++tally_.replaced;
      tally_.last_replaced = item.target.text();
    } else if (outcome.error->is(kDigestMismatch)) {
      damaged.push_back(&item);
    } else if (outcome.error->is(kChanged)) {
      others_.push_back(&item);
    } else {
      tally_.problems.push_back({item.path.text(), *std::move(outcome.error)});
    }
  }
  return damaged;
}

void SmallGets::done(const RemoteItem& item) {
  ++tally_.files_done;
  tally_.bytes_done += item.info.size_bytes;
}

}  // namespace skein::client
