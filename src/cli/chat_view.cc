#include "cli/chat_view.h"

#include <array>
#include <charconv>
#include <ctime>

#include "base/text.h"

namespace skein::cli {

namespace {

constexpr std::string_view kSpace = " \t";
constexpr std::size_t kNamed = 3;         // of many who came or went at once
constexpr std::size_t kMaxOffers = 1000;  // the newest that can be fetched by number

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

std::string formatted(const std::tm& time, const char* format) {
  char text[64];
  return {text, std::strftime(text, sizeof text, format, &time)};
}

// FNV-1a: the same colour in every program and on every machine.
std::uint32_t hash_of(std::string_view text) {
  std::uint32_t hash = 2166136261U;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
  return hash;
}

}  // namespace

ChatInput parse_chat_input(std::string_view line) {
  if (line.starts_with("//")) return {"", std::string(line.substr(1))};
  if (!line.starts_with('/')) return {"", std::string(line)};
  FirstWord first = first_word(line.substr(1));
  // A word there must be, or it would be text.
  if (first.word.empty()) first.word = " ";
  return {std::move(first.word), std::move(first.rest)};
}

FirstWord first_word(std::string_view text) {
  text = trimmed(text);
  const std::size_t end = text.find_first_of(kSpace);
  if (end == std::string_view::npos) return {std::string(text), ""};
  return {std::string(text.substr(0, end)), std::string(trimmed(text.substr(end)))};
}

std::vector<std::string> presence_lines(const std::vector<client::Presence>& changed) {
  std::vector<std::string> lines;
  for (const bool online : {true, false}) {
    std::string names;
    std::size_t count = 0;
    for (const client::Presence& one : changed) {
      if (one.online != online) continue;
      if (++count <= kNamed) names += concat(count > 1 ? ", " : "", escaped(one.name));
    }
    if (count == 0) continue;
    if (count > kNamed) names += concat(" and ", human_count(count - kNamed), " more");
    const std::string_view what = online ? (count == 1 ? " is here" : " are here")
                                         : (count == 1 ? " has left" : " have left");
    lines.push_back(concat(names, what));
  }
  return lines;
}

std::vector<std::string> ChatView::lines(const chat::Message& message, std::string_view mark) {
  const std::time_t seconds = message.ts_ms / 1000;
  std::tm local{};
  localtime_r(&seconds, &local);
  std::vector<std::string> lines;
  if (std::string day = formatted(local, "%a %d %b %Y"); day != day_) {
    lines.push_back(dim(concat("-- ", day, " --")));
    day_ = std::move(day);
  }
  // A message of several lines goes on below, behind a bar: no line of it can pass for another's.
  std::string line = concat(dim(formatted(local, "%H:%M")), " ");
  if (!mark.empty()) line += concat(escaped(mark), " ");
  line += concat(name(message.from), ": ");
  std::string_view rest = message.text;
  while (true) {
    const std::size_t end = rest.find('\n');
    line += escaped(rest.substr(0, end));
    if (end == std::string_view::npos) break;
    lines.push_back(std::move(line));
    line = "      | ";
    rest.remove_prefix(end + 1);
  }
  if (!message.file.empty()) {
    const std::string number = std::to_string(offer(message.file));
    line +=
        concat(message.text.empty() ? "" : " ", "[", number, " file ", quoted(message.file), "]");
  }
  lines.push_back(std::move(line));
  return lines;
}

std::int64_t ChatView::offer(const std::string& path) {
  offers_.push_back(path);
  if (offers_.size() > kMaxOffers) {
    offers_.pop_front();
    ++first_offer_;
  }
  return first_offer_ + static_cast<std::int64_t>(offers_.size()) - 1;
}

std::optional<std::string> ChatView::offered(std::string_view number) const {
  std::int64_t wanted = 0;
  const auto [end, code] = std::from_chars(number.data(), number.data() + number.size(), wanted);
  if (code != std::errc() || end != number.data() + number.size()) return std::nullopt;
  const std::int64_t last = first_offer_ + static_cast<std::int64_t>(offers_.size()) - 1;
  if (wanted < first_offer_ || wanted > last) return std::nullopt;
  return offers_[static_cast<std::size_t>(wanted - first_offer_)];
}

std::string ChatView::dim(std::string_view text) const {
  return colours_ ? concat("\x1b[2m", text, "\x1b[0m") : std::string(text);
}

std::string ChatView::name(std::string_view name) const {
  if (!colours_) return escaped(name);
  // Those that can be read on black and on white.
  constexpr std::array<std::string_view, 8> kColours = {"31", "32", "33", "35",
                                                        "36", "91", "94", "95"};
  return concat("\x1b[", kColours[hash_of(name) % kColours.size()], "m", escaped(name), "\x1b[0m");
}

}  // namespace skein::cli
