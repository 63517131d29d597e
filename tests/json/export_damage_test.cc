// What an export of a damaged store has, and what it says of the rest.

#include <errand/export.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include "export_support.h"

using namespace errand;
using namespace std::chrono_literals;

namespace {

// What came of an export of everything, and what it left out.
struct Rescued {
  std::string text{};
  std::vector<std::string> left_out{};
};

Rescued rescue(Store& store, Result<Exported>& done, bool listens) {
  Rescued rescued;
  const LineSink sink = [&](std::string_view line) -> Result<void> {
    rescued.text += line;
    return {};
  };
  LeftOut left_out;
  if (listens) left_out = [&](const Error& why) { rescued.left_out.push_back(why.message()); };
  done = export_tasks(store, sink, left_out, kNow);
  return rescued;
}

class DamagedExport : public testing::Test {
 protected:
  // A thousand tasks and two schedules, and in some of their rows is what nobody can read.
  void SetUp() override {
    std::vector<NewTask> tasks(1000, {.queue = "mail", .kind = "k", .run_at = kNow});
    NewSchedule schedules[2];
    for (int i = 0; i < 2; ++i) {
      schedules[i].queue = "mail";
      schedules[i].name = i == 0 ? "hourly" : "nightly";
      schedules[i].interval = 1h;
      schedules[i].task = tasks[0];
    }
    {
      const StorePtr store = folder.open("tasks.db");
      ASSERT_TRUE(store->commit({.added = tasks}, kNow));
      for (const NewSchedule& one : schedules) ASSERT_TRUE(store->put_schedule(one, kNow));
      ASSERT_TRUE(store->set_paused("mail", true));
    }
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(folder.path("tasks.db").c_str(), &db), SQLITE_OK);
    const char* const damage =
        "update errand_enqueued set priority = 99 where id in (1, 64, 700, 1000);"
        "update errand_enqueued set name = cast(x'ff' as text) where id = 500;"
        "update errand_schedules set overlap = 'never' where name = 'hourly';";
    EXPECT_EQ(sqlite3_exec(db, damage, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
    store = folder.open("tasks.db");
  }

  StoreFolder folder;
  StorePtr store;
};

TEST_F(DamagedExport, HasAllTheRest) {
  Result<Exported> done = Exported{};
  const Rescued rescued = rescue(*store, done, true);
  ASSERT_TRUE(done) << done.error().message();
  EXPECT_EQ(done->tasks, 995u);
  EXPECT_EQ(done->schedules, 1u);
  EXPECT_EQ(done->pauses, 1u);
  EXPECT_EQ(done->left_out, 6u);
  ASSERT_EQ(rescued.left_out.size(), 6u);
  const StorePtr other = open_memory();
  std::vector<std::string> refused;
  const auto taken = imported(*other, rescued.text, kNow, &refused);
  ASSERT_TRUE(taken);
  EXPECT_EQ(taken->refused, 0u) << refused.at(0);
  EXPECT_EQ(other->list({}, TaskId{}, 10'000, kNow)->size(), 995u);
  EXPECT_TRUE(other->find_schedule("mail", "nightly"));
}

TEST_F(DamagedExport, SaysWhatIsMissing) {
  Result<Exported> done = Exported{};
  const Rescued rescued = rescue(*store, done, true);
  ASSERT_EQ(rescued.left_out.size(), 6u);
  EXPECT_EQ(rescued.left_out[0].find("sqlite: read schedule \"hourly\" of queue \"mail\": its row is damaged"), 0u)
      << rescued.left_out[0];
  EXPECT_EQ(rescued.left_out[1].find("export task 500: "), 0u) << rescued.left_out[1];
  EXPECT_EQ(rescued.left_out[2], "sqlite: read task 1: its row is damaged");
  EXPECT_EQ(rescued.left_out[5], "sqlite: read task 1000: its row is damaged");
}

// Nobody is to throw the store away because of an export that looks like all of it.
TEST_F(DamagedExport, IsAnErrorForWhoDoesNotListenOnceAllElseIsWritten) {
  Result<Exported> done = Exported{};
  const Rescued heard = rescue(*store, done, true);
  const Rescued unheard = rescue(*store, done, false);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), Code::invalid);
  EXPECT_EQ(done.error().message().find("export: all is written but what is damaged, 6 in all, and the first one: "
                                        "sqlite: read schedule \"hourly\""),
            0u)
      << done.error().message();
  EXPECT_EQ(unheard.text, heard.text);
}

TEST(Export, NamesATaskWhoseTextsAreNone) {
  const StorePtr store = open_memory();
  NewTask task[] = {{.queue = "mail", .kind = "k", .run_at = kNow, .name = "\xff"}};
  ASSERT_TRUE(store->commit({.added = task}, kNow));
  Result<Exported> done = Exported{};
  rescue(*store, done, false);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code(), Code::invalid);
  EXPECT_NE(done.error().message().find("export task 1: "), std::string::npos) << done.error().message();
}

}  // namespace
