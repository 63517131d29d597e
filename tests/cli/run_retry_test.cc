// errand run over time: retries, timeouts, delays, halts, the job log and going on with it.

#include "run_program.h"

#include <signal.h>

#include <algorithm>
#include <cstdlib>

namespace errand::cli {
namespace {

using Lines = std::vector<std::string>;

// The fields of the log's lines, without its header.
std::vector<Lines> table(const Lines& log) {
  std::vector<Lines> rows;
  for (std::size_t i = 1; i < log.size(); ++i) {
    Lines& row = rows.emplace_back();
    std::string_view rest = log[i];
    for (auto tab = rest.find('\t'); tab != std::string_view::npos; tab = rest.find('\t')) {
      row.emplace_back(rest.substr(0, tab));
      rest.remove_prefix(tab + 1);
    }
    row.emplace_back(rest);
    EXPECT_EQ(row.size(), 7u) << log[i];
  }
  return rows;
}

TEST_F(RunTest, TriesACommandAgain) {
  const auto ended = run({"--retries", "5", "--backoff", "1ms",
                          "echo x >> tries; wc -l < tries; test $(wc -l < tries) = 3; : {}; test $(wc -l < tries) = 3"},
                         "a\n");
  EXPECT_EQ(ended.exit_code, 0);
  EXPECT_EQ(lines("tries").size(), 3u);
  EXPECT_EQ(ended.out, "3\n");  // only the last attempt is printed
}

TEST_F(RunTest, GivesUpAfterTheLastRetry) {
  const auto ended = run({"--retries", "3", "--backoff", "0", "echo x >> tries; exit {}"}, "7\n");
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_EQ(lines("tries").size(), 4u);
  EXPECT_EQ(ended.err,
            "errand run: exit code 7 after 4 attempts: echo x >> tries; exit 7\nerrand run: 1 of 1 failed\n");
}

TEST_F(RunTest, LetsOthersRunWhileACommandWaitsForItsNextAttempt) {
  // The first one only succeeds once the second one has run, on the same worker.
  const auto ended = run({"-j", "1", "--retries", "1000", "--backoff", "10ms", "-k"}, "test -e done\ntouch done\n");
  EXPECT_EQ(ended.exit_code, 0);
}

TEST_F(RunTest, EndsACommandThatTakesTooLong) {
  const auto ended = run({"--timeout", "200ms", "--joblog", "log", "sleep 1000; : {}"}, "a\n");
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_NE(ended.err.find("errand run: timed out, signal 15 (Terminated): sleep 1000; : a\n"), std::string::npos);
  const auto row = table(lines("log")).at(0);
  EXPECT_EQ(row[3] + " " + row[4], "0 15");
}

TEST_F(RunTest, CountsATimeoutAsAFailureWhateverTheExitCode) {
  const auto ended =
      run({"--timeout", "500ms", "--joblog", "log", "trap 'exit 0' TERM; while :; do sleep 0.01; done; : {}"}, "a\n");
  EXPECT_EQ(ended.exit_code, 1);
  const auto row = table(lines("log")).at(0);
  EXPECT_EQ(row[3] + " " + row[4], "124 0");
}

TEST_F(RunTest, TriesAgainAfterATimeout) {
  const auto ended =
      run({"--timeout", "300ms", "--retries", "2", "--backoff", "1ms", "echo x >> tries; sleep 1000 # {}"}, "a\n");
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_EQ(lines("tries").size(), 3u);
}

// A shell, its child and its grandchild, none of which minds SIGTERM.
TEST_F(RunTest, KillsAWholeTreeThatDoesNotMindSigterm) {
  const std::string tree =
      "trap '' TERM; sh -c 'sleep 1000 & echo $! > grandchild; echo $$ > child; wait' & echo $$ > shell; wait; wait";
  const auto ended = run({"--timeout", "1s", "--kill-after", "200ms", "--joblog", "log"}, tree + "\n");
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_NE(ended.err.find("timed out, signal 9 (Killed)"), std::string::npos) << ended.err;
  for (const char* who : {"shell", "child", "grandchild"}) {
    EXPECT_TRUE(eventually([pid = pid_in(who)] { return !is_alive(pid); })) << who;
  }
}

// The shell dies of SIGTERM at once; what it started still gets its time.
TEST_F(RunTest, LetsTheRestOfATreeEndInOrder) {
  const std::string tree =
      "sh -c 'trap \"echo bye > bye; exit 0\" TERM; echo $$ > child; while :; do sleep 0.01; done' & wait";
  const auto ended = run({"--timeout", "1s", "--kill-after", "60s"}, tree + "\n");
  EXPECT_EQ(ended.exit_code, 1);
  EXPECT_EQ(content("bye"), "bye\n");
}

TEST_F(RunTest, WakesAStoppedCommandToEndIt) {
  const auto ended = run({"--timeout", "300ms", "--kill-after", "60s", "kill -STOP $$; : {}"}, "a\n");
  EXPECT_NE(ended.err.find("timed out, signal 15"), std::string::npos) << ended.err;
}

TEST_F(RunTest, KeepsADistanceBetweenStarts) {
  const auto ended = run({"-j", "4", "--delay", "150ms", "date +%s%N; : {}"}, "a\nb\nc\nd\n");
  auto moments = split_lines(ended.out);
  ASSERT_EQ(moments.size(), 4u);
  std::ranges::sort(moments);  // any of the four may get the first turn
  // From the start of the first process to that of the last one at least 450 ms pass; a shell may be slow to say so.
  EXPECT_GT(std::stoll(moments[3]) - std::stoll(moments[0]), 250'000'000);
}

TEST_F(RunTest, CountsTheTimeoutFromTheStartAndNotFromTheWaitForIt) {
  const auto ended =
      run({"-j", "4", "--delay", "1s", "--timeout", "1500ms", "echo {}"}, "a\nb\nc\n");  // the third waits for 2 s
  EXPECT_EQ(ended.exit_code, 0);
}

TEST_F(RunTest, HaltsSoonLettingRunningCommandsFinish) {
  make_fifo("go");
  Program program(directory_, {"-j", "2", "--halt", "soon"});
  program.type("cat go > /dev/null; echo finished\nexit 9\n");
  std::string more;
  for (int i = 0; i < 100; ++i) more += "touch later\n";
  EXPECT_TRUE(program.prints_error("exit code 9"));
  program.type(more);
  write("go", "");
  const auto ended = program.end();
  EXPECT_EQ(ended.exit_code, 9);
  EXPECT_EQ(ended.out, "finished\n");
  EXPECT_FALSE(exists("later"));
}

TEST_F(RunTest, HaltsNowKillingWhatRuns) {
  make_fifo("go");
  const auto ended =
      run({"-j", "2", "--halt", "now"}, "echo $$ > pid; echo > go; sleep 1000\ncat go; exit 9\ntouch later\n");
  EXPECT_EQ(ended.exit_code, 9);
  EXPECT_FALSE(is_alive(pid_in("pid")));
  EXPECT_FALSE(exists("later"));
}

TEST_F(RunTest, HaltsWithTheStatusOfASignal) {
  EXPECT_EQ(run({"--halt", "now", "kill -9 $$; : {}"}, "a\n").exit_code, 137);
}

TEST_F(RunTest, HaltsOnlyAfterTheLastRetry) {
  const auto ended = run({"-j", "1", "--halt", "now", "--retries", "2", "--backoff", "0",
                          "echo x >> tries; test $(wc -l < tries) = 3 # {}"},
                         "a\n");
  EXPECT_EQ(ended.exit_code, 0);
}

TEST_F(RunTest, WritesALineForEachAttempt) {
  run({"-j", "1", "--joblog", "log", "--retries", "1", "--backoff", "0", "exit {}"}, "0\n3\n");
  EXPECT_EQ(lines("log").at(0), "seq\tstart\truntime\texit\tsignal\tattempt\tcommand");
  auto rows = table(lines("log"));
  ASSERT_EQ(rows.size(), 3u);
  const auto tail = [](const Lines& row) { return row[0] + " " + row[3] + " " + row[4] + " " + row[5] + " " + row[6]; };
  EXPECT_EQ(tail(rows[0]), "1 0 0 1 exit 0");
  EXPECT_EQ(tail(rows[1]), "2 3 0 1 exit 3");
  EXPECT_EQ(tail(rows[2]), "2 3 0 2 exit 3");
  EXPECT_GT(std::atof(rows[0][1].c_str()), 1.7e9);
}

TEST_F(RunTest, ResumesWithWhatHasNotSucceeded) {
  const std::string input = "echo 1 >> ran\necho 2 >> ran; test -e fixed\necho 3 >> ran\n";
  EXPECT_EQ(run({"-j", "1", "--joblog", "log"}, input).exit_code, 1);
  write("fixed", "");
  const auto again = run({"-j", "1", "--joblog", "log", "--resume"}, "echo 0 >> ran\n" + input);
  EXPECT_EQ(again.exit_code, 0);
  EXPECT_EQ(content("ran"), "1\n2\n3\n0\n2\n");
  EXPECT_EQ(table(lines("log")).size(), 5u);
}

TEST_F(RunTest, ResumesAfterItWasKilled) {
  make_fifo("go");
  std::string input = "echo go >> ran; cat go; echo went >> ran\n";
  for (int i = 0; i < 50; ++i) input += "echo " + std::to_string(i) + " >> ran\n";
  {
    Program program(directory_, {"-j", "2", "--joblog", "log"});
    program.type(input);
    program.close_input();
    ASSERT_TRUE(eventually([&] { return lines("log").size() > 20; }));
    program.send(SIGKILL);
    EXPECT_EQ(program.end().signal, SIGKILL);
  }
  const auto done = table(lines("log"));
  // What it had started is not its child any more, but goes on.
  write("go", "");
  ASSERT_TRUE(eventually([&] { return content("ran").find("went\n") != std::string::npos; }));
  Program program(directory_, {"-j", "2", "--joblog", "log", "--resume"});
  program.type(input);
  program.close_input();
  write("go", "");
  EXPECT_EQ(program.end().exit_code, 0);
  const auto ran = lines("ran");
  for (const auto& row : done) {
    const std::string number = row[6].substr(5, row[6].find(' ', 5) - 5);
    EXPECT_EQ(std::ranges::count(ran, number), 1) << number;
  }
  for (int i = 0; i < 50; ++i) EXPECT_GE(std::ranges::count(ran, std::to_string(i)), 1) << i;
  EXPECT_EQ(table(lines("log")).size(), 51u);
}

TEST_F(RunTest, ShowsInADryRunWhatResumingWouldRun) {
  run({"--joblog", "log", "echo {}"}, "a\n");
  const std::string before = content("log");
  EXPECT_EQ(run({"--joblog", "log", "--resume", "--dry-run", "echo {}"}, "a\nb\n").out, "echo b\n");
  EXPECT_EQ(run({"--joblog", "log", "--dry-run", "echo {}"}, "a\n").out, "echo a\n");
  EXPECT_EQ(content("log"), before);
}

}  // namespace
}  // namespace errand::cli
