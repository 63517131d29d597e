#pragma once
// Closures in memory, gone with the process.
//
//   walk   a task per directory. It may wait for room in `read`, so it has workers of its own; nothing in `read` ever
//          waits for `walk`. Only names of directories wait in it.
//   read   a task per file, at most kRoom of them at a time. A directory with a million files never is in memory: its
//          task waits until there is room for the next name. Retries wait outside of the room, and hold no worker.

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "indexer.h"

class MemoryIndexer final : public Indexer {
 public:
  MemoryIndexer(const Options& options, Index& index);

  void walk(const std::vector<std::string>& roots, HoldsWork work) override;
  void walk_now(const std::string& path, HoldsWork work) override;
  void stop(errand::Duration deadline) override;
  void give_up() override { give_up_.request_stop(); }
  void close() override;

  [[nodiscard]] std::string progress() const override;
  [[nodiscard]] errand::Stats walk_stats() const override { return walk_.stats(); }
  [[nodiscard]] errand::Stats read_stats() const override { return read_.stats(); }
  [[nodiscard]] std::size_t unopened() const override { return unopened_; }

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
