// What the tests of this folder share. The test's thread.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <string>

namespace skein::cli {

// What a call wrote to stdout and to stderr.
struct Said {
  std::string out;
  std::string err;
};

inline Said said_by(const std::function<void()>& call) {
  ::testing::internal::CaptureStdout();
  ::testing::internal::CaptureStderr();
  call();
  Said said;
  said.out = ::testing::internal::GetCapturedStdout();
  said.err = ::testing::internal::GetCapturedStderr();
  return said;
}

}  // namespace skein::cli
