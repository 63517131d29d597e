// Files that can't be opened, and what is said of them.

#include <errand/log.h>
#include <errand/sqlite.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <set>

#include "support/child.h"
#include "support/folder.h"

using errand::Code;

namespace {

class OpenSqlite : public testing::Test {
 protected:
  void execute(const char* sql) const {
    sqlite3* db = nullptr;
    ASSERT_EQ(sqlite3_open(path.c_str(), &db), SQLITE_OK);
    EXPECT_EQ(sqlite3_exec(db, sql, nullptr, nullptr, nullptr), SQLITE_OK) << sqlite3_errmsg(db);
    sqlite3_close(db);
  }
  // Of the file's two tasks nobody can read the first.
  void leave_one_of_two_damaged() const {
    {
      const auto store = errand::open_sqlite(path);
      ASSERT_TRUE(store);
      errand::NewTask tasks[2];
      for (errand::NewTask& task : tasks) task = {.queue = "mail", .kind = "welcome", .content_type = "text/plain"};
      ASSERT_TRUE((*store)->commit({.added = tasks}, errand::WallTime{}));
    }
    execute("update errand_enqueued set state = 'sleepy' where id = 1");
  }
  void expect_refused(Code code, const std::string& why) const {
    const auto store = errand::open_sqlite(path);
    ASSERT_FALSE(store);
    EXPECT_EQ(store.error().code(), code);
    EXPECT_NE(store.error().message().find(why), std::string::npos) << store.error().message();
    EXPECT_NE(store.error().message().find("tasks.db"), std::string::npos) << store.error().message();
  }

  // Who tries where root would be let in: nobody in particular.
  static std::string others() { return std::to_string(geteuid() == 0 ? kNobody : geteuid()); }
  // What they are told; empty: they have opened it.
  [[nodiscard]] std::string refused_to_others() const {
    int told[2];
    EXPECT_EQ(pipe(told), 0);
    EXPECT_EQ(in_child([&] {
                require(geteuid() != 0 || (setgid(kNobody) == 0 && setuid(kNobody) == 0), 1);
                const auto store = errand::open_sqlite(path);
                if (store) return;
                const std::string why = std::string(to_string(store.error().code())) + " " + store.error().message();
                require(write(told[1], why.data(), why.size()) == static_cast<ssize_t>(why.size()), 2);
              }),
              0);
    close(told[1]);
    char text[4096] = {};
    const ssize_t length = read(told[0], text, sizeof text);
    close(told[0]);
    return {text, static_cast<std::size_t>(std::max<ssize_t>(length, 0))};
  }

