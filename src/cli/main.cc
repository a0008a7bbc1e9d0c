#include <clocale>
#include <csignal>
#include <exception>
#include <string>
#include <vector>

#include "base/text.h"
#include "cli/command.h"
#include "cli/output.h"

int main(int argc, char** argv) {
  std::setlocale(LC_ALL, "");
  std::signal(SIGPIPE, SIG_IGN);  // a reader that left is an error of the write, not our end
  try {
    return skein::cli::run(std::vector<std::string>(argv + 1, argv + argc));
  } catch (const std::exception& exception) {
    skein::cli::report_error(skein::concat("unexpected: ", exception.what()));
    return skein::cli::kFailed;
  }
}
