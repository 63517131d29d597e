#include "disk.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <thread>

#include "measure.h"
#include "test_disk/slow_flush.h"

namespace bench {

Place::Place() {
  std::string pattern = (std::filesystem::current_path() / "errand-bench-XXXXXX").string();
  demand(::mkdtemp(pattern.data()) != nullptr, "no folder can be made in the current one");
  path_ = pattern;
  if (disk::is_in_memory(pattern)) {
    std::filesystem::remove_all(path_);
    std::fprintf(stderr, "errand_bench durable: the current folder is in memory only; run it on a disk\n");
    std::exit(2);
  }
}

Place::~Place() {
  std::filesystem::remove_all(path_);
}

void Place::settle() const {
  const int folder = ::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  demand(folder >= 0 && ::syncfs(folder) == 0, "the disk can't be waited for");
  ::close(folder);
}

std::vector<double> flushes(const Place& place, int count, std::chrono::microseconds gap) {
  const int file = ::open(place.file("flushed").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  demand(file >= 0, "a file can't be made");
  const std::vector<char> page(4096, 'x');
  std::vector<double> took;
  for (int i = -1; i < count; ++i) {  // the first one makes the file longer
    if (gap > gap.zero()) std::this_thread::sleep_for(gap);
    const auto start = SteadyClock::now();
    demand(::pwrite(file, page.data(), page.size(), 0) == 4096 && ::fdatasync(file) == 0, "the disk takes nothing");
    if (i >= 0) took.push_back(seconds_since(start));
  }
  ::close(file);
  return took;
}

RawDatabase::RawDatabase(const std::string& path) {
  demand(sqlite3_open(path.c_str(), &database_) == SQLITE_OK, "the database can't be opened");
  run("pragma journal_mode = wal");
  run("pragma synchronous = full");
  run("pragma wal_autocheckpoint = 4000");
  run("pragma journal_size_limit = 67108864");
  run("pragma temp_store = memory");
  run("pragma cache_size = -65536");
  insert_ = prepare(
      "insert into errand_enqueued (id, queue, kind, state, priority, run_at, payload, content_type, created_at,"
      " max_attempts) values (?1, 'bench', 'nothing', 'available', 5, ?1, ?2, 'application/octet-stream', ?1, 20)");
  wait_ = prepare("insert into errand_waiting (queue, priority, run_at, id) values ('bench', 5, ?1, ?1)");
  complete_ = prepare(
      "insert into errand_ended (id, state, attempts, crashes, started_at, finished_at, prune_at)"
      " values (?1, 'completed', 1, 0, ?1, ?1, ?1)");
  remove_ = prepare("delete from errand_enqueued where id = ?1");
}

RawDatabase::~RawDatabase() {
  for (sqlite3_stmt* statement : {insert_, wait_, complete_, remove_}) sqlite3_finalize(statement);
  sqlite3_close(database_);
}

sqlite3_stmt* RawDatabase::prepare(const char* sql) {
  sqlite3_stmt* statement = nullptr;
  demand(sqlite3_prepare_v3(database_, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr) == SQLITE_OK,
         "the database does not take a statement");
  return statement;
}

void RawDatabase::run(const char* sql) {
  demand(sqlite3_exec(database_, sql, nullptr, nullptr, nullptr) == SQLITE_OK, "the database fails");
}

void RawDatabase::step(sqlite3_stmt* statement) {
  demand(sqlite3_step(statement) == SQLITE_DONE, "the database does not take a row");
  sqlite3_reset(statement);
}

void RawDatabase::insert(std::uint64_t id, const std::string& payload) {
  sqlite3_bind_int64(insert_, 1, static_cast<std::int64_t>(id));
  sqlite3_bind_blob(insert_, 2, payload.data(), static_cast<int>(payload.size()), SQLITE_STATIC);
  step(insert_);
}

void RawDatabase::wait(std::uint64_t id) {
  sqlite3_bind_int64(wait_, 1, static_cast<std::int64_t>(id));
  step(wait_);
}

void RawDatabase::complete(std::uint64_t id) {
  sqlite3_bind_int64(complete_, 1, static_cast<std::int64_t>(id));
  step(complete_);
}

void RawDatabase::remove(std::uint64_t id) {
  sqlite3_bind_int64(remove_, 1, static_cast<std::int64_t>(id));
  step(remove_);
}

}  // namespace bench
