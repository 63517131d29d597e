// An account that sees nothing would make every test of torture green.

#include "account.h"

#include <gtest/gtest.h>

namespace {

constexpr errand::WallTime kNow{std::chrono::seconds(1'700'000'000)};

class AccountTest : public testing::Test {
 protected:
  errand::Result<errand::Added> add(const std::string& payload) {
    errand::NewTask task[] = {
        {.queue = "mail", .kind = "count", .payload = payload, .content_type = "text/plain", .run_at = kNow}};
    return store->commit({.added = task}, kNow)->added.at(0);
  }
  void complete(const std::string& payload) {
    account.started(payload);
    account.succeeded(payload);
    const errand::ClaimRequest claims[] = {{.queue = "mail", .any_kind = true, .limit = 1}};
    const auto claimed = store->commit({.claims = claims}, kNow);
    const errand::KeptTask& task = claimed->claims.at(0).tasks.at(0);
    const errand::Finish end[] = {{.id = task.id, .token = task.token}};
    ASSERT_TRUE(store->commit({.finished = end}, kNow));
  }
  Account::Verdict verdict(bool all_over = true) { return account.check(*store, kNow, all_over); }

  const errand::StorePtr store = errand::open_memory();
  Account account;
};

TEST_F(AccountTest, HasNothingToSayOfWhatIsRight) {
  account.acknowledged(account.intend());
  ASSERT_TRUE(add("0 and more"));
  EXPECT_EQ(account.unfinished(), 1);
  complete("0 and more");
  EXPECT_TRUE(verdict().clean()) << text_of(verdict());
  EXPECT_EQ(account.unfinished(), 0);
}

TEST_F(AccountTest, SeesWhatWasLost) {
  account.acknowledged(account.intend());
  EXPECT_EQ(verdict().lost, 1);
}

TEST_F(AccountTest, SeesWhatIsCompletedAndNeverWas) {
  account.acknowledged(account.intend());
  ASSERT_TRUE(add("0"));
  const errand::ClaimRequest claims[] = {{.queue = "mail", .any_kind = true, .limit = 1}};
  const auto claimed = store->commit({.claims = claims}, kNow);
  const errand::KeptTask& task = claimed->claims.at(0).tasks.at(0);
  const errand::Finish end[] = {{.id = task.id, .token = task.token}};
  ASSERT_TRUE(store->commit({.finished = end}, kNow));
  EXPECT_EQ(verdict().lost, 1);
}

TEST_F(AccountTest, SeesGhosts) {
  ASSERT_TRUE(add("17"));
  account.refused(account.intend());
  ASSERT_TRUE(add("0"));
  EXPECT_EQ(verdict(false).ghosts, 2);
  account.started("99");
  EXPECT_EQ(verdict(false).ghosts, 3);
}

TEST_F(AccountTest, SeesWhatRanAgain) {
  account.acknowledged(account.intend());
  ASSERT_TRUE(add("0"));
  complete("0");
  account.started("0");
  EXPECT_EQ(verdict().forbidden, 1);
  account.life_ends();
  account.started("0");
  EXPECT_EQ(verdict().forbidden, 1);
  EXPECT_EQ(verdict().again, 1) << "in another life that is allowed";
  account.started("0");
  EXPECT_EQ(verdict().forbidden, 2) << "two at a time";
}

TEST_F(AccountTest, SeesWhatIsStuckOrThereTwice) {
  account.acknowledged(account.intend());
  ASSERT_TRUE(add("0"));
  EXPECT_EQ(verdict().stuck, 1);
  EXPECT_EQ(verdict(false).stuck, 0) << "it may wait";
  ASSERT_TRUE(add("0"));
  EXPECT_EQ(verdict(false).forbidden, 1);
}

}  // namespace
