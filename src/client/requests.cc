#include "client/requests.h"

#include <algorithm>
#include <utility>

#include "base/text.h"
#include "wire/protocol.h"

namespace skein::client {

using socketserver::Task;
namespace field = wire::field;
namespace op = wire::op;

namespace {

wire::Dictionary request_for(std::string_view operation, const store::Path& path) {
  wire::Dictionary request;
  request.set(field::kOp, operation).set(field::kPath, path.text());
  return request;
}

Result<void> take_lines(const Answer& part, Listing& listing, bool& first) {
  if (std::exchange(first, false)) {
    TRY_ASSIGN(const std::string kind, part.fields.text(field::kKind));
    listing.kind = transfer::kind_of_text(kind);
  }
  std::string_view rest = as_text(part.bytes());
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    TRY_ASSIGN(transfer::ListedEntry entry, transfer::decode_entry(rest.substr(0, end)));
    listing.entries.push_back(std::move(entry));
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return {};
}

}  // namespace

Task<Response> ask(Link& link, wire::Dictionary request, std::string payload) {
  Response asked;
  while (true) {
    const auto connection = co_await link.connection();
    if (!connection) {
      asked.answer = pass(connection.error());
      co_return asked;
    }
    const std::uint64_t dialled = link.dialled();
    wire::Dictionary copy = request;
    asked.answer = co_await (*connection)->call(std::move(copy), as_bytes(payload), nullptr);
    if (asked.answer) link.progress();
    if (asked.answer || !link.lost_since(dialled)) co_return asked;
    asked.retried = true;
  }
}

Task<Result<Listing>> list(Link& link, store::Path path) {
  while (true) {
    const auto connection = co_await link.connection();
    if (!connection) co_return pass(connection.error());
    Listing listing;
    bool first = true;
    Connection::OnPart on_part = [&](const Answer& part) {
      link.progress();
      return take_lines(part, listing, first);
    };
    auto last = co_await (*connection)->call(request_for(op::kList, path), {}, std::move(on_part));
    if (!last && link.lost()) continue;
    if (!last) co_return pass(std::move(last).error());
    link.progress();
    std::ranges::sort(listing.entries, {},
                      [](const auto& listed) -> const std::string& { return listed.entry.name; });
    co_return listing;
  }
}

Task<Result<bool>> make_folder(Link& link, store::Path path, store::Metadata metadata) {
  wire::Dictionary request = request_for(op::kMakeFolder, path);
  transfer::set_metadata(request, metadata);
  auto asked = co_await ask(link, std::move(request), "");
  if (!asked.answer) co_return pass(std::move(asked.answer).error());
  const auto same = asked.answer->fields.flag(field::kSame);
  if (!same) co_return pass(same.error());
  // After a lost answer it may be ours, and have got something from us since.
  co_return *same || asked.retried;
}

Task<Result<wire::Dictionary>> make_link(Link& link, store::Path path, std::string target) {
  wire::Dictionary request = request_for(op::kLink, path);
  request.set(field::kTarget, std::move(target));
  auto asked = co_await ask(link, std::move(request), "");
  if (!asked.answer) co_return pass(std::move(asked.answer).error());
  co_return std::move(asked.answer->fields);
}

Task<Result<void>> move(Link& link, store::Path from, store::Path to) {
  wire::Dictionary request = request_for(op::kMove, from);
  request.set(field::kTo, to.text());
  auto asked = co_await ask(link, std::move(request), "");
  if (asked.answer) co_return Result<void>();
  // What is no longer there after a lost answer was moved by the first try.
  if (asked.retried && asked.answer.error().is(kNotFound)) co_return Result<void>();
  co_return pass(std::move(asked.answer).error());
}

Task<Result<void>> remove(Link& link, store::Path path) {
  auto asked = co_await ask(link, request_for(op::kRemove, path), "");
  if (asked.answer) co_return Result<void>();
  if (asked.retried && asked.answer.error().is(kNotFound)) co_return Result<void>();
  co_return pass(std::move(asked.answer).error());
}

Task<Result<bool>> restore(Link& link, store::Path path) {
  auto asked = co_await ask(link, request_for(op::kRestore, path), "");
  if (!asked.answer) {
    if (asked.retried && asked.answer.error().is(kNotFound)) co_return false;
    co_return pass(std::move(asked.answer).error());
  }
  const auto replaced = asked.answer->fields.flag(field::kReplaced);
  if (!replaced) co_return pass(replaced.error());
  co_return *replaced;
}

}  // namespace skein::client
