#include "hub/transfers.h"

#include <algorithm>
#include <utility>

#include "base/limits.h"
#include "base/text.h"

namespace skein::hub {

using socketserver::Task;

namespace {

std::unexpected<Error> no_handle(std::int64_t handle, std::string_view sort) {
  return fail(kBadRequest, concat("no ", sort, " is open with handle ", std::to_string(handle)));
}

Task<void> release(std::shared_ptr<Upload> upload) {
  const auto turn = co_await upload->turn().hold();
  co_await upload->release();
}

// A file is closed where it may block.
Task<void> release(Context& context, std::shared_ptr<Download> download) {
  auto job = [&download] { download.reset(); };
  co_await context.pool.run(context.loop, job);
}

}  // namespace

Result<void> Transfers::room() const {
  if (open_.size() < spec::kMaxOpenTransfers) return {};
  return fail(kTooMany, concat(std::to_string(open_.size()),
                               " puts and gets are open on this connection; close some"));
}

std::int64_t Transfers::add(Put put) {
  open_.emplace(++last_, std::move(put));
  return last_;
}

std::int64_t Transfers::add(std::shared_ptr<Download> download) {
  open_.emplace(++last_, std::move(download));
  return last_;
}

Result<Put> Transfers::put(std::int64_t handle) const {
  const auto found = open_.find(handle);
  if (found == open_.end()) return no_handle(handle, "put");
  const Put* put = std::get_if<Put>(&found->second);
  if (put == nullptr) return no_handle(handle, "put");
  return *put;
}

Result<std::shared_ptr<Download>> Transfers::download(std::int64_t handle) const {
  const auto found = open_.find(handle);
  if (found == open_.end()) return no_handle(handle, "get");
  const auto* download = std::get_if<std::shared_ptr<Download>>(&found->second);
  if (download == nullptr) return no_handle(handle, "get");
  return *download;
}

Task<Result<void>> Transfers::close(std::int64_t handle) {
  const auto found = open_.find(handle);
  if (found == open_.end()) co_return no_handle(handle, "put or get");
  Open closing = std::move(found->second);
  open_.erase(found);
  if (Put* put = std::get_if<Put>(&closing)) {
    co_await release(std::move(put->upload));
  } else {
    co_await release(context_, std::move(std::get<std::shared_ptr<Download>>(closing)));
  }
  co_return Result<void>();
}

Task<void> Transfers::close_all() {
  while (!open_.empty()) {
    auto closed = co_await close(open_.begin()->first);
    static_cast<void>(closed.has_value());  // the handle is there, so it cannot fail
  }
}

std::size_t Transfers::read_units(std::uint32_t block_bytes) {
  return std::clamp<std::size_t>(block_bytes / kReadUnitBytes, 1, kReadUnits);
}

}  // namespace skein::hub
