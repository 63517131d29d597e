// Files that nobody could have written: bytes that have changed, pages of zeros, ends that are missing. Whoever opens
// one learns what is wrong with it, or goes on with what can be read; no process dies of it, and no call goes on for
// ever.
//
// Each file has a process of its own, so that what one does to it is that one's, and its seed is known.

#include <errand/errand.h>
#include <errand/export.h>
#include <errand/log.h>
#include <errand/random.h>
#include <errand/sqlite.h>
#include <errand/testing.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "core/text.h"
#include "damage.h"
#include "effort.h"
#include "support/child.h"

using namespace errand;
using namespace std::chrono_literals;

namespace {

constexpr WallTime kNow{std::chrono::seconds(1'700'000'000)};

constexpr const char* kEndings[] = {"", "-wal", "-running"};

Files read_files(const std::string& path) {
  Files files;
  for (const char* ending : kEndings) {
    std::ifstream in(path + ending, std::ios::binary);
    std::string bytes{std::istreambuf_iterator<char>(in), {}};
    if (!bytes.empty()) files[ending] = std::move(bytes);
  }
  return files;
}

void write_files(const std::string& path, const Files& files) {
  for (const char* ending : {"", "-wal", "-running", "-shm", ".lock"}) std::filesystem::remove(path + ending);
  for (const auto& [ending, bytes] : files) std::ofstream(path + ending, std::ios::binary) << bytes;
}

// --- what is in the files --------------------------------------------------------------------------------------------

void set_handlers(Queue& queue) {
  queue.handle("welcome", [](std::span<const std::byte>, Attempt& attempt) {
    attempt.progress(1, 2, "half of it");
    attempt.log("a line");
    attempt.metadata("to", "somebody");
    return errand::done();
  });
  queue.handle("answer", [](std::span<const std::byte>) { return Output{std::string(100, 'o'), "text/plain"}; });
  queue.handle("fails", [](std::span<const std::byte>) { return errand::retry("it is down"); });
  queue.handle("lost", [](std::span<const std::byte>) { return errand::discard("nobody is there"); });
}

TaskOptions keyed(int number) {
  TaskOptions options;
  options.unique = {.key = "order-" + std::to_string(number), .on_clash = OnClash::refuse};
  return options;
}

Result<Task<>> enqueue(Queue& queue, std::string_view kind, std::size_t size, TaskOptions options = {}) {
  const std::string payload(size, 'p');
  return queue.enqueue_bytes(kind, std::as_bytes(std::span(payload)), std::move(options));
}

void fill(Queue& queue, ManualClock& clock) {
  const auto put = [&](int count, std::string_view kind, const std::function<TaskOptions()>& options) {
    for (int i = 0; i < count; ++i) {
      const auto one = enqueue(queue, kind, static_cast<std::size_t>(i * 37 % 400), options());
      ASSERT_TRUE(one) << one.error().message();
    }
  };
  const auto none = [] { return TaskOptions(); };
  ASSERT_TRUE(queue.every(1min, Named{.kind = "welcome", .payload = "run"}, {.name = "tick"}));
  ASSERT_TRUE(queue.cron("0 3 * * *", Named{.kind = "answer"}, {.name = "nightly", .missed = Missed::all}));
  for (const char* kind : {"welcome", "answer", "fails", "lost"}) put(10, kind, none);
  for (int minute = 0; minute < 3; ++minute) {
    queue.dispatch();
    clock.advance(61s);
  }
  put(20, "welcome", [] { return TaskOptions{.delay = 1h, .metadata = {{"who", "I"}}, .tags = {"a", "b"}}; });
  put(20, "nobody", [] { return TaskOptions{.expires_at = kNow + 24h, .name = "a name"}; });
  put(60, "welcome", none);
  for (int i = 0; i < 10; ++i) ASSERT_TRUE(enqueue(queue, "welcome", 5, keyed(i)));
  ASSERT_TRUE(enqueue(queue, "fails", 20'000));
  ASSERT_TRUE(queue.change({.name = "a name"}, {.what = Change::What::hold}));
}

// As a process leaves them that ends, and as one does that is killed in a body: then everything is in the log still.
struct Prepared {
  Files ended;
  Files killed;
};

Prepared prepare(const std::string& path) {
  Prepared prepared;
  {
    const auto store = open_sqlite(path);
    EXPECT_TRUE(store);
    auto clock = std::make_shared<ManualClock>(kNow);
    Queue queue({.name = "mail", .drive = Drive::manual, .store = *store, .clock = clock, .seed = 1});
    set_handlers(queue);
    queue.handle("dies", [&](std::span<const std::byte>) {
      if (prepared.killed.empty()) prepared.killed = read_files(path);
    });
    fill(queue, *clock);
    EXPECT_TRUE(enqueue(queue, "dies", 5, {.priority = 0}));
    queue.dispatch();
  }
  prepared.ended = read_files(path);
  EXPECT_EQ(prepared.killed.size(), 3u) << "database, log, and who runs";
  EXPECT_EQ(prepared.ended.size(), 2u) << "a log that is not empty after a clean end";
  return prepared;
}

// --- what becomes of them --------------------------------------------------------------------------------------------

// All that a program does with a store, and what is wrong with what it is told.
class Visit {
 public:
  Visit(std::string path, WallTime now) : path_(std::move(path)), now_(now) {}

  // False: it was not opened.
  bool run() {
    const auto store = open_sqlite(path_, {.synchronous = Synchronous::normal});
    if (!is_ok(store, "open")) {
      if (store.error().message().find(path_) == std::string::npos) complain("open", store.error(), "names no file");
      return false;
    }
    auto clock = std::make_shared<ManualClock>(now_);
    Queue queue({.name = "mail", .drive = Drive::manual, .store = *store, .clock = clock, .seed = 1});
    set_handlers(queue);
    queue.handle("dies", [](std::span<const std::byte>) {});
    work(queue);
    look(queue, *store->operator->(), clock->now());
    change(queue);
    const WallTime later = clock->now() + 31s;
    clock->advance(31s);  // it is time to tidy up
    for (int i = 0; i < 3; ++i) queue.dispatch();
    is_ok((*store)->tidy(1000, later), "tidy");
    clock->advance(25h);
    for (int i = 0; i < 3; ++i) queue.dispatch();
    look(queue, *store->operator->(), clock->now());
    clock->set_now(kNow);  // what had been due stays so
    work(queue);
    return true;
  }

  [[nodiscard]] const std::vector<std::string>& complaints() const { return complaints_; }

 private:
  void work(Queue& queue) {
    for (int i = 0; i < 3; ++i) queue.dispatch();
    for (int i = 8; i < 12; ++i) is_ok(enqueue(queue, "welcome", 10, keyed(i)), "enqueue with a key");
    const auto plain = enqueue(queue, "welcome", 10);
    if (!is_ok(plain, "enqueue")) {
      if (queue.stats().healthy) complain("enqueue", plain.error(), "and the queue says that it is healthy");
      return;
    }
    is_ok(queue.info(plain->id()), "info of what was enqueued");
    is_ok(enqueue(queue, "welcome", 10, {.delay = 1min}), "enqueue for later");
    is_ok(queue.every(1min, Named{.kind = "welcome"}, {.name = "tick"}), "keep a schedule");
    queue.dispatch();
  }

  void look(Queue& queue, Store& store, WallTime now) {
    static_cast<void>(queue.list({.limit = 10'000}));
    const auto found = queue.find({}, 10'000);
    bool answers = is_ok(found, "find");
    for (const TaskState state : {TaskState::available, TaskState::retryable, TaskState::completed}) {
      TaskFilter filter;
      filter.state = state;
      is_ok(queue.find(filter, 10'000), "find by state");
    }
    for (std::uint64_t number = 1; number <= 250; number += 7) {
      const TaskId id{(std::uint64_t{1} << 63) | number};
      answers |= is_ok(queue.info(id), "info");
      is_ok(queue.payload(id), "payload");
      is_ok(queue.output(id), "output");
    }
    for (const ScheduleInfo& one : queue.schedules()) {
      if (const auto schedule = queue.schedule(one.name); is_ok(schedule, "schedule")) {
        static_cast<void>(schedule->info());
        static_cast<void>(schedule->next(3));
      }
    }
    answers |= is_ok(store.counts(now), "counts");
    is_ok(store.list({}, {}, 10'000, now), "list");
    is_ok(store.list_schedules(""), "list schedules");
    std::size_t lines = 0;
    const LineSink sink = [&](std::string_view) -> Result<void> {
      if (++lines > 100'000) return Error(Code::failed, "there is no end to it");
      return {};
    };
    is_ok(export_tasks(store, sink, {}, now), "export");
    if (!answers && queue.stats().healthy)
      complaints_.push_back("nothing is answered, and the queue says it is healthy");
  }

  void change(Queue& queue) {
    const auto apply = [&](const TaskFilter& filter, const Change& change) {
      is_ok(queue.change(filter, change), "change");
    };
    TaskFilter over;
    over.state = TaskState::discarded;
    TaskFilter done;
    done.state = TaskState::completed;
    TaskFilter tagged;
    tagged.tag = "a";
    apply({.name = "a name"}, {.what = Change::What::release});
    apply(tagged, {.what = Change::What::edit, .priority = 1, .payload = "another"});
    apply(over, {.what = Change::What::retry});
    apply(done, {.what = Change::What::remove});
    apply({.kind = "fails"}, {.what = Change::What::cancel});
    queue.pause();
    queue.resume();
    if (const auto tick = queue.schedule("tick"); is_ok(tick, "schedule")) {
      Schedule schedule = *tick;
      schedule.pause();
      schedule.resume();
      schedule.trigger();
    }
  }

  template <class T>
  bool is_ok(const Result<T>& result, const char* what) {
    if (!result) judge(result.error(), what);
    return result.has_value();
  }

  void judge(const Error& error, const char* what) {
    switch (error.code()) {
      case Code::invalid:      // the file is damaged; or a row is
      case Code::unavailable:  // the end of the file is missing, which SQLite calls an error of the disk's
      case Code::not_found:    // a row is gone, or has another id, queue or name
      case Code::too_large:    // a length has changed, and is more than SQLite takes
      case Code::duplicate:    // keys are asked for that others have
        break;
      default:  // `owned_by` among them: nobody else has the file, not even who had it before
        complain(what, error, "is not for such a file");
    }
    const std::string& text = error.message();
    if (!is_utf8(text)) complain(what, error, "is no text");
    // What the queue and the export say of their own accord names the queue, or the task.
    for (const char* own : {"queue \"mail\"", "output of task ", "export task ", "export schedule "}) {
      if (text.find(own) != std::string::npos) return;
    }
    const std::size_t store = text.find("sqlite: ");
    if (store == std::string::npos) return complain(what, error, "does not say whose it is");
    const std::string rest = text.substr(store + 8);
    const std::size_t why = rest.find(": ");
    if (why == 0 || why == std::string::npos || why + 2 >= rest.size()) complain(what, error, "does not say what for");
  }

  void complain(const char* what, const Error& error, const char* why) {
    complaints_.push_back(std::string(what) + ": [" + std::string(to_string(error.code())) + "] " + error.message() +
                          ": " + why);
  }

  const std::string path_;
  const WallTime now_;
  std::vector<std::string> complaints_;
};

struct Tally {
  int files = 0;
  int opened = 0;
  int refused = 0;
};

class Corruption : public testing::Test {
 protected:
  // In a process of its own, twice, since what was written is read again.
  void visit(Tally& tally) {
    const std::string verdict = folder.file("verdict");
    std::filesystem::remove(verdict);
    const int status = in_child([&] {
      set_logger([](const LogLine&) {});
      std::ofstream out(verdict);
      for (const Duration later : {Duration(4min), Duration(26h)}) {
        Visit visit(path, kNow + later);
        out << (visit.run() ? "opened" : "refused") << std::endl;
        for (const std::string& complaint : visit.complaints()) out << "complaint " << complaint << '\n';
      }
      out.close();
    });
    // 1000 and a signal: 6 an assertion, 11 a crash, 14 a call that did not come back for 20 s.
    EXPECT_EQ(status, 0) << "how its process ended";
    std::ifstream in(verdict);
    std::string line;
    ++tally.files;
    if (!std::getline(in, line)) return;  // it did not come so far
    ++(line == "opened" ? tally.opened : tally.refused);
    while (std::getline(in, line)) {
      if (line.starts_with("complaint ")) ADD_FAILURE() << line;
    }
  }

  // `spoil`: writes what there is of a store, damaged.
  template <class Spoil>
  void visit_many(const char* what, Spoil spoil) {
    Figures figures("T13", what);
    const Prepared prepared = prepare(path);
    Tally tally;
    const Rounds rounds(20, by_effort(40, 500, 50'000), 20s);
    for (int i = 0; rounds.go_on(i); ++i) {
      const std::uint64_t its_seed = seed + static_cast<std::uint64_t>(i);
      SCOPED_TRACE("ERRAND_SEED=" + std::to_string(its_seed));
      Rng rng(its_seed);
      spoil(rng.below(2) == 0 ? prepared.killed : prepared.ended, rng);
      visit(tally);
    }
    figures.count("files", tally.files).count("opened", tally.opened).count("refused", tally.refused);
  }

  const Scratch folder;
  const std::string path = folder.file("tasks.db");
  // Of the first file; the others follow it. The slice is the same each time: to find something new is the long run's.
  const std::uint64_t seed =
      std::getenv("ERRAND_SEED") == nullptr && by_effort(true, false, false) ? 1 : torture_seed();
};

TEST_F(Corruption, OfBytesIsAnErrorAndNeverTheEndOfAProcess) {
  visit_many("bytes of a database, its log and its slots are changed, zeroed, missing", [&](Files files, Rng& rng) {
    damage(files, rng);
    write_files(path, files);
  });
}

TEST_F(Corruption, OfValuesIsAnErrorAndNeverTheEndOfAProcess) {
  visit_many("values that nobody writes are in the tables", [&](const Files& files, Rng& rng) {
    write_files(path, files);
    set_values(path, rng);
  });
}

}  // namespace
