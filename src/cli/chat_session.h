// A chat with a hub: what is typed is carried out in order, what is said is shown as it comes, and
// a hub that goes away is waited for while what was typed is kept. The loop's thread only.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "cli/chat_rooms.h"
#include "cli/chat_view.h"
#include "cli/client_run.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/prompt.h"
#include "client/link.h"
#include "client/talk.h"
#include "client/tally.h"
#include "socketserver/sync.h"
#include "socketserver/task.h"

namespace skein::cli {

class ChatSession : private socketserver::Event::Hook {
 public:
  struct Options {
    client::LinkOptions link;
    OutputFlags output;
    std::string room = "lobby";
    bool ends_hub = false;  // the hub's own terminal: its operator ends the hub with the chat
    // Called with the prompt once lines can be printed above it, and with nothing before it goes.
    std::function<void(Prompt*)> on_prompt = nullptr;
  };

  ChatSession(Client& client, Options options);
  ChatSession(const ChatSession&) = delete;
  ChatSession& operator=(const ChatSession&) = delete;

  // Until /quit, the end of the input or Ctrl-C; its exit code. Once.
  socketserver::Task<int> run();

 private:
  using Done = socketserver::Task<Result<void>>;

  // What was typed and is not done yet.
  struct Item {
    ChatInput input;
    std::string room;  // where it is said; empty: in the room that is shown then
    std::string file;  // that it offers
  };
  // What the hub has acknowledged and we have not been told yet as a message.
  struct Acknowledged {
    std::int64_t number = 0;
    std::string text;
  };
  struct Transfer {
    bool fetch = false;
    std::string path;  // here for a put, at the hub for a get
    std::string room;  // where it is offered
  };
  // How far it is.
  struct Moving {
    client::Tally tally;
    Speed speed;
  };
  struct Command {
    std::string_view word;
    std::string_view usage;
    std::string_view help;
    Done (ChatSession::*run)(std::string rest);
  };
  static const std::vector<Command>& commands();

  // The parts that run side by side.
  socketserver::Task<void> follow();
  socketserver::Task<void> read_typed();
  socketserver::Task<void> work();
  socketserver::Task<void> tell_seen();
  socketserver::Task<void> move_files();

  Done begin();
  Done dial_patiently(client::Link& link);
  Done open_room(std::string typed);
  Done carry_out(Item item);
  Done say(Item item);
  Done move(Transfer transfer, client::Link& link);
  socketserver::Task<void> show_progress(socketserver::Event& moved);

  Done help(std::string rest);
  Done join(std::string rest);
  Done leave(std::string rest);
  Done list_rooms(std::string rest);
  Done who(std::string rest);
  Done topic(std::string rest);
  Done rename(std::string rest);
  Done message(std::string rest);
  Done send(std::string rest);
  Done get(std::string rest);
  Done search(std::string rest);

  [[nodiscard]] client::FollowingAll following();
  void show(const chat::Message& message, std::string_view mark);
  void note(std::string_view text);  // to the person, of what they asked for
  void trouble(Error error);         // of what was typed; the chat goes on if it can
  void refresh();
  [[nodiscard]] std::vector<std::string> status() const;
  void hub_lost();
  void forget_told();
  void stop();
  void close_prompt();
  void fail_with(Error error);
  [[nodiscard]] bool over() const { return over_.is_set(); }
  [[nodiscard]] bool editing() const { return prompt_ && prompt_->editing(); }
  [[nodiscard]] std::unique_ptr<client::Link> make_link() const;
  [[nodiscard]] std::size_t unsaid() const;
  int report_end();

  Client& client_;
  Options options_;
  const bool terminal_;
  ChatView view_;
  ChatRooms rooms_;
  std::unique_ptr<Prompt> prompt_;

  // A link is for one at a time, so each part has its own.
  std::unique_ptr<client::Link> talk_;
  std::unique_ptr<client::Link> follow_;
  std::unique_ptr<client::Link> move_;
  socketserver::Semaphore talking_{1};

  std::deque<Item> items_;
  std::deque<Transfer> transfers_;
  std::unique_ptr<Moving> moving_;  // transfers_.front(), once it moves
  std::deque<Acknowledged> acknowledged_;
  bool input_over_ = false;
  bool lost_ = false;
  bool renamed_ = false;
  bool interrupted_ = false;
  std::int64_t last_number_ = 0;
  std::optional<Error> failure_;

  socketserver::Event begun_;
  socketserver::Event over_;
  socketserver::Event news_;   // for work()
  socketserver::Event room_;   // for read_typed(): an item is done
  socketserver::Event seen_;   // for tell_seen()
  socketserver::Event moves_;  // for move_files()
  socketserver::Gate parts_;
};

}  // namespace skein::cli
