#pragma once
// The work: two queues, one that lists directories and one that reads files.
//
//   walk   a task per directory. It may wait for room in `read`, so it has workers of its own; nothing in `read` ever
//          waits for `walk`. Only names of directories wait in it.
//   read   a task per file, at most kRoom of them at a time. A directory with a million files never is in memory: its
//          task waits until there is room for the next name. Retries wait outside of the room, and hold no worker.

#include <errand/errand.h>

#include <memory>
#include <mutex>
#include <set>
#include <stop_token>
#include <string>

#include "index.h"
#include "options.h"

// Whoever has something left to do holds a copy. When the last one goes, `on_done` is called.
class Work {
 public:
  explicit Work(errand::Callback<void()> on_done) : on_done_(std::move(on_done)) {}
  Work(const Work&) = delete;
  Work& operator=(const Work&) = delete;
  ~Work() { on_done_(); }

 private:
  errand::Callback<void()> on_done_;
};
using HoldsWork = std::shared_ptr<const Work>;

class Indexer {
 public:
  Indexer(const Options& options, Index& index);

  // Everything below this path.
  void walk(const std::string& root, HoldsWork work);
  // This path before everything else. For a file, says on standard error what is in it as soon as it is known.
  void walk_now(const std::string& path, HoldsWork work);

  // Lists no more directories, reads the files that are queued, and after the deadline gives up.
  void stop(errand::Duration deadline);
  // Gives up now, also inside stop().
  void give_up() { give_up_.request_stop(); }
  // After the last task.
  void close();

  errand::Stats walk_stats() const { return walk_.stats(); }
  errand::Stats read_stats() const { return read_.stats(); }
  // Directories that stop() left unopened, as far as they are known.
  std::size_t unopened() const { return unopened_; }

 private:
  struct Tour;
  using SharesTour = std::shared_ptr<Tour>;

  void submit_directory(const std::string& path, SharesTour tour, HoldsWork work);
  errand::Task<FileStats> submit_file(const std::string& path, int priority, HoldsWork work);
  errand::Result<void> list(const std::string& path, const SharesTour& tour, const HoldsWork& work,
                            errand::Attempt& attempt);
  void read_now(const std::string& path, const HoldsWork& work);

  const Options& options_;
  Index& index_;
  std::stop_source give_up_;
  std::size_t unopened_ = 0;
  errand::Queue read_;  // below walk_, whose tasks use it, it would be destroyed first
  errand::Queue walk_;
};
