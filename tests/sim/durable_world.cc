#include "durable_world.h"

#include <errand/sqlite.h>

#include <filesystem>
#include <fstream>

#include "queue_probe.h"
#include "sqlite/store.h"

namespace sim {

using namespace std::chrono_literals;
using Death = Oracle::Death;

namespace {

constexpr const char* kQueueNames[] = {"mail", "report"};
constexpr std::size_t kAll = 100'000;

std::string content(const std::string& path) {
  std::string bytes(std::filesystem::file_size(path), '\0');
  std::ifstream(path, std::ios::binary).read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return bytes;
}

}  // namespace

World::World(std::uint64_t seed, Where where, int steps, const Folder& folder)
    : seed_(seed), where_(where), folder_(folder), rng_(seed), turns_left_(static_cast<std::uint64_t>(steps)) {
  if (where_ == Where::sqlite) disk_ = std::make_unique<disk::Disk>(seed);
}

World::~World() = default;

// --- lives -----------------------------------------------------------------------------------------------------------

void World::live() {
  while (oracle_.broken().empty()) {
    const bool last = turns_left_ == 0;
    open();
    if (oracle_.broken().empty()) play(last);
    // The last life ends in peace, and everything has come to its end by then.
    close(death_.value_or(Death::close));
    if (last) break;
  }
  trace_ = trace_ ^ oracle_.trace();
}

void World::open() {
  ++lives_;
  death_.reset();
  errand::StorePtr inner = memory_;
  if (where_ == Where::memory && inner == nullptr) {
    inner = memory_ = errand::open_memory();
    oracle_.forgets();
  }
  if (where_ == Where::sqlite) {
    const std::string file = folder_.file("tasks.db-running");
    if (lives_ == 1) {
      std::filesystem::remove(file);
    } else {
      std::ofstream(file, std::ios::binary | std::ios::trunc) << slots_;
    }
    auto running = errand::RunningFile::open(file, "boot " + std::to_string(boots_));
    if (!running) return oracle_.breaks("the file of who is running can't be opened: " + running.error().message());
    auto opened =
        errand::sqlite::SqliteTasks::open("tasks.db", {.vfs = disk_->vfs_name(), .clock = clock_}, std::move(*running));
    if (!opened) return oracle_.breaks("the store can't be opened: " + opened.error().message());
    inner = *opened;
  }
  store_ = std::make_shared<WatchedStore>(inner, oracle_, rng_);
  look(true);
  for (const char* name : kQueueNames) {
    Line line;
    line.queue = std::make_unique<errand::Queue>(
        errand::QueueOptions{.name = name,
                             .drive = errand::Drive::manual,
                             .store = store_,
                             .retry = errand::Retry::fixed(10ms),
                             .stuck_after = 24h * 1000,
                             .close = {.drain = errand::Drain::none, .timeout = errand::Duration::zero()},
                             .clock = clock_,
                             .seed = rng_.below(UINT64_MAX)});
    line.paused = oracle_.is_paused(name);
    line.engine = &errand::QueueProbe::engine(*line.queue);
    line.tasks = static_cast<errand::detail::NamedTasks*>(line.engine->named());
    for (int i = 0; i < kWorkers; ++i) line.workers.push_back(&line.engine->borrow_guest());
    handle(line);
    lines_.push_back(std::move(line));
  }
}

void World::play(bool last) {
  is_last_ = last;
  healed_ = no_more_slots_ = false;
  busy_ = 0;
  stage_ = std::make_unique<Stage>(rng_.below(UINT64_MAX), *clock_, [this] { on_all_wait(); });
  turns_until_ = last ? 50'000 : turns_left_;
  clock_->plays_on(stage_.get());
  store_->stage = stage_.get();
  stage_->add([this] { stores_thread(); });
  for (int line = 0; line < kQueues; ++line) {
    for (int i = 0; i < kWorkers; ++i) stage_->add([this, line, i] { worker(line, i); });
  }
  if (last) {
    stage_->add([this] { healer(); });
  } else {
    for (int i = 0; i < kCallers; ++i) stage_->add([this] { caller(); });
    stage_->add([this] { weather(); });
  }
  stage_->play();
  turns_left_ -= std::min(turns_left_, stage_->turns());
  oracle_.mix(stage_->trace());
}

bool World::goes_on() {
  if (!oracle_.broken().empty() && !stage_->ending()) dies(Death::kill);
  return !stage_->ending();
}

// What is left of the process runs on, and is heard by nobody: that is how an object is brought to its end that a real
// death would just have left behind.
void World::dies(Death how) {
  death_ = how;
  if (how != Death::close) {
    if (where_ == Where::sqlite) {
      slots_ = content(folder_.file("tasks.db-running"));
      disk_->power_off();
    }
    oracle_.died(how);
    store_->dies();
    clock_->advance(1h);
  }
  // A store in memory outlives its queues: what they could not tell it, nobody will.
  if (where_ == Where::memory) store_->is_away = false;
  stage_->end(how != Death::close);
}

void World::close(Death how) {
  for (Line& line : lines_) {
    for (errand::detail::Worker* worker : line.workers) line.engine->return_guest(*worker);
  }
  lines_.clear();
  clock_->plays_on(nullptr);
  stage_.reset();
  if (how == Death::close && store_ != nullptr && !store_->is_dead()) {
    oracle_.closures_are_over();
    if (oracle_.broken().empty() && !store_->is_faulty && !store_->is_away) {
      oracle_.all_told();
      look(false);
    }
    oracle_.died(how);
  }
  store_.reset();
  if (where_ == Where::memory) {
    if (how != Death::close) memory_.reset();
    return;
  }
  if (how == Death::close) slots_ = content(folder_.file("tasks.db-running"));
  if (how == Death::power_cut) {
    ++boots_;
    disk_->power_cut(disk::kPowerCuts[rng_.below(std::size(disk::kPowerCuts))], rng_);
  } else if (how == Death::kill) {
    disk_->power_cut(disk::PowerCut::keep_all, rng_);
  }
  disk_->fail_at(1, disk::Fault::none, 0);
  disk_->set_quota(std::nullopt);
  oracle_.mix(disk_->operations());  // not their bytes: the name of a life of the file is drawn by chance
}

void World::look(bool began) {
  const auto rows = store_->inner()->list({}, {}, kAll, clock_->now());
  if (!rows) return oracle_.breaks("the tasks can't be listed: " + rows.error().message());
  if (!began && oracle_.is_unsure()) return;
  const auto schedules = store_->inner()->list_schedules({});
  if (!schedules) return oracle_.breaks("the schedules can't be listed: " + schedules.error().message());
  oracle_.looks_at(*rows, began);
  oracle_.looks_at_schedules(*schedules, began);
}

// --- what befalls them -----------------------------------------------------------------------------------------------

void World::weather() {
  while (goes_on()) {
    if (!has_steps()) {
      dies(one_in(3) ? Death::close : one_in(2) ? Death::kill : Death::power_cut);
      return;
    }
    if (where_ == Where::sqlite && oracle_.suspect_runs() && one_in(4)) return dies(Death::kill);
    if (store_->is_faulty && oracle_.is_unsure() && one_in(4)) return dies(one_in(2) ? Death::kill : Death::power_cut);
    const std::uint64_t dice = rng_.below(100);
    if (dice < 60) {
      moves_time();
    } else if (dice < 70) {
      plan_fault();
    } else if (dice < 74) {
      store_->is_away = true;
      ++disturbed_;
    } else if (dice < 88) {
      heals();
    } else if (dice < 92) {
      if (!store_->is_faulty) look(false);
    } else if (dice < 95) {
      return dies(one_in(5) ? Death::close : one_in(3) ? Death::power_cut : Death::kill);
    }
    stage_->pause();
  }
}

void World::moves_time() {
  const std::uint64_t dice = rng_.below(100);
  if (dice < 60) {
    clock_->advance(errand::Duration(rng_.below(50'000'000)));
  } else if (dice < 90) {
    clock_->advance(errand::Duration(rng_.below(3'000'000'000)));
  } else if (dice < 94) {
    clock_->advance(40s);
  } else if (dice < 98) {
    ++disturbed_;
    clock_->set_by(std::chrono::seconds(static_cast<std::int64_t>(rng_.below(1200)) - 600));
  } else {
    ++disturbed_;
    clock_->set_by(std::chrono::hours(one_in(2) ? 20 : -20));
  }
}

void World::plan_fault() {
  if (where_ == Where::memory) return;
  store_->is_faulty = true;
  ++disturbed_;
  oracle_.count("faults");
  if (one_in(4)) {
    disk_->set_quota(disk_->bytes_used() + rng_.below(50'000));
    return;
  }
  constexpr disk::Fault kFaults[] = {disk::Fault::io_error, disk::Fault::short_write, disk::Fault::sync_failure};
  disk_->fail_at(1 + rng_.below(20), kFaults[rng_.below(3)], one_in(4) ? disk::kAlways : 1 + rng_.below(3));
}

// The store is back, and the disk does as it is told; what failed may be in the log until something succeeds.
void World::heals() {
  store_->is_away = false;
  if (where_ == Where::memory) return;
  disk_->fail_at(1, disk::Fault::none, 0);
  disk_->set_quota(std::nullopt);
  const auto now = store_->inner()->counts(clock_->now());
  if (!now) return oracle_.breaks("the disk is well again, and the store is not: " + now.error().message());
  store_->is_faulty = false;
}

// Time goes on to the next moment that somebody waits for.
void World::on_all_wait() {
  std::optional<errand::SteadyTime> next = stage_->next_moment();
  for (const Line& line : lines_) {
    const errand::SteadyTime due = line.engine->next_due();
    if (due != errand::SteadyTime::max() && due > clock_->mono() && (!next || due < *next)) next = due;
  }
  if (is_last_ && no_more_slots_ && oracle_.unfinished() == 0) return stage_->end(stage_->ending());
  if (is_last_ && healed_ && oracle_.broken().empty() && !lines_[0].tasks->committer().trouble()) {
    const auto waiting = store_->inner()->list({.state = errand::TaskState::available}, {}, kAll, clock_->now());
    if (waiting && !waiting->empty())
      oracle_.breaks("task " + std::to_string(waiting->front().id.value << 1 >> 1) + " is due, and nobody takes it");
    const std::string overdue = oracle_.overdue_schedule(clock_->now());
    if (!overdue.empty()) oracle_.breaks("a slot of " + overdue + " has come, and nobody deals with it");
  }
  if (!next && !stage_->ending()) oracle_.breaks("tasks are left, and nobody waits for anything");
  if (!goes_on() && !next) return stage_->end(true);  // who waits without a limit is let go
  if (!next) return;
  if (*next > clock_->mono()) clock_->advance(*next - clock_->mono());
}

}  // namespace sim
