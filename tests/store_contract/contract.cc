#include "contract.h"

using namespace errand;

StoreContract::StoreContract() : kept(GetParam()()), store(kept->open()) {}

void StoreContract::reopen_if_durable() {
  if (!store->traits().durable) return;
  store.reset();
  store = kept->open();
}

NewTask StoreContract::task() const {
  NewTask task;
  task.queue = "mail";
  task.kind = "welcome";
  task.content_type = "application/json";
  task.run_at = now;
  return task;
}

TaskFilter StoreContract::only(TaskId id) {
  TaskFilter filter;
  filter.ids = {id};
  return filter;
}

Added StoreContract::add(NewTask task) {
  const auto added = try_add(std::move(task));
  EXPECT_TRUE(added) << added.error().message();
  return added ? *added : Added{};
}

Result<Added> StoreContract::try_add(NewTask task) {
  NewTask one[] = {std::move(task)};
  auto committed = store->commit({.added = one}, now);
  if (!committed) return committed.error();
  return committed->added.at(0);
}

Claimed StoreContract::claim(std::size_t limit, std::string_view queue) {
  const ClaimRequest one[] = {{.queue = queue, .kinds = kinds, .limit = limit}};
  auto committed = store->commit({.claims = one}, now);
  EXPECT_TRUE(committed) << committed.error().message();
  return committed ? std::move(committed->claims.at(0)) : Claimed{};
}

KeptTask StoreContract::claim_one() {
  Claimed claimed = claim(1);
  EXPECT_EQ(claimed.tasks.size(), 1u);
  return claimed.tasks.empty() ? KeptTask{} : std::move(claimed.tasks[0]);
}

Result<void> StoreContract::finish(Finish finish) {
  const Finish one[] = {std::move(finish)};
  auto committed = store->commit({.finished = one}, now);
  if (!committed) return committed.error();
  return committed->finished.at(0);
}

Result<void> StoreContract::note(Note note) {
  const Note one[] = {std::move(note)};
  auto committed = store->commit({.notes = one}, now);
  if (!committed) return committed.error();
  return committed->notes.at(0);
}

Changed StoreContract::change(const TaskFilter& filter, Change change) {
  auto changed = store->change(filter, change, TaskId{}, 1000, now);
  EXPECT_TRUE(changed) << changed.error().message();
  return changed ? std::move(*changed) : Changed{};
}

KeptTask StoreContract::find(TaskId id) {
  auto found = store->find(id, now);
  EXPECT_TRUE(found) << found.error().message();
  return found ? std::move(*found) : KeptTask{};
}

Counts StoreContract::counts(std::string_view queue) {
  auto all = store->counts(now);
  EXPECT_TRUE(all) << all.error().message();
  for (Counts& one : *all) {
    if (one.queue == queue) return std::move(one);
  }
  return {};
}

Tidied StoreContract::tidy() {
  auto tidied = store->tidy(1000, now);
  EXPECT_TRUE(tidied) << tidied.error().message();
  return tidied ? std::move(*tidied) : Tidied{};
}

std::vector<TaskId> StoreContract::ids_of(const TaskFilter& filter) {
  std::vector<TaskId> ids;
  for (;;) {
    // Small pages, so that there are several.
    auto page = store->list(filter, ids.empty() ? TaskId{} : ids.back(), 3, now);
    EXPECT_TRUE(page) << page.error().message();
    if (!page || page->empty()) return ids;
    for (const KeptTask& task : *page) ids.push_back(task.id);
  }
}

Adopted StoreContract::adopt(const std::vector<KeptTask>& tasks) {
  auto adopted = store->adopt({.tasks = tasks}, now);
  EXPECT_TRUE(adopted) << adopted.error().message();
  return adopted ? std::move(*adopted) : Adopted{.tasks = {tasks.size(), Result<void>()}};
}

KeptSchedule StoreContract::put(const NewSchedule& schedule) {
  auto kept = store->put_schedule(schedule, now);
  EXPECT_TRUE(kept) << kept.error().message();
  return kept ? std::move(*kept) : KeptSchedule{};
}

KeptSchedule StoreContract::find_schedule(std::string_view name, std::string_view queue) {
  auto found = store->find_schedule(queue, name);
  EXPECT_TRUE(found) << found.error().message();
  return found ? std::move(*found) : KeptSchedule{};
}

Result<Advanced> StoreContract::advance(Advance advance) {
  const Advance one[] = {std::move(advance)};
  auto committed = store->commit({.advanced = one}, now);
  if (!committed) return committed.error();
  return std::move(committed->advanced.at(0));
}

NewSchedule StoreContract::schedule() const {
  NewSchedule schedule;
  schedule.queue = "mail";
  schedule.name = "nightly";
  schedule.cron = "0 * * * *";
  schedule.time_zone = "UTC";
  schedule.next = now + std::chrono::hours(1);
  schedule.task = task();
  return schedule;
}

NewTask StoreContract::run_of(WallTime slot) const {
  NewTask run = task();
  run.schedule = "nightly";
  run.slot = run.run_at = slot;
  return run;
}

Advance StoreContract::advance_of(const KeptSchedule& read, std::vector<WallTime> slots) const {
  Advance advance;
  advance.queue = read.schedule.queue;
  advance.schedule = read.schedule.name;
  advance.version = read.version;
  for (const WallTime slot : slots) advance.runs.push_back(run_of(slot));
  if (!slots.empty()) {
    advance.until = slots.back();
    advance.next = slots.back() + std::chrono::hours(1);
  }
  return advance;
}

Finish StoreContract::done(const KeptTask& claimed, TaskState to) const {
  Finish finish;
  finish.id = claimed.id;
  finish.token = claimed.token;
  finish.to = to;
  finish.run_at = now;
  finish.attempts = claimed.attempts + 1;
  finish.started_at = now;
  return finish;
}
