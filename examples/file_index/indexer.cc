#include "indexer.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <ctime>
#include <iostream>
#include <utility>

#include "text.h"

using namespace std::chrono_literals;

namespace {

constexpr std::size_t kRoom = 1024;
constexpr int kWalkers = 3;
constexpr int kUrgent = 0;

// What failed may work in a moment: a file that is being replaced, a share that is slow. What is gone stays gone.
errand::Retry read_again() {
  return errand::Retry::exponential(50ms, 1s).when([](const errand::Error& error) {
    return error.code() != errand::Code::not_found && error.code() != errand::Code::invalid;
  });
}

std::string below(const std::string& directory, const char* name) {
  return directory.ends_with('/') ? directory + name : directory + "/" + name;
}

bool is_dots(const char* name) {
  return name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

struct Directory {
  explicit Directory(const char* path) : stream(opendir(path)) {}
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() {
    if (stream != nullptr) closedir(stream);
  }
  DIR* stream;
};

}  // namespace

// One walk, whatever the number of its tasks.
struct Indexer::Tour {
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

Indexer::Indexer(const Options& options, Index& index)
    : options_(options),
      index_(index),
      read_({.name = "read",
             .workers = options.workers > 0 ? std::optional(options.workers) : std::nullopt,
             .capacity = kRoom,
             .when_full = errand::WhenFull::block}),
      walk_({.name = "walk", .workers = kWalkers}) {}

void Indexer::walk(const std::string& root, HoldsWork work) {
  submit_directory(root, std::make_shared<Tour>(errand::kNormal), std::move(work));
}

void Indexer::walk_now(const std::string& path, HoldsWork work) {
  struct stat status {};
  if (stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) {
    submit_directory(path, std::make_shared<Tour>(kUrgent), std::move(work));
  } else {
    walk_.submit([this, path, work = std::move(work)] { read_now(path, work); }, {.priority = kUrgent});
  }
}

// On a worker of `walk`, which may wait.
void Indexer::read_now(const std::string& path, const HoldsWork& work) {
  const errand::Result<FileStats> stats = submit_file(path, kUrgent, work).result();
  if (options_.quiet) return;
  if (stats) {
    std::clog << "urgent: " + shown(path) + ": " + in_bytes(stats->bytes) + ", " + in_groups(stats->words) + " words\n";
  } else {
    std::clog << "urgent: " + shown(path) + ": " + stats.error().message() + "\n";
  }
}

// A ROOT may be a file; list() finds out.
void Indexer::submit_directory(const std::string& path, SharesTour tour, HoldsWork work) {
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

errand::Task<FileStats> Indexer::submit_file(const std::string& path, int priority, HoldsWork work) {
  auto task = read_.submit(
      [this, path, work = std::move(work)](errand::Attempt& attempt) -> errand::Result<FileStats> {
        auto stats = measure(path, options_.follow, attempt);
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

errand::Result<void> Indexer::list(const std::string& path, const SharesTour& tour, const HoldsWork& work,
                                   errand::Attempt& attempt) {
  struct stat status {};
  if (stat(path.c_str(), &status) != 0) return system_error("stat");
  if (!S_ISDIR(status.st_mode)) return submit_file(path, tour->priority, work), errand::Result<void>();
  if (attempt.number() == 1 && !tour->enter(status)) return index_.skip(&Skipped::again), errand::Result<void>();

  const Directory directory(path.c_str());
  if (directory.stream == nullptr) return system_error("open");
  // The mark of a folder that a program fills and can fill again, see https://bford.info/cachedir.
  if (faccessat(dirfd(directory.stream), "CACHEDIR.TAG", F_OK, 0) == 0)
    return index_.skip(&Skipped::caches), errand::Result<void>();
  const std::time_t now = std::time(nullptr);
  for (;;) {
    if (attempt.stop_requested()) return {};
    errno = 0;
    const dirent* entry = readdir(directory.stream);
    if (entry == nullptr) break;
    if (is_dots(entry->d_name)) continue;
    const std::string name = below(path, entry->d_name);
    const int flags = options_.follow ? 0 : AT_SYMLINK_NOFOLLOW;
    if (fstatat(dirfd(directory.stream), entry->d_name, &status, flags) != 0) {
      index_.add_error(name, system_error("stat").message());
    } else if (S_ISDIR(status.st_mode)) {
      submit_directory(name, tour, work);
    } else if (S_ISREG(status.st_mode)) {
      const bool recent = now - status.st_mtim.tv_sec < std::chrono::seconds(options_.recent).count();
      submit_file(name, std::min(tour->priority, recent ? errand::kHigh : errand::kNormal), work);
    } else {
      index_.skip(S_ISLNK(status.st_mode) ? &Skipped::links : &Skipped::special);
    }
  }
  return errno == 0 ? errand::Result<void>() : system_error("read");
}

void Indexer::stop(errand::Duration deadline) {
  // Not both at once: `walk` has no end in sight, and what it would still submit, `read` would refuse. Its bodies see
  // their stop tokens soon, but for read_now(), which waits for a file; close() waits for that one.
  unopened_ = walk_.shutdown({.drain = errand::Drain::none, .timeout = 100ms}).cancelled;
  read_.shutdown({.drain = errand::Drain::due, .timeout = deadline});
}

void Indexer::close() {
  errand::shutdown_all({&walk_, &read_}, {.drain = errand::Drain::queued, .timeout = 10s});
}
