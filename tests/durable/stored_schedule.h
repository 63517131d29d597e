#pragma once
// What tests of stored schedules share.

#include "support.h"

// A queue with reports that come again.
class StoredSchedule : public Named {
 protected:
  StoredSchedule() { handle(); }

  void handle() {
    queue->handle<Report>([this](const Report& report, errand::Attempt& attempt) {
      ran.push_back(report.pages);
      at.push_back(clock->now() - start);
      if (meanwhile) meanwhile(attempt);
    });
  }
  void begin_again() {
    restart();
    handle();
  }
  errand::Schedule every(errand::Duration interval, errand::ScheduleOptions options = {}, int pages = 1) {
    if (options.name.empty()) options.name = "report";
    auto made = queue->every(interval, Report{pages}, std::move(options));
    EXPECT_TRUE(made) << made.error().message();
    return *made;
  }
  // So many steps of so long, each of them looked at.
  void walk(int steps, errand::Duration step) {
    for (int i = 0; i < steps; ++i) advance(step);
  }
  [[nodiscard]] std::vector<errand::TaskInfo> runs(std::optional<errand::TaskState> state = {}) const {
    errand::TaskFilter filter;
    filter.schedule = "report";
    filter.state = state;
    const auto found = queue->find(filter, 1000);
    EXPECT_TRUE(found) << found.error().message();
    return found ? *found : std::vector<errand::TaskInfo>();
  }
  [[nodiscard]] errand::ScheduleInfo info_of(const std::string& name = "report") const {
    const auto schedule = queue->schedule(name);
    EXPECT_TRUE(schedule);
    return schedule ? schedule->info() : errand::ScheduleInfo{};
  }

  errand::WallTime start = clock->now();
  std::vector<int> ran{};
  std::vector<errand::Duration> at{};
  std::function<void(errand::Attempt&)> meanwhile{};
};

using Times = std::vector<errand::Duration>;
