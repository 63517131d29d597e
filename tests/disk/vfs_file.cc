#include "test_disk/vfs_file.h"

#include <algorithm>

namespace disk {
namespace {

// What the unix VFS says of a disk it knows nothing about.
constexpr int kSectorSize = 4096;

struct File {
  sqlite3_file base;  // first, since SQLite knows no more than this
  Handle* handle;
};

Handle& handle_of(sqlite3_file* file) {
  return *reinterpret_cast<File*>(file)->handle;
}

template <class Act>
int run(sqlite3_file* file, Operation operation, std::string_view bytes, int error, Act act) {
  Handle& handle = handle_of(file);
  operation.path = handle.path;
  return handle.world->run(std::move(operation), bytes, &handle, error,
                           [&](FileSystem& fs, Fault fault) { return act(fs, handle, fault); });
}

int close(sqlite3_file* file) {
  const std::unique_ptr<Handle> handle(&handle_of(file));
  handle->world->with([&](FileSystem& fs) {
    handle->inode->locks.unlock(*handle, SQLITE_LOCK_NONE);
    if (handle->shared_memory != nullptr) handle->shared_memory->unlock_all(*handle);
    if (handle->is_deleted_on_close && handle->life == fs.life()) fs.remove(handle->path);
    --fs.open_files;
  });
  file->pMethods = nullptr;
  return SQLITE_OK;
}

int read(sqlite3_file* file, void* out, int amount, sqlite3_int64 offset) {
  return run(file, {.call = Call::read, .offset = offset, .size = amount}, {}, SQLITE_IOERR_READ,
             [&](FileSystem&, Handle& handle, Fault) {
               const auto count = static_cast<std::size_t>(amount);
               const std::string_view found = handle.inode->content.read(static_cast<std::size_t>(offset), count);
               char* end = std::copy(found.begin(), found.end(), static_cast<char*>(out));
               std::fill(end, static_cast<char*>(out) + count, '\0');
               return found.size() == count ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
             });
}

// How much of a write finds room.
std::size_t room_for(const FileSystem& fs, const Content& content, std::size_t offset, std::size_t amount) {
  const std::size_t end = offset + amount;
  if (!fs.quota || end <= content.size()) return amount;
  const std::size_t used = fs.bytes_used();
  const std::size_t last = content.size() + (*fs.quota > used ? *fs.quota - used : 0);
  return std::clamp(last, offset, end) - offset;
}

int write(sqlite3_file* file, const void* data, int amount, sqlite3_int64 offset) {
  const std::string_view bytes(static_cast<const char*>(data), static_cast<std::size_t>(amount));
  return run(file, {.call = Call::write, .offset = offset, .size = amount}, bytes, SQLITE_IOERR_WRITE,
             [&](FileSystem& fs, Handle& handle, Fault fault) {
               if (handle.is_read_only || fs.is_read_only) return SQLITE_IOERR_WRITE;
               Content& content = handle.inode->content;
               const auto at = static_cast<std::size_t>(offset);
               std::size_t count = room_for(fs, content, at, bytes.size());
               if (fault == Fault::short_write && count > 0) count = fs.rng().below(count);
               if (count > 0) content.write(at, bytes.substr(0, count));
               return count == bytes.size() ? SQLITE_OK : SQLITE_FULL;
             });
}

int truncate(sqlite3_file* file, sqlite3_int64 size) {
  return run(file, {.call = Call::truncate, .offset = size}, {}, SQLITE_IOERR_TRUNCATE,
             [&](FileSystem& fs, Handle& handle, Fault) {
               if (handle.is_read_only || fs.is_read_only) return SQLITE_IOERR_TRUNCATE;
               handle.inode->content.truncate(static_cast<std::size_t>(size));
               return SQLITE_OK;
             });
}

int sync(sqlite3_file* file, int) {
  const int status =
      run(file, {.call = Call::sync}, {}, SQLITE_IOERR_FSYNC, [](FileSystem& fs, Handle& handle, Fault fault) {
        if (fault != Fault::none) {
          handle.inode->content.fail_sync(fs.rng());
          return SQLITE_IOERR_FSYNC;
        }
        if (!fs.ignores_syncs) handle.inode->content.sync();
        ++fs.syncs[handle.path];
        return SQLITE_OK;
      });
  if (status != SQLITE_OK || !handle_of(file).syncs_directory) return status;
  handle_of(file).syncs_directory = false;
  return run(file, {.call = Call::sync_directory}, {}, SQLITE_OK, [](FileSystem& fs, Handle& handle, Fault) {
    if (!fs.ignores_syncs) fs.sync_directory(handle.path);
    return SQLITE_OK;
  });
}

int file_size(sqlite3_file* file, sqlite3_int64* out) {
  return run(file, {.call = Call::size}, {}, SQLITE_IOERR_FSTAT, [&](FileSystem&, Handle& handle, Fault) {
    *out = static_cast<sqlite3_int64>(handle.inode->content.size());
    return SQLITE_OK;
  });
}

int lock(sqlite3_file* file, int level) {
  return run(file, {.call = Call::lock, .offset = level}, {}, SQLITE_IOERR_LOCK,
             [&](FileSystem&, Handle& handle, Fault) {
               return handle.inode->locks.lock(handle, level) ? SQLITE_OK : SQLITE_BUSY;
             });
}

int unlock(sqlite3_file* file, int level) {
  return run(file, {.call = Call::unlock, .offset = level}, {}, SQLITE_IOERR_UNLOCK,
             [&](FileSystem&, Handle& handle, Fault) {
               handle.inode->locks.unlock(handle, level);
               return SQLITE_OK;
             });
}

int check_reserved_lock(sqlite3_file* file, int* out) {
  return run(file, {.call = Call::check_lock}, {}, SQLITE_IOERR_CHECKRESERVEDLOCK,
             [&](FileSystem&, Handle& handle, Fault) {
               *out = handle.inode->locks.is_reserved() ? 1 : 0;
               return SQLITE_OK;
             });
}

// Of all controls the unix VFS knows, the one that changes what happens to files.
int file_control(sqlite3_file* file, int control, void* argument) {
  if (control != SQLITE_FCNTL_PERSIST_WAL) return SQLITE_NOTFOUND;
  Handle& handle = handle_of(file);
  return handle.world->with([&](FileSystem&) {
    int& value = *static_cast<int*>(argument);
    if (value < 0) {
      value = handle.keeps_log ? 1 : 0;
    } else {
      handle.keeps_log = value != 0;
    }
    return SQLITE_OK;
  });
}

int sector_size(sqlite3_file*) {
  return kSectorSize;
}

int device_characteristics(sqlite3_file*) {
  return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

int shm_map(sqlite3_file* file, int region, int size, int extend, void volatile** out) {
  *out = nullptr;
  return run(file, {.call = Call::shm_map, .offset = region, .size = size}, {}, SQLITE_IOERR_SHMMAP,
             [&](FileSystem& fs, Handle& handle, Fault) {
               if (handle.shared_memory == nullptr) handle.shared_memory = handle.inode->shared_memory.lock();
               if (handle.shared_memory == nullptr) {
                 if (fs.is_read_only) return SQLITE_CANTOPEN;
                 handle.shared_memory = std::make_shared<SharedMemory>();
                 handle.inode->shared_memory = handle.shared_memory;
               }
               *out = handle.shared_memory->map(static_cast<std::size_t>(region), static_cast<std::size_t>(size),
                                                extend != 0);
               return SQLITE_OK;
             });
}

int shm_lock(sqlite3_file* file, int first, int count, int flags) {
  const bool unlocks = (flags & SQLITE_SHM_UNLOCK) != 0;
  return run(file, {.call = unlocks ? Call::shm_unlock : Call::shm_lock, .offset = first, .size = count}, {},
             SQLITE_IOERR_SHMLOCK, [&](FileSystem&, Handle& handle, Fault) {
               if (handle.shared_memory == nullptr) return SQLITE_IOERR_SHMLOCK;
               if (unlocks) {
                 handle.shared_memory->unlock(handle, first, count);
                 return SQLITE_OK;
               }
               const bool exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
               return handle.shared_memory->lock(handle, first, count, exclusive) ? SQLITE_OK : SQLITE_BUSY;
             });
}

// A mutex that is taken and given back orders memory for whoever does the same.
void shm_barrier(sqlite3_file* file) {
  handle_of(file).world->with([](FileSystem&) {});
}

int shm_unmap(sqlite3_file* file, int) {
  Handle& handle = handle_of(file);
  handle.world->with([&](FileSystem&) {
    if (handle.shared_memory == nullptr) return;
    handle.shared_memory->unlock_all(handle);
    handle.shared_memory.reset();
  });
  return SQLITE_OK;
}

constexpr sqlite3_io_methods kMethods = {
    .iVersion = 2,  // no memory-mapped reads
    .xClose = close,
    .xRead = read,
    .xWrite = write,
    .xTruncate = truncate,
    .xSync = sync,
    .xFileSize = file_size,
    .xLock = lock,
    .xUnlock = unlock,
    .xCheckReservedLock = check_reserved_lock,
    .xFileControl = file_control,
    .xSectorSize = sector_size,
    .xDeviceCharacteristics = device_characteristics,
    .xShmMap = shm_map,
    .xShmLock = shm_lock,
    .xShmBarrier = shm_barrier,
    .xShmUnmap = shm_unmap,
    .xFetch = nullptr,
    .xUnfetch = nullptr,
};

}  // namespace

const int kFileSize = sizeof(File);

void attach(sqlite3_file& file, std::unique_ptr<Handle> handle) {
  reinterpret_cast<File&>(file).handle = handle.release();
  file.pMethods = &kMethods;
}

}  // namespace disk
