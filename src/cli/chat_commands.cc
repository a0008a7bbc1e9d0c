// The commands of a chat: what is typed with a slash in front.
#include <cstdlib>
#include <utility>

#include "base/text.h"
#include "chat/names.h"
#include "cli/chat_session.h"
#include "cli/local_store.h"
#include "cli/paths.h"
#include "cli/summary.h"
#include "client/get.h"
#include "client/put.h"

namespace skein::cli {

using socketserver::Task;

namespace {

constexpr std::int64_t kFound = 20;
constexpr std::size_t kMaxTransfers = 100;  // that wait

Result<void> needs(std::string_view given, std::string_view usage) {
  if (!given.empty()) return {};
  return std::unexpected(Error(kUsage, "something is missing").with_hint(concat("usage: ", usage)));
}

// As a shell would have it.
std::string with_home(std::string path) {
  const char* const home = std::getenv("HOME");
  return path.starts_with("~/") && home != nullptr ? concat(home, path.substr(1)) : path;
}

// Under which a path is stored in the hub's folder.
Result<std::string> last_name(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  TRY_ASSIGN(const store::Path name, store::Path::parse_name(path.substr(path.rfind('/') + 1)));
  return std::string(name.text());
}

}  // namespace

const std::vector<ChatSession::Command>& ChatSession::commands() {
  static const std::vector<Command> kCommands = {
      {"help", "/help", "this list", &ChatSession::help},
      {"join", "/join ROOM", "go to a room, and make it; @NAME: one member alone",
       &ChatSession::join},
      {"leave", "/leave", "leave this room, back to the lobby", &ChatSession::leave},
      {"rooms", "/rooms", "which rooms there are", &ChatSession::list_rooms},
      {"who", "/who", "who is online", &ChatSession::who},
      {"topic", "/topic [TEXT]", "what this room is about", &ChatSession::topic},
      {"name", "/name NAME", "be called otherwise, and keep that for later commands",
       &ChatSession::rename},
      {"msg", "/msg NAME TEXT", "a direct message", &ChatSession::message},
      {"send", "/send FILE", "put a file into the hub's folder and offer it here",
       &ChatSession::send},
      {"get", "/get N", "fetch offered file N into this folder", &ChatSession::get},
      {"search", "/search WORDS", "find messages", &ChatSession::search},
  };
  return kCommands;
}

Task<Result<void>> ChatSession::help(std::string) {
  constexpr std::size_t kWidth = 16;
  const auto line = [this](std::string_view usage, std::string_view text) {
    note(concat("  ", usage, std::string(kWidth - usage.size(), ' '), text));
  };
  for (const Command& command : commands()) line(command.usage, command.help);
  line("/quit", options_.ends_hub ? "end the hub; Ctrl-D too" : "end; Ctrl-D too");
  line("//text", "says \"/text\"");
  co_return Result<void>();
}

Task<Result<void>> ChatSession::join(std::string rest) {
  if (auto given = needs(rest, "/join ROOM"); !given) co_return given;
  auto opened = co_await open_room(std::move(rest));
  co_return opened;
}

Task<Result<void>> ChatSession::leave(std::string) {
  const std::string room = rooms_.current();
  if (room == "lobby") {
    co_return std::unexpected(
        Error(kUsage, "the lobby is where one is after leaving").with_hint("/quit ends"));
  }
  auto left = co_await client::leave(*talk_, room);
  if (!left) co_return left;
  rooms_.forget(room);
  std::string lobby = "lobby";
  auto opened = co_await open_room(std::move(lobby));
  co_return opened;
}

Task<Result<void>> ChatSession::list_rooms(std::string) {
  const auto listed = co_await client::rooms(*talk_);
  if (!listed) co_return pass(listed.error());
  for (const client::RoomLine& room : *listed) {
    std::string line = concat("  ", escaped(room.name));
    const std::int64_t unread = room.last_seq - room.read_seq.value_or(room.last_seq);
    if (room.name == rooms_.current()) {
      line += ", here";
    } else if (!room.read_seq) {
      line += ", not joined";
    } else if (unread > 0) {
      line += concat(", ", human_count(static_cast<std::uint64_t>(unread)), " unread");
    }
    if (!room.topic.empty()) line += concat(": ", escaped(room.topic));
    note(line);
  }
  co_return Result<void>();
}

Task<Result<void>> ChatSession::who(std::string) {
  const auto names = co_await client::who(*talk_);
  if (!names) co_return pass(names.error());
  std::string line;
  for (const std::string& name : *names) {
    line += concat(line.empty() ? "  " : ", ", escaped(name));
  }
  note(line);
  co_return Result<void>();
}

Task<Result<void>> ChatSession::topic(std::string rest) {
  const std::string room = rooms_.current();
  if (!rest.empty()) {
    auto set = co_await client::set_topic(*talk_, room, rest);
    if (set) note(concat("-- ", escaped(room), ": ", escaped(rest), " --"));
    co_return set;
  }
  const auto listed = co_await client::rooms(*talk_);
  if (!listed) co_return pass(listed.error());
  for (const client::RoomLine& one : *listed) {
    if (one.name != room) continue;
    note(concat("-- ", escaped(room), one.topic.empty() ? " has no topic" : ": ",
                escaped(one.topic), " --"));
  }
  co_return Result<void>();
}

Task<Result<void>> ChatSession::rename(std::string rest) {
  if (auto given = needs(rest, "/name NAME"); !given) co_return given;
  const auto name = co_await client::rename(*talk_, std::move(rest));
  if (!name) co_return pass(name.error());
  auto keep = [this, &name]() -> Result<void> {
    TRY(chat::parse_name(*name, "member"));
    return client_.folder.keep_name_at(options_.link.hub.text(), *name);
  };
  const auto kept = co_await client_.pool.run(client_.loop, keep);
  // Whoever dials from now on says hello as the new one.
  options_.link.identity.name = *name;
  co_await talk_->close();
  talk_ = make_link();
  if (over()) co_return fail(kCancelled, "interrupted");
  renamed_ = true;
  follow_->cancel();
  if (kept) {
    note(concat("you are ", escaped(*name), " now, and in later commands"));
  } else {
    note(concat("you are ", escaped(*name), " now; next time say --name ", quoted(*name), ", as ",
                escaped(kept.error().text())));
  }
  auto dialled = co_await dial_patiently(*talk_);
  co_return dialled;
}

Task<Result<void>> ChatSession::message(std::string rest) {
  FirstWord to = first_word(rest);
  if (auto given = needs(to.rest, "/msg NAME TEXT"); !given) co_return given;
  Item item;
  item.room = to.word.starts_with('@') ? to.word : concat("@", to.word);
  item.input.rest = std::move(to.rest);
  auto said = co_await say(std::move(item));
  co_return said;
}

Task<Result<void>> ChatSession::send(std::string rest) {
  if (auto given = needs(rest, "/send FILE"); !given) co_return given;
  if (transfers_.size() >= kMaxTransfers) co_return fail(kTooMany, "too many files are waiting");
  std::string path = with_home(std::move(rest));
  if (auto name = last_name(path); !name) co_return pass(std::move(name).error());
  transfers_.push_back({false, std::move(path), rooms_.current()});
  moves_.set();
  co_return Result<void>();
}

Task<Result<void>> ChatSession::get(std::string rest) {
  if (auto given = needs(rest, "/get N"); !given) co_return given;
  if (transfers_.size() >= kMaxTransfers) co_return fail(kTooMany, "too many files are waiting");
  auto path = view_.offered(rest);
  if (!path) {
    co_return std::unexpected(Error(kUsage, concat("no file ", quoted(rest)))
                                  .with_hint("the number stands in front of it: [N file 'NAME']"));
  }
  transfers_.push_back({true, *std::move(path), ""});
  moves_.set();
  co_return Result<void>();
}

Task<Result<void>> ChatSession::search(std::string rest) {
  if (auto given = needs(rest, "/search WORDS"); !given) co_return given;
  const auto found = co_await client::search(*talk_, std::move(rest), kFound);
  if (!found) co_return pass(found.error());
  if (found->empty()) note("nothing found");
  for (const client::Found& one : *found) {
    const std::string_view room = one.room;
    const std::string_view mark = room == rooms_.current() ? "" : room;
    for (const std::string& line : view_.lines(one.message, mark)) prompt_->print(line);
  }
  co_return Result<void>();
}

// --- files: one at a time, beside the talk ---

Task<void> ChatSession::move_files() {
  while (!over()) {
    moves_.reset();
    if (transfers_.empty()) {
      co_await moves_.wait();
      continue;
    }
    refresh();
    move_ = make_link();
    auto done = co_await dial_patiently(*move_);
    if (done) {
      moving_ = std::make_unique<Moving>(client::Tally(), Speed(client_.clock.monotonic_ms()));
      socketserver::Event moved;
      socketserver::Gate showing;
      showing.spawn(client_.loop, show_progress(moved));
      Transfer transfer = transfers_.front();
      done = co_await move(std::move(transfer), *move_);
      moved.set();
      co_await showing.close();
      moving_.reset();
    }
    co_await move_->close();
    move_.reset();
    if (over()) break;
    transfers_.pop_front();
    if (!done) trouble(std::move(done).error());
    news_.set();
    refresh();
  }
}

Task<void> ChatSession::show_progress(socketserver::Event& moved) {
  while (true) {
    const bool arrived = co_await moved.wait_ms(kPaintEveryMs);
    if (arrived) co_return;
    moving_->speed.look(client_.clock.monotonic_ms(), moving_->tally.bytes_done);
    refresh();
  }
}

Task<Result<void>> ChatSession::move(Transfer transfer, client::Link& link) {
  client::Tally& tally = moving_->tally;
  const std::int64_t started_ms = client_.clock.monotonic_ms();
  Result<void> ended;
  std::string place;
  if (transfer.fetch) {
    auto path = parse_remote(transfer.path);
    if (!path) co_return pass(std::move(path).error());
    auto open = [this] { return LocalStore::open(".", client_.clock, client_.random); };
    auto local = co_await client_.pool.run(client_.loop, open);
    if (!local) co_return pass(std::move(local).error());
    std::vector<store::Path> paths = {*std::move(path)};
    ended = co_await client::get(link, std::move(paths), (*local)->store(), tally);
    auto tidy = [&] { (*local)->tidy(); };
    co_await client_.pool.run(client_.loop, tidy);
    place = "this folder";
  } else {
    std::vector<std::string> paths = {transfer.path};
    const store::Path root;
    ended = co_await client::put(link, std::move(paths), root, tally);
    place = link.hub_name();
  }
  if (!tally.problems.empty()) co_return pass(tally.problems.front().error);
  if (!ended) co_return ended;
  const std::int64_t elapsed_ms = client_.clock.monotonic_ms() - started_ms;
  const std::string_view restore = transfer.fetch ? "skein restore --in ." : "skein restore";
  note(done_line({tally, ended, elapsed_ms, transfer.fetch ? "fetched" : "sent", place,
                  std::string(restore)}));
  if (!transfer.fetch) {
    auto name = last_name(transfer.path);
    if (!name) co_return pass(std::move(name).error());
    items_.push_back({{}, std::move(transfer.room), *std::move(name)});
  }
  co_return Result<void>();
}

}  // namespace skein::cli
