#pragma once
// What the tests of named tasks share: messages, a queue driven by hand, and a store that comes and goes.

#include <errand/errand.h>
#include <errand/json.h>
#include <errand/sqlite.h>
#include <errand/testing.h>
#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "support/folder.h"
#include "support/gate.h"

using namespace std::chrono_literals;

struct Receipt {
  int code = 0;
};
struct Mail {
  std::string to;
  int user = 0;
  using output = Receipt;
  static constexpr std::string_view kind = "mail";
};
struct Report {
  int pages = 0;
  static constexpr std::string_view kind = "report";
};
ERRAND_JSON(Receipt, code)
ERRAND_JSON(Mail, to, user)
ERRAND_JSON(Report, pages)

// Each test runs on the store in memory and on SQLite.
enum class Where { memory, sqlite };

inline std::string name_of(const testing::TestParamInfo<Where>& info) {
  return info.param == Where::memory ? "Memory" : "Sqlite";
}

class Named : public testing::TestWithParam<Where> {
 protected:
  Named() : store(open()) { begin(); }

  errand::StorePtr open() {
    if (GetParam() == Where::memory) return errand::open_memory();
    auto opened = errand::open_sqlite(folder.file("tasks.db"));
    EXPECT_TRUE(opened) << opened.error().message();
    return *opened;
  }
  errand::QueueOptions options() const {
    return {.name = "mail", .drive = errand::Drive::manual, .store = store, .clock = clock, .seed = 1};
  }
  void begin() { queue = std::make_unique<errand::Queue>(options()); }
  // The queue goes, and comes again; where the store is durable that too.
  void restart() {
    queue.reset();
    if (GetParam() == Where::sqlite) {
      store.reset();
      store = open();
    }
    begin();
  }
  void advance(errand::Duration by) {
    clock->advance(by);
    queue->dispatch();
  }
  errand::TaskState state(errand::TaskId id) const {
    const auto info = queue->info(id);
    return info ? info->state : errand::TaskState::refused;
  }
  errand::TaskInfo info(errand::TaskId id) const {
    auto info = queue->info(id);
    EXPECT_TRUE(info) << info.error().message();
    return info ? *info : errand::TaskInfo{};
  }

  Folder folder;
  std::shared_ptr<errand::ManualClock> clock = std::make_shared<errand::ManualClock>();
  errand::StorePtr store;
  std::unique_ptr<errand::Queue> queue;
};

#define ERRAND_ON_BOTH_STORES(suite) \
  INSTANTIATE_TEST_SUITE_P(Stores, suite, testing::Values(Where::memory, Where::sqlite), name_of)
