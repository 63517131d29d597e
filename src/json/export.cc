#include <errand/export.h>

#include "core/text.h"
#include "export_lines.h"

namespace errand {
inline namespace v0 {

namespace {

using namespace transfer;

constexpr std::size_t kTasksAtOnce = 64;
constexpr std::size_t kBytesAtOnce = 4 << 20;

// --- out -------------------------------------------------------------------------------------------------------------

Error not_written(const std::string& what, const Error& why) {
  return {why.code(), "export " + what + ": " + why.message()};
}

class Exporter {
 public:
  Exporter(Store& store, const LineSink& sink, const LeftOut& left_out, WallTime now)
      : store_(store), sink_(sink), left_out_(left_out), now_(now) {}

  Result<Exported> run() {
    if (auto ok = sink_(first_line()); !ok) return ok.error();
    if (auto ok = pauses(); !ok) return ok.error();
    if (auto ok = schedules(); !ok) return ok.error();
    if (auto ok = tasks(); !ok) return ok.error();
    if (auto ok = damaged(); !ok) return ok.error();
    if (auto ok = sink_(*line_of(End{done_.pauses, done_.schedules, done_.tasks})); !ok) return ok.error();
    if (!first_left_out_ || left_out_) return done_;
    return Error(Code::invalid, "export: all is written but what is damaged, " + std::to_string(done_.left_out) +
                                    " in all, and the first one: " + first_left_out_->message());
  }

 private:
  Result<void> pauses() {
    const auto all = store_.counts(now_);
    if (!all) return all.error();
    for (const Counts& one : *all) {
      if (!one.paused) continue;
      if (auto ok = put("the pause of a queue", line_of_pause(one.queue), done_.pauses); !ok) return ok;
    }
    return {};
  }

  Result<void> schedules() {
    const auto all = store_.list_schedules("");
    if (!all) return all.error();
    for (const Result<KeptSchedule>& one : *all) {
      if (!one) {
        leave_out(one.error());
        continue;
      }
      const std::string what = "schedule \"" + clean_text(one->schedule.name) + "\"";
      if (auto ok = put(what, line_of(*one), done_.schedules); !ok) return ok;
    }
    return {};
  }

  Result<void> tasks() {
    TaskId after;
    for (;;) {
      const auto page = store_.list({}, after, kTasksAtOnce, now_);
      if (!page) return page.error();
      if (page->empty()) return {};
      for (const KeptTask& one : *page) {
        if (auto ok = put("task " + to_string(one.id), line_of(one), done_.tasks); !ok) return ok;
      }
      after = page->back().id;
    }
  }

  Result<void> damaged() {
    for (TaskId after;;) {
      const auto page = store_.list_damaged(after, kTasksAtOnce);
      if (!page) return page.error();
      if (page->empty()) return {};
      for (const Damaged& one : *page) leave_out(one.why);
      after = page->back().id;
    }
  }

  Result<void> put(const std::string& what, const Result<std::string>& line, std::uint64_t& count) {
    if (!line) {
      leave_out(not_written(what, line.error()));
      return {};
    }
    ++count;
    return sink_(*line);
  }

  void leave_out(const Error& why) {
    ++done_.left_out;
    if (!first_left_out_) first_left_out_ = why;
    if (left_out_) left_out_(why);
  }

  Store& store_;
  const LineSink& sink_;
  const LeftOut& left_out_;
  const WallTime now_;
  Exported done_;
  std::optional<Error> first_left_out_;
};

// --- in --------------------------------------------------------------------------------------------------------------

std::string_view without_source(std::string_view message) {
  constexpr std::string_view kJson = "json: ";
  if (message.starts_with(kJson)) message.remove_prefix(kJson.size());
  return message;
}

Error at_line(std::uint64_t line, const Error& why) {
  return {why.code(), "import line " + std::to_string(line) + ": " + std::string(without_source(why.message()))};
}

class Importer {
 public:
  Importer(Store& store, const LineSource& source, const LineRefused& refused, WallTime now)
      : store_(store), source_(source), refused_(refused), now_(now) {}

  Result<Imported> run() {
    auto line = next();
    if (!line) return line.error();
    if (auto ok = check_first_line(*line ? **line : std::string()); !ok) return at_line(1, ok.error());
    for (;;) {
      line = next();
      if (!line) return line.error();
      if (!*line) break;
      if (ended_) {
        refuse(number_, {Code::invalid, "something follows the last line"});
      } else if (auto read = read_line(**line); !read) {
        refuse(number_, read.error());
      } else {
        bytes_ += (*line)->size();
        take(std::move(*read));
      }
      if (page_size() < kTasksAtOnce && bytes_ < kBytesAtOnce) continue;
      if (auto ok = put(); !ok) return ok.error();
    }
    if (auto ok = put(); !ok) return ok.error();
    check_end();
    return done_;
  }

 private:
  Result<std::optional<std::string>> next() {
    ++number_;
    return source_();
  }

  void refuse(std::uint64_t line, const Error& why) {
    ++done_.refused;
    if (refused_) refused_(line, at_line(line, why));
  }

  void take(Line line) {
    if (line.pause) {
      ++seen_.pauses;
      paused_.push_back(std::move(*line.pause));
    } else if (line.schedule) {
      ++seen_.schedules;
      schedules_.push_back(std::move(*line.schedule));
      schedule_lines_.push_back(number_);
    } else if (line.task) {
      ++seen_.tasks;
      tasks_.push_back(std::move(*line.task));
      task_lines_.push_back(number_);
    } else {
      ended_ = {*line.end, number_};
    }
  }

  [[nodiscard]] std::size_t page_size() const { return paused_.size() + schedules_.size() + tasks_.size(); }

  // What was read goes to the store.
  Result<void> put() {
    if (page_size() == 0) return {};
    const auto adopted = store_.adopt({.paused = paused_, .schedules = schedules_, .tasks = tasks_}, now_);
    if (!adopted) {
      const std::string lines = std::to_string(first_) + " to " + std::to_string(number_);
      return Error(adopted.error().code(), "import lines " + lines + ": " + adopted.error().message());
    }
    done_.pauses += paused_.size();
    count(adopted->schedules, schedule_lines_, done_.schedules);
    count(adopted->tasks, task_lines_, done_.tasks);
    paused_.clear();
    schedules_.clear();
    schedule_lines_.clear();
    tasks_.clear();
    task_lines_.clear();
    bytes_ = 0;
    first_ = number_ + 1;
    return {};
  }

  void count(const std::vector<Result<void>>& results, const std::vector<std::uint64_t>& lines, std::uint64_t& taken) {
    for (std::size_t i = 0; i < results.size(); ++i) {
      if (results[i]) {
        ++taken;
      } else {
        refuse(lines[i], results[i].error());
      }
    }
  }

  void check_end() {
    if (!ended_) {
      refuse(number_, {Code::invalid, "the export ends before its last line: it has been cut off"});
    } else if (ended_->first != seen_) {
      const auto text = [](const End& end) {
        return std::to_string(end.pauses) + " pauses, " + std::to_string(end.schedules) + " schedules and " +
               std::to_string(end.tasks) + " tasks";
      };
      refuse(ended_->second, {Code::invalid, "end: expected " + text(ended_->first) + ", got " + text(seen_)});
    }
  }

  Store& store_;
  const LineSource& source_;
  const LineRefused& refused_;
  const WallTime now_;
  std::uint64_t number_ = 0;  // of the line that was read last
  std::uint64_t first_ = 2;   // of the page
  std::size_t bytes_ = 0;     // of the page
  std::vector<std::string> paused_;
  std::vector<KeptSchedule> schedules_;
  std::vector<std::uint64_t> schedule_lines_;
  std::vector<KeptTask> tasks_;
  std::vector<std::uint64_t> task_lines_;
  End seen_;
  std::optional<std::pair<End, std::uint64_t>> ended_;  // and its line
  Imported done_;
};

}  // namespace

Result<Exported> export_tasks(Store& store, const LineSink& sink, const LeftOut& left_out, WallTime now) {
  return Exporter(store, sink, left_out, now).run();
}

Result<Imported> import_tasks(Store& store, const LineSource& source, const LineRefused& refused, WallTime now) {
  return Importer(store, source, refused, now).run();
}

}  // namespace v0
}  // namespace errand