  static constexpr unsigned kNobody = 65534;
  const Folder folder;
  std::string path = folder.file("tasks.db");
};

TEST_F(OpenSqlite, NamesTheOwnerThatThereIs) {
  const auto first = errand::open_sqlite(path);
  ASSERT_TRUE(first);
  expect_refused(Code::owned_by, "process " + std::to_string(getpid()));
}

// Two owners would run the same tasks, and could damage the log.
TEST_F(OpenSqlite, HasOneOwnerByWhicheverLinkItIsOpened) {
  const std::string link = folder.file("link.db");
  std::filesystem::create_directory(folder.file("deep"));
  std::filesystem::create_symlink("tasks.db", link);  // leads nowhere yet
  std::filesystem::create_symlink("../link.db", folder.file("deep/tasks.db"));
  {
    const auto first = errand::open_sqlite(link);
    ASSERT_TRUE(first) << first.error().message();
    expect_refused(Code::owned_by, "process " + std::to_string(getpid()));
  }
  const auto first = errand::open_sqlite(path);
  ASSERT_TRUE(first);
  path = folder.file("deep/tasks.db");
  expect_refused(Code::owned_by, "process " + std::to_string(getpid()));
  EXPECT_FALSE(std::filesystem::exists(link + ".lock"));
}

TEST_F(OpenSqlite, RefusesAFileOfSeveralNames) {
  ASSERT_TRUE(errand::open_sqlite(path));
  const std::string first = path;
  path = folder.file("second tasks.db");
  std::filesystem::create_hard_link(first, path);
  expect_refused(Code::invalid, "it has 2 names (hard links)");
  EXPECT_FALSE(std::filesystem::exists(path + ".lock"));
  std::filesystem::remove(first);
  EXPECT_TRUE(errand::open_sqlite(path));
}

TEST_F(OpenSqlite, SaysWhereTasksInMemoryAreKept) {
  const auto store = errand::open_sqlite(":memory:");
  ASSERT_FALSE(store);
  EXPECT_EQ(store.error().code(), Code::invalid);
  EXPECT_NE(store.error().message().find("open_memory()"), std::string::npos) << store.error().message();
  EXPECT_FALSE(std::filesystem::exists(":memory:.lock"));
}

TEST_F(OpenSqlite, IsFreeAgainWhenTheLastHandleIsGone) {
  {
    const auto first = errand::open_sqlite(path);
    ASSERT_TRUE(first);
    const errand::StorePtr shared = *first;
  }
  EXPECT_TRUE(errand::open_sqlite(path));
}

// Whoever it forked, and left behind.
TEST_F(OpenSqlite, IsFreeAgainWhenItsOwnerEndsThoughAChildOfThatLivesOn) {
  int to_child[2];
  int from_child[2];
  ASSERT_TRUE(pipe(to_child) == 0 && pipe(from_child) == 0);
  ASSERT_EQ(in_child([&] {
              const auto owner = errand::open_sqlite(path);
              require(owner.has_value(), 1);
              const pid_t child = fork();
              require(child >= 0, 2);
              if (child == 0) {
                close(to_child[1]);
                char word = 'a';
                static_cast<void>(!write(from_child[1], &word, 1));
                static_cast<void>(!read(to_child[0], &word, 1));  // until nobody holds its other end any more
                static_cast<void>(!write(from_child[1], &word, 1));
              }
              _exit(0);
            }),
            0);
  close(to_child[0]);
  close(from_child[1]);
  char word = 0;
  EXPECT_EQ(read(from_child[0], &word, 1), 1);
  {
    const auto next = errand::open_sqlite(path);
    EXPECT_TRUE(next) << next.error().message();
  }
  close(to_child[1]);
  EXPECT_EQ(read(from_child[0], &word, 1), 1) << "it was alive all the while";
  close(from_child[0]);
}

TEST_F(OpenSqlite, IsItsOwnersWhateverAChildOfThatDoes) {
  std::optional<errand::Result<errand::SqliteStore>> owner(errand::open_sqlite(path));
  ASSERT_TRUE(*owner);
  EXPECT_EQ(in_child([&] {
              const auto refused = errand::open_sqlite(path);
              require(!refused && refused.error().code() == Code::owned_by, 1);
              // It gets the first number that is free, which is that of the lock it has closed.
              const int another = open(path.c_str(), O_RDONLY | O_CLOEXEC);
              owner.reset();
              require(another >= 0 && fcntl(another, F_GETFD) >= 0, 2);
            }),
            0);
  expect_refused(Code::owned_by, "process " + std::to_string(getpid()));
}

// Whatever would be written to it would be lost with its last handle.
TEST_F(OpenSqlite, IsOfNoUseWhileItsFileHasNoName) {
  const auto now = errand::WallTime{};
  const auto store = errand::open_sqlite(path);
  ASSERT_TRUE(store);
  errand::NewTask task[] = {{.queue = "mail", .kind = "welcome", .content_type = "text/plain"}};
  ASSERT_TRUE((*store)->commit({.added = task}, now));
  const auto expect_away = [&] {
    const auto refused = (*store)->commit({.added = task}, now);
    ASSERT_FALSE(refused) << "it took a task that nobody will find again";
    EXPECT_EQ(refused.error().code(), Code::unavailable);
    EXPECT_NE(refused.error().message().find("was deleted, moved or replaced"), std::string::npos)
        << refused.error().message();
    EXPECT_NE(refused.error().message().find(path), std::string::npos);
    EXPECT_FALSE((*store)->counts(now));
    EXPECT_FALSE((*store)->set_paused("mail", true));
  };
  std::filesystem::rename(path, folder.file("elsewhere.db"));
  expect_away();
  std::ofstream(path) << "another one";
  expect_away();
  std::filesystem::rename(folder.file("elsewhere.db"), path);
  EXPECT_TRUE((*store)->commit({.added = task}, now));
  const auto found = (*store)->list({}, {}, 10, now);
  EXPECT_TRUE(found && found->size() == 2);
}

TEST_F(OpenSqlite, RefusesWhatIsNoDatabase) {
  std::ofstream(path) << std::string(8192, 'x');
  expect_refused(Code::invalid, "no database, or is damaged: put a backup in its place, or save what can be read");
  EXPECT_EQ(std::filesystem::file_size(path), 8192u) << "and leaves it as it is";
}

TEST_F(OpenSqlite, RefusesSomebodyElsesDatabase) {
  execute("create table users (id integer primary key)");
  expect_refused(Code::invalid, "something else: give errand a file of its own");
}

TEST_F(OpenSqlite, LeavesNoTraceBesideWhatItRefuses) {
  const auto files = [&] {
    std::set<std::string> names;
    for (const auto& one : std::filesystem::directory_iterator(folder.path())) names.insert(one.path().filename());
    return names;
  };
  const std::set<std::string> alone{"tasks.db"};
  std::ofstream(path) << std::string(8192, 'x');
  expect_refused(Code::invalid, "no database");
  EXPECT_EQ(files(), alone);
  std::filesystem::remove(path);
  execute("create table users (id integer primary key)");
  expect_refused(Code::invalid, "something else");
  EXPECT_EQ(files(), alone);
  execute("pragma journal_mode = wal");
  expect_refused(Code::invalid, "something else");
  EXPECT_EQ(files(), alone);
  // What was there stays.
  std::ofstream(path + ".lock") << "mine";
  expect_refused(Code::invalid, "something else");
  EXPECT_EQ(files(), (std::set<std::string>{"tasks.db", "tasks.db.lock"}));
  std::filesystem::remove(path);
  std::filesystem::remove(path + ".lock");
  EXPECT_TRUE(errand::open_sqlite(path));
  EXPECT_EQ(files(), (std::set<std::string>{"tasks.db", "tasks.db-running", "tasks.db.lock"}));
}

// As long as somebody may come back to it.
TEST_F(OpenSqlite, LeavesTheLogOfWhatItRefuses) {
  EXPECT_EQ(in_child([&] {
              sqlite3* db = nullptr;
              require(sqlite3_open(path.c_str(), &db) == SQLITE_OK, 1);
              require(
                  sqlite3_exec(db, "pragma journal_mode = wal; create table users (id); insert into users values (7)",
                               nullptr, nullptr, nullptr) == SQLITE_OK,
                  2);
            }),
            0);
  const auto log = std::filesystem::file_size(path + "-wal");
  expect_refused(Code::invalid, "something else");
  EXPECT_EQ(std::filesystem::file_size(path + "-wal"), log);
  EXPECT_FALSE(std::filesystem::exists(path + ".lock"));
}

TEST_F(OpenSqlite, RefusesASchemaThatIsNewer) {
  ASSERT_TRUE(errand::open_sqlite(path));
  execute("pragma user_version = 99");
  expect_refused(Code::invalid,
                 "its schema is version 99, and this errand knows 2: a newer errand wrote it; run that one");
  execute("pragma user_version = 2");
  EXPECT_TRUE(errand::open_sqlite(path));
}

// What an export may have at the most; the ids that are given next are higher.
TEST_F(OpenSqlite, GoesOnBehindTheHighestIdThatMayBeTakenIn) {
  constexpr std::uint64_t kStoreBit = std::uint64_t{1} << 63;
  errand::KeptTask highest;
  highest.id = errand::TaskId{kStoreBit | (std::uint64_t{1} << 62)};
  highest.state = errand::TaskState::available;
  highest.task = {.queue = "mail", .kind = "k"};
  for (std::uint64_t next = 1; next <= 2; ++next) {
    const auto store = errand::open_sqlite(path);
    ASSERT_TRUE(store) << store.error().message();
    if (next == 1) {
      ASSERT_TRUE((*store)->adopt({.tasks = std::span(&highest, 1)}, {})->tasks.at(0));
    }
    errand::NewTask task[] = {{.queue = "mail", .kind = "k"}};
    EXPECT_EQ((*store)->commit({.added = task}, {})->added.at(0)->id.value, highest.id.value + next);
  }
  EXPECT_TRUE(errand::open_sqlite(path));
}

// Who is told that it can't be does not try again.
TEST_F(OpenSqlite, RefusesPathsThatLeadToNoFile) {
  const auto expect_no_file = [&](const std::string& name, const std::string& why) {
    path = folder.file(name);
    expect_refused(Code::invalid, why);
  };
  std::filesystem::create_directories(folder.file("deep/tasks.db"));
  std::filesystem::create_symlink("deep/tasks.db", folder.file("link to tasks.db"));
  ASSERT_EQ(mkfifo(folder.file("pipe of tasks.db").c_str(), 0600), 0);
  std::ofstream(folder.file("tasks.db")) << "";
  expect_no_file("no/tasks.db", "there is no folder \"" + folder.file("no") + "\": make it first");
  expect_no_file("tasks.db/tasks.db", "\"" + folder.file("tasks.db") + "\" is no folder");
  expect_no_file("tasks.db/deep/tasks.db", "there is no folder \"" + folder.file("tasks.db/deep") + "\"");
  expect_no_file("deep/tasks.db", "it is a folder: give the path of a file in it");
  expect_no_file("deep/tasks.db/", "it is a folder");
  expect_no_file("link to tasks.db", "it is a folder");
  expect_no_file("pipe of tasks.db", "it is a device, a pipe or a socket");
  const std::filesystem::recursive_directory_iterator all(folder.path());
  EXPECT_EQ(std::distance(begin(all), end(all)), 5) << "and leaves no trace";
}

TEST_F(OpenSqlite, SaysWhatCanBeDoneAboutDamageInside) {
  ASSERT_TRUE(errand::open_sqlite(path));
  execute("update errand_meta set value = 1 << 60 where name = 'lives'");
  expect_refused(Code::invalid, "its count of lives is damaged: put a backup in its place");
  execute("drop table errand_meta");
  expect_refused(Code::invalid, "no such table: errand_meta: put a backup in its place");
}

// As somebody who may do less than root.
TEST_F(OpenSqlite, SaysThatItsFileCannotBeWritten) {
  ASSERT_TRUE(errand::open_sqlite(path));
  std::filesystem::permissions(folder.path(), std::filesystem::perms::all);
  for (const char* ending : {"", ".lock", "-running"})
    std::filesystem::permissions(path + ending, std::filesystem::perms(0666));
  EXPECT_EQ(refused_to_others(), "") << "so far they may";
  std::filesystem::permissions(path, std::filesystem::perms(0444));
  EXPECT_EQ(refused_to_others(), "invalid sqlite: open \"" + path +
                                     "\": the file can't be written: Permission denied; user " + others() +
                                     " has to be able to");
}

TEST_F(OpenSqlite, SaysWhichOfItsFilesCannotBeWritten) {
  ASSERT_TRUE(errand::open_sqlite(path));
  std::filesystem::permissions(folder.path(), std::filesystem::perms::all);
  std::filesystem::permissions(path, std::filesystem::perms(0666));
  for (const std::string ending : {".lock", "-running"}) {
    std::filesystem::permissions(path + ending, std::filesystem::perms(0400));
    EXPECT_EQ(refused_to_others(), "invalid sqlite: open \"" + path + "\": the file \"" + path + ending +
                                       "\", which belongs to it, can't be written: Permission denied; user " +
                                       others() + " has to be able to");
    std::filesystem::permissions(path + ending, std::filesystem::perms(0666));
  }
}

TEST_F(OpenSqlite, SaysThatItsFolderCannotBeWritten) {
  const std::string why = "invalid sqlite: open \"" + path + "\": the folder \"" + folder.path().string() +
                          "\" can't be written: Permission denied; it has to be one in which user " + others() +
                          " may make files, as there are some beside this one";
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0555));
  EXPECT_EQ(refused_to_others(), why) << "there is nothing in it";
  std::filesystem::permissions(folder.path(), std::filesystem::perms::all);
  ASSERT_TRUE(errand::open_sqlite(path));
  for (const char* ending : {"", ".lock", "-running"})
    std::filesystem::permissions(path + ending, std::filesystem::perms(0666));
  std::filesystem::permissions(folder.path(), std::filesystem::perms(0555));
  EXPECT_EQ(refused_to_others(), why) << "the log is missing";
  std::filesystem::permissions(folder.path(), std::filesystem::perms::all);
}

