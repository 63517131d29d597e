#include "test_disk/vfs.h"

#include <atomic>

#include "test_disk/vfs_file.h"

namespace disk {
namespace {

constexpr int kMaxPath = 512;
// Milliseconds from the beginning of the Julian day numbers to 1970.
constexpr std::int64_t kJulianMs = 210'866'760'000'000;

World& world_of(sqlite3_vfs* vfs) {
  return *static_cast<World*>(vfs->pAppData);
}

// As the unix VFS has it: a journal that may have been made by this open is worth a flush of its directory.
bool syncs_directory(int flags) {
  constexpr int kJournals = SQLITE_OPEN_SUPER_JOURNAL | SQLITE_OPEN_MAIN_JOURNAL | SQLITE_OPEN_WAL;
  return (flags & SQLITE_OPEN_CREATE) != 0 && (flags & kJournals) != 0;
}

int open_in(FileSystem& fs, Handle& handle, int& flags) {
  handle.life = fs.life();
  handle.inode = fs.find(handle.path);
  if (handle.inode == nullptr) {
    if ((flags & SQLITE_OPEN_CREATE) == 0 || fs.is_read_only) return SQLITE_CANTOPEN;
    handle.inode = fs.create(handle.path);
  } else if ((flags & SQLITE_OPEN_EXCLUSIVE) != 0) {
    return SQLITE_CANTOPEN;
  }
  if (fs.is_read_only && (flags & SQLITE_OPEN_READWRITE) != 0) {
    flags = (flags & ~(SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)) | SQLITE_OPEN_READONLY;
  }
  handle.is_read_only = (flags & SQLITE_OPEN_READWRITE) == 0;
  handle.syncs_directory = syncs_directory(flags);
  handle.is_deleted_on_close = (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
  ++fs.open_files;
  return SQLITE_OK;
}

int open(sqlite3_vfs* vfs, sqlite3_filename name, sqlite3_file* file, int flags, int* flags_out) {
  file->pMethods = nullptr;
  World& world = world_of(vfs);
  auto handle = std::make_unique<Handle>();
  handle->world = &world;
  handle->path = world.with([&](FileSystem& fs) {
    // A new connection to a database is how life begins after a power cut.
    const bool begins = (flags & SQLITE_OPEN_MAIN_DB) != 0;
    if (begins && fs.power() == FileSystem::Power::settled) fs.power_on();
    return name != nullptr ? std::string(name) : "/temporary-" + std::to_string(++fs.temporary_files);
  });
  const int status = world.run({.call = Call::open, .path = handle->path}, {}, nullptr, SQLITE_CANTOPEN,
                               [&](FileSystem& fs, Fault) { return open_in(fs, *handle, flags); });
  if (status != SQLITE_OK) return status;
  if (flags_out != nullptr) *flags_out = flags;
  attach(*file, std::move(handle));
  return SQLITE_OK;
}

int remove(sqlite3_vfs* vfs, const char* name, int sync_directory) {
  World& world = world_of(vfs);
  const int status =
      world.run({.call = Call::remove, .path = name}, {}, nullptr, SQLITE_IOERR_DELETE, [&](FileSystem& fs, Fault) {
        if (fs.find(name) == nullptr) return SQLITE_IOERR_DELETE_NOENT;
        if (fs.is_read_only) return SQLITE_IOERR_DELETE;
        fs.remove(name);
        return SQLITE_OK;
      });
  if (status != SQLITE_OK || (sync_directory & 1) == 0) return status;
  return world.run({.call = Call::sync_directory, .path = name}, {}, nullptr, SQLITE_IOERR_DIR_FSYNC,
                   [&](FileSystem& fs, Fault) {
                     if (!fs.ignores_syncs) fs.sync_directory(name);
                     return SQLITE_OK;
                   });
}

// An empty file counts as none, so that a journal that was created and never written is not taken for a hot one.
int access(sqlite3_vfs* vfs, const char* name, int flags, int* result) {
  *result = 0;
  return world_of(vfs).run({.call = Call::access, .path = name}, {}, nullptr, SQLITE_IOERR_ACCESS,
                           [&](FileSystem& fs, Fault) {
                             const auto inode = fs.find(name);
                             if (inode == nullptr) return SQLITE_OK;
                             *result = flags == SQLITE_ACCESS_EXISTS      ? inode->content.size() > 0
                                       : flags == SQLITE_ACCESS_READWRITE ? !fs.is_read_only
                                                                          : 1;
                             return SQLITE_OK;
                           });
}

int full_pathname(sqlite3_vfs*, const char* name, int size, char* out) {
  const std::string path = full_path(name);
  if (path.size() >= static_cast<std::size_t>(size)) return SQLITE_CANTOPEN;
  path.copy(out, path.size());
  out[path.size()] = '\0';
  return SQLITE_OK;
}

int randomness(sqlite3_vfs* vfs, int size, char* out) {
  world_of(vfs).with([&](FileSystem& fs) {
    for (int i = 0; i < size; ++i) out[i] = static_cast<char>(fs.rng().below(256));
  });
  return size;
}

int sleep(sqlite3_vfs* vfs, int microseconds) {
  world_of(vfs).sleep(std::chrono::microseconds(microseconds));
  return microseconds;
}

int current_time_ms(sqlite3_vfs* vfs, sqlite3_int64* out) {
  *out = kJulianMs + world_of(vfs).with([](FileSystem& fs) { return fs.now_us; }) / 1000;
  return SQLITE_OK;
}

int current_time(sqlite3_vfs* vfs, double* out) {
  sqlite3_int64 ms = 0;
  const int status = current_time_ms(vfs, &ms);
  *out = static_cast<double>(ms) / 86'400'000.0;
  return status;
}

int last_error(sqlite3_vfs*, int, char*) {
  return 0;
}

std::string next_name() {
  static std::atomic<int> count{0};
  return "errand-disk-" + std::to_string(++count);
}

}  // namespace

Vfs::Vfs(World& world) : name_(next_name()) {
  vfs_.iVersion = 2;
  vfs_.szOsFile = kFileSize;
  vfs_.mxPathname = kMaxPath;
  vfs_.zName = name_.c_str();
  vfs_.pAppData = &world;
  vfs_.xOpen = open;
  vfs_.xDelete = remove;
  vfs_.xAccess = access;
  vfs_.xFullPathname = full_pathname;
  vfs_.xRandomness = randomness;
  vfs_.xSleep = sleep;
  vfs_.xCurrentTime = current_time;
  vfs_.xGetLastError = last_error;
  vfs_.xCurrentTimeInt64 = current_time_ms;
  sqlite3_vfs_register(&vfs_, 0);
}

Vfs::~Vfs() {
  sqlite3_vfs_unregister(&vfs_);
}

std::string full_path(std::string_view name) {
  return name.starts_with('/') ? std::string(name) : "/" + std::string(name);
}

}  // namespace disk
