// What is searched for (docs/protocol.md, `search`): whatever a person types is no error, and a
// message is found by its own text if anything is.
#include <cassert>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/limits.h"
#include "base/text.h"
#include "chat/database.h"
#include "chat/words.h"

namespace {

constexpr int kMost = 200;  // messages of one log: to search many would take long

struct Folder {
  Folder() {
    if (mkdtemp(path.data()) == nullptr) std::abort();
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { std::filesystem::remove_all(path); }
  std::string path = std::filesystem::temp_directory_path() / "skein-fuzz-XXXXXX";
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const Folder folder;
  static std::unique_ptr<skein::chat::Database> log;
  static int count = 0;
  const std::string text(skein::as_text(std::as_bytes(std::span(data, size))));
  assert(skein::chat::spaced(text).find('\0') == std::string::npos);
  if (text.empty() || text.size() > skein::spec::kMaxSearchBytes || !skein::is_utf8(text)) return 0;
  if (count++ % kMost == 0) {
    log.reset();
    log =
        skein::chat::Database::open(skein::concat(folder.path, "/", std::to_string(count))).value();
  }
  skein::chat::Draft draft;
  draft.room = 1;
  draft.text = text;
  draft.cid[0] = static_cast<std::byte>(count % kMost);
  assert(log->append(std::span(&draft, 1)));
  constexpr skein::chat::RoomId kRooms[] = {1};
  const auto found = log->search(kRooms, text, std::nullopt, 1);
  assert(found && (found->empty() || found->back().text == text));
  return 0;
}
