// What skein doctor found out about the path to a hub, and what is to be made of it. Values, pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace skein::client {

enum class Reach {
  kNotTried,
  kYes,
  kRefused,   // somebody there says that nobody listens
  kNoAnswer,  // nothing comes back: filtered, or nobody there
  kNoRoute,   // the network says that there is no way
  kNoHub,     // somebody answers who is no hub
  kTrouble,   // this machine could not ask
};

// "yes", "refused", "no answer", …; also as it stands in --json.
[[nodiscard]] std::string_view word_for(Reach reach);

// Of TCP, or of UDP; nothing where nothing was measured.
struct PathSide {
  Reach reach = Reach::kNotTried;
  std::string why;  // for kNoHub and kTrouble, escaped
  std::optional<std::int64_t> connect_us;
  std::optional<std::int64_t> round_trip_p50_us;
  std::optional<std::int64_t> round_trip_p99_us;
  std::optional<std::int64_t> jitter_us;
  std::optional<std::int64_t> up_bytes_per_s;
  std::optional<std::int64_t> down_bytes_per_s;
};

struct PathReport {
  std::string hub;      // as it was asked for
  std::string address;  // of the one that was measured; empty: the name is not known
  std::string trouble;  // why the name is not known, escaped
  std::string name;     // as the hub calls itself, escaped
  std::int64_t resolve_us = 0;
  PathSide tcp;
  PathSide udp;
  std::optional<std::int64_t> tcp_resent;  // segments
  // Datagrams there and back.
  std::optional<std::int64_t> sent;
  std::int64_t lost = 0;
  std::int64_t duplicates = 0;
  std::int64_t reordered = 0;
  std::optional<std::int64_t> largest_bytes;  // of a datagram that arrives in one piece
  bool complete = true;                       // false: time was up, or we were interrupted
};

// What to do about it, in a line.
[[nodiscard]] std::string advice(const PathReport& report);

}  // namespace skein::client
