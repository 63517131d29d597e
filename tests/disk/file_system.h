#pragma once
// Files with names, in memory, and what of both a power cut takes.
//
// What is modelled is what POSIX promises, not what one file system adds: a flush of a file makes its bytes and its
// size durable, but not its name. A name that was made or deleted is durable after its directory was flushed, and a
// flush of a directory is one of all names in it.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "test_disk/content.h"
#include "test_disk/locks.h"
#include "test_disk/operation.h"

namespace disk {

struct Inode {
  Content content;
  FileLocks locks;
  std::weak_ptr<SharedMemory> shared_memory;  // handles own it, also those that outlive a power cut
};

/// No threads: Disk holds its mutex around every call.
class FileSystem {
 public:
  explicit FileSystem(std::uint64_t seed) : rng_(seed) {}

  // ---- Names
  [[nodiscard]] std::shared_ptr<Inode> find(const std::string& path) const;
  std::shared_ptr<Inode> create(const std::string& path);
  void remove(const std::string& path);
  /// Makes the names in the directory of path durable.
  void sync_directory(std::string_view path);
  [[nodiscard]] std::size_t bytes_used() const;

  // ---- Power: on ──power_off──► off ──cut──► settled ──power_on──► on
  enum class Power : std::uint8_t { on, off, settled };
  [[nodiscard]] Power power() const { return power_; }
  /// How often the power went off: a handle is of use only in the life it was opened in.
  [[nodiscard]] std::uint64_t life() const { return life_; }
  void power_off();
  void cut(PowerCut how, errand::Rng& rng);
  void power_on() { power_ = Power::on; }

  // ---- Operations
  /// Numbers it, adds it and `bytes` to the trace, and says what is to go wrong with it.
  [[nodiscard]] Fault begin(Operation& operation, std::string_view bytes);
  [[nodiscard]] std::uint64_t operations() const { return operations_; }
  [[nodiscard]] std::uint64_t trace() const { return trace_; }

  errand::Rng& rng() { return rng_; }
  FaultPlan faults;
  std::optional<std::size_t> quota;
  bool is_read_only = false;
  bool ignores_syncs = false;
  std::map<std::string, std::uint64_t> syncs;   // that finished, by path
  std::int64_t now_us = 1'767'225'600'000'000;  // since 1970; begins with 2026
  std::uint64_t temporary_files = 0;
  int open_files = 0;

 private:
  using Names = std::map<std::string, std::shared_ptr<Inode>>;
  struct Renaming {
    std::string path;
    std::shared_ptr<Inode> inode;  // nullptr: deleted
  };

  static void apply(const Renaming& change, Names& to);

  Names now_;
  Names durable_;
  std::vector<Renaming> since_;  // the flushes of their directories, oldest first
  errand::Rng rng_;
  std::uint64_t operations_ = 0;
  std::uint64_t trace_ = 0;
  std::uint64_t life_ = 0;
  Power power_ = Power::on;
};

}  // namespace disk
