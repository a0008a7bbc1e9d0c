#include "cli/chat_session.h"

#include <utility>

#include "base/limits.h"
#include "base/text.h"
#include "chat/line.h"
#include "chat/names.h"
#include "cli/message_line.h"

namespace skein::cli {

using socketserver::Task;

namespace {

constexpr std::size_t kMaxItems = 1000;  // typed and not done; then nothing more is read
constexpr std::int64_t kPage = 20;       // of a room that is opened
constexpr std::int64_t kSeenEveryMs = 1000;
constexpr std::int64_t kAgainMs = 1000;
constexpr std::int64_t kShownWithinMs = 2000;  // what was acknowledged
constexpr std::size_t kShownWaiting = 3;

// The name under which the hub lists the room that was typed like this.
std::string listed_name(const std::vector<client::RoomLine>& rooms, const std::string& typed) {
  const auto folded = [](std::string_view name) {
    const bool direct = name.starts_with('@');
    if (direct) name.remove_prefix(1);
    const auto parsed = chat::parse_name(name, "room");
    return concat(direct ? "@" : "", parsed ? std::string_view(parsed->folded) : name);
  };
  const std::string wanted = folded(typed);
  for (const client::RoomLine& room : rooms) {
    if (folded(room.name) == wanted) return room.name;
  }
  return typed;
}

Result<void> check_text(const std::string& text) {
  if (!is_utf8(text)) return fail(kUsage, "the message is not UTF-8");
  if (text.size() <= spec::kMaxMessageBytes) return {};
  return std::unexpected(Error(kUsage, concat("the message has more than ",
                                              std::to_string(spec::kMaxMessageBytes), " bytes"))
                             .with_hint("send it as a file: /send FILE"));
}

}  // namespace

ChatSession::ChatSession(Client& client, Options options)
    : Hook([](Hook& hook) {
        auto& self = static_cast<ChatSession&>(hook);
        self.interrupted_ = true;
        self.stop();
      }),
      client_(client),
      options_(std::move(options)),
      terminal_(Prompt::on_terminal() && !options_.output.json && !options_.output.quiet),
      view_(terminal_ && Prompt::wants_colours()) {}

std::unique_ptr<client::Link> ChatSession::make_link() const {
  return std::make_unique<client::Link>(client_.loop, client_.pool, client_.random, options_.link);
}

Task<int> ChatSession::run() {
  hook(client_.interrupted);
  talk_ = make_link();
  auto begun = co_await begin();
  if (begun) {
    parts_.spawn(client_.loop, read_typed());
    parts_.spawn(client_.loop, work());
    parts_.spawn(client_.loop, tell_seen());
    parts_.spawn(client_.loop, move_files());
  } else {
    fail_with(std::move(begun).error());
  }
  co_await parts_.close();
  co_await talk_->close();
  while (!unhook()) co_await client_.loop.yield();
  close_prompt();
  co_return report_end();
}

Task<Result<void>> ChatSession::begin() {
  // The first word is one that needs the hub: whether it is there is known before anything is
  // shown.
  auto joined = co_await client::join(*talk_, options_.room);
  if (!joined) co_return joined;
  auto prompt = Prompt::open(client_.loop, terminal_);
  if (!prompt) co_return pass(std::move(prompt).error());
  prompt_ = *std::move(prompt);
  if (options_.on_prompt) options_.on_prompt(prompt_.get());
  // First follow, then read: what is said in between comes both ways, and not at all otherwise.
  parts_.spawn(client_.loop, follow());
  co_await begun_.wait();
  if (over()) co_return fail(kCancelled, "interrupted");
  if (terminal_ && !options_.ends_hub) {
    note(concat("talking at ", talk_->hub_name(), "; /help tells what else can be done"));
  }
  auto opened = co_await open_room(options_.room);
  co_return opened;
}

int ChatSession::report_end() {
  const std::size_t left = unsaid() + transfers_.size();
  if (failure_ && !interrupted_) return report(*failure_);
  if (!interrupted_) return kDone;
  if (left == 0) return kDone;
  return report(Error(kCancelled, concat("interrupted, and ", counted(left, "message"),
                                         " or files not acknowledged")));
}

void ChatSession::stop() {
  over_.set();
  for (socketserver::Event* event : {&begun_, &news_, &room_, &seen_, &moves_}) event->set();
  for (const auto* link : {&talk_, &follow_, &move_}) {
    if (*link) (*link)->cancel();
  }
  if (prompt_) prompt_->end();
}

// From here on the terminal is as it was.
void ChatSession::close_prompt() {
  if (prompt_ && options_.on_prompt) options_.on_prompt(nullptr);
  prompt_.reset();
}

void ChatSession::fail_with(Error error) {
  if (!over() && !failure_) failure_ = std::move(error);
  stop();
}

// Waits for a hub that was there a moment ago, where a link alone would give up at once.
Task<Result<void>> ChatSession::dial_patiently(client::Link& link) {
  while (true) {
    const auto connection = co_await link.connection();
    if (connection) co_return Result<void>();
    if (!begun_.is_set() || over() || !connection.error().is(kNoHub)) {
      co_return pass(connection.error());
    }
    static_cast<void>(co_await over_.wait_ms(kAgainMs));
  }
}

// --- what is said ---

Task<void> ChatSession::follow() {
  while (!over()) {
    follow_ = make_link();
    auto ended = co_await dial_patiently(*follow_);
    if (ended && !over()) {
      std::optional<std::int64_t> after;
      if (begun_.is_set()) after = last_number_;
      client::FollowingAll told = following();
      ended = co_await client::follow_all(*follow_, after, std::move(told));
    }
    co_await follow_->close();
    if (over()) break;
    // Under another name the next link goes on from here.
    if (std::exchange(renamed_, false)) continue;
    fail_with(std::move(ended).error());
  }
}

client::FollowingAll ChatSession::following() {
  client::FollowingAll told;
  told.on_begin = [this](std::int64_t number) {
    if (std::exchange(lost_, false) && editing()) note("connected again");
    if (number < last_number_) rooms_.forget_all();
    last_number_ = number;
    begun_.set();
    forget_told();
    refresh();
  };
  told.on_message = [this](const std::string& room, const chat::Message& message) {
    last_number_ = message.number;
    const bool here = room == rooms_.current();
    // A pipe has one room.
    const bool wanted = terminal_ || !room.starts_with('@') || here;
    if (wanted && rooms_.take(room, message)) show(message, here ? "" : room);
    forget_told();
    refresh();
    seen_.set();
  };
  told.on_lost = [this] { hub_lost(); };
  if (terminal_) {
    told.on_presence = [this](const std::vector<client::Presence>& changed) {
      for (const std::string& line : presence_lines(changed)) note(line);
    };
  }
  return told;
}

void ChatSession::hub_lost() {
  if (!std::exchange(lost_, true) && editing()) note("reconnecting");
  refresh();
}

void ChatSession::forget_told() {
  while (!acknowledged_.empty() && acknowledged_.front().number <= last_number_) {
    acknowledged_.pop_front();
  }
  news_.set();
}

void ChatSession::show(const chat::Message& message, std::string_view mark) {
  if (editing()) {
    for (std::string& line : view_.lines(message, mark)) prompt_->print(std::move(line));
    return;
  }
  if (options_.output.quiet) return;
  // The numbers are for /get.
  static_cast<void>(view_.lines(message, mark));
  std::string line = options_.output.json ? chat::encode_line(message) : message_line(message);
  if (line.ends_with('\n')) line.pop_back();
  prompt_->print(std::move(line));
}

void ChatSession::note(std::string_view text) {
  if (editing()) prompt_->print(view_.dim(text));
  if (!editing() && !options_.output.quiet) prompt_->print(std::string(text));
}

void ChatSession::trouble(Error error) {
  if (over()) return;
  // In a pipe nobody is there to look and to go on otherwise.
  const bool ends = error.is(kIncomplete) || error.is(kNoHub) || error.is(kVersion);
  if (ends || !editing()) return fail_with(std::move(error));
  prompt_->print(concat("skein: error: ", escaped(error.text())));
  if (!error.hint().empty()) prompt_->print(concat("skein: hint: ", escaped(error.hint())));
}

void ChatSession::refresh() {
  if (editing()) prompt_->show(concat(escaped(rooms_.current()), "> "), status());
}

// What is under way, each a line above the edited one.
std::vector<std::string> ChatSession::status() const {
  const std::size_t columns = prompt_->columns() - 1;
  std::vector<std::string> lines;
  if (moving_) {
    const std::string_view way = transfers_.front().fetch ? "from the hub: " : "to the hub: ";
    const double bytes_per_ms = lost_ ? 0 : moving_->speed.bytes_per_ms();
    lines.push_back(concat(way, progress_line(moving_->tally, bytes_per_ms, columns)));
  }
  const std::size_t most = lines.size() + kShownWaiting;
  std::size_t more = 0;
  const auto add = [&](std::string_view text, std::string_view how = "sending: ") {
    if (lines.size() >= most) {
      ++more;
    } else {
      lines.push_back(concat(lost_ ? "waiting: " : how, escaped(text)));
    }
  };
  for (const Acknowledged& one : acknowledged_) add(one.text);
  for (const Item& item : items_) {
    if (item.input.word.empty()) {
      add(item.file.empty() ? item.input.rest : item.file);
    } else if (lost_) {
      add(concat("/", item.input.word, item.input.rest.empty() ? "" : " ", item.input.rest));
    }
  }
  for (std::size_t i = moving_ ? 1 : 0; i < transfers_.size(); ++i) {
    add(concat(transfers_[i].fetch ? "/get " : "/send ", transfers_[i].path), "next: ");
  }
  if (more > 0) lines.push_back(concat("and ", human_count(more), " more"));
  if (std::string unread = rooms_.unread(); !unread.empty()) lines.push_back(std::move(unread));
  for (std::string& line : lines) line = cut_to_columns(line, columns);
  return lines;
}

Task<void> ChatSession::tell_seen() {
  while (!over()) {
    seen_.reset();
    const auto next = rooms_.next_seen();
    if (!next) {
      co_await seen_.wait();
      continue;
    }
    {
      const auto turn = co_await talking_.hold();
      if (over()) co_return;
      // What cannot be told now is told with the next one.
      const auto told = co_await client::seen(*talk_, next->first, next->second);
      static_cast<void>(told.has_value());
    }
    static_cast<void>(co_await over_.wait_ms(kSeenEveryMs));
  }
}

// --- what is typed ---

Task<void> ChatSession::read_typed() {
  while (!over()) {
    room_.reset();
    if (items_.size() >= kMaxItems) {
      co_await room_.wait();
      continue;
    }
    const auto line = co_await prompt_->next();
    if (!line) break;
    ChatInput input = parse_chat_input(*line);
    if (input.word == "quit") break;
    if (input == ChatInput()) continue;
    items_.push_back({std::move(input), "", ""});
    news_.set();
    refresh();
  }
  input_over_ = true;
  const std::size_t left = unsaid() + transfers_.size();
  if (!over() && editing() && lost_ && left > 0) {
    note(concat("waiting for the hub, ", human_count(left), " not acknowledged; Ctrl-C gives up"));
  }
  news_.set();
}

std::size_t ChatSession::unsaid() const {
  std::size_t count = 0;
  for (const Item& item : items_) count += item.input.word.empty() ? 1 : 0;
  return count;
}

Task<void> ChatSession::work() {
  while (!over()) {
    news_.reset();
    if (!items_.empty()) {
      Item item = items_.front();
      auto done = co_await carry_out(std::move(item));
      // What was given up is left there, to be counted.
      if (done || !over()) items_.pop_front();
      if (!done) trouble(std::move(done).error());
      room_.set();
      refresh();
      continue;
    }
    if (input_over_ && transfers_.empty()) {
      if (acknowledged_.empty()) break;
      const bool more = co_await news_.wait_ms(kShownWithinMs);
      if (!more) break;
      continue;
    }
    co_await news_.wait();
  }
  stop();
}

Task<Result<void>> ChatSession::carry_out(Item item) {
  const auto turn = co_await talking_.hold();
  talk_->progress();
  if (item.input.word.empty()) {
    auto said = co_await say(std::move(item));
    co_return said;
  }
  for (const Command& command : commands()) {
    if (command.word != item.input.word) continue;
    std::string rest = std::move(item.input.rest);
    auto done = co_await (this->*command.run)(std::move(rest));
    co_return done;
  }
  co_return std::unexpected(
      Error(kUsage, concat("no command ", quoted(concat("/", item.input.word))))
          .with_hint("/help lists them; a text that begins with a slash is typed with two"));
}

Task<Result<void>> ChatSession::say(Item item) {
  if (auto good = check_text(item.input.rest); !good) co_return good;
  const std::string room = item.room.empty() ? rooms_.current() : item.room;
  auto said = co_await client::say(*talk_, client_.random, room, item.input.rest, item.file);
  if (!said) co_return pass(std::move(said).error(), "sending a message");
  if (said->number > last_number_) {
    acknowledged_.push_back({said->number, item.file.empty() ? item.input.rest : item.file});
  }
  co_return Result<void>();
}

Task<Result<void>> ChatSession::open_room(std::string typed) {
  auto joined = co_await client::join(*talk_, typed);
  if (!joined) co_return joined;
  const auto listed = co_await client::rooms(*talk_);
  if (!listed) co_return pass(listed.error());
  std::string name = listed_name(*listed, typed);
  rooms_.open(name);
  auto page = co_await client::read_log(*talk_, name, std::nullopt, kPage);
  if (!page) {
    rooms_.give_up();
    co_return pass(std::move(page).error());
  }
  view_.forget_day();
  for (const client::RoomLine& room : *listed) {
    if (room.name != name && room.read_seq) {
      rooms_.set_unread(room.name, room.last_seq, *room.read_seq);
    } else if (room.name == name && terminal_) {
      note(
          concat("-- ", escaped(name), room.topic.empty() ? "" : ": ", escaped(room.topic), " --"));
    }
  }
  for (const chat::Message& message : rooms_.opened(*std::move(page))) show(message, "");
  seen_.set();
  refresh();
  co_return Result<void>();
}

}  // namespace skein::cli