TEST_F(OpenSqlite, RefusesPathsThatAreNone) {
  EXPECT_EQ(errand::open_sqlite("").error().code(), Code::invalid);
  EXPECT_EQ(errand::open_sqlite(std::string_view("a\0b", 3)).error().code(), Code::invalid);
}

// Who lists them gets the others; who asks for it is told.
TEST_F(OpenSqlite, ADamagedRowIsAnErrorAndNoTask) {
  constexpr std::uint64_t kTasks = 6;
  const auto id = [](std::uint64_t number) { return errand::TaskId{(std::uint64_t{1} << 63) | number}; };
  {
    const auto store = errand::open_sqlite(path);
    ASSERT_TRUE(store);
    std::vector<errand::NewTask> tasks(kTasks, {.queue = "mail", .kind = "welcome", .content_type = "text/plain"});
    for (errand::NewTask& task : tasks) task.tags = {"a"};
    ASSERT_TRUE((*store)->commit({.added = tasks}, errand::WallTime{}));
  }
  execute(
      "update errand_enqueued set state = 'sleepy' where id = 1; update errand_enqueued set priority = -1 where id = 3;"
      "update errand_enqueued set tags = '[\"a\"' where id = 4; update errand_enqueued set priority = 10 where id = "
      "6;");
  const auto store = errand::open_sqlite(path);
  ASSERT_TRUE(store);
  const auto ids = [&](const errand::TaskFilter& filter, errand::TaskId after = {}, std::size_t limit = 10) {
    const auto found = (*store)->list(filter, after, limit, errand::WallTime{});
    EXPECT_TRUE(found) << found.error().message();
    std::vector<errand::TaskId> ids;
    if (!found) return ids;
    for (const errand::KeptTask& task : *found) ids.push_back(task.id);
    return ids;
  };
  EXPECT_EQ(ids({}), (std::vector{id(2), id(5)}));
  EXPECT_EQ(ids({}, {}, 1), std::vector{id(2)}) << "and they fill no page";
  EXPECT_EQ(ids({}, id(2), 1), std::vector{id(5)});
  EXPECT_EQ(ids({.tag = "a"}), (std::vector{id(2), id(5)}));
  EXPECT_EQ(ids({.ids = {id(2), id(5)}}), (std::vector{id(2), id(5)}));
  const auto asked = (*store)->list({.ids = {id(2), id(3)}}, {}, 10, errand::WallTime{});
  ASSERT_FALSE(asked);
  EXPECT_EQ(asked.error().message(), "sqlite: read task 3: its row is damaged");
  EXPECT_EQ((*store)->find(id(1), errand::WallTime{}).error().message(), "sqlite: read task 1: its row is damaged");
  EXPECT_TRUE((*store)->change({.tag = "a"}, {.what = errand::Change::What::hold}, {}, 10, errand::WallTime{}));
  // All of them, by name, and in pages.
  const auto damaged = (*store)->list_damaged({}, 10);
  ASSERT_TRUE(damaged) << damaged.error().message();
  ASSERT_EQ(damaged->size(), 4u);
  EXPECT_EQ(damaged->at(0).id, id(1));
  EXPECT_EQ(damaged->at(0).why.message(), "sqlite: read task 1: its row is damaged");
  EXPECT_EQ(damaged->at(2).why.message(),
            "sqlite: read task 4: its row is damaged: tags, metadata, log or history are no JSON");
  const auto page = (*store)->list_damaged(id(1), 2);
  ASSERT_TRUE(page && page->size() == 2);
  EXPECT_EQ(page->at(1).id, id(4));
  EXPECT_TRUE((*store)->list_damaged(id(6), 2)->empty());
}

