#pragma once
// What the workloads of the durable tier share: a place on a real disk, what that disk can do, and the database alone.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

namespace bench {

/// A folder of its own in the current one, gone with its user. Ends the program where files are kept in memory only:
/// what is measured there says nothing of a disk.
class Place {
 public:
  Place();
  ~Place();
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  [[nodiscard]] std::string file(const std::string& name) const { return (path_ / name).string(); }
  /// Waits until what was written is on the disk, so that the next run does not pay for it.
  void settle() const;

 private:
  std::filesystem::path path_;
};

/// How long each of so many flushes took, in seconds: 4 KiB written over and over in the same place, and fdatasync.
/// `gap`: how long the disk rests before each.
[[nodiscard]] std::vector<double> flushes(const Place& place, int count, std::chrono::microseconds gap = {});

/// SQLite and nothing else, on a file with errand's tables, indexes and settings: one connection that writes the rows
/// that errand writes.
class RawDatabase {
 public:
  /// The file of a store that is closed.
  explicit RawDatabase(const std::string& path);
  ~RawDatabase();
  RawDatabase(const RawDatabase&) = delete;
  RawDatabase& operator=(const RawDatabase&) = delete;

  void begin() { run("begin immediate"); }
  void commit() { run("commit"); }
  /// As a task is added that is claimed at once.
  void insert(std::uint64_t id, const std::string& payload);
  /// And where it is not.
  void wait(std::uint64_t id);
  /// As a task is left that completed.
  void complete(std::uint64_t id);
  /// As one that is ephemeral.
  void remove(std::uint64_t id);

 private:
  void run(const char* sql);
  void step(sqlite3_stmt* statement);
  [[nodiscard]] sqlite3_stmt* prepare(const char* sql);

  sqlite3* database_ = nullptr;
  sqlite3_stmt* insert_ = nullptr;
  sqlite3_stmt* wait_ = nullptr;
  sqlite3_stmt* complete_ = nullptr;
  sqlite3_stmt* remove_ = nullptr;
};

}  // namespace bench
