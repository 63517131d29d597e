// Lines that are not what an export writes.

#include <errand/export.h>
#include <gtest/gtest.h>

#include "export_support.h"

using namespace errand;

namespace {

const std::string kFirst = R"({"format":"errand export","version":1})"
                           "\n";
// A task that can be taken in, with what is to be wrong of it in the place of `instead`.
std::string task_with(const std::string& id, const std::string& more = "", const std::string& state = "available") {
  return R"({"task":{"id":")" + id + R"(","queue":"mail","kind":"k","state":")" + state +
         R"(","run_at_us":1000000,"created_at_us":1000000)" + more + "}}\n";
}
std::string end_of(int tasks) {
  return R"({"end":{"pauses":0,"schedules":0,"tasks":)" + std::to_string(tasks) + "}}\n";
}

class Import : public testing::Test {
 protected:
  // The line is refused with this, and its neighbours are taken in.
  void expect_refused(const std::string& line, const std::string& why, bool is_task = true) {
    SCOPED_TRACE(line);
    const StorePtr store = open_memory();
    std::vector<std::string> refused;
    const auto done = imported(*store, kFirst + task_with("1") + line + "\n" + task_with("3") + end_of(is_task ? 3 : 2),
                               kNow, &refused);
    ASSERT_TRUE(done) << done.error().message();
    ASSERT_GE(refused.size(), 1u);
    EXPECT_TRUE(refused[0].starts_with("import line 3: ")) << refused[0];
    EXPECT_NE(refused[0].find(why), std::string::npos) << refused[0];
    EXPECT_EQ(done->tasks, 2u);
    EXPECT_EQ(store->list({}, TaskId{}, 10, kNow)->size(), 2u);
  }
  void expect_field_refused(const std::string& more, const std::string& why) {
    std::string line = task_with("2", "," + more);
    line.pop_back();
    expect_refused(line, why, false);
  }
  static void expect_no_export(const std::string& text, const std::string& why) {
    const StorePtr store = open_memory();
    const auto done = imported(*store, text + task_with("1") + end_of(1), kNow);
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code(), Code::invalid);
    EXPECT_NE(done.error().message().find("import line 1: "), std::string::npos) << done.error().message();
    EXPECT_NE(done.error().message().find(why), std::string::npos) << done.error().message();
    EXPECT_TRUE(store->list({}, TaskId{}, 10, kNow)->empty());
  }
};

TEST_F(Import, TakesNothingOfWhatIsNoExport) {
  expect_no_export("", "expected the first line of an export");
  expect_no_export("hello\n", "hello");
  expect_no_export("{\"format\":\"something else\",\"version\":1}\n", "something else");
  expect_no_export("{\"format\":\"errand export\",\"version\":2}\n", "version 2");
  expect_no_export("{\"format\":\"errand export\"}\n", "version 0");
  const auto nothing = imported(*open_memory(), "", kNow);
  ASSERT_FALSE(nothing);
  EXPECT_EQ(nothing.error().code(), Code::invalid);
}

TEST_F(Import, RefusesALineThatIsNoJson) {
  expect_refused("not JSON", "at byte 0", false);
  expect_refused("", "no bytes", false);
  expect_refused(R"({"task":{"id":"2")", "at byte", false);
  expect_refused("{\"task\":{\"id\":\"2\",\"queue\":\"\xff\"}}", "at byte", false);
  expect_refused(R"({"task":{"id":"2","queue":"\ud800"}})", "at byte", false);
}

TEST_F(Import, RefusesALineThatStandsForNothing) {
  expect_refused("7", "expected an object", false);
  expect_refused("{}", "expected one of pause, schedule, task and end", false);
  expect_refused(R"({"pause":"mail","end":{}})", "expected one of", false);
  expect_refused(R"({"pause":""})", "expected the name of a queue", false);
}

TEST_F(Import, RefusesValuesThatCannotBeRight) {
  expect_field_refused(R"("priority":10)", "task.priority: expected an integer from 0 to 9, got 10");
  expect_field_refused(R"("priority":"high")", "task.priority: expected an integer");
  expect_field_refused(R"("state":"done")", "task.state: expected one of");
  expect_field_refused(R"("state":"refused")", "task.state");
  expect_field_refused(R"("state":"completed")", "finished_at_us");
  expect_field_refused(R"("finished_at_us":5)", "finished_at_us");
  expect_field_refused(R"("id":"")", "task.id");
  expect_field_refused(R"("id":"9223372036854775807")", "task.id");
  expect_field_refused(R"("id":"m0000000000000")", "task.id");
  expect_field_refused(R"("kind":"")", "task.kind: expected a name");
  expect_field_refused(R"("name":"a\u0000b")", "task.name: expected UTF-8 without NUL");
  expect_field_refused(R"("log":["a\u0000b"])", "task.log: expected UTF-8 without NUL");
  expect_field_refused(R"("tags":["a\u0000b"])", "task.tags");
  expect_field_refused(R"("metadata":[["a\u0000b",""]])", "task.metadata");
  expect_field_refused(R"("last_error":{"code":"failed","text":"\u0000"})", "task.last_error.text");
  expect_field_refused(R"("last_error":{"code":"who knows"})", "task.last_error.code");
  expect_field_refused(R"("run_at_us":9223372036854775807)", "task.run_at_us");
  expect_field_refused(R"("attempts":-1)", "task.attempts");
  expect_field_refused(R"("max_attempts":0)", "task.max_attempts");
  expect_field_refused(R"("timeout_ns":0)", "task.timeout_ns");
  expect_field_refused(R"("retry":"now and then")", "task.retry");
  expect_field_refused(R"("payload_base64":"?")", "task.payload_base64");
  expect_field_refused(R"("unique":{"key":"k","states":2})", "task.unique.states");
  expect_field_refused(R"("unique":{"held":true})", "task.unique.key");
  expect_field_refused(R"("token":18446744073709551615)", "task.token");
  expect_field_refused(R"("history":[{},{},{},{},{},{},{},{},{}])", "task.history: expected at most 8, got 9");
}

