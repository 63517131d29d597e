#include "witness.h"

#include <sstream>

void Witness::hear(std::string_view line) {
  std::istringstream words{std::string(line)};
  std::string what;
  std::uint64_t serial = 0;
  std::size_t worker = 0;
  int attempt = 0;
  words >> what >> serial;
  if (what == "intent") return intended(serial);
  if (what == "start") words >> worker >> attempt;
  if (what == "effect" || what == "fail" || what == "stop") words >> worker;
  const auto found = tasks_.find(serial);
  if (!words || what == "odd") return complain(serial, "said: " + std::string(line));
  if (found == tasks_.end()) return complain(serial, "nobody asked for it: " + std::string(line));
  if (worker >= kWorkers) return complain(serial, "ran on a worker too many: " + std::string(line));
  Task& task = found->second;
  if (what == "ack") return acknowledged(task);
  if (what == "start") return started(serial, task, worker, attempt);
  if (what == "effect" || what == "fail") return ended(serial, task, worker, what == "effect");
  if (what == "stop") return stopped(serial, task);
  if (what == "done") return done(serial, task);
  complain(serial, "said: " + std::string(line));
}

void Witness::intended(std::uint64_t serial) {
  const auto [at, is_new] = tasks_.try_emplace(serial);
  if (!is_new) return complain(serial, "was asked for twice, which is the test's mistake");
  for (std::size_t i = 0; i < kWorkers; ++i) at->second.handed_on[i] = workers_[i].handed_on;
}

void Witness::acknowledged(Task& task) {
  task.acked = true;
  ++acked_;
  if (task.successes == 0) ++unfinished_;
  for (std::size_t i = 0; i < kWorkers; ++i) settle(i, task.handed_on[i]);
}

void Witness::started(std::uint64_t serial, Task& task, std::size_t worker, int attempt) {
  if (task.life != life_) task.last = Last::nothing;
  if (task.completed) complain(serial, "ran again after it was completed in the store");
  if (task.last == Last::started) complain(serial, "ran twice at a time");
  if (task.last == Last::succeeded) complain(serial, "ran again in the same life after it succeeded");
  if (attempt <= task.failures) complain(serial, "forgot a failed attempt that was in the store");
  // An attempt may have begun in each earlier life, and its owner been killed before the body could say so.
  if (attempt > task.starts + life_) complain(serial, "counts attempts that never began");
  if (task.successes > 0) ++again_;
  ++task.starts;
  task.last = Last::started;
  task.life = life_;
  workers_[worker].handed_on = workers_[worker].ends.size();
}

void Witness::ended(std::uint64_t serial, Task& task, std::size_t worker, bool success) {
  if (task.life != life_ || task.last != Last::started) return complain(serial, "ended without a start");
  task.last = success ? Last::succeeded : Last::failed;
  task.worker = worker;
  task.place = workers_[worker].ends.size();
  workers_[worker].ends.push_back({serial, success});
  if (success && task.successes++ == 0 && task.acked) --unfinished_;
}

void Witness::stopped(std::uint64_t serial, Task& task) {
  if (task.life != life_ || task.last != Last::started) return complain(serial, "stopped without a start");
  task.last = Last::nothing;
}

void Witness::done(std::uint64_t serial, Task& task) {
  if (task.life != life_ || task.last != Last::succeeded) return complain(serial, "is done before its body was");
  if (task.told) complain(serial, "was done twice");
  task.told = true;
  settle(task.worker, task.place + 1);
}

void Witness::settle(std::size_t worker, std::size_t up_to) {
  Worker& one = workers_[worker];
  for (; one.settled < up_to; ++one.settled) {
    const End& end = one.ends[one.settled];
    Task& task = tasks_[end.serial];
    if (end.success) {
      task.completed = true;
    } else {
      ++task.failures;
    }
    ++settled_;
  }
}

void Witness::life_ends() {
  for (Worker& worker : workers_) {
    unsettled_ += worker.ends.size() - worker.settled;
    worker = {};
  }
  ++life_;
  // What was said of intents without an ack is of no use any more: its numbers are those of a life that is over.
  for (auto& [serial, task] : tasks_) task.handed_on = {};
}

void Witness::life_ends_in_peace() {
  for (std::size_t i = 0; i < kWorkers; ++i) settle(i, workers_[i].ends.size());
  life_ends();
}

void Witness::keeps(std::string_view payload, bool completed, int crashes) {
  std::uint64_t serial = 0;
  std::istringstream(std::string(payload)) >> serial;
  const auto found = tasks_.find(serial);
  if (found == tasks_.end()) return complain(serial, "is in the store, and nobody asked for it");
  Task& task = found->second;
  if (++task.kept > 1) complain(serial, "is in the store twice");
  charged_ += static_cast<std::size_t>(crashes);
  task.gave_up = !completed && crashes >= 3;
  if (task.gave_up && task.completed) complain(serial, "was completed, and is not any more");
  if (!completed && !task.gave_up) complain(serial, "is not completed");
}

void Witness::closes() {
  // Each kill is charged to those that ran, and to nobody else.
  if (charged_ > kWorkers * static_cast<std::size_t>(life_ - 1)) complain(0, "more are charged than ran at the kills");
  for (const auto& [serial, task] : tasks_) {
    if (task.acked && task.kept == 0) complain(serial, "was acknowledged, and the store lost it");
    if (task.starts > 0 && task.kept == 0) complain(serial, "ran, and the store lost it");
    if (task.kept > 0 && task.successes == 0 && !task.gave_up) complain(serial, "is completed, and never was");
  }
}

void Witness::complain(std::uint64_t serial, const std::string& what) {
  complaints_.push_back("life " + std::to_string(life_) + ", task " + std::to_string(serial) + ": " + what);
}
