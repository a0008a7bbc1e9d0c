#include "client/tutorial_put.h"

#include <memory>
#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "client/local_tree.h"
#include "socketserver/dial.h"
#include "socketserver/stream.h"
#include "wire/frame.h"
#include "wire/protocol.h"

namespace skein::client {

using socketserver::Task;
namespace field = wire::field;

namespace {

// Waits until the other side's system has every byte. Its program reads them even after a reset,
// which is the one end of a connection that it survives.
Task<Result<void>> wait_until_acknowledged(socketserver::Loop& loop, socketserver::Stream& stream,
                                           socketserver::Event& stopped) {
  constexpr std::int64_t kLookEveryMs = 5;
  std::size_t before = 0;
  std::int64_t moved_ms = loop.clock().monotonic_ms();
  while (true) {
    const auto unsent = stream.unsent_bytes();
    if (!unsent) co_return pass(unsent.error());
    if (*unsent == 0) co_return Result<void>();
    const std::int64_t now_ms = loop.clock().monotonic_ms();
    if (*unsent != before) moved_ms = now_ms;
    before = *unsent;
    if (now_ms - moved_ms > limits::kStallTimeoutMs) {
      co_return fail(kTimeout, "the server has stopped reading");
    }
    const bool stop = co_await stopped.wait_ms(kLookEveryMs);
    if (stop) co_return fail(kCancelled, "interrupted");
  }
}

Task<Result<void>> send_file(socketserver::Loop& loop, socketserver::Pool& pool,
                             socketserver::Stream& stream, const LocalTree& tree,
                             socketserver::Event& stopped, Tally& tally) {
  const LocalItem& item = tree.items.front();
  auto open = [&] { return tree.disk->open_file(item.path); };
  const auto file = co_await pool.run(loop, open);
  if (!file) co_return pass(file.error());
  wire::Dictionary head;
  head.set(field::kFileName, item.target.text())
      .set(field::kFileSize, static_cast<std::int64_t>(item.info.size_bytes));
  const std::string frame = wire::encode_frame(head);
  const auto buffer = std::make_unique_for_overwrite<std::byte[]>(limits::kSmallBlockBytes);
  // Length and dictionary leave in one write: the server takes what one recv gives for all of it.
  Bytes first = as_bytes(frame);
  for (std::uint64_t sent_bytes = 0;;) {
    const std::uint64_t left = item.info.size_bytes - sent_bytes;
    const MutableBytes room(buffer.get(), std::min<std::uint64_t>(left, limits::kSmallBlockBytes));
    auto read = [&] { return (*file)->read_at(sent_bytes, room); };
    const auto got = co_await pool.run(loop, read);
    if (!got) co_return pass(got.error());
    if (*got != room.size()) {
      co_return fail(kChanged, concat(quoted(item.path.text()), " changed while being read"));
    }
    const socketserver::Parts parts(std::exchange(first, Bytes()), Bytes(room));
    auto written = co_await stream.write_all(parts, limits::kStallTimeoutMs);
    if (!written) co_return written;
    sent_bytes += room.size();
    tally.bytes_done += room.size();
    tally.bytes_moved += room.size();
    if (stopped.is_set()) co_return fail(kCancelled, "interrupted");
    if (sent_bytes == item.info.size_bytes) break;
  }
  auto acknowledged = co_await wait_until_acknowledged(loop, stream, stopped);
  co_return acknowledged;
}

}  // namespace

Task<Result<void>> tutorial_put(socketserver::Loop& loop, socketserver::Pool& pool,
                                socketserver::Endpoint server, std::vector<std::string> paths,
                                socketserver::Event& stopped, Tally& tally) {
  tally.confirmed = false;
  std::vector<LocalTree> trees;
  for (const std::string& path : paths) {
    ++tally.files;
    auto find = [&path] { return find_local(path); };
    auto tree = co_await pool.run(loop, find);
    if (!tree) {
      tally.problems.push_back({path, std::move(tree).error()});
    } else if (tree->items.front().info.kind != store::EntryKind::kFile) {
      tally.problems.push_back({path, Error(kIsAFolder, "the tutorial's dialect has no folders")});
    } else {
      tally.bytes += tree->items.front().info.size_bytes;
      trees.push_back(*std::move(tree));
    }
  }
  tally.counted = true;
  for (const LocalTree& tree : trees) {
    tally.current = tree.items.front().target.text();
    auto stream = co_await socketserver::dial(loop, pool, server, limits::kDialTimeoutMs, &stopped);
    if (!stream) {
      tally.problems.push_back({tally.current, stream.error()});
      co_return pass(std::move(stream).error());
    }
    auto sent = co_await send_file(loop, pool, **stream, tree, stopped, tally);
    (*stream)->reset();
    if (sent) {
      ++tally.files_done;
      continue;
    }
    tally.problems.push_back({tally.current, sent.error()});
    if (stopped.is_set()) co_return sent;
  }
  co_return Result<void>();
}

}  // namespace skein::client
