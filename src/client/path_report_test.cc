#include "client/path_report.h"

#include <gmock/gmock.h>

namespace skein::client {
namespace {

using ::testing::HasSubstr;

PathReport good() {
  PathReport report;
  report.hub = report.address = "192.0.2.1:8080";
  report.tcp.reach = report.udp.reach = Reach::kYes;
  report.tcp.up_bytes_per_s = report.tcp.down_bytes_per_s = 50'000'000;
  report.udp.round_trip_p50_us = 900;
  report.udp.round_trip_p99_us = 3000;
  report.sent = 160;
  report.largest_bytes = 1472;
  return report;
}

TEST(AdviceTest, OfAGoodPathIsThatItIsFine) {
  EXPECT_EQ(advice(good()), "the path is fine");
}

TEST(AdviceTest, SaysWhyAHubIsNotReached) {
  PathReport report = good();
  report.address.clear();
  EXPECT_THAT(advice(report), HasSubstr("the name is not known"));
  report = good();
  const std::pair<Reach, const char*> cases[] = {{Reach::kRefused, "nobody listens"},
                                                 {Reach::kNoAnswer, "firewall"},
                                                 {Reach::kNoRoute, "no way"},
                                                 {Reach::kNoHub, "somebody else"},
                                                 {Reach::kTrouble, "could not even ask"}};
  for (const auto& [reach, words] : cases) {
    report.tcp.reach = reach;
    EXPECT_THAT(advice(report), HasSubstr(words));
  }
}

TEST(AdviceTest, TellsThatUdpAloneIsBlocked) {
  PathReport report = good();
  for (const Reach reach : {Reach::kRefused, Reach::kNoAnswer, Reach::kNoRoute}) {
    report.udp.reach = reach;
    EXPECT_THAT(advice(report), HasSubstr("TCP works"));
  }
}

TEST(AdviceTest, NamesWhatIsWrongWithThePath) {
  PathReport report = good();
  report.lost = 1;
  EXPECT_EQ(advice(report), "the path is fine") << "one of 160 is less than a percent";
  report.lost = 2;
  EXPECT_THAT(advice(report), HasSubstr("get lost, 2 of 160"));
  report = good();
  report.duplicates = 5;
  EXPECT_THAT(advice(report), HasSubstr("twice"));
  report = good();
  report.reordered = 5;
  EXPECT_THAT(advice(report), HasSubstr("overtake"));
  report = good();
  report.udp.round_trip_p99_us = 80'000;
  EXPECT_THAT(advice(report), HasSubstr("varies"));
  report.udp.round_trip_p50_us = 70'000;
  EXPECT_EQ(advice(report), "the path is fine") << "far away is not unsteady";
  report = good();
  report.largest_bytes = 1372;
  EXPECT_THAT(advice(report), HasSubstr("1372 bytes"));
  report = good();
  report.tcp.up_bytes_per_s = 20'000;
  EXPECT_THAT(advice(report), HasSubstr("slow"));
  report.complete = false;
  EXPECT_THAT(advice(report), HasSubstr("not all"));
}

}  // namespace
}  // namespace skein::client
