#pragma once
// The work: two queues, `walk` with a task for each directory and `read` with a task for each file. Where these tasks
// are kept is what indexers differ in: memory_indexer.h has closures, kept_indexer.h named tasks in a store.

#include <errand/errand.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

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

inline constexpr int kWalkers = 3;
inline constexpr int kUrgent = 0;

// Tasks in a store, of an index that may have taken several runs of the program.
struct Kept {
  std::uint64_t before = 0;     // were done when this run began
  std::uint64_t now = 0;        // were done in it
  std::uint64_t left = 0;       // are there for the next one
  std::uint64_t cut_short = 0;  // attempts, of all tasks, that ended with an earlier process
};

class Indexer {
 public:
  Indexer() = default;
  Indexer(const Indexer&) = delete;
  Indexer& operator=(const Indexer&) = delete;
  virtual ~Indexer() = default;

  // Everything below these paths, which may be none. Called once.
  virtual void walk(const std::vector<std::string>& roots, HoldsWork work) = 0;
  // This path before everything else. For a file, says on standard error what is in it as soon as it is known.
  virtual void walk_now(const std::string& path, HoldsWork work) = 0;

  // Begins nothing new but what an indexer in memory has queued, and after the deadline gives up.
  virtual void stop(errand::Duration deadline) = 0;
  // Gives up now, also inside stop().
  virtual void give_up() = 0;
  // After the last task. From here on the index has everything.
  virtual void close() = 0;

  // How far it has come, as the beginning of a sentence: "12 files, 3.4 MiB".
  [[nodiscard]] virtual std::string progress() const = 0;
  [[nodiscard]] virtual errand::Stats walk_stats() const = 0;
  [[nodiscard]] virtual errand::Stats read_stats() const = 0;
  // Directories that stop() left unopened, and nobody will open, as far as they are known.
  [[nodiscard]] virtual std::size_t unopened() const { return 0; }
  // After close(); none without a store.
  [[nodiscard]] virtual std::optional<Kept> kept() const { return std::nullopt; }

 protected:
  // For people who wait for an urgent file.
  static void tell(const std::string& path, const errand::Result<FileStats>& stats);
};
