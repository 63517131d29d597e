#include "memory_indexer.h"

#include <sys/stat.h>

#include <algorithm>
#include <mutex>
#include <set>
#include <utility>

#include "listing.h"
#include "text.h"

using namespace std::chrono_literals;

namespace {

constexpr std::size_t kRoom = 1024;

}  // namespace

// One walk, whatever the number of its tasks.
struct MemoryIndexer::Tour {
  explicit Tour(int priority) : priority(priority) {}

  const int priority;  // of its tasks; those for files that changed lately may be better
  std::mutex mutex{};
  std::set<std::pair<dev_t, ino_t>> seen{};  // directories

  // False for one that was there before: with links or mounts a tree may contain itself.
  bool enter(const struct stat& status) {
    const std::lock_guard lock(mutex);
    return seen.emplace(status.st_dev, status.st_ino).second;
  }
};

MemoryIndexer::MemoryIndexer(const Options& options, Index& index)
    : options_(options),
      index_(index),
      read_({.name = "read",
             .workers = options.workers > 0 ? std::optional(options.workers) : std::nullopt,
             .capacity = kRoom,
             .when_full = errand::WhenFull::block}),
      walk_({.name = "walk", .workers = kWalkers}) {}

void MemoryIndexer::walk(const std::vector<std::string>& roots, HoldsWork work) {
  for (const std::string& root : roots) submit_directory(root, std::make_shared<Tour>(errand::kNormal), work);
}

void MemoryIndexer::walk_now(const std::string& path, HoldsWork work) {
  struct stat status {};
  if (stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) {
    submit_directory(path, std::make_shared<Tour>(kUrgent), std::move(work));
  } else {
    walk_.submit([this, path, work = std::move(work)] { read_now(path, work); }, {.priority = kUrgent});
  }
}

// On a worker of `walk`, which may wait.
void MemoryIndexer::read_now(const std::string& path, const HoldsWork& work) {
  const errand::Result<FileStats> stats = submit_file(path, kUrgent, work).result();
  if (!options_.quiet) tell(path, stats);
}

// A ROOT may be a file; list() finds out.
void MemoryIndexer::submit_directory(const std::string& path, SharesTour tour, HoldsWork work) {
  const int priority = tour->priority;
  walk_.submit([this, path, tour = std::move(tour),
                work = std::move(work)](errand::Attempt& attempt) { return list(path, tour, work, attempt); },
               {.priority = priority,
                .max_attempts = 3,
                .retry = read_again(),
                .stop = give_up_.get_token(),
                .on_finish = [this, path](const errand::TaskInfo& info) {
                  if (info.state == errand::TaskState::discarded) index_.add_error(path, info.last_error);
                }});
}

errand::Task<FileStats> MemoryIndexer::submit_file(const std::string& path, int priority, HoldsWork work) {
  auto task = read_.submit(
      [this, path, work = std::move(work)](errand::Attempt& attempt) -> errand::Result<FileStats> {
        auto stats = measure(path, options_.follow, [&] { return attempt.stop_requested(); });
        if (stats) index_.add(path, *stats);
        return stats;
      },
      {.priority = priority,
       .max_attempts = 3,
       .retry = read_again(),
       .timeout = options_.file_timeout,
       .stop = give_up_.get_token(),
       .on_finish = [this, path](const errand::TaskInfo& info) {
         if (info.state == errand::TaskState::discarded) index_.add_error(path, info.last_error);
         if (info.state == errand::TaskState::cancelled) index_.add_unread();
       }});
  if (!task) index_.add_unread();
  return task;
}

errand::Result<void> MemoryIndexer::list(const std::string& path, const SharesTour& tour, const HoldsWork& work,
                                         errand::Attempt& attempt) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return system_error("stat");
  if (!S_ISDIR(status.st_mode)) return submit_file(path, tour->priority, work), errand::Result<void>();
  if (attempt.number() == 1 && !tour->enter(status)) return index_.skip(&Skipped::again), errand::Result<void>();

  const auto meet = [&](const std::string& name, const errand::Result<struct stat>& met) {
    if (!met) {
      index_.add_error(name, met.error().message());
    } else if (S_ISDIR(met->st_mode)) {
      submit_directory(name, tour, work);
    } else if (S_ISREG(met->st_mode)) {
      submit_file(name, std::min(tour->priority, is_recent(*met, options_.recent) ? errand::kHigh : errand::kNormal),
                  work);
    } else {
      index_.skip(S_ISLNK(met->st_mode) ? &Skipped::links : &Skipped::special);
    }
  };
  const auto listing = list_directory(
      path, options_.follow, [&] { return attempt.stop_requested(); }, meet);
  if (!listing) return listing.error();
  if (*listing == Listing::cache) index_.skip(&Skipped::caches);
  return {};
}

void MemoryIndexer::stop(errand::Duration deadline) {
  // Not both at once: `walk` has no end in sight, and what it would still submit, `read` would refuse. Its bodies see
  // their stop tokens soon, but for read_now(), which waits for a file; close() waits for that one.
  unopened_ = walk_.shutdown({.drain = errand::Drain::none, .timeout = 100ms}).cancelled;
  read_.shutdown({.drain = errand::Drain::due, .timeout = deadline});
}

void MemoryIndexer::close() {
  errand::shutdown_all({&walk_, &read_}, {.drain = errand::Drain::queued, .timeout = 10s});
}

std::string MemoryIndexer::progress() const {
  const Totals totals = index_.totals();
  return in_groups(totals.files) + " files, " + in_bytes(totals.bytes);
}
