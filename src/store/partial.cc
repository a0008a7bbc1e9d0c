#include "store/partial.h"

#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/text.h"

namespace skein::store {

namespace {

constexpr std::string_view kDataSuffix = ".data";
constexpr std::string_view kJournalSuffix = ".journal";
constexpr std::string_view kResumeHint = "make room, then run the same command again: it resumes";

// The same key finds the same name; a collision is noticed by the journal's header.
std::string name_of(const PartialKey& key) {
  std::string text;
  for (const std::string_view part : {std::string_view(key.device), std::string_view(key.source),
                                      std::string_view(key.target.text())}) {
    append_le(text, static_cast<std::uint64_t>(part.size()));
    text += part;
  }
  return digest_of(as_bytes(text), 0).hex();
}

Result<std::string> read_whole(File& file) {
  TRY_ASSIGN(const Info info, file.info());
  std::string out(info.size_bytes, '\0');
  TRY_ASSIGN(const std::size_t got,
             file.read_at(0, std::as_writable_bytes(std::span(out.data(), out.size()))));
  out.resize(got);
  return out;
}

Result<void> remove_if_there(Disk& disk, const Path& path) {
  auto removed = disk.remove_file(path);
  if (!removed && !removed.error().is(kNotFound)) return pass(std::move(removed).error());
  return {};
}

}  // namespace

Partial::Partial(Partials& owner, std::shared_ptr<Slot> slot, std::string name, Path target)
    : owner_(owner), slot_(std::move(slot)), name_(std::move(name)), target_(std::move(target)) {}

Partial::~Partial() {
  const std::lock_guard lock(owner_.mutex_);
  if (slot_->promised_to != generation_) return;  // taken over
  owner_.promised_bytes_ -= std::exchange(slot_->promised_bytes, 0);
}

Result<void> Partial::still_ours() const {
  if (ended_) return pass(*ended_);
  if (slot_->generation == generation_ && !released_) return {};
  return fail(kSuperseded,
              concat("another session took over the transfer of ", quoted(target_.text())));
}

Result<void> Partial::superseded() const {
  const std::lock_guard lock(slot_->mutex);
  return still_ours();
}

// By the name that the sender knows.
Error Partial::explain(Error error) const {
  if (!error.is(kNoSpace)) {
    return std::move(error).while_doing(concat("receiving ", quoted(target_.text())));
  }
  return Error(kNoSpace, concat("no space left for ", quoted(target_.text())))
      .with_hint(std::string(kResumeHint));
}

Result<void> Partial::append(const std::string& record) {
  auto written = log_->write_at(log_bytes_, as_bytes(record));
  if (!written) return pass(explain(std::move(written).error()));
  log_bytes_ += record.size();
  return {};
}

Result<void> Partial::write(std::uint64_t offset, Bytes bytes) {
  const std::lock_guard lock(slot_->mutex);
  TRY(still_ours());
  auto done = data_->write_at(offset, bytes);
  if (!done) return pass(explain(std::move(done).error()));
  // What comes twice counts twice: better than to refuse others what is not needed any more.
  const std::lock_guard owner_lock(owner_.mutex_);
  const auto written = std::min<std::uint64_t>(slot_->promised_bytes, bytes.size());
  slot_->promised_bytes -= written;
  owner_.promised_bytes_ -= written;
  return {};
}

Result<void> Partial::renounce(std::uint64_t block) {
  const std::lock_guard lock(slot_->mutex);
  TRY(still_ours());
  return append(encode_void(block));
}

Result<void> Partial::claim(std::uint64_t block, const Digest& digest) {
  const std::lock_guard lock(slot_->mutex);
  TRY(still_ours());
  return append(encode_claim(block, digest));
}

Result<void> Partial::settle(const Metadata& metadata, bool sync) {
  TRY(data_->set_metadata(metadata));
  if (!sync) return {};
  auto synced = data_->sync();
  if (synced) return {};
  Error error = std::move(synced).error().while_doing(concat("syncing ", quoted(target_.text())));
  owner_.distrust(name_);
  end(error);
  return pass(std::move(error));
}

// Whether the file still has the name of a partial, so that nobody but us looks at it.
bool Partial::in_place() const {
  const auto info = owner_.disk_.info(owner_.data_path(name_));
  return info && info->inode == journal_.header.inode;
}

void Partial::end(Error answer) {
  ended_ = std::move(answer);
  data_.reset();  // what is written from now on would change a file that stands under its name
  log_.reset();
  // Left behind after a crash it does no harm: a journal whose partial file is gone, or is
  // another inode, claims nothing.
  static_cast<void>(owner_.disk_.remove_file(owner_.journal_path(name_)).has_value());
}

void Partial::release() {
  const std::lock_guard lock(slot_->mutex);
  if (released_) return;
  const bool ours = slot_->generation == generation_;
  released_ = true;
  data_.reset();
  log_.reset();
  if (resumable_ || !ours) return;
  static_cast<void>(owner_.discard(name_).has_value());
}

Partials::Partials(Disk& disk, const Clock& clock, Random& random, Path folder, bool alone,
                   std::uint32_t block_bytes)
    : disk_(disk),
      clock_(clock),
      random_(random),
      folder_(std::move(folder)),
      alone_(alone),
      block_bytes_(block_bytes) {}

std::uint32_t Partials::block_bytes_for(std::uint64_t total_bytes) const {
  if (total_bytes < limits::kLargeFileBytes) return block_bytes_;
  return static_cast<std::uint32_t>(spec::kMaxBlockBytes);
}

Path Partials::data_path(std::string_view name) const {
  return folder_ / Path::internal(concat(name, kDataSuffix));
}
Path Partials::journal_path(std::string_view name) const {
  return folder_ / Path::internal(concat(name, kJournalSuffix));
}

std::shared_ptr<Partial::Slot> Partials::slot_of(const std::string& name) {
  const std::lock_guard lock(mutex_);
  std::erase_if(slots_, [](const auto& entry) { return entry.second.expired(); });
  std::shared_ptr<Partial::Slot> slot = slots_[name].lock();
  if (!slot) {
    slot = std::make_shared<Partial::Slot>();
    slots_[name] = slot;
  }
  return slot;
}

Result<std::unique_ptr<Partial>> Partials::open(const PartialKey& key, std::uint64_t total_bytes) {
  const bool resumable = alone_ && key.resumable();
  const std::string name = resumable ? name_of(key) : random_.hex(16);
  const std::shared_ptr<Partial::Slot> slot = slot_of(name);
  const std::lock_guard lock(slot->mutex);
  auto partial = std::unique_ptr<Partial>(new Partial(*this, slot, name, key.target));
  partial->resumable_ = resumable;
  // From here on an older session is superseded, so nothing changes under our eyes.
  partial->generation_ = ++slot->generation;

  JournalHeader wanted;
  wanted.plan = {total_bytes, block_bytes_for(total_bytes), 0};
  wanted.boot_id = disk_.boot_id();
  if (resumable) wanted.device = key.device, wanted.source = key.source;
  wanted.target = key.target.text();

  bool adopted = false;
  if (!distrusts(name)) {
    TRY_ASSIGN(adopted, adopt(*partial, wanted));
  }
  if (!adopted) {
    wanted.plan.seed = random_.u64();
    partial->journal_ = {std::move(wanted), {}, 0};
  }
  // What was verified earlier stays for a resume, whether there is room for the rest or not.
  TRY(promise(*partial));
  if (!adopted) {
    if (auto begun = begin(*partial); !begun) {
      static_cast<void>(discard(name).has_value());
      return pass(std::move(begun).error());
    }
  }
  return partial;
}

// True when an earlier partial of this key was found and taken over.
Result<bool> Partials::adopt(Partial& partial, const JournalHeader& wanted) {
  auto log = disk_.open_for_writing(journal_path(partial.name_));
  auto data = disk_.open_for_writing(data_path(partial.name_));
  if (!log || !data) return false;
  TRY_ASSIGN(const std::string bytes, read_whole(**log));
  auto journal = parse_journal(as_bytes(bytes));
  if (!journal) return false;
  TRY_ASSIGN(const Info info, (*data)->info());
  const JournalHeader& found = journal->header;
  if (found.device != wanted.device || found.source != wanted.source ||
      found.target != wanted.target || found.inode != info.inode ||
      found.plan.total_bytes != wanted.plan.total_bytes ||
      found.plan.block_bytes != wanted.plan.block_bytes ||
      info.size_bytes != found.plan.total_bytes) {
    return false;
  }
  // After a loss of power, what was being committed may stand under its name and here too: it is
  // not ours to write to any more.
  const auto standing = disk_.info(partial.target_);
  if (standing && standing->inode == info.inode) return false;
  const bool same_boot = found.boot_id == wanted.boot_id;
  partial.journal_ = *std::move(journal);
  partial.data_ = *std::move(data);
  partial.log_ = *std::move(log);
  partial.log_bytes_ = partial.journal_.valid_bytes;
  // What follows a damaged record must not come back to life behind the one that replaces it.
  if (bytes.size() > partial.log_bytes_) TRY(partial.log_->set_size(partial.log_bytes_));
  if (!same_boot) {
    partial.journal_.header.boot_id = wanted.boot_id;
    TRY(verify_claims(partial));
    TRY(rewrite_journal(partial));
  }
  return true;
}

// After another boot a block may have been lost although its record was not.
Result<void> Partials::verify_claims(Partial& partial) {
  const BlockPlan& plan = partial.plan();
  std::vector<std::byte> block(plan.block_bytes);
  Claims held;
  for (const auto& [index, digest] : partial.journal_.claims) {
    const MutableBytes bytes(block.data(), plan.size(index));
    TRY_ASSIGN(const std::size_t got, partial.data_->read_at(plan.offset(index), bytes));
    if (got == bytes.size() && digest_of(bytes, plan.seed_of(index)) == digest)
      held.emplace(index, digest);
  }
  partial.journal_.claims = std::move(held);
  return {};
}

Result<void> Partials::discard(std::string_view name) {
  TRY(remove_if_there(disk_, journal_path(name)));
  return remove_if_there(disk_, data_path(name));
}

// Makes the files of a partial whose header is set but for the inode.
Result<void> Partials::begin(Partial& partial) {
  JournalHeader& header = partial.journal_.header;
  TRY(discard(partial.name_));
  TRY_ASSIGN(partial.data_, disk_.create_file(data_path(partial.name_)));
  // The size is there from the start (and takes no room): a partial of another size is foreign.
  TRY(partial.data_->set_size(header.plan.total_bytes));
  TRY_ASSIGN(const Info info, partial.data_->info());
  header.inode = info.inode;
  TRY(rewrite_journal(partial));
  const std::lock_guard lock(mutex_);
  distrusted_.erase(partial.name_);
  return {};
}

Result<void> Partials::rewrite_journal(Partial& partial) {
  const Path path = journal_path(partial.name_);
  partial.log_.reset();
  TRY(remove_if_there(disk_, path));
  TRY_ASSIGN(partial.log_, disk_.create_file(path));
  std::string bytes = encode_header(partial.journal_.header);
  for (const auto& [block, digest] : partial.journal_.claims) bytes += encode_claim(block, digest);
  partial.log_bytes_ = 0;
  return partial.append(bytes);
}

// Says "no space" before the first byte instead of at the last.
Result<void> Partials::promise(Partial& partial) {
  std::uint64_t missing = partial.plan().total_bytes;
  for (const auto& [block, digest] : partial.claims()) missing -= partial.plan().size(block);
  TRY_ASSIGN(const Disk::Space space, disk_.space());
  Partial::Slot& slot = *partial.slot_;
  const std::lock_guard lock(mutex_);
  // What an older session of this partial was promised is for this one now.
  promised_bytes_ -= std::exchange(slot.promised_bytes, 0);
  if (missing > space.free_bytes || promised_bytes_ > space.free_bytes - missing) {
    return std::unexpected(Error(kNoSpace, concat("no space for ", quoted(partial.target_.text()),
                                                  ": ", human_bytes(missing), " to come, ",
                                                  human_bytes(space.free_bytes), " free"))
                               .with_hint(std::string(kResumeHint)));
  }
  slot.promised_bytes = missing;
  slot.promised_to = partial.generation_;
  promised_bytes_ += missing;
  return {};
}

void Partials::distrust(const std::string& name) {
  const std::lock_guard lock(mutex_);
  distrusted_.insert(name);
}

bool Partials::distrusts(const std::string& name) {
  const std::lock_guard lock(mutex_);
  return distrusted_.contains(name);
}

Result<void> Partials::purge() {
  TRY_ASSIGN(auto reader, disk_.read_folder(folder_));
  std::map<std::string, std::int64_t> newest_ns;  // by name: of its data or journal
  while (true) {
    constexpr std::size_t kBatch = 256;
    TRY_ASSIGN(const std::vector<Entry> entries, reader->next(kBatch));
    if (entries.empty()) break;
    for (const Entry& entry : entries) {
      const std::string name = entry.name.substr(0, entry.name.find('.'));
      auto& newest = newest_ns.try_emplace(name, entry.info.mtime_ns).first->second;
      newest = std::max(newest, entry.info.mtime_ns);
    }
  }
  for (const auto& [name, mtime_ns] : newest_ns) {
    const std::shared_ptr<Partial::Slot> slot = slot_of(name);
    const std::lock_guard lock(slot->mutex);
    // Who else holds the slot has the partial open, or waits for us to let go of it.
    if (slot.use_count() > 1) continue;
    TRY_ASSIGN(const bool keep, worth_keeping(name, mtime_ns));
    if (!keep) TRY(discard(name));
  }
  return {};
}

Result<bool> Partials::worth_keeping(const std::string& name, std::int64_t mtime_ns) {
  const std::int64_t untouched_ms = (clock_.wall_ns() - mtime_ns) / 1'000'000;
  if (untouched_ms < limits::kKeepUnresumableMs) return true;
  if (untouched_ms >= limits::kKeepPartialsMs) return false;
  auto log = disk_.open_file(journal_path(name));
  if (!log || !disk_.info(data_path(name))) return false;
  TRY_ASSIGN(const std::string bytes, read_whole(**log));
  const auto journal = parse_journal(as_bytes(bytes));
  return journal.has_value() && !journal->header.source.empty();
}

}  // namespace skein::store
