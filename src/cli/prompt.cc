#include "cli/prompt.h"

#include <histedit.h>
#include <langinfo.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <clocale>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "base/text.h"
#include "cli/output.h"
#include "cli/prompt_text.h"

namespace skein::cli {

using socketserver::Task;

namespace {

constexpr std::size_t kMaxTyped = 64;           // then nothing more is read
constexpr std::size_t kMaxLines = 10000;        // that wait for a terminal that takes none
constexpr std::size_t kMaxLineBytes = 1 << 16;  // what is longer goes on as another line
constexpr int kHistory = 1000;
constexpr int kLookMs = 500;  // for the terminal, while another program has it

void ring(int fd) {
  const std::uint64_t one = 1;
  const auto written = ::write(fd, &one, sizeof one);
  static_cast<void>(written);  // it fails only when full, and then it rings already
}

void take_rings(int fd) {
  std::uint64_t rings = 0;
  const auto got = ::read(fd, &rings, sizeof rings);
  static_cast<void>(got);  // nothing: somebody was faster, or a signal came
}

// What the terminal does to the program, told to the thread: a handler has nothing but what is
// static, and the signals may come to any thread.
std::atomic<int> wake_of_signals = -1;
std::atomic<bool> resized = false;
std::atomic<bool> continued = false;

void on_signal(int number) {
  const int before = errno;
  (number == SIGCONT ? continued : resized) = true;
  if (const int fd = wake_of_signals; fd >= 0) ring(fd);
  errno = before;
}

class TerminalSignals {
 public:
  explicit TerminalSignals(int wake) {
    wake_of_signals = wake;
    struct sigaction action{};
    action.sa_handler = on_signal;
    action.sa_flags = SA_RESTART;
    sigaction(SIGWINCH, &action, &resized_before_);
    sigaction(SIGCONT, &action, &continued_before_);
  }
  TerminalSignals(const TerminalSignals&) = delete;
  TerminalSignals& operator=(const TerminalSignals&) = delete;
  ~TerminalSignals() {
    sigaction(SIGWINCH, &resized_before_, nullptr);
    sigaction(SIGCONT, &continued_before_, nullptr);
    wake_of_signals = -1;
  }

 private:
  struct sigaction resized_before_{};
  struct sigaction continued_before_{};
};

// False while the terminal is another program's, in front of which we are, and when it is gone. One
// that controls no programs is always ours.
bool in_foreground() {
  const pid_t group = tcgetpgrp(STDIN_FILENO);
  return group == getpgrp() || (group < 0 && errno == ENOTTY);
}

// What the terminal asks of a program in the background stops it, the hub and all. A thread that
// blocks this may put the terminal back in order at the end wherever it is.
void never_stop_here() {
  sigset_t stop;
  sigemptyset(&stop);
  sigaddset(&stop, SIGTTOU);
  pthread_sigmask(SIG_BLOCK, &stop, nullptr);
}

void put(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

// libedit writes what the locale can; the hub's messages are UTF-8 whatever the locale is.
void use_utf8() {
  std::setlocale(LC_CTYPE, "");
  if (std::string_view(nl_langinfo(CODESET)) != "UTF-8") std::setlocale(LC_CTYPE, "C.UTF-8");
}

}  // namespace

// The thread's side of it, around libedit.
class Prompt::Editor {
 public:
  explicit Editor(Prompt& prompt)
      : prompt_(prompt),
        signals_(prompt.wake_.get()),
        edit_(el_init("skein", stdin, stdout, stderr)),
        history_(history_winit()) {
    if (edit_ == nullptr || history_ == nullptr) return;
    HistEventW event{};
    history_w(history_, &event, H_SETSIZE, kHistory);
    history_w(history_, &event, H_SETUNIQUE, 1);
    el_wset(edit_, EL_CLIENTDATA, this);
    el_wset(edit_, EL_EDITOR, L"emacs");
    el_wset(edit_, EL_HIST, history_w, history_);
    el_wset(edit_, EL_PROMPT, &Editor::prompt_of);
    el_wset(edit_, EL_GETCFN, &Editor::get_character);
    measure();
  }
  Editor(const Editor&) = delete;
  Editor& operator=(const Editor&) = delete;
  ~Editor() {
    if (edit_ != nullptr) el_end(edit_);
    if (history_ != nullptr) history_wend(history_);
  }

