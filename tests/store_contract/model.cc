// Random operations, each of which has to come to the same as in the store that is plain.

#include <errand/random.h>
#include <gtest/gtest-spi.h>
#include <rapidcheck.h>

#include <cstdlib>

#include "contract.h"
#include "model_schedules.h"

using namespace errand;
using namespace std::chrono_literals;

namespace {

std::string text_of(const std::optional<WallTime>& at) {
  return at ? std::to_string(at->time_since_epoch().count()) : "-";
}

// Everything but the token, which each store counts in its own way.
std::string describe(const KeptTask& t) {
  std::string text = to_string(t.id) + " " + std::string(to_string(t.state)) + " queue " + t.task.queue + " kind " +
                     t.task.kind + " priority " + std::to_string(t.task.priority) + " payload " + t.task.payload +
                     " run_at " + text_of(t.task.run_at) + " aside " + std::to_string(static_cast<int>(t.aside)) +
                     " attempts " + std::to_string(t.attempts) + " crashes " + std::to_string(t.crashes) + " started " +
                     text_of(t.first_started_at) + " " + text_of(t.started_at) + " finished " + text_of(t.finished_at) +
                     " prune " + text_of(t.prune_at) + " expires " + text_of(t.task.expires_at) + " key " +
                     t.task.unique.key + (t.holds_key ? " held" : "") + " output " + t.output_type + " " + t.output +
                     " progress " + std::to_string(t.progress_done) + " cancel " + std::to_string(t.cancel_requested) +
                     " schedule " + t.task.schedule + " slot " + text_of(t.task.slot);
  if (t.last_error) text += " error " + std::string(to_string(t.last_error->code)) + " " + t.last_error->text;
  for (const KeptAttempt& a : t.history) text += " attempt " + std::to_string(a.number) + " " + a.error.text;
  for (const std::string& line : t.log) text += " log " + line;
  for (const auto& [key, value] : t.task.metadata) text.append(" label ").append(key).append("=").append(value);
  text += " name " + t.task.name + " created " + text_of(t.created_at);
  for (const std::string& tag : t.task.tags) text += " tag " + tag;
  return text;
}

std::string describe(const Counts& c) {
  std::string text = c.queue + (c.paused ? " paused" : "");
  for (const std::size_t count : {c.scheduled, c.available, c.running, c.retryable, c.completed, c.cancelled,
                                  c.discarded, c.held, c.no_handler}) {
    text += " " + std::to_string(count);
  }
  return text;
}

std::string describe(const std::vector<TaskId>& ids) {
  std::string text;
  for (const TaskId id : ids) text += " " + to_string(id);
  return text;
}

// Two stores that are asked the same.
class Both {
 public:
  explicit Both(Kept& kept) : kept_(kept), store_(kept.open()) {}

  // What is done is drawn from its own seed, so that a step stays what it is when others are left out.
  void step(std::uint64_t seed) {
    rng_ = Rng(seed);
    if (rng_.below(8) == 0) move_clock();
    switch (rng_.below(22)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return add();
      case 4:
      case 5:
      case 6:
        return claim();
      case 7:
      case 8:
      case 9:
      case 10:
        return finish();
      case 11:
        return note();
      case 12:
      case 13:
        return change();
      case 14:
        return tidy();
      case 15:
      case 16:
      case 17:
        return schedules_.step(*store_, *model_, rng_, now_);
      case 18:
        return look();
      case 19:
      case 20:
        return adopt();
      default:
        return rng_.below(4) == 0 ? reopen() : switches();
    }
  }

