#include "test_disk/slow_flush.h"

#include <linux/magic.h>
#include <sqlite3.h>
#include <sys/vfs.h>

#include <atomic>
#include <map>
#include <stdexcept>

#include "base/mutex.h"

namespace disk {

// A copy of the VFS below with another xOpen, which gives each file a copy of its table of methods with another xSync.
// All else is called without us, in whatever version of the interface the VFS below has.
class SlowVfs {
 public:
  SlowVfs(std::chrono::microseconds delay, sqlite3_vfs& below)
      : delay_us_(static_cast<int>(delay.count())), below_(below), name_(next_name()), shown_{below, this} {
    shown_.vfs.zName = name_.c_str();
    shown_.vfs.pNext = nullptr;
    shown_.vfs.xOpen = open;
    sqlite3_vfs_register(&shown_.vfs, 0);
  }
  ~SlowVfs() { sqlite3_vfs_unregister(&shown_.vfs); }
  SlowVfs(const SlowVfs&) = delete;
  SlowVfs& operator=(const SlowVfs&) = delete;

  [[nodiscard]] const char* name() const { return name_.c_str(); }
  [[nodiscard]] std::uint64_t flushes() const { return flushes_.load(std::memory_order_relaxed); }

 private:
  // What SQLite has a pointer to, and the way back from there to us.
  struct Shown {
    sqlite3_vfs vfs;
    SlowVfs* self;
  };
  struct Methods {
    sqlite3_io_methods table;
    int (*sync)(sqlite3_file*, int);
    SlowVfs* self;
  };

  static std::string next_name() {
    static std::atomic<int> count{0};
    return "errand-slow-flush-" + std::to_string(++count);
  }

  static int open(sqlite3_vfs* vfs, sqlite3_filename name, sqlite3_file* file, int flags, int* flags_out) {
    SlowVfs& self = *reinterpret_cast<Shown*>(vfs)->self;
    const int status = self.below_.xOpen(&self.below_, name, file, flags, flags_out);
    if (file->pMethods != nullptr) file->pMethods = &self.methods_over(file->pMethods).table;
    return status;
  }

  static int sync(sqlite3_file* file, int flags) {
    const Methods& methods = *reinterpret_cast<const Methods*>(file->pMethods);
    const int status = methods.sync(file, flags);
    if (status == SQLITE_OK) methods.self->flushed();
    return status;
  }

  void flushed() {
    if (delay_us_ > 0) below_.xSleep(&below_, delay_us_);
    flushes_.fetch_add(1, std::memory_order_relaxed);
  }

  // A VFS has a few tables, for all of its files.
  const Methods& methods_over(const sqlite3_io_methods* below) ERRAND_EXCLUDES(mu_) {
    const errand::MutexLock lock(mu_);
    const auto [at, is_new] = methods_.try_emplace(below, Methods{*below, below->xSync, this});
    if (is_new) at->second.table.xSync = sync;
    return at->second;
  }

  const int delay_us_;
  sqlite3_vfs& below_;
  const std::string name_;
  Shown shown_;
  std::atomic<std::uint64_t> flushes_{0};
  errand::Mutex mu_;
  std::map<const sqlite3_io_methods*, Methods> methods_ ERRAND_GUARDED_BY(mu_);  // whose addresses stay
};

namespace {

sqlite3_vfs& find_vfs(const char* name) {
  sqlite3_vfs* vfs = sqlite3_vfs_find(name);
  if (vfs == nullptr) throw std::invalid_argument(std::string("SlowFlush: there is no VFS ") + name);
  return *vfs;
}

}  // namespace

SlowFlush::SlowFlush(std::chrono::microseconds delay, const char* below)
    : vfs_(std::make_unique<SlowVfs>(delay, find_vfs(below))) {}

SlowFlush::~SlowFlush() = default;

const char* SlowFlush::vfs_name() const {
  return vfs_->name();
}

std::uint64_t SlowFlush::flushes() const {
  return vfs_->flushes();
}

bool is_in_memory(const std::string& directory) {
  struct statfs about {};
  if (statfs(directory.c_str(), &about) != 0) return false;
  return about.f_type == TMPFS_MAGIC || about.f_type == RAMFS_MAGIC;
}

}  // namespace disk
