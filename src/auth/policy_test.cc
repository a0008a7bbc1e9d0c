#include "auth/policy.h"

#include <gtest/gtest.h>

namespace skein::auth {
namespace {

TEST(Policy, AGuestMayOnlyBringFilesAndTalk) {
  const Principal guest = guest_principal();
  EXPECT_TRUE(authorize(guest, Right::kConnect, "hello"));
  EXPECT_TRUE(authorize(guest, Right::kAdd, "upload"));
  EXPECT_TRUE(authorize(guest, Right::kListen, "follow"));
  EXPECT_TRUE(authorize(guest, Right::kTalk, "say"));
  for (const Right right : {Right::kRead, Right::kChange}) {
    const auto refused = authorize(guest, right, "rm");
    ASSERT_FALSE(refused);
    EXPECT_TRUE(refused.error().is(kRefused));
    EXPECT_EQ(refused.error().message(), "'guest' may not rm");
  }
}

TEST(Policy, LocalMembersMayDoEverything) {
  const Principal ada = local_principal("ada", "d");
  EXPECT_EQ(ada.member, "local/ada");
  for (const Right right :
       {Right::kConnect, Right::kRead, Right::kAdd, Right::kChange, Right::kListen, Right::kTalk}) {
    EXPECT_TRUE(authorize(ada, right, "anything"));
  }
}

TEST(Policy, WhoHasNoNameIsMarkedSo) {
  EXPECT_EQ(local_principal("", "").member, "local/anonymous");
}

}  // namespace
}  // namespace skein::auth
