#include "test_disk/ledger.h"

#include <memory>
#include <vector>

namespace disk {
namespace {

// The log is folded into the database after so many pages.
constexpr int kPages = 12;

// Each transaction writes its number three times, with some bulk, and once over the row of the one before.
std::string statements(int number) {
  const std::string n = std::to_string(number);
  std::string text = "BEGIN IMMEDIATE;";
  for (const char* part : {"1", "2", "3"}) {
    text.append("INSERT INTO entry VALUES (").append(n).append(",").append(part);
    text.append(", hex(randomblob(100 + 50 * (").append(n).append(" % 5))));");
  }
  text.append("UPDATE last SET number = ").append(n).append(";");
  // Rows that go again, so that pages are reused.
  text.append("INSERT INTO scratch SELECT hex(randomblob(300)); DELETE FROM scratch WHERE rowid < ").append(n);
  return text.append("; COMMIT;");
}

// The tables, if they are not there yet.
constexpr const char* kSchema =
    "BEGIN; CREATE TABLE IF NOT EXISTS entry(number INTEGER, part INTEGER, bulk TEXT, PRIMARY KEY (number, part));"
    "CREATE TABLE IF NOT EXISTS last(number INTEGER); CREATE TABLE IF NOT EXISTS scratch(bulk TEXT);"
    "INSERT INTO last SELECT 0 WHERE NOT EXISTS (SELECT 1 FROM last); COMMIT";

std::vector<std::string> begin_with(const LedgerOptions& options) {
  return {
      "PRAGMA page_size = 512",
      "PRAGMA locking_mode = " + options.locking,
      "PRAGMA journal_mode = " + options.journal,
      "PRAGMA synchronous = " + options.synchronous,
      "PRAGMA wal_autocheckpoint = " + std::to_string(kPages),
      "PRAGMA cache_size = 8",  // spills what is not committed
      kSchema,
  };
}

// Every other transaction someone reads while it is written.
class Reader {
 public:
  Reader(Disk& disk, const LedgerOptions& options) {
    if (options.has_reader) sql_ = std::make_unique<Sql>("tasks.db", disk.vfs_name());
  }
  void before(int number) {
    if (sql_ != nullptr && number % 2 == 0) sql_->run("BEGIN; SELECT number FROM last");
  }
  void after() {
    if (sql_ != nullptr) sql_->run("ROLLBACK");
  }

 private:
  std::unique_ptr<Sql> sql_;
};

}  // namespace

Told run_ledger(Disk& disk, const LedgerOptions& options) {
  Told told;
  Sql sql("tasks.db", disk.vfs_name());
  told.error = sql.status();
  for (const std::string& statement : begin_with(options)) {
    if (told.error == SQLITE_OK) told.error = sql.run(statement);
  }
  if (told.error != SQLITE_OK) return told;
  Reader reader(disk, options);
  const std::string last = sql.ask("SELECT number FROM last");
  for (int i = 1; i <= options.transactions; ++i) {
    const int number = std::atoi(last.c_str()) + i;
    ++told.begun;
    reader.before(number);
    told.error = sql.run(statements(number));
    reader.after();
    if (told.error != SQLITE_OK) break;
    ++told.acknowledged;
  }
  return told;
}

Found read_ledger(Disk& disk) {
  Found found;
  Sql sql("tasks.db", disk.vfs_name());
  found.complaint = sql.ask("PRAGMA integrity_check");
  found.is_sound = found.complaint == "ok";
  if (sql.ask("SELECT count(*) FROM sqlite_schema") == "0") return found;
  const std::string number = sql.ask("SELECT number FROM last");
  const std::string entries =
      sql.ask("SELECT count(*), ifnull(min(number), 1), ifnull(max(number), 0), sum(length(bulk) >= 200) FROM entry");
  const int last = std::atoi(number.c_str());
  const std::string three = std::to_string(3 * last);
  const std::string expected = last == 0 ? "0 1 0 null" : three + " 1 " + std::to_string(last) + " " + three;
  found.transactions = entries == expected ? last : -1;
  if (found.transactions < 0) found.complaint = "last is " + number + ", entries are " + entries;
  return found;
}

}  // namespace disk
