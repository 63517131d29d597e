#pragma once
// The real disk, with flushes that are counted and take longer.

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace disk {

class SlowVfs;

/// A VFS with a name of its own that passes everything on to another one.
///
/// Each xSync of the other one is counted when it has succeeded; one that also flushes a directory counts once. The
/// delay follows it, in the VFS's own sleep, before SQLite hears of the flush: so the disk seems slower, and nothing
/// else does.
///
/// Threads: any may use the VFS and ask for the count.
/// Life:    must outlive its connections, and `below` must outlive it.
class SlowFlush {
 public:
  /// below: the name of the VFS that does the work; nullptr is the default one.
  explicit SlowFlush(std::chrono::microseconds delay, const char* below = nullptr);
  ~SlowFlush();
  SlowFlush(const SlowFlush&) = delete;
  SlowFlush& operator=(const SlowFlush&) = delete;

  [[nodiscard]] const char* vfs_name() const;
  [[nodiscard]] std::uint64_t flushes() const;

 private:
  std::unique_ptr<SlowVfs> vfs_;
};

/// Whether the files in this directory are in memory only, so that flushes cost nothing and mean nothing: what is
/// measured there says nothing of a disk. False also if the system cannot tell.
[[nodiscard]] bool is_in_memory(const std::string& directory);

}  // namespace disk