  void compare() {
    // The clock may have gone back: whoever writes next sees to what was available before.
    ASSERT_TRUE(store_->commit({}, now_));
    ASSERT_TRUE(model_->commit({}, now_));
    const auto ours = store_->list({}, TaskId{}, 10'000, now_);
    const auto theirs = model_->list({}, TaskId{}, 10'000, now_);
    ASSERT_TRUE(ours) << ours.error().message();
    ASSERT_EQ(ours->size(), theirs->size());
    for (std::size_t i = 0; i < ours->size(); ++i)
      ASSERT_EQ(describe((*ours)[i]), describe((*theirs)[i])) << "at " << text_of(now_);
    std::string counts[2];
    for (Store* store : {store_.get(), model_.get()}) {
      const auto all = store->counts(now_);
      ASSERT_TRUE(all) << all.error().message();
      for (const Counts& one : *all) {
        // Whether a queue that is empty again is still listed is nobody's business.
        if (describe(one) != describe(Counts{.queue = one.queue}))
          counts[store == store_.get() ? 0 : 1] += describe(one) + "\n";
      }
    }
    ASSERT_EQ(counts[0], counts[1]);
    ScheduleMoves::compare(*store_, *model_);
  }

 private:
  struct Running {
    TaskId id;
    std::uint64_t ours;
    std::uint64_t theirs;
    KeptTask task;
  };

  bool chance(int in) { return rng_.below(static_cast<std::uint64_t>(in)) == 0; }
  WallTime moment() { return now_ + Duration(static_cast<std::int64_t>(rng_.below(4'000'000'000)) - 2'000'000'000); }
  std::string word(const char* prefix, int count) {
    return prefix + std::to_string(rng_.below(static_cast<std::uint64_t>(count)));
  }

  void move_clock() {
    if (chance(6)) {
      // Of callers that ask what time it is, and then overtake one another, no store need make a clock that went back.
      now_ -= std::chrono::milliseconds(10) + std::chrono::microseconds(rng_.below(4'000'000));
    } else {
      now_ += std::chrono::microseconds(rng_.below(2'000'000));
    }
  }

  void add() {
    NewTask tasks[3];
    for (NewTask& task : tasks) {
      task.queue = word("q", 2);
      task.kind = word("k", 3);
      task.payload = word("p", 1000);
      task.priority = static_cast<int>(rng_.below(3)) * 4;
      task.run_at = chance(2) ? now_ : moment();
      task.ephemeral = chance(6);
      if (chance(2)) task.name = word("n", 3);
      for (std::uint64_t i = rng_.below(3); i > 0; --i) task.tags.push_back(word("t", 3));
      if (chance(4)) task.expires_at = moment();
      if (chance(4)) ScheduleMoves::make_run(task, rng_, now_);
      if (chance(3)) {
        task.unique.key = word("u", 4);
        const std::uint16_t states[] = {kLiveStates, kAllStates, kWaitingStates};
        task.unique.states = states[rng_.below(3)];
        // Those that wait together, or none of them.
        if (chance(2)) {
          const auto others = static_cast<std::uint16_t>(rng_.below(kAllStates + 1u) & kAllStates & ~kWaitingStates);
          task.unique.states = chance(2) ? others : static_cast<std::uint16_t>(others | kWaitingStates);
        }
        if (chance(2)) task.unique.until = moment();
        task.unique.on_clash = static_cast<OnClash>(rng_.below(5));
      }
    }
    std::vector<NewTask> some(tasks, tasks + 1 + rng_.below(3));
    std::vector<NewTask> same = some;
    const auto ours = store_->commit({.added = some}, now_);
    const auto theirs = model_->commit({.added = same}, now_);
    ASSERT_TRUE(ours) << ours.error().message();
    for (std::size_t i = 0; i < some.size(); ++i) {
      const auto& a = ours->added.at(i);
      const auto& b = theirs->added.at(i);
      ASSERT_EQ(a.has_value(), b.has_value());
      if (!a) continue;
      ASSERT_EQ(a->id, b->id);
      ASSERT_EQ(a->existed, b->existed);
      ASSERT_EQ(a->replaced, b->replaced);
    }
  }

  void claim() {
    const std::string queue = word("q", 2);
    const std::string all[] = {"k0", "k1", "k2"};
    const ClaimRequest request[] = {{.queue = queue,
                                     .kinds = std::span(all, 2 + rng_.below(2)),
                                     .any_kind = chance(8),
                                     .limit = rng_.below(4),
                                     .below = chance(4) ? static_cast<int>(rng_.below(11)) : 10}};
    const auto ours = store_->commit({.claims = request}, now_);
    const auto theirs = model_->commit({.claims = request}, now_);
    ASSERT_TRUE(ours) << ours.error().message();
    const Claimed& a = ours->claims.at(0);
    const Claimed& b = theirs->claims.at(0);
    ASSERT_EQ(a.tasks.size(), b.tasks.size());
    for (std::size_t i = 0; i < a.tasks.size(); ++i) {
      ASSERT_EQ(describe(a.tasks[i]), describe(b.tasks[i]));
      ASSERT_GT(a.tasks[i].token, last_token_);
      last_token_ = a.tasks[i].token;
      running_.push_back({a.tasks[i].id, a.tasks[i].token, b.tasks[i].token, a.tasks[i]});
    }
    ASSERT_EQ(describe(a.expired), describe(b.expired));
    ASSERT_EQ(a.more, b.more);
    // Sooner is right as well: what was due then may have been cancelled.
    if (b.next_due) {
      ASSERT_TRUE(a.next_due && *a.next_due <= *b.next_due) << text_of(a.next_due) << " " << text_of(b.next_due);
    }
  }

  // Of what runs, or ran: a stale token is as likely as not.
  Running* any_running() { return running_.empty() ? nullptr : &running_[rng_.below(running_.size())]; }

  // Two of them, in their order: which of two tasks has a unique key may depend on it.
  void finish() {
    if (running_.empty()) return;
    std::vector<Finish> ours;
    std::vector<Finish> theirs;
    for (int i = 0; i < 2; ++i) finish(ours, theirs);
    same(store_->commit({.finished = ours}, now_), model_->commit({.finished = theirs}, now_), &Committed::finished);
  }

  void finish(std::vector<Finish>& ours, std::vector<Finish>& theirs) {
    const Running* one = any_running();
    constexpr TaskState kTo[] = {TaskState::completed, TaskState::cancelled, TaskState::discarded,
                                 TaskState::retryable, TaskState::scheduled, TaskState::available};
    Finish finish;
    finish.id = one->id;
    finish.token = one->ours;
    finish.to = kTo[rng_.below(6)];
    finish.run_at = moment();
    finish.attempts = one->task.attempts + 1;
    finish.crashes = static_cast<int>(rng_.below(2));
    if (chance(2)) finish.started_at = moment();
    if (chance(2)) finish.error = KeptError{Code::failed, word("e\"\\\n\x01", 10)};
    if (finish.error && chance(2)) finish.failed = KeptAttempt{finish.attempts, moment(), 5ms, *finish.error};
    if (chance(2)) finish.output = word("o", 10), finish.output_type = "text/plain";
    if (chance(2)) finish.prune_at = moment();
    ours.push_back(finish);
    finish.token = one->theirs;
    theirs.push_back(finish);
  }

  void note() {
    const Running* one = any_running();
    if (one == nullptr) return;
    Note note;
    note.id = one->id;
    note.token = one->ours;
    if (chance(2)) note.progress_done = rng_.below(100);
    for (std::uint64_t i = rng_.below(20); i > 0; --i) note.log.push_back(word("line \t\xc3\xa9 ", 1000));
    if (chance(2)) note.metadata = chance(4) ? Metadata{} : Metadata{{word("m", 3), word("\"v", 9)}, {"x", ""}};
    Note theirs = note;
    theirs.token = one->theirs;
    same(store_->commit({.notes = std::span(&note, 1)}, now_), model_->commit({.notes = std::span(&theirs, 1)}, now_),
         &Committed::notes);
  }

  template <class All>
  void same(const Result<All>& ours, const Result<All>& theirs, std::vector<Result<void>> All::*which) {
    ASSERT_TRUE(ours) << ours.error().message();
    const std::vector<Result<void>>& a = (*ours).*which;
    const std::vector<Result<void>>& b = (*theirs).*which;
    ASSERT_EQ(a.size(), b.size());
    for (std::size_t i = 0; i < a.size(); ++i) {
      ASSERT_EQ(a[i].has_value(), b[i].has_value());
      if (!a[i]) {
        ASSERT_EQ(a[i].error().code(), b[i].error().code());
      }
    }
  }

  TaskId any_id() { return TaskId{(std::uint64_t{1} << 63) | (1 + rng_.below(60))}; }

  TaskFilter filter() {
    TaskFilter filter;
    for (std::uint64_t i = chance(2) ? 1 + rng_.below(3) : 0; i > 0; --i) filter.ids.push_back(any_id());
    if (chance(3)) filter.queue = word("q", 2);
    if (chance(3)) filter.kind = word("k", 3);
    if (chance(6)) filter.name = word("n", 3);
    if (chance(6)) filter.tag = word("t", 3);
    if (chance(3)) filter.state = static_cast<TaskState>(1 + rng_.below(8));
    if (chance(4)) filter.priority = 4;
    if (chance(6)) filter.schedule = word("s", 2);
    return filter;
  }

  void look() {
    const TaskFilter filter = this->filter();
    const TaskId after{(std::uint64_t{1} << 63) | rng_.below(20)};
    const std::size_t limit = 1 + rng_.below(10);
    const auto ours = store_->list(filter, after, limit, now_);
    const auto theirs = model_->list(filter, after, limit, now_);
    ASSERT_TRUE(ours) << ours.error().message();
    ASSERT_EQ(ours->size(), theirs->size());
    for (std::size_t i = 0; i < ours->size(); ++i) ASSERT_EQ(describe((*ours)[i]), describe((*theirs)[i]));
  }

  void change() {
    const TaskFilter filter = this->filter();
    Change change;
    change.what = static_cast<Change::What>(rng_.below(6));
    if (chance(2)) change.priority = static_cast<int>(rng_.below(3)) * 4;
    if (chance(2)) change.run_at = moment();
    if (chance(2)) change.payload = word("new", 9);
    if (chance(2)) change.prune_at = moment();
    const TaskId after{(std::uint64_t{1} << 63) | rng_.below(20)};
    const std::size_t limit = 1 + rng_.below(4);
    const auto ours = store_->change(filter, change, after, limit, now_);
    const auto theirs = model_->change(filter, change, after, limit, now_);
    ASSERT_TRUE(ours) << ours.error().message();
    ASSERT_EQ(describe(ours->ids), describe(theirs->ids));
    ASSERT_EQ(describe(ours->running), describe(theirs->running));
    ASSERT_EQ(describe(ours->refused), describe(theirs->refused));
  }

  // Of a store that has had the same past, with other ids; some of its tasks were made for another queue, key or slot.
  void adopt() {
    // What waits there is due by the clock there, which is this one.
    ASSERT_TRUE(store_->commit({}, now_));
    ASSERT_TRUE(model_->commit({}, now_));
    const auto all = model_->list({}, TaskId{}, 10'000, now_);
    std::vector<KeptTask> tasks;
    for (std::uint64_t i = all->empty() ? 0 : rng_.below(4); i > 0; --i) {
      KeptTask& task = tasks.emplace_back((*all)[rng_.below(all->size())]);
      task.id = any_id();
      // What is known of its claims here is not known of those there.
      task.token = chance(2) ? last_token_ + rng_.below(3) : 1 + rng_.below(9);
      if (chance(2)) task.task.queue = word("q", 2);
      if (!task.task.unique.key.empty() && chance(2)) task.task.unique.key = word("u", 9);
      if (task.task.slot && chance(2)) task.task.slot.reset();
    }
    std::vector<KeptSchedule> schedules;
    if (chance(2)) schedules = ScheduleMoves::of_another(*model_, rng_);
    std::vector<std::string> paused;
    if (chance(6)) paused.push_back(word("q", 2));
    const Adoption page{.paused = paused, .schedules = schedules, .tasks = tasks};
    const auto ours = store_->adopt(page, now_);
    const auto theirs = model_->adopt(page, now_);
    same(ours, theirs, &Adopted::schedules);
    same(ours, theirs, &Adopted::tasks);
    for (std::size_t i = 0; ours && i < tasks.size(); ++i) {
      if (!ours->tasks[i]) continue;
      last_token_ = std::max(last_token_, tasks[i].token);
      // Whoever ran it there has no say here.
      running_.push_back({tasks[i].id, tasks[i].token, tasks[i].token, tasks[i]});
    }
  }

  void tidy() {
    const std::size_t limit = 1 + rng_.below(5);
    const auto ours = store_->tidy(limit, now_);
    const auto theirs = model_->tidy(limit, now_);
    ASSERT_TRUE(ours) << ours.error().message();
    ASSERT_EQ(describe(ours->expired), describe(theirs->expired));
    ASSERT_EQ(ours->pruned, theirs->pruned);
    ASSERT_EQ(ours->more, theirs->more);
  }

  void switches() {
    const std::string queue = word("q", 2);
    if (chance(2)) {
      const bool paused = chance(2);
      ASSERT_TRUE(store_->set_paused(queue, paused));
      ASSERT_TRUE(model_->set_paused(queue, paused));
    } else {
      const std::string kinds[] = {word("k", 3)};
      ASSERT_EQ(*store_->restore(queue, kinds), *model_->restore(queue, kinds));
    }
  }

  // What was claimed is available again, as it was.
  void reopen() {
    if (!store_->traits().durable) return;
    store_.reset();
    store_ = kept_.open();
    ASSERT_TRUE(store_->commit({}, now_));
    ASSERT_TRUE(model_->commit({}, now_));
    for (const Running& one : running_) {
      const auto task = model_->find(one.id, now_);
      if (!task || task->state != TaskState::running || task->token != one.theirs) continue;
      // The word under which it waited is in no claim, so the model does not know it. It is seen before its time, and
      // matters where that time comes to lie ahead again: by an edit, or as the clock goes back.
      const auto again = store_->find(one.id, task->task.run_at - std::chrono::microseconds(1));
      ASSERT_TRUE(again);
      ASSERT_TRUE(is_waiting(again->state)) << describe(*again);
      Finish back;
      back.id = one.id;
      back.token = one.theirs;
      back.to = again->state;
      back.run_at = task->task.run_at;
      back.attempts = task->attempts;
      back.crashes = task->crashes;
      ASSERT_TRUE(model_->commit({.finished = std::span(&back, 1)}, now_));
    }
  }

  Kept& kept_;
  StorePtr store_;
  const StorePtr model_ = open_memory();
  Rng rng_{0};
  WallTime now_{std::chrono::seconds(1'700'000'000)};
  std::vector<Running> running_;
  ScheduleMoves schedules_;
  std::uint64_t last_token_ = 0;
};

}  // namespace

// RC_PARAMS="max_success=N" makes it N histories, and what is printed after "reproduce=" one of them again.
TEST_P(StoreContract, DoesWhatTheModelDoes) {
  ::setenv("RC_PARAMS", "max_success=10", 0);
  const auto histories = rc::gen::resize(400, rc::gen::container<std::vector<std::uint64_t>>(rc::gen::noShrink(
                                                  rc::gen::resize(64, rc::gen::arbitrary<std::uint64_t>()))));
  EXPECT_TRUE(rc::check([&] {
    const std::vector<std::uint64_t> history = *histories;
    const auto kept = GetParam()();
    testing::TestPartResultArray failures;
    {
      const testing::ScopedFakeTestPartResultReporter reporter(
          testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &failures);
      Both both(*kept);
      for (auto seed = history.begin(); seed != history.end() && failures.size() == 0; ++seed) {
        both.step(*seed);
        if (failures.size() == 0) both.compare();
      }
    }
    if (failures.size() != 0) RC_FAIL(failures.GetTestPartResult(0).message());
  }));
}
