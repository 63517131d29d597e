#pragma once
// A disk for SQLite that can lose its power, fail and fill up, and does so the same way each time.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "test_disk/operation.h"
#include "test_disk/power_cut.h"

namespace disk {

/// A file system in memory, and a VFS with a name of its own that works on it:
///
///     Disk disk(seed);
///     sqlite3_open_v2("tasks.db", &db, flags, disk.vfs_name());
///     disk.fail_at(n, Fault::power_loss);
///     ... until SQLite reports an error; then close, which reports more of them ...
///     disk.power_cut(PowerCut::torn, rng);
///     ... open again, and see what is left
///
/// It keeps what is durable apart from what was written since, and follows the unix VFS of SQLite in what becomes
/// durable when: xSync flushes a file, and the first xSync after the open of a journal, super-journal or write-ahead
/// log that may have made it flushes its directory too, which is where the names of all files in there become durable.
/// A database file has no such rule of its own: its name becomes durable with that of its first journal. A failed flush
/// of the directory goes unreported there, and is reported by xDelete, which flushes only when told to. The disk
/// promises no more than the unix VFS does by default (SQLITE_IOCAP_POWERSAFE_OVERWRITE).
///
/// Names:   relative ones are in "/". "tasks.db" and "/tasks.db" are the same file, here and for SQLite.
/// Time:    stands still, but for advance() and SQLite's sleeps, which take no real time; see on_sleep().
/// Chance:  the seed decides what the disk does. SQLite draws its own numbers from one generator for the whole process,
///          which the constructor seeds too; so with one disk at a time and one thread, all is repeated bit by bit.
/// Threads: any, for the VFS and for what is below; but on_operation() and on_sleep() are for times without operations.
/// Life:    must outlive its connections. A second disk alive draws from the same generator of SQLite's.
class Disk {
 public:
  explicit Disk(std::uint64_t seed = 1);
  ~Disk();
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  [[nodiscard]] const char* vfs_name() const;

  // ---- What went on
  /// Reads, writes, flushes, truncations, opens, deletes, locks and the rest of Call, so far. Those of handles from
  /// before a power cut do not count.
  [[nodiscard]] std::uint64_t operations() const;
  /// A hash of all of them, with their bytes.
  [[nodiscard]] std::uint64_t trace() const;
  /// Flushes of the file that finished and were reported as done; a disk that ignores them reports them too.
  [[nodiscard]] std::uint64_t syncs(const std::string& name) const;
  [[nodiscard]] std::uint64_t syncs() const;
  [[nodiscard]] int open_files() const;
  [[nodiscard]] bool exists(const std::string& name) const;
  [[nodiscard]] std::size_t bytes_used() const;
  /// What a reader sees; "" if there is none.
  [[nodiscard]] std::string contents(const std::string& name) const;
  /// Makes the file hold these bytes, durably.
  void put(const std::string& name, const std::string& bytes);

  // ---- What goes wrong
  /// The nth operation from now (1: the next one) fails, or the first after it that can fail like this, and so do those
  /// that can, up to `times` of them. Replaces what was planned before.
  void fail_at(std::uint64_t n, Fault fault, std::uint64_t times = 1);
  /// How many failed since the last fail_at(): 0 says that n was not reached.
  [[nodiscard]] std::uint64_t failed() const;
  /// Called before each operation, in its thread and with nothing locked; may wait, may switch the power off, and may
  /// say how the operation is to fail. That has to be able to happen to it, else nothing does.
  void on_operation(std::function<Fault(const Operation&)> hook);
  /// Writes that would take more than this in all are done in part, and then get SQLITE_FULL. nullopt: no limit.
  void set_quota(std::optional<std::size_t> bytes);
  /// Files open for reading only, and those that are open already get errors from every change.
  void set_read_only(bool is_read_only);
  /// A disk that reports flushes as done, and does nothing. For a test of tests: they have to see that.
  void ignore_syncs(bool ignores);

  // ---- Power
  /// From now on every operation fails.
  void power_off();
  /// Switches off if it is on, and settles what survived. The next open of a database switches the disk on again.
  /// Handles from before stay useless; close them first, since SQLite deletes files by name.
  void power_cut(PowerCut how, errand::Rng& rng);

  // ---- Time
  [[nodiscard]] std::chrono::microseconds now() const;  ///< since 1970
  void advance(std::chrono::microseconds by);
  /// Called for each sleep of SQLite's, after it passed in the disk's time; with nothing locked. Where other threads
  /// hold what is waited for, it has to give them real time, else SQLite takes them for stuck at once.
  void on_sleep(std::function<void(std::chrono::microseconds)> hook);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace disk