  [[nodiscard]] bool works() const { return edit_ != nullptr && history_ != nullptr; }

  // Until the end of the input, or until there is to be an end.
  void run() {
    while (true) {
      const News news = prompt_.take_news();
      draw_above(news);
      if (news.ending) return;
      int count = 0;
      const wchar_t* const line = el_wgets(edit_, &count);
      if (ended_) return;
      if (line == nullptr) {  // Ctrl-D, or the terminal is gone
        erase(cursor_row());
        prompt_.end_input();
        return wait_for_end();
      }
      // Between two lines the terminal must not echo what comes.
      el_wset(edit_, EL_PREP_TERM, 1);
      std::wstring text(line, static_cast<std::size_t>(count));
      erase(cell_after(label_ + text, {}, columns_).row);
      if (text.ends_with(L'\n')) text.pop_back();
      remember(text);
      prompt_.typed(narrow(text));
    }
  }

 private:
  static Editor& self(EditLine* edit) {
    void* data = nullptr;
    el_wget(edit, EL_CLIENTDATA, &data);
    return *static_cast<Editor*>(data);
  }
  static wchar_t* prompt_of(EditLine* edit) { return self(edit).label_.data(); }
  static int get_character(EditLine* edit, wchar_t* into) { return self(edit).next(*into); }

  // The editor's next character: 1, or 0 when there is none any more.
  int next(wchar_t& into) {
    while (true) {
      into = take_character(bytes_);
      if (into != 0) return 1;
      std::fflush(stdout);
      switch (prompt_.wait_for_input(bytes_)) {
        case Came::kInput: break;
        case Came::kEnd: return 0;
        case Came::kNews:
          if (!redraw()) return 0;
      }
    }
  }

  // False: it is the end.
  bool redraw() {
    const bool was_stopped = continued.exchange(false);
    if (was_stopped && !prompt_.wait_for_terminal()) {
      el_wset(edit_, EL_EDITMODE, 0);  // the terminal's state is that of whoever has it
      ended_ = true;
      return false;
    }
    const News news = prompt_.take_news();
    const bool new_size = resized.exchange(false);
    if (news.lines.empty() && !news.shown && !news.ending && !was_stopped && !new_size) return true;
    if (new_size) el_resize(edit_);
    measure();
    if (was_stopped) {
      // What stands there now is the shell's.
      el_wset(edit_, EL_PREP_TERM, 1);
      status_.clear();
    } else {
      erase(cursor_row());
    }
    draw_above(news);
    if (news.ending) {
      ended_ = true;
      return false;
    }
    el_wset(edit_, EL_REFRESH);
    return true;
  }

  // Between the end of the input and that of the chat: lines still come.
  void wait_for_end() {
    el_wset(edit_, EL_PREP_TERM, 0);
    while (true) {
      const News news = prompt_.take_news();
      erase(0);
      draw_above(news);
      std::fflush(stdout);
      if (news.ending) return;
      pollfd woken{prompt_.wake_.get(), POLLIN, 0};
      poll(&woken, 1, -1);
      take_rings(prompt_.wake_.get());
    }
  }

  // How far down from the first row of the edited line the cursor is.
  int cursor_row() {
    const LineInfoW* const line = el_wline(edit_);
    const std::wstring_view before(line->buffer,
                                   static_cast<std::size_t>(line->cursor - line->buffer));
    Cell cell = cell_after(label_ + std::wstring(before), {}, columns_);
    // A wide character that does not fit takes the cursor to the next row with it.
    if (line->cursor < line->lastchar && cell.column == columns_ - 1) {
      const std::wstring_view under(line->cursor, 1);
      if (cell_after(under, cell, columns_).column == 2) cell.row += 1;
    }
    return std::min(cell.row, rows_ - 1);
  }

