#include "client/doctor.h"

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <utility>
#include <vector>

#include "base/limits.h"
#include "base/text.h"
#include "cli/client_run.h"
#include "client/path_report.h"
#include "socketserver/signals.h"
#include "wire/dictionary.h"

namespace skein::cli {

using client::PathReport;
using client::PathSide;
using client::Reach;
using socketserver::Task;

namespace {

std::string time_text(std::optional<std::int64_t> us) {
  if (!us) return "-";
  char text[32];
  const double ms = static_cast<double>(*us) / 1000;
  std::snprintf(text, sizeof(text), ms < 10 ? "%.2f ms" : "%.0f ms", ms);
  return text;
}

std::string rate_text(std::optional<std::int64_t> bytes_per_s) {
  if (!bytes_per_s) return "-";
  return concat(human_bytes(static_cast<std::uint64_t>(*bytes_per_s)), "/s");
}

std::string share_text(const PathReport& report, std::int64_t part) {
  if (!report.sent) return "-";
  if (part == 0) return "none";
  char percent[32];
  std::snprintf(percent, sizeof(percent), " (%.1f %%)",
                static_cast<double>(part) * 100 / static_cast<double>(*report.sent));
  return concat(human_count(static_cast<std::uint64_t>(part)), " of ",
                human_count(static_cast<std::uint64_t>(*report.sent)), percent);
}

void print_row(std::string_view what, std::string_view tcp, std::string_view udp) {
  constexpr std::size_t kWhatColumns = 22;
  constexpr std::size_t kTcpColumns = 16;
  std::string line(what);
  line.append(kWhatColumns - std::min(kWhatColumns, columns_of(line)), ' ').append(tcp);
  line.append(kTcpColumns - std::min(kTcpColumns, columns_of(tcp)), ' ').append(udp);
  print_line(line);
}

void print_table(const PathReport& report) {
  print_line(concat("hub     ", escaped(report.hub),
                    report.name.empty() ? "" : concat("  \"", report.name, "\"")));
  if (report.address.empty()) {
    print_line(concat("name    not found: ", report.trouble));
    return;
  }
  print_line(concat("found   ", report.address, " in ", time_text(report.resolve_us), "\n"));
  const PathSide& tcp = report.tcp;
  const PathSide& udp = report.udp;
  print_row("", "tcp", "udp");
  print_row("reachable", client::word_for(tcp.reach), client::word_for(udp.reach));
  print_row("first answer", time_text(tcp.connect_us), time_text(udp.connect_us));
  if (tcp.reach == Reach::kYes || udp.reach == Reach::kYes) {
    print_row("round trip, half", time_text(tcp.round_trip_p50_us),
              time_text(udp.round_trip_p50_us));
    print_row("round trip, 99 of 100", time_text(tcp.round_trip_p99_us),
              time_text(udp.round_trip_p99_us));
    print_row("jitter", time_text(tcp.jitter_us), time_text(udp.jitter_us));
    print_row("to the hub", rate_text(tcp.up_bytes_per_s), rate_text(udp.up_bytes_per_s));
    print_row("from the hub", rate_text(tcp.down_bytes_per_s), rate_text(udp.down_bytes_per_s));
    std::string resent = "-";
    if (report.tcp_resent) {
      resent = concat(human_count(static_cast<std::uint64_t>(*report.tcp_resent)), " resent");
    }
    print_row("lost", resent, share_text(report, report.lost));
    print_row("came twice", "never", share_text(report, report.duplicates));
    print_row("out of order", "never", share_text(report, report.reordered));
    std::string largest = "-";
    if (report.largest_bytes) {
      largest = counted(static_cast<std::uint64_t>(*report.largest_bytes), "byte");
    }
    print_row("largest in one piece", "any", largest);
  }
  for (const PathSide* const side : {&tcp, &udp}) {
    if (side->why.empty() || side->reach == Reach::kYes) continue;
    print_line(concat(side == &tcp ? "\ntcp: " : "\nudp: ", side->why));
  }
}

void set_side(wire::Dictionary& fields, std::string_view name, const PathSide& side) {
  fields.set(std::string(name), client::word_for(side.reach));
  const auto set = [&](std::string_view what, std::optional<std::int64_t> value) {
    if (value) fields.set(concat(name, "_", what), std::min(*value, spec::kMaxInteger));
  };
  if (!side.why.empty()) fields.set(concat(name, "_why"), side.why);
  set("connect_us", side.connect_us);
  set("round_trip_p50_us", side.round_trip_p50_us);
  set("round_trip_p99_us", side.round_trip_p99_us);
  set("jitter_us", side.jitter_us);
  set("up_bytes_per_s", side.up_bytes_per_s);
  set("down_bytes_per_s", side.down_bytes_per_s);
}

// One flat object; what was not measured is not in it.
std::string json_of(const PathReport& report) {
  wire::Dictionary fields;
  fields.set("hub", report.hub)
      .set("address", report.address)
      .set("resolve_us", report.resolve_us)
      .set("complete", report.complete)
      .set("advice", client::advice(report));
  if (!report.trouble.empty()) fields.set("trouble", report.trouble);
  if (!report.name.empty()) fields.set("name", report.name);
  set_side(fields, "tcp", report.tcp);
  set_side(fields, "udp", report.udp);
  if (report.tcp_resent) fields.set("tcp_resent", *report.tcp_resent);
  if (report.largest_bytes) fields.set("udp_largest_bytes", *report.largest_bytes);
  if (report.sent) {
    fields.set("udp_sent", *report.sent)
        .set("udp_lost", report.lost)
        .set("udp_duplicates", report.duplicates)
        .set("udp_reordered", report.reordered);
  }
  return fields.to_json();
}

// What is being done, on a terminal, in one line that leaves no trace.
void show_step(std::string_view step) {
  constexpr std::string_view kErase = "\r\033[K";
  const std::string line =
      step.empty() ? std::string(kErase) : concat(kErase, "looking: ", step, " …");
  std::fwrite(line.data(), 1, line.size(), stderr);
}

Task<void> watch_signals(socketserver::Signals& signals, client::Doctor& doctor) {
  bool told = false;
  for (int number = co_await signals.next(); number != 0; number = co_await signals.next()) {
    if (told) std::_Exit(kNotComplete);
    told = true;
    doctor.cancel();
  }
}

Task<PathReport> examine(socketserver::Loop& loop, socketserver::Signals& signals,
                         client::Doctor& doctor) {
  socketserver::Gate watching;
  watching.spawn(loop, watch_signals(signals, doctor));
  PathReport report = co_await doctor.examine();
  signals.cancel();
  co_await watching.close();
  co_return report;
}

Result<PathReport> examine(const ClientFlags& flags) {
  TRY_ASSIGN(socketserver::Endpoint endpoint, hub_endpoint(flags));
  const SystemClock clock;
  SystemRandom random;
  TRY_ASSIGN(auto loop, socketserver::Loop::create(clock));
  socketserver::Signals signals(*loop, {SIGINT, SIGTERM});
  socketserver::Pool pool(1, 1);
  const bool visible = isatty(STDERR_FILENO) == 1 && !flags.output.quiet && !flags.output.json;
  client::Doctor doctor(*loop, pool, random, std::move(endpoint), [visible](std::string_view step) {
    if (visible) show_step(step);
  });
  PathReport report = socketserver::run_until_done(*loop, examine(*loop, signals, doctor));
  if (visible) show_step({});
  return report;
}

// Not those of parse_client_flags(): a doctor calls once, and as nobody in particular.
Result<std::vector<std::string>> parse(const Command& command,
                                       const std::vector<std::string>& arguments,
                                       ClientFlags& flags) {
  const std::vector<Flag> own = {
      {"hub", "HOST:PORT", "which hub; else $SKEIN_HUB, else 127.0.0.1:8080", set_text(flags.hub)},
      {"json", "", "the result as one JSON object", set_true(flags.output.json)},
      {"quiet", "", "no output but errors", set_true(flags.output.quiet)},
      {"help", "", "this help", set_true(flags.help)}};
  auto hubs = parse_flags(arguments, own);
  if (hubs && !flags.help && hubs->size() > 1) hubs = fail(kUsage, "one hub at a time");
  if (!hubs) {
    return std::unexpected(std::move(hubs).error().with_hint(
        concat("usage: skein ", command.name, " ", command.usage)));
  }
  if (flags.help) print_help(command, own);
  return hubs;
}

int doctor(const Command& command, const std::vector<std::string>& arguments) {
  ClientFlags flags;
  const auto hubs = parse(command, arguments, flags);
  if (!hubs) return report(hubs.error());
  if (flags.help) return kDone;
  if (!hubs->empty()) flags.hub = hubs->front();
  const auto found = examine(flags);
  if (!found) return report(found.error());
  if (flags.output.json) {
    print_line(json_of(*found));
  } else if (!flags.output.quiet) {
    print_table(*found);
    print_line(concat("\nadvice  ", client::advice(*found)));
  }
  flush_output();
  if (found->tcp.reach != Reach::kYes) return kNobodyThere;
  return found->complete ? kDone : kNotComplete;
}

}  // namespace

const Command kDoctor = {"doctor", "[HUB] [--json]", "why is it slow, or not connecting", doctor};

}  // namespace skein::cli
