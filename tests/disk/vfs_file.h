#pragma once
// SQLite's view of an open file.

#include <sqlite3.h>

#include <memory>

#include "test_disk/world.h"

namespace disk {

extern const int kFileSize;

/// Makes the file SQLite's, which gives it back with xClose.
void attach(sqlite3_file& file, std::unique_ptr<Handle> handle);

}  // namespace disk