  // Takes the edited line, of which the cursor is in this row, and the status above it away.
  void erase(int row) {
    for (const std::string& line : status_) {
      row += 1 + std::max(static_cast<int>(columns_of(line)) - 1, 0) / columns_;
    }
    status_.clear();
    row = std::min(row, rows_ - 1);
    if (row > 0) put(concat("\x1b[", std::to_string(row), "A"));
    put("\r\x1b[J");
  }

  void draw_above(const News& news) {
    for (const std::string& line : news.lines) put(concat(line, "\n"));
    if (!news.ending) {
      const std::lock_guard lock(prompt_.mutex_);
      status_ = prompt_.status_;
      label_ = wide(prompt_.label_);
    }
    for (const std::string& line : status_) {
      put(wants_colours() ? concat("\x1b[2m", line, "\x1b[0m\n") : concat(line, "\n"));
    }
    std::fflush(stdout);
  }

  void measure() {
    int columns = 0;
    int rows = 0;
    el_get(edit_, EL_GETTC, "co", &columns, nullptr);
    el_get(edit_, EL_GETTC, "li", &rows, nullptr);
    columns_ = columns > 0 ? columns : 80;
    rows_ = rows > 0 ? rows : 24;
    const std::lock_guard lock(prompt_.mutex_);
    prompt_.columns_ = columns_;
  }

  void remember(const std::wstring& text) {
    HistEventW event{};
    if (!text.empty()) history_w(history_, &event, H_ENTER, text.c_str());
  }

  Prompt& prompt_;
  const TerminalSignals signals_;
  EditLine* edit_;
  HistoryW* history_;
  std::string bytes_;  // typed, and not taken yet
  std::wstring label_;
  std::vector<std::string> status_;  // as it stands there
  int columns_ = 80;
  int rows_ = 24;
  bool ended_ = false;
};

bool Prompt::on_terminal() {
  const char* const kind = std::getenv("TERM");
  const std::string_view terminal = kind == nullptr ? "" : kind;
  return isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 && !terminal.empty() &&
         terminal != "dumb";
}

bool Prompt::wants_colours() {
  const char* const no = std::getenv("NO_COLOR");
  return no == nullptr || *no == '\0';
}

Result<std::unique_ptr<Prompt>> Prompt::open(socketserver::Loop& loop, bool editing) {
  Descriptor wake(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!wake) return fail_errno(errno, "making an eventfd");
  if (editing) use_utf8();
  return std::unique_ptr<Prompt>(new Prompt(loop, editing, std::move(wake)));
}

Prompt::Prompt(socketserver::Loop& loop, bool editing, Descriptor wake)
    : loop_(loop), editing_(editing), wake_(std::move(wake)) {
  thread_ = std::thread([this] {
    if (!editing_) return read_lines();
    never_stop_here();
    if (!wait_for_terminal()) return;
    Editor editor(*this);
    if (editor.works()) return editor.run();
    end_input();
  });
}

Prompt::~Prompt() {
  end();
  thread_.join();
}

Task<std::optional<std::string>> Prompt::next() {
  while (true) {
    arrival_->event.reset();
    Taken taken = take_line();
    if (taken.line || taken.over) co_return std::move(taken.line);
    co_await arrival_->event.wait();
  }
}

Prompt::Taken Prompt::take_line() {
  Taken taken;
  bool was_full = false;
  {
    const std::lock_guard lock(mutex_);
    was_full = typed_.size() >= kMaxTyped;
    taken.over = ending_ || (input_over_ && typed_.empty());
    if (!taken.over && !typed_.empty()) {
      taken.line = std::move(typed_.front());
      typed_.pop_front();
    }
  }
  if (was_full) wake();
  return taken;
}

void Prompt::end() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  wake();
  arrival_->event.set();
}

void Prompt::print(std::string line) {
  if (!editing_) {
    print_line(line);
    flush_output();
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    lines_.push_back(std::move(line));
    if (lines_.size() > kMaxLines) {
      lines_.pop_front();
      ++dropped_lines_;
    }
  }
  wake();
}

void Prompt::show(std::string label, std::vector<std::string> status) {
  if (!editing_) return;
  {
    const std::lock_guard lock(mutex_);
    if (label == label_ && status == status_) return;
    label_ = std::move(label);
    status_ = std::move(status);
    shown_ = true;
  }
  wake();
}

std::size_t Prompt::columns() const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(columns_);
}

