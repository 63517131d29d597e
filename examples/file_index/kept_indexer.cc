#include "kept_indexer.h"

#include <errand/sqlite.h>

#include <sys/stat.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <filesystem>
#include <iostream>
#include <mutex>
#include <stop_token>
#include <string_view>
#include <utility>

#include "kept_results.h"
#include "kept_tasks.h"
#include "listing.h"
#include "text.h"

using namespace std::chrono_literals;

namespace {

// Nothing is forgotten before its index is.
constexpr errand::Duration kForGood = std::chrono::hours(24 * 365 * 100);
// How long the tasks of one directory, a million perhaps, may take to be written.
constexpr errand::Duration kLongestListing = 10min;
constexpr errand::Duration kLookForEnd = 50ms;

struct Tally {
  std::uint64_t done = 0;
  std::uint64_t left = 0;
};

// A queue, and its tasks in the store.
struct Line {
  explicit Line(errand::QueueOptions options) : queue(std::move(options)) {}

  errand::Queue queue;
  std::uint64_t before = 0;  // were done when this run began
  Loaded loaded{};           // at its end

  [[nodiscard]] errand::Stats stats() const {
    errand::Stats stats = queue.stats();
    // What a transaction brought the queue has not heard of. At the end it is known what there was to do in this run.
    stats.submitted = std::max(loaded.done + loaded.left, before) - before;
    return stats;
  }
};

// The same task, in whichever state it is: so long as an index is in the store, nothing in it is done twice.
errand::Unique same(std::vector<std::string> fields, bool urgent) {
  return {.by_fields = std::move(fields),
          .states = errand::kAllStates,
          .on_clash = urgent ? errand::OnClash::replace : errand::OnClash::keep};
}

errand::TaskOptions options_of(const ListDirectory& directory) {
  return {.priority = directory.urgent ? kUrgent : errand::kNormal,
          .unique = same({"device", "inode"}, directory.urgent)};
}

errand::TaskOptions options_of_file(int priority) {
  return {.priority = priority, .unique = same({"path"}, false)};
}

errand::HandlerOptions options_of_kind() {
  return {.max_attempts = 3, .retry = read_again(), .keep_completed = kForGood, .keep_discarded = kForGood};
}

class KeptIndexer final : public Indexer {
 public:
  KeptIndexer(errand::SqliteStore store, const Options& options, Index& index);

  // Finds out where it stands, and forgets an index that is finished.
  errand::Result<void> begin();

  void walk(const std::vector<std::string>& roots, HoldsWork work) override;
  void walk_now(const std::string& path, HoldsWork work) override;
  void stop(errand::Duration deadline) override;
  void give_up() override;
  void close() override;

  [[nodiscard]] std::string progress() const override;
  [[nodiscard]] errand::Stats walk_stats() const override { return walk_.stats(); }
  [[nodiscard]] errand::Stats read_stats() const override { return read_.stats(); }
  [[nodiscard]] std::optional<Kept> kept() const override;

 private:
  errand::Outcome list(const ListDirectory& directory, errand::Attempt& attempt);
  errand::OutcomeOf<FileStats> read(const ReadFile& file, errand::Attempt& attempt);
  void add(const std::string& path, bool urgent);
  void look_for_end();
  [[nodiscard]] errand::Result<Tally> tally(std::string_view queue = {}) const;
  [[nodiscard]] bool is_of_store(std::string_view path) const;

