#include "account.h"

#include <gtest/gtest.h>

#include <charconv>

namespace {

int number_in(std::string_view payload) {
  int number = -1;
  std::from_chars(payload.data(), payload.data() + payload.size(), number);
  return number;
}

}  // namespace

int Account::intend() {
  const std::lock_guard lock(mu_);
  const int number = static_cast<int>(tasks_.size());
  tasks_.try_emplace(number);
  return number;
}

void Account::acknowledged(int number) {
  const std::lock_guard lock(mu_);
  tasks_.at(number).acked = true;
}

void Account::refused(int number) {
  const std::lock_guard lock(mu_);
  tasks_.at(number).refused = true;
}

Account::Task* Account::find(std::string_view payload) {
  const auto found = tasks_.find(number_in(payload));
  if (found != tasks_.end()) return &found->second;
  ++so_far_.ghosts;
  return nullptr;
}

void Account::started(std::string_view payload) {
  const std::lock_guard lock(mu_);
  Task* const task = find(payload);
  if (task == nullptr) return;
  if (task->refused) ++so_far_.ghosts;
  if (task->runs || task->over) ++so_far_.forbidden;
  if (task->successes > 0 && !task->over) ++so_far_.again;
  task->runs = true;
  ++task->starts;
}

void Account::failed(std::string_view payload) {
  const std::lock_guard lock(mu_);
  if (Task* const task = find(payload)) task->runs = false;
}

void Account::succeeded(std::string_view payload) {
  const std::lock_guard lock(mu_);
  Task* const task = find(payload);
  if (task == nullptr) return;
  task->runs = false;
  task->over = true;
  ++task->successes;
}

void Account::life_ends() {
  const std::lock_guard lock(mu_);
  for (auto& [number, task] : tasks_) task.refused = task.runs = task.over = false;
}

int Account::acked() const {
  const std::lock_guard lock(mu_);
  int count = 0;
  for (const auto& [number, task] : tasks_) count += task.acked ? 1 : 0;
  return count;
}

int Account::unfinished() const {
  const std::lock_guard lock(mu_);
  int count = 0;
  for (const auto& [number, task] : tasks_) count += task.acked && task.successes == 0 ? 1 : 0;
  return count;
}

Account::Verdict Account::check(errand::Store& store, errand::WallTime now, bool all_over) const {
  const auto kept = store.list({}, {}, 100'000'000, now);
  EXPECT_TRUE(kept) << kept.error().message();
  const std::lock_guard lock(mu_);
  Verdict verdict = so_far_;
  if (!kept) return verdict;
  std::map<int, int> there;
  for (const errand::KeptTask& task : *kept) {
    const int number = number_in(task.task.payload);
    const auto known = tasks_.find(number);
    if (known == tasks_.end() || known->second.refused) {
      ++verdict.ghosts;
      continue;
    }
    if (++there[number] > 1) ++verdict.forbidden;
    const bool completed = task.state == errand::TaskState::completed;
    if (completed && known->second.successes == 0) ++verdict.lost;
    if (all_over ? !completed : task.state == errand::TaskState::running) ++verdict.stuck;
    verdict.crashes += task.crashes;
  }
  for (const auto& [number, task] : tasks_) {
    if ((task.acked || task.starts > 0) && there.count(number) == 0) ++verdict.lost;
  }
  return verdict;
}

std::string text_of(const Account::Verdict& verdict) {
  return "lost " + std::to_string(verdict.lost) + ", ghosts " + std::to_string(verdict.ghosts) + ", forbidden " +
         std::to_string(verdict.forbidden) + ", stuck " + std::to_string(verdict.stuck);
}
