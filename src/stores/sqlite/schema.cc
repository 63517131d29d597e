#include "sqlite/schema.h"

#include "sqlite/log.h"
#include "sqlite/sql.h"

namespace errand {
inline namespace v0 {
namespace sqlite {

namespace {

// "errd": `file tasks.db` tells whose it is, and somebody else's database is not taken for ours.
constexpr std::int64_t kApplication = 0x65727264;

constexpr std::string_view kMigrations[] = {sql::migration_0001_tasks, sql::migration_0002_schedules};

// The log is checkpointed by this connection alone, when it chooses to. The log's file is extended once and kept: one
// that grows costs twice as much per commit. The cache is a small one: most pages are written once or read once, and
// the system has them as well; each page that it grows by is memory that was never touched, whose faults cost more than
// the reads that they spare.
std::string settings(const SqliteOptions& options) {
  return std::string("pragma synchronous = ") + (options.synchronous == Synchronous::full ? "full" : "normal") +
         "; pragma wal_autocheckpoint = 0; pragma journal_size_limit = 67108864; pragma mmap_size = 0; "
         "pragma temp_store = memory; pragma cache_size = -8192; pragma trusted_schema = off; "
         "pragma foreign_keys = off;";
}

}  // namespace

Result<void> prepare_schema(Connection& connection, const SqliteOptions& options, const std::string& path) {
  const std::string what = "open \"" + path + "\"";
  const auto application = connection.number("pragma application_id");
  const auto said = [&](const Error& why, const char* damage) {
    if (why.code() == Code::invalid) return with_remedy(error(why.code(), what, damage));
    std::string_view text = why.message();
    if (text.starts_with("sqlite: read: ")) text.remove_prefix(14);
    return error(why.code(), what, std::string(text));
  };
  if (!application) return said(application.error(), "it is no database, or is damaged");
  const auto version = connection.number("pragma user_version");
  const auto tables = connection.number("select count(*) from sqlite_schema");
  if (!version) return said(version.error(), "it is damaged");
  if (!tables) return said(tables.error(), "it is damaged");
  const std::int64_t newest = std::ssize(kMigrations);
  if (application->value_or(0) != kApplication && (version->value_or(0) != 0 || tables->value_or(0) != 0))
    return error(Code::invalid, what, "it is a database of something else: give errand a file of its own");
  if (version->value_or(0) > newest) {
    return error(Code::invalid, what,
                 "its schema is version " + std::to_string(version->value_or(0)) + ", and this errand knows " +
                     std::to_string(newest) +
                     ": a newer errand wrote it; run that one, or put back the backup that was made before it came");
  }
  // WAL outside of any transaction; the answer is a row, and no error where it can't be.
  Statement mode = connection.prepare("pragma journal_mode = wal");
  if (!mode.step()) return with_remedy(connection.error(mode.status(), what));
  if (mode.text(0) != "wal")
    return error(Code::invalid, what,
                 "it can't have a write-ahead log: its journal mode stays \"" + std::string(mode.text(0)) +
                     "\"; put it on a disk of this machine");
  mode.run();
  // Whoever wrote the log may have died of a flush that failed; nothing is written behind it before it is whole.
  int status = rewrite_log(connection.handle());
  connection.keep_log(status != SQLITE_OK);
  if (status == SQLITE_OK) status = connection.execute(settings(options));
  for (std::int64_t next = version->value_or(0); status == SQLITE_OK && next < newest; ++next) {
    status = connection.execute("begin immediate; " + std::string(kMigrations[next]) +
                                "pragma application_id = " + std::to_string(kApplication) +
                                "; pragma user_version = " + std::to_string(next + 1) + "; commit;");
  }
  if (status == SQLITE_OK) return {};
  const Error failed = connection.error(status, what);
  connection.roll_back();
  return (status & 0xff) == SQLITE_CORRUPT ? with_remedy(failed) : failed;
}

}  // namespace sqlite
}  // namespace v0
}  // namespace errand