  const Options& options_;
  Index& index_;
  errand::SqliteStore store_;
  std::string file_;  // of the store, by its one name
  std::stop_source give_up_;
  std::atomic<int> read_here_{0};  // files whose reading has begun in this run
  // Held while a path is taken in, and while it is found that nothing is left: so none comes in between.
  std::mutex mutex_;
  HoldsWork work_;
  Line read_;
  Line walk_;
  errand::Queue aside_;  // the last: its task asks the others
};

KeptIndexer::KeptIndexer(errand::SqliteStore store, const Options& options, Index& index)
    : options_(options),
      index_(index),
      store_(std::move(store)),
      file_(std::filesystem::weakly_canonical(options.store).string()),
      read_({.name = "read",
             .workers = options.workers > 0 ? std::optional(options.workers) : std::nullopt,
             .start = false,
             .store = store_}),
      walk_({.name = "walk", .workers = kWalkers, .start = false, .store = store_}),
      aside_({.name = "watch", .workers = 1}) {
  walk_.queue.handle<ListDirectory>(
      [this](const ListDirectory& directory, errand::Attempt& attempt) { return list(directory, attempt); },
      options_of_kind());
  errand::HandlerOptions reading = options_of_kind();
  reading.timeout = options.file_timeout;
  read_.queue.handle<ReadFile>([this](const ReadFile& file, errand::Attempt& attempt) { return read(file, attempt); },
                               std::move(reading));
}

// --- the index as a whole --------------------------------------------------------------------------------------------

errand::Result<void> KeptIndexer::begin() {
  const auto both = tally();
  if (!both) return both.error();
  for (Line* line : {&walk_, &read_}) {
    if (both->left > 0) {
      const auto own = tally(line->queue.name());
      if (!own) return own.error();
      line->before = own->done;
    } else {
      const auto forgotten = line->queue.change({.all = true}, {.what = errand::Change::What::remove});
      if (!forgotten) return forgotten.error();
    }
  }
  if (both->left > 0 && !options_.quiet) {
    std::clog << "going on with " + shown(options_.store) + ": " + in_groups(both->done) + " tasks done, " +
                     in_groups(both->left) + " left\n";
  }
  return {};
}

void KeptIndexer::walk(const std::vector<std::string>& roots, HoldsWork work) {
  const std::lock_guard lock(mutex_);
  work_ = std::move(work);
  for (const std::string& root : roots) add(root, false);
  walk_.queue.start();
  read_.queue.start();
  aside_.every(kLookForEnd, [this] { look_for_end(); }, {.overlap = errand::Overlap::skip});
}

void KeptIndexer::walk_now(const std::string& path, HoldsWork work) {
  const std::lock_guard lock(mutex_);
  work_ = std::move(work);
  add(path, true);
}

// The store is asked once both queues have nothing to do: a task may still wait for its next attempt.
void KeptIndexer::look_for_end() {
  if (!walk_.queue.wait_idle(0s) || !read_.queue.wait_idle(0s)) return;
  HoldsWork last;  // goes when the lock has
  const std::lock_guard lock(mutex_);
  const auto found = tally();
  if (found && found->left == 0) last = std::move(work_);
}

void KeptIndexer::stop(errand::Duration deadline) {
  errand::shutdown_all({&walk_.queue, &read_.queue}, {.drain = errand::Drain::running, .timeout = deadline});
  HoldsWork last;
  const std::lock_guard lock(mutex_);
  last = std::move(work_);
}

// Nothing may begin behind what is given up, where stop() has not come so far yet.
void KeptIndexer::give_up() {
  for (Line* line : {&walk_, &read_}) line->queue.set_workers(0);
  give_up_.request_stop();
}

void KeptIndexer::close() {
  aside_.shutdown({.drain = errand::Drain::running});
  errand::shutdown_all({&walk_.queue, &read_.queue}, {.drain = errand::Drain::running, .timeout = 10s});
  for (Line* line : {&walk_, &read_}) {
    const auto loaded = load_results(*store_.operator->(), line->queue.name(), index_);
    if (loaded) {
      line->loaded = *loaded;
    } else {
      index_.add_error(options_.store, loaded.error().message());
    }
  }
}

std::optional<Kept> KeptIndexer::kept() const {
  Kept kept;
  for (const Line* line : {&walk_, &read_}) {
    kept.before += line->before;
    kept.now += line->loaded.done - line->before;
    kept.left += line->loaded.left;
    kept.cut_short += line->loaded.crashes;
  }
  return kept;
}

// --- one task --------------------------------------------------------------------------------------------------------

errand::Outcome KeptIndexer::list(const ListDirectory& directory, errand::Attempt& attempt) {
  Listed listed;
  std::vector<ListDirectory> directories;
  std::vector<std::pair<ReadFile, int>> files;  // and their priorities
  const auto meet = [&](std::string path, const errand::Result<struct stat>& status) {
    if (!status) {
      listed.unknown.push_back({{std::move(path)}, status.error().message()});
    } else if (S_ISDIR(status->st_mode)) {
      directories.push_back({{std::move(path)}, status->st_dev, status->st_ino, directory.follow, directory.urgent});
    } else if (S_ISREG(status->st_mode)) {
      if (is_of_store(path)) return;
      const int priority = is_recent(*status, options_.recent) ? errand::kHigh : errand::kNormal;
      files.emplace_back(ReadFile{{std::move(path)}, directory.follow}, directory.urgent ? kUrgent : priority);
    } else {
      ++(S_ISLNK(status->st_mode) ? listed.skipped.links : listed.skipped.special);
    }
  };
  const auto stop = [&] { return attempt.stop_requested() || give_up_.stop_requested(); };
  const auto listing = list_directory(directory.path.bytes, directory.follow, stop, meet);
  if (!listing) listing.error().raise();
  if (*listing == Listing::cut_short) return errand::snooze(0s);
  if (*listing == Listing::cache) ++listed.skipped.caches;

  const auto kept = store_.transaction(
      [&](errand::Transaction& tx) -> errand::Result<void> {
        for (const ListDirectory& below : directories) {
          const auto task = walk_.queue.enqueue(tx, below, options_of(below));
          if (!task) return task.error();
          if (task->existed()) ++listed.skipped.again;
        }
        for (const auto& [file, priority] : files) {
          if (const auto task = read_.queue.enqueue(tx, file, options_of_file(priority)); !task) return task.error();
        }
        return errand::complete(tx, attempt, listed);
      },
      kLongestListing);
  if (kept) return errand::done();
  // The program is to end: the next run lists it, as if this one had not begun.
  if (kept.error().code() == errand::Code::shutting_down) return errand::snooze(0s);
  kept.error().raise();
}

errand::OutcomeOf<FileStats> KeptIndexer::read(const ReadFile& file, errand::Attempt& attempt) {
  const auto stop = [&] { return attempt.stop_requested() || give_up_.stop_requested(); };
  if (read_here_.fetch_add(1) + 1 == options_.kill_after) {
    std::clog << "killed, as --kill-after says: the same without it goes on here\n";
    std::raise(SIGKILL);
  }
  auto stats = measure(file.path.bytes, file.follow, stop);
  if (stats) return std::move(*stats);
  if (give_up_.stop_requested()) return errand::snooze(0s);
  stats.error().raise();
}

// A ROOT that is no directory is read, which finds out what it is.
void KeptIndexer::add(const std::string& path, bool urgent) {
  struct stat status {};
  errand::Result<void> added;
  if (stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) {
    const ListDirectory directory{{path}, status.st_dev, status.st_ino, options_.follow, urgent};
    const auto task = walk_.queue.enqueue(directory, options_of(directory));
    if (!task) {
      added = task.error();
    } else if (urgent && task->existed()) {
      static_cast<void>(walk_.queue.set_priority(task->id(), kUrgent));  // unless it runs, or is over
    }
  } else {
    const ReadFile file{{path}, options_.follow};
    errand::TaskOptions options = options_of_file(urgent ? kUrgent : errand::kNormal);
    if (urgent && !options_.quiet) {
      options.on_finish = [this, path](const errand::TaskInfo& info) {
        auto task = read_.queue.task<FileStats>(info.id);
        tell(path, task ? task->result() : task.error());
      };
    }
    const auto task = read_.queue.enqueue(file, std::move(options));
    if (!task) {
      added = task.error();
    } else if (urgent && task->existed()) {
      static_cast<void>(read_.queue.set_priority(task->id(), kUrgent));
    }
  }
  if (!added) index_.add_error(path, added.error().message());
}

// --- what the store has ----------------------------------------------------------------------------------------------

// Of one queue, or of both.
errand::Result<Tally> KeptIndexer::tally(std::string_view queue) const {
  const auto counts = store_->counts(errand::real_clock()->now());
  if (!counts) return counts.error();
  Tally sum;
  for (const errand::Counts& one : *counts) {
    if (!queue.empty() && one.queue != queue) continue;
    sum.done += one.completed + one.cancelled + one.discarded;
    sum.left += one.scheduled + one.available + one.running + one.retryable;
  }
  return sum;
}

std::string KeptIndexer::progress() const {
  const auto found = tally();
  if (!found) return found.error().message();
  return in_groups(found->done) + " tasks done, " + in_groups(found->left) + " left";
}

bool KeptIndexer::is_of_store(std::string_view path) const {
  if (!path.starts_with(file_)) return false;
  const std::string_view rest = path.substr(file_.size());
  return rest.empty() || rest == "-wal" || rest == "-shm" || rest == ".lock" || rest == "-running";
}

}  // namespace

errand::Result<std::unique_ptr<Indexer>> open_kept_indexer(const Options& options, Index& index) {
  // What a power cut may take of an index is found again.
  auto store = errand::open_sqlite(options.store, {.synchronous = errand::Synchronous::normal});
  if (!store) return store.error();
  auto indexer = std::make_unique<KeptIndexer>(*store, options, index);
  if (auto begun = indexer->begin(); !begun) return begun.error();
  return std::unique_ptr<Indexer>(std::move(indexer));
}
