#include "hub/guests.h"

#include <algorithm>
#include <utility>

#include "auth/policy.h"
#include "base/limits.h"
#include "base/text.h"
#include "wire/protocol.h"

namespace skein::hub {

using socketserver::Address;
using socketserver::Task;

namespace {

// At most so many bytes, and no character cut in two.
std::string_view cut(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0U) == 0x80) --most;
  return text.substr(0, most);
}

}  // namespace

Guests::Guest::Guest(Address from)
    : address(std::move(from)),
      name(address.text()),
      rate(limits::kGuestRepliesPerSecond, limits::kGuestRepliesPerSecond) {}

Guests::Guests(Context& context, Random& random, socketserver::DatagramSocket& socket)
    : context_(context), random_(random), socket_(socket) {}

Guests::Held Guests::guest(const Address& from) {
  if (const auto known = guests_.find(from); known != guests_.end()) return known->second;
  if (guests_.size() >= limits::kMaxGuests) forget_idle();
  if (guests_.size() >= limits::kMaxGuests) return nullptr;
  auto made = std::make_shared<Guest>(from);
  guests_.emplace(from, made);
  return made;
}

// Of those that nothing is due to, the half that has been silent for longest: so that a flood of
// made-up addresses costs each of them little.
void Guests::forget_idle() {
  std::vector<std::pair<std::int64_t, Address>> idle;
  for (const auto& [address, one] : guests_) {
    if (!one->attended) idle.emplace_back(one->seen_ms, address);
  }
  std::ranges::sort(idle);
  for (std::size_t i = 0; i < (idle.size() + 1) / 2; ++i) guests_.erase(idle[i].second);
}

void Guests::take(const Address& from, std::string_view text, std::size_t sent_bytes) {
  // Ours, come back: an answer to it would go round for ever.
  if (from == socket_.local_address() || stopping_.is_set()) return;
  const Held held = guest(from);
  if (held == nullptr) return;
  held->seen_ms = context_.loop.now_ms();
  // Who sends faster than it is answered for long loses datagrams, as on any way.
  if (held->inbox.size() >= limits::kGuestInbox ||
      held->inbox_bytes + text.size() > limits::kGuestInboxBytes) {
    return;
  }
  held->inbox_bytes += text.size();
  held->inbox.push_back({std::string(text), sent_bytes});
  if (!held->attended) {
    held->attended = true;
    attending_.spawn(context_.loop, attend(held));
  }
}

Task<void> Guests::attend(Held guest) {
  while (!guest->inbox.empty() && !stopping_.is_set()) {
    const std::int64_t wait_ms = guest->rate.take(context_.loop.now_ms());
    if (wait_ms > 0) {
      static_cast<void>(co_await stopping_.wait_ms(wait_ms));
      continue;
    }
    Datagram datagram = std::move(guest->inbox.front());
    guest->inbox.pop_front();
    guest->inbox_bytes -= datagram.text.size();
    const std::size_t sent_bytes = datagram.sent_bytes;
    const std::string reply = co_await answer(guest, std::move(datagram));
    send(*guest, reply, sent_bytes);
  }
  guest->attended = false;
}

Task<std::string> Guests::answer(Held guest, Datagram datagram) {
  const bool asks_only = datagram.text.empty();
  if (!guest->greeted) {
    // It hears what is said from now on.
    const auto last = co_await context_.chat.last_seq(context_.chat.lobby());
    if (!last) {
      co_return concat(asks_only ? "not read: " : "not sent: ", escaped(last.error().message()));
    }
    guest->greeted = true;
    guest->seq = *last;
    context_.log.info(concat(guest->name, " talks by datagrams"));
  }
  if (datagram.sent_bytes > datagram.text.size()) {
    co_return concat("not sent: ", std::to_string(datagram.sent_bytes),
                     " bytes are over the limit of ", std::to_string(spec::kMaxMessageBytes));
  }
  if (!asks_only) {
    auto allowed = auth::authorize(auth::guest_principal(), auth::Right::kTalk, wire::op::kSay);
    if (!allowed) co_return concat("not sent: ", allowed.error().message());
    Chat::Saying saying;
    saying.room = context_.chat.lobby();
    random_.fill(saying.cid);
    saying.text = std::move(datagram.text);
    auto said = co_await say(guest, std::move(saying));
    if (!said) co_return concat("not sent: ", escaped(said.error().message()));
  }
  if (guest->waiting.empty()) {
    auto fetched = co_await fetch(guest);
    if (!fetched) co_return concat("not read: ", escaped(fetched.error().message()));
  }
  if (guest->waiting.empty()) co_return asks_only ? "nothing new" : "ok";
  std::string next = std::move(guest->waiting.front());
  guest->waiting.pop_front();
  co_return next;
}

// When all who are at its address say too much, or the log cannot be written as fast, its turn
// comes later.
Task<Result<void>> Guests::say(Held guest, Chat::Saying saying) {
  while (true) {
    Chat::Saying copy = saying;
    auto said = co_await context_.chat.say_as_guest(guest->name, guest->address, std::move(copy));
    if (said) co_return Result<void>();
    const std::int64_t wait_ms = said.error().retry_ms();
    if (wait_ms == 0) co_return pass(std::move(said).error());
    const bool stopping = co_await stopping_.wait_ms(wait_ms);
    if (stopping) co_return pass(std::move(said).error());
  }
}

// What others said since, as lines that may be shown.
Task<Result<void>> Guests::fetch(Held guest) {
  chat::RoomLog::Range newest;
  newest.after = guest->seq;
  newest.before = spec::kMaxInteger;
  newest.limit = limits::kGuestWaiting;
  auto messages = co_await context_.chat.read(context_.chat.lobby(), newest);
  if (!messages) co_return pass(std::move(messages).error());
  if (messages->empty()) co_return Result<void>();
  const std::int64_t missed = messages->front().seq - guest->seq - 1;
  if (missed > 0) {
    guest->waiting.push_back(concat("(", counted(static_cast<std::uint64_t>(missed), "message"),
                                    " before this fell out: too many waited)"));
  }
  for (const chat::Message& message : *messages) {
    if (message.member == 0 && message.from == guest->name) continue;  // its own
    std::string line = concat(escaped(message.from), ": ", escaped(message.text));
    if (!message.file.empty()) line += concat(" [file ", quoted(message.file), "]");
    guest->waiting.push_back(std::move(line));
  }
  guest->seq = messages->back().seq;
  co_return Result<void>();
}

void Guests::send(const Guest& guest, std::string_view reply, std::size_t sent_bytes) {
  std::size_t most = limits::kGuestReplyBytes;
  // Beyond this machine the address may be made up: nobody is to be flooded in another's name.
  if (!guest.address.is_loopback()) most = std::min(most, 3 * sent_bytes);
  const auto out = socketserver::DatagramOut::to_address(as_bytes(cut(reply, most)), guest.address);
  const auto sent = socket_.send_now(std::span(&out, 1));
  static_cast<void>(sent.has_value());  // what there was no room for is lost, as datagrams may be
}

Task<void> Guests::close() {
  stopping_.set();
  co_await attending_.close();
}

}  // namespace skein::hub