void Prompt::wake() {
  ring(wake_.get());
}

void Prompt::read_lines() {
  std::string bytes;
  while (true) {
    const Came came = wait_for_input(bytes);
    if (came == Came::kNews) {
      if (take_news().ending) return;
      continue;
    }
    while (true) {
      const std::size_t end = bytes.find('\n');
      if (end == std::string::npos) break;
      typed(bytes.substr(0, end));
      bytes.erase(0, end + 1);
    }
    if (bytes.size() > kMaxLineBytes) typed(std::exchange(bytes, {}));
    if (came == Came::kInput) continue;
    if (!bytes.empty()) typed(std::move(bytes));
    return end_input();
  }
}

Prompt::Came Prompt::wait_for_input(std::string& bytes) {
  while (true) {
    bool room = false;
    {
      const std::lock_guard lock(mutex_);
      room = typed_.size() < kMaxTyped;
    }
    pollfd ready[] = {{wake_.get(), POLLIN, 0}, {room ? STDIN_FILENO : -1, POLLIN, 0}};
    if (poll(ready, 2, -1) < 0 && errno != EINTR) return Came::kEnd;
    if (ready[0].revents != 0) {
      take_rings(wake_.get());
      return Came::kNews;
    }
    if (ready[1].revents == 0) continue;
    char part[4096];
    const ssize_t got = ::read(STDIN_FILENO, part, sizeof part);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return Came::kEnd;
    bytes.append(part, static_cast<std::size_t>(got));
    return Came::kInput;
  }
}

bool Prompt::wait_for_terminal() {
  while (!in_foreground()) {
    const News news = take_news();
    for (const std::string& line : news.lines) put(concat(line, "\n"));
    std::fflush(stdout);
    if (news.ending) return false;
    pollfd woken{wake_.get(), POLLIN, 0};
    poll(&woken, 1, kLookMs);
    take_rings(wake_.get());
  }
  return true;
}

Prompt::News Prompt::take_news() {
  const std::lock_guard lock(mutex_);
  News news;
  if (dropped_lines_ > 0) {
    news.lines.push_back(concat("(", counted(dropped_lines_, "line"), " left out)"));
  }
  dropped_lines_ = 0;
  news.lines.insert(news.lines.end(), std::make_move_iterator(lines_.begin()),
                    std::make_move_iterator(lines_.end()));
  lines_.clear();
  news.shown = std::exchange(shown_, false);
  news.ending = ending_;
  return news;
}

void Prompt::typed(std::string line) {
  {
    const std::lock_guard lock(mutex_);
    typed_.push_back(std::move(line));
  }
  tell();
}

void Prompt::end_input() {
  {
    const std::lock_guard lock(mutex_);
    input_over_ = true;
  }
  tell();
}

void Prompt::tell() {
  if (arrival_->told.exchange(true)) return;
  const auto arrive = [arrival = arrival_] {
    arrival->told = false;
    arrival->event.set();
  };
  while (!loop_.post(arrive)) {
    {
      const std::lock_guard lock(mutex_);
      if (ending_) return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace skein::cli
