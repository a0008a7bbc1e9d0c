#include "cli/summary.h"

#include <algorithm>

#include "base/text.h"
#include "cli/progress.h"
#include "wire/dictionary.h"

namespace skein::cli {

namespace {

std::string verification(const client::Tally& tally, std::string_view place) {
  if (!tally.confirmed) return "sent, not confirmed: the server gives no answer";
  std::string out = tally.by_digest ? "verified" : "verified by length";
  out += tally.durable ? " and on disk" : ", not yet synced to disk";
  if (!place.empty()) out += concat(" at ", place);
  return out;
}

bool failed_to_announce(const Transferred& transferred) {
  return transferred.announced && !transferred.announced->ended;
}

Exit exit_of(const Transferred& transferred) {
  const client::Tally& tally = transferred.tally;
  if (!transferred.ended && tally.files_done == 0)
    return exit_for(transferred.ended.error().kind());
  if (!transferred.ended) return kNotComplete;
  if (failed_to_announce(transferred)) return kNotComplete;
  if (tally.problems.empty()) return kDone;
  // One thing was asked for and refused: that is its exit code. Among others it is "incomplete".
  if (tally.files_done == 0 && tally.problems.size() == 1 && tally.files <= 1) {
    return exit_for(tally.problems.front().error.kind());
  }
  return kNotComplete;
}

void print_json(const Transferred& transferred, Exit code) {
  const client::Tally& tally = transferred.tally;
  std::int64_t problems = 0;
  const auto print_problem = [&problems](const std::string& name, const Error& error) {
    wire::Dictionary line;
    line.set("problem", name).set("error", error.kind().name).set("message", error.text());
    print_line(line.to_json());
    ++problems;
  };
  for (const client::Problem& problem : tally.problems) print_problem(problem.name, problem.error);
  if (failed_to_announce(transferred)) {
    print_problem(transferred.announced->room, transferred.announced->ended.error());
  }
  const bool acknowledged = tally.confirmed && (tally.files_done > 0 || code == kDone);
  wire::Dictionary line;
  line.set("done", code == kDone)
      .set("files", static_cast<std::int64_t>(tally.files_done))
      .set("files_there", static_cast<std::int64_t>(tally.files_there))
      .set("files_wanted", static_cast<std::int64_t>(tally.files))
      .set("bytes", static_cast<std::int64_t>(tally.bytes_done))
      .set("bytes_moved", static_cast<std::int64_t>(tally.bytes_moved))
      .set("replaced", static_cast<std::int64_t>(tally.replaced))
      .set("problems", problems)
      .set("milliseconds", transferred.elapsed_ms)
      .set("durable", acknowledged && tally.durable)
      .set("verified", !acknowledged     ? "none"
                       : tally.by_digest ? "digest"
                                         : "length");
  if (transferred.announced) {
    line.set("announced", static_cast<std::int64_t>(transferred.announced->things));
  }
  print_line(line.to_json());
}

// All was moved, and the room does not know of all.
void report_unannounced(const Announced& announced) {
  const Error& error = announced.ended.error();
  const std::string some =
      announced.things == 0 ? "" : concat(", but for ", human_count(announced.things));
  report_error(concat("all is there, but not announced in ", quoted(announced.room), some, ": ",
                      error.text()));
  report_hint(error.hint().empty() ? "run the same command again: nothing is sent twice"
                                   : error.hint());
}

// Whole sentences about what is left undone, for a person.
void report_problems(const Transferred& transferred) {
  constexpr std::size_t kShown = 20;
  const client::Tally& tally = transferred.tally;
  const std::vector<client::Problem>& problems = tally.problems;
  // What ended everything before anything was done needs no list of what is left undone.
  const bool nothing_done = !transferred.ended && tally.files_done == 0;
  const bool alone = problems.size() == 1 && (tally.files <= 1 || nothing_done);
  if (alone || problems.empty()) {
    const Error& error = problems.empty() ? transferred.ended.error() : problems.front().error;
    report(error);
    if (error.is(kCancelled)) {
      report_hint("what was verified is kept; run the same command again: it goes on from there");
    }
    return;
  }
  for (std::size_t i = 0; i < std::min(problems.size(), kShown); ++i) {
    const std::string text = problems[i].error.text();
    const std::string name = quoted(problems[i].name);
    report_error(text.contains(name) ? text : concat(name, ": ", text));
  }
  if (problems.size() > kShown) {
    report_error(concat("and ", human_count(problems.size() - kShown), " more"));
  }
  const std::string_view rest =
      tally.files_done == tally.files ? "; what is named above is left out" : "";
  report_error(concat("incomplete, ", human_count(tally.files_done), " of ",
                      counted(tally.files, "file"), rest));
  const std::string& hint = problems.back().error.hint();
  if (!hint.empty()) {
    report_hint(hint);
  } else if (rest.empty()) {
    report_hint("run the same command again: only what is missing is moved");
  }
}

}  // namespace

std::string done_line(const Transferred& transferred) {
  const client::Tally& tally = transferred.tally;
  if (!transferred.ended || !tally.problems.empty() || failed_to_announce(transferred)) return "";
  const std::uint64_t moved = tally.files_done - tally.files_there;
  std::string line = concat("done: ", counted(tally.files_done, "file"));
  if (tally.files_there > 0) {
    const std::string_view all = tally.files_done == 1 ? "it was" : "all were";
    line += moved == 0 ? concat("; ", all, " there already")
                       : concat("; ", human_count(tally.files_there), " were there already, ",
                                human_count(moved), " ", transferred.verb, " (",
                                human_bytes(tally.bytes_moved), ")");
  } else {
    line +=
        concat(", ", human_bytes(tally.bytes_done), " in ", human_duration(transferred.elapsed_ms));
  }
  if (tally.replaced > 0) {
    line += concat("; ", human_count(tally.replaced), " replaced (", transferred.restore_words, " ",
                   escaped(tally.last_replaced), " brings the old one back)");
  }
  line += concat("; ", verification(tally, transferred.place));
  if (transferred.announced) {
    line += concat("; announced in ", escaped(transferred.announced->room));
  }
  return line;
}

Exit report(const Transferred& transferred, OutputFlags flags) {
  const Exit code = exit_of(transferred);
  if (flags.json) {
    print_json(transferred, code);
  } else if (code == kDone) {
    if (!flags.quiet) print_line(done_line(transferred));
  } else if (failed_to_announce(transferred)) {
    report_unannounced(*transferred.announced);
  } else {
    report_problems(transferred);
  }
  flush_output();
  return code;
}

}  // namespace skein::cli