// Whoever only looks hears of it, and once is enough.
TEST_F(OpenSqlite, ADamagedRowIsLoggedForWhoNeverCommits) {
  leave_one_of_two_damaged();
  const auto store = errand::open_sqlite(path);
  ASSERT_TRUE(store);
  std::vector<std::string> said;
  errand::set_logger([&](const errand::LogLine& line) {
    EXPECT_EQ(line.level, errand::LogLevel::error);
    said.emplace_back(line.text);
  });
  for (int i = 0; i < 3; ++i) EXPECT_EQ((*store)->list({}, {}, 10, errand::WallTime{})->size(), 1u);
  errand::set_logger({});
  EXPECT_EQ(said, std::vector<std::string>{"sqlite: read task 1: its row is damaged"});
}

TEST_F(OpenSqlite, ADamagedRowKeepsNobodyFromTheOthers) {
  leave_one_of_two_damaged();
  const auto store = errand::open_sqlite(path);
  ASSERT_TRUE(store);
  const errand::ClaimRequest all[] = {{.queue = "mail", .any_kind = true, .limit = 10}};
  const auto committed = (*store)->commit({.claims = all}, errand::WallTime{});
  ASSERT_TRUE(committed) << committed.error().message();
  EXPECT_EQ(committed->claims.at(0).tasks.size(), 1u);
  EXPECT_FALSE(committed->claims.at(0).more);
}

