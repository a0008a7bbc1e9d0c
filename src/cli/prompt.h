// A line that a person edits at the bottom of a terminal, while other lines come in above it. A
// thread of its own sits in the editor and is the only one that writes to the terminal. Where there
// is no terminal it is a plain pipe: lines in, lines out, nothing else. libedit stands behind it.
//
// All functions: the loop's thread; print() any, where a line is edited. There is one at a time in
// a program.
#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "base/descriptor.h"
#include "base/result.h"
#include "socketserver/loop.h"
#include "socketserver/sync.h"
#include "socketserver/task.h"

namespace skein::cli {

class Prompt {
 public:
  // Whether stdin and stdout are a terminal in which a line can be edited.
  [[nodiscard]] static bool on_terminal();

  // Whether it may have colours: $NO_COLOR says not to.
  [[nodiscard]] static bool wants_colours();

  // `editing`: as on_terminal() says, or false to be a pipe all the same.
  static Result<std::unique_ptr<Prompt>> open(socketserver::Loop& loop, bool editing);
  Prompt(const Prompt&) = delete;
  Prompt& operator=(const Prompt&) = delete;
  // All that was to be printed is, the edited line is gone and the terminal as it was.
  ~Prompt();

  // The next line that was typed, without its line feed; nothing at the end of the input and after
  // end(). In a pipe it may be no UTF-8. One coroutine at a time.
  socketserver::Task<std::optional<std::string>> next();
  void end();

  // A line above the edited one; what is from outside in it must be escaped already.
  void print(std::string line);
  // What stands in front of the edited line, and right above it for as long as it holds: each of
  // `status` at most columns() wide, escaped.
  void show(std::string label, std::vector<std::string> status);
  [[nodiscard]] std::size_t columns() const;

  [[nodiscard]] bool editing() const { return editing_; }

 private:
  class Editor;
  // What the loop waits for; posted functions may run when the prompt is gone.
  struct Arrival {
    socketserver::Event event;  // the loop's
    std::atomic<bool> told = false;
  };
  // Why the thread was woken.
  struct News {
    std::vector<std::string> lines;
    bool shown = false;  // label or status changed
    bool ending = false;
  };

  Prompt(socketserver::Loop& loop, bool editing, Descriptor wake);

  // the thread's
  void read_lines();
  enum class Came { kInput, kNews, kEnd };
  Came wait_for_input(std::string& bytes);  // appends to them
  // While the program is in the background: nothing is read, and lines come as from any program
  // there. False: it is the end.
  bool wait_for_terminal();
  [[nodiscard]] News take_news();
  void typed(std::string line);
  void end_input();
  void tell();

  void wake();
  struct Taken {
    std::optional<std::string> line;
    bool over = false;
  };
  [[nodiscard]] Taken take_line();

  socketserver::Loop& loop_;
  const bool editing_;
  const Descriptor wake_;
  const std::shared_ptr<Arrival> arrival_ = std::make_shared<Arrival>();

  mutable std::mutex mutex_;  // of what follows
  std::deque<std::string> lines_;
  std::size_t dropped_lines_ = 0;
  std::deque<std::string> typed_;
  std::string label_;
  std::vector<std::string> status_;
  int columns_ = 80;
  bool shown_ = false;
  bool ending_ = false;
  bool input_over_ = false;

  std::thread thread_;
};

}  // namespace skein::cli
