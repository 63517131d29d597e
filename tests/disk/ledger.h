#pragma once
// Transactions by which one sees later which of them are there, and whether each is there as a whole.

#include <string>

#include "test_disk/disk.h"
#include "test_disk/sql.h"

namespace disk {

struct LedgerOptions {
  std::string journal = "WAL";  ///< journal_mode
  std::string synchronous = "FULL";
  std::string locking = "EXCLUSIVE";  ///< locking_mode
  bool has_reader = false;            ///< another connection, which reads while every other transaction is written
  int transactions = 8;
};

/// What a run was told, as far as it came.
struct Told {
  int begun = 0;
  int acknowledged = 0;
  int error = SQLITE_OK;  ///< the first
};

/// What is in the database.
struct Found {
  bool is_sound = false;
  int transactions = 0;  ///< -1: there are gaps, or a transaction is there in part
  std::string complaint;
};

/// Opens "tasks.db" and runs transactions until one fails, or all are done; closes, whatever happened. Small pages and
/// a log that is folded into the database every few transactions, so that all of SQLite's ways to write are on the way.
[[nodiscard]] Told run_ledger(Disk& disk, const LedgerOptions& options);

/// Opens "tasks.db" as it is, looks through it, and closes. A database without tables has no transactions.
[[nodiscard]] Found read_ledger(Disk& disk);

}  // namespace disk
