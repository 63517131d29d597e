// A batch: new tasks, and what the database sees to for them: a key that one task has, a slot that has one run.

#include <algorithm>

#include "base/time.h"
#include "sqlite/json_text.h"
#include "sqlite/sql.h"
#include "sqlite/store.h"

namespace errand {
inline namespace v0 {
namespace sqlite {

namespace {

std::optional<std::int64_t> one_if(bool yes) {
  return yes ? std::optional<std::int64_t>(1) : std::nullopt;
}

}  // namespace

Result<Result<Added>> SqliteTasks::add(NewTask& given, WallTime now) {
  const auto had = dealt_with(given);
  if (!had) return had.error();
  if (*had) return Result<Added>(**had);
  auto first = holder(given.unique.key, now);
  // A damaged row that has its key is this one's misfortune alone.
  if (!first && first.error().code() == Code::invalid) return Result<Added>(first.error());
  if (!first) return first.error();
  if (*first) return clash(**first, given, now);
  const std::int64_t number = ++last_number_;
  incoming_.push_back({.task = &given,
                       .number = number,
                       .run_at = up_to_micros(given.run_at),
                       .due = given.run_at <= now,
                       .tags = array_of(given.tags),
                       .metadata = object_of(given.metadata)});
  const Added added{id_of(number)};
  if (!is_tied(given)) return Result<Added>(added);
  // Whoever comes next may ask for its key or its slot.
  if (auto ok = insert_incoming(now); !ok) return ok.error();
  if (auto why = refusal(added.id)) return Result<Added>(std::move(*why));
  if (auto ok = note_run(number, given); !ok) return ok.error();
  return Result<Added>(added);
}

// --- rows ------------------------------------------------------------------------------------------------------------

// As the statements have their columns.
class SqliteTasks::IncomingRows final : public Rows {
 public:
  IncomingRows(std::span<const Incoming> tasks, WallTime now) : tasks_(tasks), now_(now) {}

  [[nodiscard]] std::size_t size() const noexcept override { return tasks_.size(); }
  [[nodiscard]] std::string what(std::size_t row) const override {
    return "enqueue \"" + tasks_[row].task->kind + "\"";
  }
  void get(std::size_t row, int column, Cell cell) const noexcept override {
    const Incoming& one = tasks_[row];
    const NewTask& task = *one.task;
    switch (column) {
      case 1:
        return cell.set(one.number);
      case 2:
        return cell.set(task.queue);
      case 3:
        return cell.set(task.kind);
      case 4:
        return cell.set(word_of(one.state()));
      case 5:
        return cell.set(std::int64_t{task.priority});
      case 6:
        return cell.set(one.run_at);
      case 7:
        return cell.set_bytes(task.payload);
      case 8:
        return cell.set(task.content_type);
      case 9:
        return cell.set(now_);
      case 10:
        return cell.set(std::int64_t{task.max_attempts});
      case 11:
        if (is_tied(task)) cell.set(one.number);
        return;
      case 12:
        return cell.set_unless_empty(task.retry);
      case 13:
        return cell.set(task.timeout);
      case 14:
        return cell.set(task.max_elapsed);
      case 15:
        return cell.set(one_if(task.ephemeral));
      case 16:
        return cell.set_unless_empty(task.name);
      case 17:
        return cell.set_unless_empty(one.tags);
      case 18:
        return cell.set_unless_empty(one.metadata);
    }
  }
  // All of them have values in no more than the first ten columns.
  [[nodiscard]] bool are_plain() const noexcept {
    return std::all_of(tasks_.begin(), tasks_.end(), [](const Incoming& one) {
      const NewTask& task = *one.task;
      return !is_tied(task) && task.retry.empty() && !task.timeout && !task.max_elapsed && !task.ephemeral &&
             task.name.empty() && one.tags.empty() && one.metadata.empty();
    });
  }

 private:
  std::span<const Incoming> tasks_;
  WallTime now_;
};

Result<void> SqliteTasks::insert_incoming(WallTime now) {
  const IncomingRows rows(incoming_, now);
  auto too_large = insert(rows.are_plain() ? sql::add_plain_tasks : sql::add_tasks, rows);
  if (!too_large) return too_large.error();
  auto next = too_large->begin();
  std::vector<Place> places;
  for (std::size_t i = 0; i < incoming_.size(); ++i) {
    const Incoming& one = incoming_[i];
    if (next != too_large->end() && next->row == i) {
      refused_.emplace_back(id_of(one.number), std::move(next->error));
      ++next;
      continue;
    }
    const NewTask& task = *one.task;
    const bool tied = is_tied(task);
    if (tied) {
      const bool holds_key = !task.unique.key.empty() && (task.unique.states & bit(one.state())) != 0;
      if (auto ok = tie(one.number, task, true, holds_key); !ok) return ok;
    }
    if (!tied && one.due && newcomers_.welcome()) {
      newcomers_.add({one.task, one.run_at, one.number});
    } else {
      places.push_back({task.queue, task.priority, one.run_at, one.number});
    }
  }
  incoming_.clear();
  return enter_lines(places);
}

Result<void> SqliteTasks::tie(std::int64_t number, const NewTask& given, bool live, bool holds_key) {
  const UniqueKey& unique = given.unique;
  const bool keyed = !unique.key.empty();
  Statement statement = connection_->prepare(sql::tie);
  statement.bind(number).bind(one_if(live)).bind(up_to_micros(given.expires_at)).bind_unless_empty(unique.key);
  statement.bind(keyed ? std::optional<std::int64_t>(unique.states) : std::nullopt);
  statement.bind(keyed ? up_to_micros(unique.until) : std::nullopt).bind(one_if(holds_key));
  statement.bind(given.queue).bind_unless_empty(given.schedule).bind(up_to_micros(given.slot));
  return run(statement, "enqueue \"" + given.kind + "\"");
}

// --- unique keys -----------------------------------------------------------------------------------------------------

// The task that has this unique key. A claim is not written, so the row of a task that lets go of its key while it runs
// still has it, and that of one that has it only while it runs does not: it comes and goes when somebody asks for it.
// So it goes where the time for it is over, which is for good.
Result<std::optional<KeptTask>> SqliteTasks::holder(const std::string& key, WallTime now) {
  if (key.empty()) return std::optional<KeptTask>();
  auto found = keeper(key, now);
  if (!found || *found) return found;
  const auto taker = claims_.wants(key, now);
  if (!taker) return found;
  if (auto ok = mark_key(*taker, sql::take_key); !ok) return ok.error();
  return read(id_of(*taker));
}

Result<void> SqliteTasks::mark_key(std::int64_t number, std::string_view sql) {
  Statement statement = connection_->prepare(sql);
  statement.bind(number);
  return run(statement, "take or let go of a unique key");
}

// The one whose row says so.
Result<std::optional<KeptTask>> SqliteTasks::keeper(const std::string& key, WallTime now) {
  std::optional<KeptTask> found;
  {
    Statement statement = connection_->prepare(sql::holder);
    statement.bind(key);
    if (statement.step()) {
      auto task = read_task(*connection_, statement);
      if (!task) return task.error();
      found = std::move(*task);
    } else if (statement.status() != SQLITE_DONE) {
      return connection_->error(statement.status(), "look for a unique key");
    }
  }
  if (!found) return found;
  const std::int64_t number = number_of(found->id);
  const UniqueKey& unique = found->task.unique;
  const bool lets_go = (unique.states & bit(claims_.find(number) ? TaskState::running : found->state)) == 0;
  if (!lets_go && !(unique.until && *unique.until <= now)) return found;
  if (auto ok = mark_key(number, lets_go ? sql::let_go : sql::give_up_key); !ok) return ok.error();
  if (!lets_go) claims_.give_up_key(number);
  found.reset();
  return found;
}

// From now on, if that is free, the task's own time for it is not over, and its state lets it.
Result<void> SqliteTasks::take_key(KeptTask& task, WallTime now) {
  const UniqueKey& unique = task.task.unique;
  const bool may = !unique.key.empty() && (unique.states & bit(task.state)) != 0;
  if (task.holds_key || !may || (unique.until && *unique.until <= now)) return {};
  const auto other = keeper(unique.key, now);
  // One that nobody can read has it.
  if (!other && other.error().code() == Code::invalid) return {};
  if (!other) return other.error();
  if (*other) return {};
  task.holds_key = true;
  return mark_key(number_of(task.id), sql::take_key);
}

// A second task with the key of `first`.
Result<Result<Added>> SqliteTasks::clash(const KeptTask& first, const NewTask& given, WallTime now) {
  if (given.unique.on_clash == OnClash::refuse) {
    return Result<Added>(error(Code::duplicate, "enqueue \"" + given.kind + "\" to queue \"" + given.queue + "\"",
                               "task " + to_string(first.id) + " has its unique key"));
  }
  const OnClash on_clash = given.unique.on_clash;
  const bool replaced = replaces(on_clash) && is_waiting(first.state) && claims_.find(number_of(first.id)) == nullptr;
  if (replaced) {
    KeptTask moved = first;
    if (replaces_time(on_clash)) moved.task.run_at = up_to_micros(given.run_at);
    const NewTask& said = replaces_payload(on_clash) ? given : first.task;
    Statement statement = connection_->prepare(sql::replace);
    statement.bind(number_of(first.id)).bind_bytes(said.payload).bind(said.content_type).bind(moved.task.run_at);
    statement.bind(word_of(moved.task.run_at <= now ? TaskState::available : TaskState::scheduled));
    if (auto ok = run(statement, "replace task " + to_string(first.id)); !ok) return ok.error();
    if (first.aside == Aside::no) {
      if (auto ok = move_in_line(place_of(first), place_of(moved)); !ok) return ok.error();
    }
  }
  return Result<Added>(Added{first.id, true, replaced});
}

}  // namespace sqlite
}  // namespace v0
}  // namespace errand
