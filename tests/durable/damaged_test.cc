// A row of the file that nobody can read: what has to do with it says so, and no other task is any the worse for it.

#include <sqlite3.h>

#include "threads.h"

using errand::Code;
using errand::TaskState;

namespace {

constexpr int kMany = 1000;

class DamagedRow : public testing::Test {
 protected:
  // With a queue that has this many reports, of which one is damaged.
  void begin(int count, errand::QueueOptions options = {}) {
    {
      auto opened = errand::open_sqlite(folder.file("tasks.db"));
      ASSERT_TRUE(opened) << opened.error().message();
      errand::Queue queue({.name = "mail", .start = false, .store = *opened});
      std::vector<Report> reports;
      for (int i = 0; i < count; ++i) reports.push_back({i});
      for (const auto& task : queue.enqueue_many(reports)) {
        ASSERT_TRUE(task);
        damaged = task->id();
      }
    }
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(folder.file("tasks.db").c_str(), &db), SQLITE_OK);
    const char* const damage =
        "update errand_enqueued set priority = 99 where id = (select max(id) from errand_enqueued)";
    EXPECT_EQ(sqlite3_exec(db, damage, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
    auto opened = errand::open_sqlite(folder.file("tasks.db"));
    ASSERT_TRUE(opened) << opened.error().message();
    options.name = "mail";
    options.store = *opened;
    queue = std::make_unique<errand::Queue>(std::move(options));
  }

  Folder folder;
  errand::TaskId damaged;
  std::unique_ptr<errand::Queue> queue;
};

}  // namespace

TEST_F(DamagedRow, HidesNoOtherTask) {
  begin(kMany, {.drive = errand::Drive::manual});
  queue->handle<Report>([](const Report&) {});
  const auto found = queue->find({}, 10'000);
  ASSERT_TRUE(found) << found.error().message();
  EXPECT_EQ(found->size(), std::size_t{kMany - 1});
  EXPECT_EQ(queue->list({.limit = 10'000}).size(), std::size_t{kMany - 1});
  EXPECT_EQ(queue->list({.state = TaskState::available, .limit = 10'000}).size(), std::size_t{kMany - 1});
  EXPECT_EQ(queue->find({}, 10, found->at(kMany - 5).id)->size(), 3u) << "the last page";
  // Who asks for it is told.
  const auto asked = queue->info(damaged);
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().code(), Code::invalid);
  EXPECT_EQ(asked.error().message(), "sqlite: read task " + to_string(damaged) + ": its row is damaged");
}

TEST_F(DamagedRow, IsToldOfTakenAwayAndNothingElse) {
  begin(3, {.drive = errand::Drive::manual});
  std::vector<std::string> said;
  errand::set_logger([&](const errand::LogLine& line) { said.emplace_back(line.text); });
  int ran = 0;
  queue->handle<Report>([&](const Report&) { ++ran; });
  EXPECT_EQ(queue->find({})->size(), 2u);
  queue->dispatch();
  EXPECT_EQ(queue->find({})->size(), 2u);
  queue->dispatch();
  errand::set_logger({});
  EXPECT_EQ(ran, 2);
  EXPECT_EQ(said, std::vector<std::string>{"sqlite: read task " + to_string(damaged) + ": its row is damaged"});
  EXPECT_TRUE(queue->remove(damaged));
  EXPECT_EQ(queue->info(damaged).error().code(), Code::not_found);
  EXPECT_EQ(queue->find({})->size(), 2u);
}

// Nobody would ever run it, and nobody is to wait for that.
TEST_F(DamagedRow, KeepsNoQueueFromBeingIdle) {
  begin(1, {.workers = 1, .start = false});
  queue->handle<Report>([](const Report&) {});
  queue->pause();
  queue->start();
  queue->pause();
  EXPECT_TRUE(queue->wait_idle(kSoon));
  queue.reset();
}

// They were set aside, each by itself, and come back together.
TEST_F(DamagedRow, KeepsNoOtherFromAHandlerForAnyKind) {
  begin(kMany, {.drive = errand::Drive::manual});
  queue->handle<Mail>([](const Mail&) { return Receipt{}; });
  for (int i = 0; i < 10 && !queue->find({})->at(0).no_handler; ++i) queue->dispatch();
  ASSERT_TRUE(queue->find({})->at(0).no_handler);
  int ran = 0;
  queue->handle_any([&](std::span<const std::byte>) { ++ran; });
  for (int i = 0; i < 20 && ran < kMany - 1; ++i) queue->dispatch();
  EXPECT_EQ(ran, kMany - 1);
}
