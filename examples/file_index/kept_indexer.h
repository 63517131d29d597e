#pragma once
// Named tasks in a SQLite file, which survive the process: a later run goes on with what one that was killed has left.
//
//   walk   a task per directory. What it finds becomes tasks, and itself it ends, in one transaction: a directory has
//          been listed or it has not, and no second attempt adds anything twice.
//   read   a task per file. What it leaves, the file's figures, is kept with it; the summary is made of these.
//
// A directory is in memory as a whole while it is listed; everything that waits is in the store.

#include <errand/result.h>

#include <memory>

#include "indexer.h"

// Goes on with the index in the file `options.store`, if there is one that is not finished; else the file begins anew
// with another one. Both arguments have to outlive the indexer. Errors: those of open_sqlite().
errand::Result<std::unique_ptr<Indexer>> open_kept_indexer(const Options& options, Index& index);
