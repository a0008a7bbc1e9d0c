#include "client/path_report.h"

#include "base/text.h"

namespace skein::client {

std::string_view word_for(Reach reach) {
  switch (reach) {
    case Reach::kNotTried: return "not tried";
    case Reach::kYes: return "yes";
    case Reach::kRefused: return "refused";
    case Reach::kNoAnswer: return "no answer";
    case Reach::kNoRoute: return "no route";
    case Reach::kNoHub: return "no hub";
    case Reach::kTrouble: return "trouble";
  }
  return "not tried";
}

namespace {

// An Ethernet packet less the headers of IPv4 and UDP; IPv6 takes 20 bytes more.
constexpr std::int64_t kWholeEthernetBytes = 1452;

std::string about_reach(const PathReport& report) {
  switch (report.tcp.reach) {
    case Reach::kRefused:
      return "the machine is there, but nobody listens on that port: start a hub with "
             "'skein serve', or look at the port";
    case Reach::kNoAnswer:
      return "nothing comes back: a firewall swallows it, or the machine is off; ask who runs it";
    case Reach::kNoRoute:
      return "this machine has no way to that address: look at the network, or at the VPN";
    case Reach::kNoHub:
      return "somebody else listens on that port: ask who runs the hub for its port";
    case Reach::kTrouble: return "this machine could not even ask: see above";
    case Reach::kNotTried:
    case Reach::kYes: break;
  }
  if (report.udp.reach == Reach::kYes || report.udp.reach == Reach::kNotTried) return {};
  return "TCP works, and files and messages need no more; UDP does not get through, so the path "
         "could not be looked at closely";
}

// True: at least `percent` percent.
bool share(std::int64_t part, std::int64_t of, std::int64_t percent) {
  return of > 0 && part * 100 >= of * percent;
}

}  // namespace

std::string advice(const PathReport& report) {
  if (report.address.empty()) {
    return "the name is not known: check how it is written, or give the address as a number";
  }
  if (std::string unreachable = about_reach(report); !unreachable.empty()) return unreachable;
  if (!report.complete) return "this is not all: time was up, or it was interrupted";

  const std::int64_t sent = report.sent.value_or(0);
  if (share(report.lost, sent, 1)) {
    return concat("datagrams get lost, ", std::to_string(report.lost), " of ", std::to_string(sent),
                  ": TCP sends again what is lost, which is slow; try a cable, or come closer to "
                  "the access point");
  }
  if (share(report.duplicates, sent, 1)) {
    return "datagrams come twice: something on the way is set up in a loop, or sends again";
  }
  if (share(report.reordered, sent, 1)) {
    return "datagrams overtake each other: the way has several paths; TCP puts them in order, and "
           "may be slower for it";
  }
  constexpr std::int64_t kNoticeableUs = 50'000;
  const std::int64_t usual = report.udp.round_trip_p50_us.value_or(0);
  const std::int64_t worst = report.udp.round_trip_p99_us.value_or(0);
  if (worst > kNoticeableUs && worst > 5 * usual) {
    return "the delay varies much: the line is busy, or wireless; large transfers will not mind, "
           "talking will";
  }
  if (report.largest_bytes.value_or(kWholeEthernetBytes) < kWholeEthernetBytes) {
    return concat("packets must be smaller than usual, ", std::to_string(*report.largest_bytes),
                  " bytes: a tunnel or VPN is on the way; if large transfers hang, lower the "
                  "MTU of this machine");
  }
  constexpr std::int64_t kSlowBytesPerS = 1'000'000;
  if (report.tcp.up_bytes_per_s.value_or(kSlowBytesPerS) < kSlowBytesPerS ||
      report.tcp.down_bytes_per_s.value_or(kSlowBytesPerS) < kSlowBytesPerS) {
    return "nothing is wrong, but the line is slow: what is sent can be interrupted and resumed";
  }
  return "the path is fine";
}

}  // namespace skein::client