TEST_F(Import, RefusesASchedulesValuesThatCannotBeRight) {
  const auto schedule = [](const std::string& fields) { return R"({"schedule":{"queue":"mail",)" + fields + "}}"; };
  expect_refused(schedule(R"("cron":"* * * * *","task":{"kind":"k"})"), "schedule.name", false);
  expect_refused(schedule(R"("name":"n","task":{"kind":"k"})"), "schedule.cron", false);
  expect_refused(schedule(R"("name":"n","cron":"* * * * *","interval_ns":5,"task":{"kind":"k"})"), "schedule.cron",
                 false);
  expect_refused(schedule(R"("name":"n","cron":"* * * * *")"), "schedule.task.kind", false);
  expect_refused(schedule(R"("name":"n","cron":"* * * * *","catch_up_cap":0)"), "schedule.catch_up_cap", false);
  expect_refused(schedule(R"("name":"n","cron":"* * * * *","overlap":"both")"), "schedule.overlap", false);
}

TEST_F(Import, SaysWhichTaskIsThereAlready) {
  std::string line = task_with("1");
  line.pop_back();
  expect_refused(line, "task 1: there is a task with this id");
}

TEST_F(Import, CanBeRepeated) {
  const StorePtr store = open_memory();
  const std::string text = kFirst + task_with("1") + task_with("2") + end_of(2);
  ASSERT_EQ(imported(*store, text, kNow)->tasks, 2u);
  const auto again = imported(*store, text, kNow);
  ASSERT_TRUE(again);
  EXPECT_EQ(again->tasks, 0u);
  EXPECT_EQ(again->refused, 2u);
  EXPECT_EQ(store->list({}, TaskId{}, 10, kNow)->size(), 2u);
}

TEST_F(Import, NoticesAnEndThatIsMissing) {
  for (const auto& [text, why] : {std::pair{kFirst + task_with("1"), "cut off"},
                                  {kFirst + task_with("1") + end_of(2), "expected 0 pauses, 0 schedules and 2 tasks"},
                                  {kFirst + task_with("1") + end_of(1) + task_with("2"), "follows the last line"}}) {
    std::vector<std::string> refused;
    const auto done = imported(*open_memory(), text, kNow, &refused);
    ASSERT_TRUE(done);
    EXPECT_EQ(done->tasks, 1u);
    ASSERT_EQ(done->refused, 1u);
    EXPECT_NE(refused.at(0).find(why), std::string::npos) << refused[0];
  }
}

TEST_F(Import, IgnoresFieldsThatItDoesNotKnow) {
  const StorePtr store = open_memory();
  const auto done = imported(*store, kFirst + task_with("1", R"(,"from a later version":[1])") + end_of(1), kNow);
  ASSERT_TRUE(done);
  EXPECT_EQ(done->refused, 0u);
}

TEST_F(Import, EndsWithWhatItsSourceSaysAndKeepsWholePages) {
  const StorePtr store = open_memory();
  int line = 0;
  const auto done = import_tasks(
      *store,
      [&]() -> Result<std::optional<std::string>> {
        if (++line == 1) return std::optional(kFirst);
        if (line == 100) return Error(Code::unavailable, "the disk failed");
        return std::optional(task_with(std::to_string(line)));
      },
      {}, kNow);
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().message(), "the disk failed");
  EXPECT_EQ(store->list({}, TaskId{}, 1000, kNow)->size(), 64u);
}

// A store that is full, say.
TEST_F(Import, SaysWhichLinesAStoreDidNotTake) {
  const StoreFolder folder;
  const auto opened = open_sqlite(folder.path("tasks.db"));
  ASSERT_TRUE(opened);
  SqliteStore store = *opened;
  const auto done = store.transaction([&](Transaction&) -> Result<void> {
    const StorePtr inside = store;
    const auto refused = imported(*inside, kFirst + task_with("1") + end_of(1), kNow);
    EXPECT_FALSE(refused);
    EXPECT_NE(refused.error().message().find("import lines 2 to"), std::string::npos) << refused.error().message();
    return {};
  });
  EXPECT_TRUE(done);
}

}  // namespace