// Nor a commit from anybody else, whatever the row has to do with it.
TEST_F(OpenSqlite, ADamagedRowIsTheMisfortuneOfWhoMeetsIt) {
  const errand::WallTime now{std::chrono::seconds(1'700'000'000)};
  errand::NewTask keyed{.queue = "mail", .kind = "welcome", .content_type = "text/plain", .run_at = now};
  keyed.unique.key = "k";
  errand::NewSchedule hourly;
  hourly.queue = "mail";
  hourly.name = "hourly";
  hourly.interval = std::chrono::hours(1);
  hourly.anchor = now;
  hourly.next = now;
  hourly.overlap = errand::Overlap::cancel_previous;
  hourly.task = keyed;
  hourly.task.unique = {};
  const auto slot = [&](const errand::KeptSchedule& read, errand::WallTime at) {
    errand::NewTask run = hourly.task;
    run.schedule = "hourly";
    run.slot = at;
    return errand::Advance{.queue = "mail",
                           .schedule = "hourly",
                           .version = read.version,
                           .until = at,
                           .next = at + std::chrono::hours(1),
                           .runs = {run},
                           .cancel_earlier = true};
  };
  {
    const auto store = errand::open_sqlite(path);
    ASSERT_TRUE(store);
    errand::NewTask tasks[] = {keyed};
    const auto put = (*store)->put_schedule(hourly, now);
    ASSERT_TRUE(put);
    const errand::Advance first[] = {slot(*put, now)};
    ASSERT_TRUE((*store)->commit({.added = tasks, .advanced = first}, now));
  }
  execute("update errand_enqueued set priority = 99");
  const auto store = errand::open_sqlite(path);
  ASSERT_TRUE(store);
  const auto read = (*store)->find_schedule("mail", "hourly");
  ASSERT_TRUE(read);
  errand::NewTask tasks[] = {keyed, keyed};
  tasks[1].unique = {};
  const errand::Advance next[] = {slot(*read, now + std::chrono::hours(1))};
  const auto committed = (*store)->commit({.added = tasks, .advanced = next}, now + std::chrono::hours(1));
  ASSERT_TRUE(committed) << committed.error().message();
  ASSERT_FALSE(committed->added.at(0)) << "its key is held, and nobody can tell by what";
  EXPECT_EQ(committed->added.at(0).error().message(), "sqlite: read task 1: its row is damaged");
  EXPECT_TRUE(committed->added.at(1));
  ASSERT_TRUE(committed->advanced.at(0));
  EXPECT_TRUE(committed->advanced.at(0)->runs.at(0));
  // A change passes them by, and they can be taken away.
  const auto cancelled = (*store)->change({.queue = "mail"}, {.what = errand::Change::What::cancel}, {}, 10, now);
  ASSERT_TRUE(cancelled) << cancelled.error().message();
  EXPECT_EQ(cancelled->ids.size(), 2u);
  EXPECT_EQ((*store)->list({}, {}, 10, now)->size(), 2u);
  for (const std::uint64_t number : {1, 2}) {
    const errand::TaskId id{(std::uint64_t{1} << 63) | number};
    EXPECT_TRUE((*store)->change({.ids = {id}}, {.what = errand::Change::What::remove}, {}, 10, now));
  }
  const auto left = (*store)->list({}, {}, 10, now);
  ASSERT_TRUE(left) << left.error().message();
  EXPECT_EQ(left->size(), 2u);
  EXPECT_TRUE((*store)->list_damaged({}, 10)->empty());
}

}  // namespace
